/**
 * Colours, hints and lenses of a source, through the protocol.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CodeLens, InlayHint, SemanticTokens, SemanticTokensDelta } from 'vscode-languageserver';
import { TOKEN_MODIFIERS, TOKEN_TYPES } from '../../language-server/editing/tokens.ts';
import { startClient } from './client.ts';
import type { Client } from './client.ts';

const SOURCE = `#include <linux/linkage.h>
#include <asm/asm.h>

/* copies a word
   from user memory */
#define STEP(n) add $n, %rdi
.macro save reg, slot=8
	movq %\\reg, \\slot(%rsp)
.endm

SYM_FUNC_START(get_word)
.Lread: rep; movq (%rsi), %rax	# the access
	movq %rax, 8(%rdi)
	STEP(0x10)
	save rbx
	jmp 1f
1:	RET
.Lpad:
	mov $-14, %eax
	RET
	_ASM_EXTABLE_TYPE(.Lread, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)
SYM_FUNC_END(get_word)
`;
const URI = 'file:///work/get_word.S';
const document = { textDocument: { uri: URI } };
let client: Client;

beforeAll(async () => {
  client = await startClient({}, { initializationOptions: { commands: ['mcsafe.debugRoutineWith', 'mcsafe.showUncovered'] } });
  client.open(URI, SOURCE);
});
afterAll(() => client.close());

/** `line:column text type modifiers` of each token. */
function decoded(data: readonly number[], text: string): readonly string[] {
  const lines = text.split('\n');
  let line = 0, start = 0;
  const found: string[] = [];
  for (let at = 0; at < data.length; at += 5) {
    const [lines_, columns, length, type, bits] = data.slice(at, at + 5) as [number, number, number, number, number];
    start = lines_ === 0 ? start + columns : columns;
    line += lines_;
    const modifiers = TOKEN_MODIFIERS.filter((_, index) => (bits & (1 << index)) !== 0);
    found.push(`${String(line + 1)} ${lines[line]!.slice(start, start + length)} ${[TOKEN_TYPES[type]!, ...modifiers].join('.')}`);
  }
  return found;
}

describe('semantic tokens', () => {
  it('tell mnemonics, registers, labels, macros, directives, numbers and comments apart', async () => {
    const { data } = await client.connection.sendRequest<SemanticTokens>('textDocument/semanticTokens/full', document);
    expect(decoded(data, SOURCE)).toMatchInlineSnapshot(`
      [
        "1 #include modifier",
        "1 <linux/linkage.h> string",
        "2 #include modifier",
        "2 <asm/asm.h> string",
        "4 /* copies a word comment",
        "5    from user memory */ comment",
        "6 #define modifier",
        "6 STEP macro.declaration",
        "6 n parameter",
        "6 add keyword",
        "6 n variable",
        "6 %rdi variable.defaultLibrary",
        "7 .macro modifier",
        "7 save macro.declaration",
        "7 reg parameter",
        "7 slot parameter",
        "7 8 number",
        "8 movq keyword",
        "8 \\reg parameter",
        "8 \\slot parameter",
        "8 %rsp variable.defaultLibrary",
        "9 .endm modifier",
        "11 SYM_FUNC_START macro",
        "11 get_word function",
        "12 .Lread label.declaration",
        "12 rep keyword",
        "12 movq keyword",
        "12 %rsi variable.defaultLibrary",
        "12 %rax variable.defaultLibrary",
        "12 # the access comment",
        "13 movq keyword",
        "13 %rax variable.defaultLibrary",
        "13 8 number",
        "13 %rdi variable.defaultLibrary",
        "14 STEP macro",
        "14 0x10 number",
        "15 save macro",
        "15 rbx variable",
        "16 jmp keyword",
        "16 1f label",
        "17 1 label.declaration",
        "17 RET macro",
        "18 .Lpad label.declaration",
        "19 mov keyword",
        "19 14 number",
        "19 %eax variable.defaultLibrary",
        "20 RET macro",
        "21 _ASM_EXTABLE_TYPE macro.exceptionEntry",
        "21 .Lread label",
        "21 .Lpad label",
        "21 EX_TYPE_DEFAULT_MCE_SAFE enumMember",
        "22 SYM_FUNC_END macro",
        "22 get_word function",
      ]
    `);
  });

  it('of a range are those of the whole that lie in it', async () => {
    const { data } = await client.connection.sendRequest<SemanticTokens>('textDocument/semanticTokens/full', document);
    const part = await client.connection.sendRequest<SemanticTokens>('textDocument/semanticTokens/range', { ...document, range: { start: { line: 4, character: 0 }, end: { line: 12, character: 0 } } });
    const inside = decoded(data, SOURCE).filter((token) => Number(token.split(' ')[0]) >= 5 && Number(token.split(' ')[0]) <= 13);
    expect(decoded(part.data, SOURCE)).toEqual(inside);
  });

  it('of a changed text are edits that make the new ones of the old', async () => {
    const uri = 'file:///work/changing.S';
    const text = 'f:\tmov $1, %eax\n\tret\ng:\tjmp f\n';
    const changed = 'f:\tmov $1, %eax\n\tnop\n\tret\ng:\tjmp f\n';
    client.open(uri, text);
    const before = await client.connection.sendRequest<SemanticTokens>('textDocument/semanticTokens/full', { textDocument: { uri } });
    await client.connection.sendNotification('textDocument/didChange', { textDocument: { uri, version: 2 }, contentChanges: [{ text: changed }] });
    const delta = await client.connection.sendRequest<SemanticTokensDelta>('textDocument/semanticTokens/full/delta', { textDocument: { uri }, previousResultId: before.resultId });
    const data = [...before.data];
    for (const { start, deleteCount, data: inserted = [] } of [...delta.edits].reverse()) data.splice(start, deleteCount, ...inserted);
    const whole = await client.connection.sendRequest<SemanticTokens>('textDocument/semanticTokens/full', { textDocument: { uri } });
    expect(data).toEqual(whole.data);
    expect(delta.edits[0]!.data!.length).toBeLessThan(whole.data.length);
  });
});

describe('inlay hints', () => {
  const all = { ...document, range: { start: { line: 0, character: 0 }, end: { line: 100, character: 0 } } };
  const shown = ({ label, position }: InlayHint): string => `${String(position.line + 1)}:${String(position.character + 1)} ${typeof label === 'string' ? label : label.map(({ value }) => value).join('')}`;

  it('say where covered instructions land, and which accesses have no entry', async () => {
    const hints = await client.connection.sendRequest<InlayHint[]>('textDocument/inlayHint', all);
    expect(hints.map(shown)).toMatchInlineSnapshot(`
      [
        "12:31 → .Lpad #GP #PF #MC",
        "13:20 no entry",
      ]
    `);
  });

  it('explain themselves', async () => {
    const [first] = await client.connection.sendRequest<InlayHint[]>('textDocument/inlayHint', all);
    const { tooltip } = await client.connection.sendRequest<InlayHint>('inlayHint/resolve', first);
    expect((tooltip as { value: string }).value).toMatchInlineSnapshot(`
      "\`rep mov (%rsi),%rax\`
      - \`_ASM_EXTABLE_TYPE\` at line 21 → \`.Lpad\` (line 18), \`EX_TYPE_DEFAULT_MCE_SAFE\`: goes to the landing pad; the only difference from DEFAULT is that a machine check here is recoverable; machine check recoverable: the entry for this ip is EX_TYPE_DEFAULT_MCE_SAFE"
    `);
  });

  it('are for the lines that are asked for', async () => {
    expect(await client.connection.sendRequest('textDocument/inlayHint', { ...document, range: { start: { line: 0, character: 0 }, end: { line: 8, character: 0 } } })).toEqual([]);
  });

  it('are off where the settings say so', async () => {
    await client.connection.sendNotification('workspace/didChangeConfiguration', { settings: { mcsafe: { inlayHints: { uncovered: false }, codeLens: false } } });
    const hints = await client.connection.sendRequest<InlayHint[]>('textDocument/inlayHint', all);
    expect(hints).toHaveLength(1);
    expect(await client.connection.sendRequest('textDocument/codeLens', document)).toEqual([]);
    await client.connection.sendNotification('workspace/didChangeConfiguration', { settings: { mcsafe: {} } });
  });
});

describe('code lenses', () => {
  it('are those whose commands the client has, resolved when they are looked at', async () => {
    const lenses = await client.connection.sendRequest<CodeLens[]>('textDocument/codeLens', document);
    const resolved = await Promise.all(lenses.map((lens) => client.connection.sendRequest<CodeLens>('codeLens/resolve', lens)));
    expect(resolved.map(({ range, command }) => [range.start.line + 1, command!.title, command!.command])).toEqual([
      [11, '1 of 2 accesses covered', 'mcsafe.showUncovered'], [11, 'Run with a fault…', 'mcsafe.debugRoutineWith'],
    ]);
    expect(resolved[0]!.command!.arguments).toMatchObject([{ uri: URI, locations: [{ uri: URI, range: { start: { line: 12 } } }] }]);
    expect(resolved[1]!.command!.arguments).toEqual([{ uri: URI, line: 11 }]);
  });

  it('are none for a client that says nothing of commands', async () => {
    const other = await startClient();
    other.open(URI, SOURCE);
    expect(await other.connection.sendRequest('textDocument/codeLens', document)).toEqual([]);
    await other.close();
  });
});
