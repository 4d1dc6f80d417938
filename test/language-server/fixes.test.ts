/**
 * Every fix makes its finding disappear, brings no other, and leaves what the object says otherwise as it was.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CodeAction, Diagnostic } from 'vscode-languageserver';
import { nodeHost } from '../../host/node/host.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import type { Analysis } from '../../language-server/analysis/analysis.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { report } from '../../language-server/checks/report.ts';
import { applyEdits, fixesOf, safeEdits } from '../../language-server/fixes/index.ts';
import { coverAnew } from '../../language-server/fixes/landing-pad.ts';
import { startClient } from './client.ts';
import type { Client } from './client.ts';

const FILE = '/work/routine.S';
const HEAD = '#include <linux/linkage.h>\n#include <asm/asm.h>\n#include <asm/smap.h>\n';
const routine = (body: string): string => `${HEAD}SYM_FUNC_START(routine)\n${body}\nSYM_FUNC_END(routine)\n`;

function analysed(text: string): Analysis {
  return analyze(FILE, text, projectOptions(FILE, nodeHost()));
}

const codesOf = (analysis: Analysis): readonly string[] => report(analysis).map(({ code }) => code);

/** Bytes of .text, in hexadecimal. */
function code(analysis: Analysis): string {
  return Buffer.from(analysis.object.sections.find(({ name }) => name === '.text')?.bytes ?? []).toString('hex');
}

/** Title of the first fix of the only finding of that code, and the text with it. */
function fixed(text: string, finding: string, which = 0): { readonly title: string; readonly text: string; readonly before: Analysis; readonly after: Analysis } {
  const before = analysed(text);
  const problems = report(before).filter((problem) => problem.code === finding);
  expect(problems, finding).toHaveLength(1);
  const fix = fixesOf(problems[0]!, before)[which]!;
  const changed = applyEdits(text, fix.edits);
  return { title: fix.title, text: changed, before, after: analysed(changed) };
}

interface Case {
  readonly code: string;
  readonly text: string;
  readonly title: string;
  /** A line of the new text. */
  readonly line: string;
  /** Instructions that .text has more than before, in hexadecimal. */
  readonly adds?: string;
}

const CASES: readonly Case[] = [
  { code: 'missing-sfence', title: 'Add the missing sfence', line: '\tsfence', adds: '0faef8', text: routine('.Lread:\tmovq (%rsi), %rax\n\tmovnti %rax, (%rdi)\n\tRET\n.Lpad:\n\tsfence\n\tRET\n\t_ASM_EXTABLE(.Lread, .Lpad)') },
  { code: 'ac-set-at-return', title: 'Add the missing ASM_CLAC', line: '\tASM_CLAC', text: routine('\tASM_STAC\n.Lread:\tmovq (%rsi), %rax\n\tASM_CLAC\n\tRET\n.Lpad:\tRET\n\t_ASM_EXTABLE_UA(.Lread, .Lpad)') },
  { code: 'df-set-at-return', title: 'Add the missing cld', line: '.Lpad:\tcld', adds: 'fc', text: routine('\tstd\n.Lread:\trep movsb\n\tcld\n\tRET\n.Lpad:\tRET\n\t_ASM_EXTABLE_UA(.Lread, .Lpad)') },
  { code: 'missing-size', title: 'Add .size f, . - f', line: '\t.size\tf, . - f', text: `${HEAD}.globl f\n.type f, @function\nf:\n1:\tmovq (%rdi), %rax\n2:\tret\n\t_ASM_EXTABLE(1b, 2b)\n\tnop # mcsafe: ignore missing-size\n`.replace('\tnop # mcsafe: ignore missing-size\n', '') },
  { code: 'missing-type', title: 'Add .type f, @function', line: '\t.type\tf, @function', text: `${HEAD}.globl f\nf:\n1:\tmovq (%rdi), %rax\n2:\tret\n\t.size f, .-f\n\t_ASM_EXTABLE(1b, 2b)\n` },
  { code: 'entry-cannot-fault', title: 'Move .Lread to `mov (%rsi),%rax`', line: '.Lread:', text: routine('.Lread:\n\tmovq %rdx, %rcx\n\tmovq (%rsi), %rax\n\tRET\n.Lpad:\tRET\n\t_ASM_EXTABLE(.Lread, .Lpad)') },
  { code: 'entry-off-by-one', title: 'Move 1 to `mov (%rsi),%rax`', line: '1:\tmovq (%rsi), %rax', text: routine('\tmovq (%rsi), %rax\n1:\tpushq %rax\n\tpopq %rcx\n\tRET\n2:\tRET\n\t_ASM_EXTABLE(1b, 2b)') },
  { code: 'load-not-mce-safe', title: 'Make it EX_TYPE_DEFAULT_MCE_SAFE', line: '\t_ASM_EXTABLE_TYPE(.Lb, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)', text: routine('.La:\tmovq (%rsi), %rax\n.Lb:\tmovq 8(%rsi), %rcx\n.Lpad:\tRET\n\t_ASM_EXTABLE_TYPE(.La, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)\n\t_ASM_EXTABLE(.Lb, .Lpad)') },
  { code: 'store-marked-mce-safe', title: 'Make it EX_TYPE_DEFAULT', line: '\t_ASM_EXTABLE_TYPE(.Lb, .Lpad, EX_TYPE_DEFAULT)', text: routine('.La:\tmovq (%rsi), %rax\n.Lb:\tmovq %rax, (%rdi)\n.Lpad:\tRET\n\t_ASM_EXTABLE_TYPE(.La, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)\n\t_ASM_EXTABLE_TYPE(.Lb, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)') },
  { code: 'uncovered-load', title: 'Add an entry like that of .La (see that the landing pad counts right for it)', line: '\t_ASM_EXTABLE_TYPE(.Lroutine_load1, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)', text: routine('.La:\tmovq (%rsi), %rax\n\tmovq 8(%rsi), %rcx\n.Lpad:\tRET\n\t_ASM_EXTABLE_TYPE(.La, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)') },
  { code: 'fixup-undefined', title: 'Change it to .Lpad', line: '\t_ASM_EXTABLE(.La, .Lpad)', text: routine('.La:\tmovq (%rsi), %rax\n.Lpad:\tRET\n\t_ASM_EXTABLE(.La, .Lpda)') },
  { code: 'undefined-symbol', title: 'Change it to .Lend', line: '\tjmp .Lend', text: '\tjmp .Lned\n.Lend:\tret\n' },
  { code: 'duplicate-entry', title: 'Remove the second entry: it says the same', line: '\t_ASM_EXTABLE(.La, .Lpad)', text: routine('.La:\tmovq (%rsi), %rax\n.Lpad:\tRET\n\t_ASM_EXTABLE(.La, .Lpad)\n\t_ASM_EXTABLE(.La, .Lpad)') },
  { code: 'undefined-macro', title: 'Include <linux/linkage.h>', line: '#include <linux/linkage.h>', text: '#include <asm/asm.h>\nSYM_FUNC_START(f)\n' },
  { code: 'unknown-mnemonic', title: 'Change it to sfence', line: '\tsfence', adds: '0faef8', text: '\tsfenec\n' },
  { code: 'unused-suppression', title: 'Remove what silences nothing', line: '\tnop', text: '\tnop /* mcsafe: ignore missing-size */\n' },
  { code: 'end-label', title: 'Take the size of f in place of f_end', line: '\tEXTABLE_RANGE f, f, handler', text: '#include <mcsafe/extable.h>\n\textable_note\n\t.text\n\t.globl f\n\t.type f, @function\nf:\tmovq (%rdi), %rax\n\tret\nf_end:\n\t.size f, . - f\n\tEXTABLE_RANGE f, f_end, handler\n\tEXTABLE_DESCRIPTOR handler, take, EXTABLE_PF\n' },
];

describe('fixes', () => {
  it.each(CASES)('of $code: $title', ({ code: finding, title, line, adds, text }) => {
    const result = fixed(text, finding);
    expect(result.title).toBe(title);
    expect(result.text.split('\n')).toContain(line);
    const left = codesOf(result.after);
    expect(left).not.toContain(finding);
    expect(left.filter((one) => !codesOf(result.before).includes(one))).toEqual([]);
    if (adds === undefined && !['ac-set-at-return', 'undefined-macro', 'undefined-symbol'].includes(finding)) expect(code(result.after)).toBe(code(result.before));
    if (adds !== undefined) expect(code(result.after).length).toBe(code(result.before).length + adds.length);
    if (adds !== undefined) expect(code(result.after)).toContain(adds);
  });

  it('of every deliberately wrong sample leave fewer findings', () => {
    for (const name of readdirSync('samples/faulty')) {
      const text = readFileSync(`samples/faulty/${name}`, 'utf8');
      const before = analysed(text);
      for (const problem of report(before)) {
        for (const fix of fixesOf(problem, before)) {
          const after = analysed(applyEdits(text, fix.edits));
          expect(codesOf(after).filter((one) => one === problem.code).length, `${name} ${fix.title}`).toBeLessThan(codesOf(before).filter((one) => one === problem.code).length);
        }
      }
    }
  });

  it('do not touch lines that a backslash joins', () => {
    const text = `${HEAD}#define LEAVE \\\n\tRET\nSYM_FUNC_START(f)\n.La:\tmovnti %rax, (%rdi)\n\tLEAVE\n.Lpad:\tsfence\n\tRET\n\t_ASM_EXTABLE(.La, .Lpad)\nSYM_FUNC_END(f)\n`;
    const { text: changed } = fixed(text, 'missing-sfence');
    expect(changed).toContain('\tsfence\n\tLEAVE\n');
  });

  it('do not move a label that something else means', () => {
    const text = routine('\ttestq %rdx, %rdx\n\tjz .Lread\n\tincq %rdx\n.Lread:\n\tmovq %rdx, %rcx\n\tmovq (%rsi), %rax\n\tRET\n.Lpad:\tRET\n\t_ASM_EXTABLE(.Lread, .Lpad)');
    expect(fixed(text, 'entry-cannot-fault').title).toMatch(/^Silence/);
  });
});

describe('the comment that silences', () => {
  it('is put on the line before, or into the one that is there', () => {
    const text = `${HEAD}.globl f\nf:\n1:\tmovq (%rdi), %rax\n2:\tret\n\t_ASM_EXTABLE(1b, 2b)\n`;
    const first = fixed(text, 'missing-size', 1);
    expect(first.text).toContain('/* mcsafe: ignore missing-size */\nf:');
    const second = fixed(first.text, 'missing-type', 1);
    expect(second.text).toContain('/* mcsafe: ignore missing-size missing-type */\nf:');
    expect(codesOf(second.after)).toEqual([]);
    expect(code(second.after)).toBe(code(second.before));
  });
});

describe('the first entry of a routine', () => {
  const text = '#include <linux/linkage.h>\n#include <asm/smap.h>\nSYM_FUNC_START(f)\n\tASM_STAC\n\tmovq (%rdi), %rax\n\tASM_CLAC\n\tRET\nSYM_FUNC_END(f)\n';
  const added = (kernelGeneration: string): string => {
    const before = analyze(FILE, text, projectOptions(FILE, nodeHost(), { kernelGeneration }));
    const fix = coverAnew(before.instructions.find(({ statement }) => statement.mnemonic === 'movq')!, before)!;
    const changed = applyEdits(text, fix.edits);
    const after = analyze(FILE, changed, projectOptions(FILE, nodeHost(), { kernelGeneration }));
    expect(report(after)).toEqual([]);
    expect(after.entries.map(({ insnName, fixupName }) => `${insnName} ${fixupName}`)).toEqual(['.Lf_load1 .Lf_fault']);
    expect(code(after).startsWith(code(before).slice(0, 20))).toBe(true);
    return changed;
  };

  it('is made by the macro that the kernel has for it, with a landing pad that closes what is open', () => {
    expect(added('6.12')).toMatchInlineSnapshot(`
      "#include <linux/linkage.h>
      #include <asm/smap.h>
      SYM_FUNC_START(f)
      	ASM_STAC
      .Lf_load1:
      	movq (%rdi), %rax
      	ASM_CLAC
      	RET
      .Lf_fault:
      	ASM_CLAC
      	movq $-14, %rax
      	RET
      	_ASM_EXTABLE_UA(.Lf_load1, .Lf_fault)
      SYM_FUNC_END(f)
      "
    `);
    expect(added('4.4')).toContain('_ASM_EXTABLE(.Lf_load1, .Lf_fault)');
  });

  it('is not offered where control runs off the routine\'s end', () => {
    const before = analysed('f:\tmovq (%rdi), %rax\n\tnop\n');
    expect(coverAnew(before.instructions[0]!, before)).toBeUndefined();
  });
});

describe('all safe fixes at once', () => {
  it('leave nothing that one of them would put right', () => {
    const text = `${HEAD}.globl f\nf:\n\tstd\n1:\tmovq (%rdi), %rax\n\tmovnti %rax, (%rsi)\n2:\tret\n\t_ASM_EXTABLE(1b, 2b)\n`;
    const before = analysed(text);
    expect([...new Set(codesOf(before))].sort()).toEqual(['df-set-at-return', 'missing-sfence', 'missing-size', 'missing-type']);
    expect(codesOf(analysed(applyEdits(text, safeEdits(report(before), before))))).toEqual([]);
  });
});

describe('code actions', () => {
  const URI = 'file:///work/f.S';
  const text = CASES[0]!.text;
  let client: Client;
  beforeAll(async () => {
    client = await startClient({
      textDocument: { diagnostic: {}, codeAction: { dataSupport: true, resolveSupport: { properties: ['edit'] } } }, workspace: { workspaceEdit: { documentChanges: true } },
    });
    client.open(URI, text);
  });
  afterAll(() => client.close());

  const ask = async (only?: readonly string[]): Promise<CodeAction[]> => {
    const { items } = await client.connection.sendRequest<{ items: Diagnostic[] }>('textDocument/diagnostic', { textDocument: { uri: URI } });
    const [diagnostic] = items;
    return client.connection.sendRequest<CodeAction[]>('textDocument/codeAction', { textDocument: { uri: URI }, range: diagnostic!.range, context: { diagnostics: items, ...(only === undefined ? {} : { only }) } });
  };

  it('carry their diagnostic, and an edit of this version when they are chosen', async () => {
    const [first, second] = await ask();
    expect([first!.title, first!.isPreferred, first!.edit, first!.diagnostics?.map(({ code: one }) => one)]).toEqual(['Add the missing sfence', true, undefined, ['missing-sfence']]);
    expect(second!.title).toBe('Silence missing-sfence here with a comment');
    const { edit } = await client.connection.sendRequest<CodeAction>('codeAction/resolve', first);
    expect(edit).toMatchInlineSnapshot(`
      {
        "documentChanges": [
          {
            "edits": [
              {
                "newText": "	sfence
      ",
                "range": {
                  "end": {
                    "character": 0,
                    "line": 6,
                  },
                  "start": {
                    "character": 0,
                    "line": 6,
                  },
                },
              },
            ],
            "textDocument": {
              "uri": "file:///work/f.S",
              "version": 1,
            },
          },
        ],
      }
    `);
  });

  it('are only of the kinds that are asked for', async () => {
    expect((await ask(['source.fixAll'])).map(({ kind }) => kind)).toEqual(['source.fixAll.mcsafe']);
    expect((await ask(['refactor.extract'])).map(({ kind }) => kind)).toEqual([]);
  });

  it('are refused when the document has changed since', async () => {
    const [first] = await ask();
    await client.connection.sendNotification('textDocument/didChange', { textDocument: { uri: URI, version: 2 }, contentChanges: [{ text }] });
    await expect(client.connection.sendRequest('codeAction/resolve', first)).rejects.toThrow('the document has changed since');
  });
});
