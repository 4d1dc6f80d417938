/**
 * Completion and signature help at cursors in sources.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompletionItem, CompletionList, SignatureHelp } from 'vscode-languageserver';
import { marked, startClient } from './client.ts';
import type { Client } from './client.ts';

const HEAD = '#include <linux/linkage.h>\n#include <asm/asm.h>\n';
let client: Client;
let count = 0;

beforeAll(async () => { client = await startClient({ textDocument: { completion: { completionItem: { snippetSupport: true } } } }); });
afterAll(() => client.close());

function open(source: string): { readonly textDocument: { readonly uri: string }; readonly position: { line: number; character: number } } {
  const { text, at } = marked(source);
  const uri = `file:///work/completion-${String(++count)}.S`;
  client.open(uri, text);
  return { textDocument: { uri }, position: at('here') };
}

async function list(source: string): Promise<CompletionList> {
  return client.connection.sendRequest<CompletionList>('textDocument/completion', open(source));
}

/** Labels in the order a client shows them. */
async function complete(source: string): Promise<readonly string[]> {
  const { items } = await list(source);
  return [...items].sort((a, b) => (a.sortText! < b.sortText! ? -1 : 1)).map(({ label }) => label);
}

async function signature(source: string): Promise<string> {
  const help = await client.connection.sendRequest<SignatureHelp | null>('textDocument/signatureHelp', open(source));
  if (help === null) return 'none';
  const { label, parameters } = help.signatures[help.activeSignature!]!;
  const [start, end] = (parameters![help.activeParameter!]?.label ?? [0, 0]) as [number, number];
  return `${label.slice(0, start)}[${label.slice(start, end)}]${label.slice(end)} of ${String(help.signatures.length)}`;
}

describe('completion of the first word', () => {
  it('proposes mnemonics with their suffixes, the common ones first', async () => {
    const found = (await complete('f:\tmo«here»')).filter((label) => label.startsWith('mo'));
    expect(found.slice(0, 6)).toEqual(['mov', 'movabs', 'movb', 'movl', 'movnti', 'movq']);
    expect(found).toEqual(expect.arrayContaining(['movzbl', 'movdqu', 'movsd']));
  });

  it('explains the mnemonic that is looked at with its operand forms', async () => {
    const { items } = await list('\tmov«here»');
    const item = items.find(({ label }) => label === 'movntiq')!;
    const { documentation } = await client.connection.sendRequest<CompletionItem>('completionItem/resolve', item);
    expect((documentation as { value: string }).value).toMatchInlineSnapshot(`
      "\`movntiq\` stores past the cache; sfence orders it.

      \`\`\`gas
      movntiq r64, m64
      \`\`\`"
    `);
  });

  it('proposes directives, replacing the dot', async () => {
    const { items } = await list('\t.ali«here»');
    expect(items.find(({ label }) => label === '.align')).toMatchInlineSnapshot(`
      {
        "data": {
          "kind": "directive",
          "uri": "file:///work/completion-3.S",
        },
        "detail": "bytes[, fill[, most]]",
        "kind": 10,
        "label": ".align",
        "sortText": "5.000 .align",
        "textEdit": {
          "newText": ".align",
          "range": {
            "end": {
              "character": 5,
              "line": 0,
            },
            "start": {
              "character": 1,
              "line": 0,
            },
          },
        },
      }
    `);
  });

  it('proposes entry macros as snippets', async () => {
    const { items } = await list(`${HEAD}\t_ASM«here»`);
    expect(items.filter(({ label }) => label.startsWith('_ASM_EXTABLE')).map(({ label, textEdit, insertTextFormat }) => [label, textEdit!.newText, insertTextFormat])).toMatchInlineSnapshot(`
      [
        [
          "_ASM_EXTABLE_TYPE",
          "_ASM_EXTABLE_TYPE(\${1:from}, \${2:to}, \${3:type})",
          2,
        ],
        [
          "_ASM_EXTABLE",
          "_ASM_EXTABLE(\${1:from}, \${2:to})",
          2,
        ],
        [
          "_ASM_EXTABLE_FAULT",
          "_ASM_EXTABLE_FAULT(\${1:from}, \${2:to})",
          2,
        ],
        [
          "_ASM_EXTABLE_UA",
          "_ASM_EXTABLE_UA(\${1:from}, \${2:to})",
          2,
        ],
      ]
    `);
  });

  it('includes the header of a kernel macro that is not there yet', async () => {
    const { items } = await list('#include <linux/linkage.h>\n\t_ASM«here»');
    expect(items.find(({ label }) => label === '_ASM_EXTABLE_UA')!.additionalTextEdits).toEqual([{ range: { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } }, newText: '#include <asm/asm.h>\n' }]);
  });

  it('proposes macros of the file', async () => {
    expect(await complete('.macro save_all reg\n\tpush \\reg\n.endm\n#define STEP(n) add $n, %rax\nf:\tS«here»')).toEqual(expect.arrayContaining(['save_all', 'STEP']));
  });

  it('says nothing in comments and strings', async () => {
    expect(await complete('\tnop # mo«here»')).toEqual([]);
    expect(await complete('/* one\n   mo«here»')).toEqual([]);
    expect(await complete('\t.ascii "mo«here»')).toEqual([]);
  });

  it('proposes a macro\'s parameters behind a backslash', async () => {
    expect(await complete('.macro save reg, slot=0\n\tpush \\«here»\n.endm')).toEqual(['\\reg', '\\slot', '\\@']);
  });
});

describe('completion of operands', () => {
  it('proposes registers that fit the position', async () => {
    expect((await complete('\tmovq %rax, %«here»')).slice(0, 3)).toEqual(['%rax', '%rcx', '%rdx']);
    expect(await complete('\tmovq %rax, %«here»')).not.toContain('%eax');
    expect(await complete('\taddl $1, %«here»')).not.toContain('%rax');
    expect(await complete('\tshlq %«here»')).toContain('%cl');
    expect(await complete('\tmovq %cr«here»')).toContain('%cr0');
    expect(await complete('\taddps %xmm1, %«here»')).not.toContain('%rax');
  });

  it('proposes 64- and 32-bit registers inside an address', async () => {
    const found = await complete('\tmovb 8(%«here»');
    expect(found).toEqual(expect.arrayContaining(['%rsi', '%esi', '%rip', '%rsp']));
    expect(found).not.toContain('%sil');
    expect(await complete('\tmovb (%rdi,%«here»')).not.toContain('%rsp');
  });

  it('proposes registers without % in Intel syntax', async () => {
    const found = await complete('.intel_syntax noprefix\n\tmov rax, «here»');
    expect(found).toContain('rcx');
    expect(found).not.toContain('ecx');
  });

  it('proposes labels for a jump, numeric ones in their direction', async () => {
    const found = await complete('f:\n1:\tnop\n\tjmp «here»\n1:\tnop\n.Lend:\tret\n');
    expect(found).toEqual(expect.arrayContaining(['f', '.Lend', '1b', '1f']));
    expect(found).not.toContain('%rax');
  });

  it('proposes labels and handler types in an entry', async () => {
    const source = (third: string): string => `${HEAD}f:\n.Lread:\tmovq (%rdi), %rax\n.Lpad:\tret\n\t_ASM_EXTABLE_TYPE(${third}`;
    expect(await complete(source('.L«here»'))).toEqual(expect.arrayContaining(['.Lread', '.Lpad']));
    const found = await complete(source('.Lread, .Lpad, EX«here»'));
    expect(found.slice(0, 3)).toMatchInlineSnapshot(`
      [
        "EX_TYPE_DEFAULT",
        "EX_TYPE_FAULT",
        "EX_TYPE_UACCESS",
      ]
    `);
    expect(found).toContain('EX_TYPE_FAULT_MCE_SAFE');
  });

  it('proposes what a directive takes', async () => {
    expect(await complete('f:\n\t.type f, @«here»')).toContain('@function');
    expect(await complete('\t.section «here»')).toContain('__ex_table');
    expect(await complete('f:\n\t.globl «here»')).toContain('f');
  });
});

describe('completion elsewhere', () => {
  it('proposes headers, a folder at a time', async () => {
    expect(await complete('#include <as«here»')).toContain('asm');
    expect(await complete('#include <asm/«here»')).toEqual(expect.arrayContaining(['asm.h', 'smap.h']));
  });

  it('proposes directives of the preprocessor, and names behind them', async () => {
    expect(await complete('#if«here»')).toEqual(expect.arrayContaining(['ifdef', 'ifndef', 'include']));
    expect(await complete('#define HAVE_IT 1\n#ifdef HA«here»')).toContain('HAVE_IT');
  });

  it('proposes what comments say to mcsafe', async () => {
    expect(await complete('# mcsafe: «here»')).toEqual(['contract', 'error', 'ignore', 'promise', 'run', 'sweep']);
    expect(await complete('# mcsafe: ignore miss«here»')).toContain('missing-size');
  });
});

describe('signature help', () => {
  it('shows a macro\'s parameters and the one that is written', async () => {
    expect(await signature(`${HEAD}\t_ASM_EXTABLE_TYPE(1b, «here»`)).toMatchInlineSnapshot(`"_ASM_EXTABLE_TYPE(from, [to], type) of 1"`);
    expect(await signature('.macro save reg:req, slot=0\n.endm\n\tsave %rax, «here»')).toMatchInlineSnapshot(`"save reg, [slot] of 1"`);
  });

  it('shows the forms of an instruction, those that fit first', async () => {
    expect(await signature('\tmovq «here»')).toMatchInlineSnapshot(`"movq [r64], r/m64 of 20"`);
    expect(await signature('\tmovq $1, «here»')).toMatchInlineSnapshot(`"movq imm64, [r64] of 20"`);
    expect(await signature('\tmovq %cr0, «here»')).toMatchInlineSnapshot(`"movq cr, [r64] of 20"`);
    expect(await signature('\tshldq $3, %rax, «here»')).toMatchInlineSnapshot(`"shldq imm8, r64, [r/m64] of 2"`);
  });

  it('shows a directive\'s arguments', async () => {
    expect(await signature('\t.p2align 4, «here»')).toMatchInlineSnapshot(`".p2align power, [fill], most of 1"`);
  });

  it('shows nothing where nothing is taken', async () => {
    expect(await signature('\tsfence «here»')).toBe('none');
    expect(await signature('f: «here»')).toBe('none');
  });
});
