import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallHierarchyItem, Location, Range, TypeHierarchyItem, WorkspaceEdit, WorkspaceSymbol } from 'vscode-languageserver';
import { marked, startClient } from './client.ts';
import type { Client, Marked } from './client.ts';

const COPY = marked(`#include <linux/linkage.h>
#include <asm/asm.h>
#include "own«include».h"

.macro step reg, bytes=8
	lea \\bytes(\\r«parameter»eg), \\reg
.Lafter_\\«made»@:
.endm

SYM_FUNC_START(copy_word)
.Lr«site»ead:
	m«load»ovq (%rs«register»i), %rax
1:	step %r«argument»si
	cmpq $LIM«constant»IT, %rsi
	jb 1«numeric»b
	call hel«external»per
	call in«inc»C
	xorl %e«write»ax, %eax
.Lpad:
	RET
	_ASM_EXT«entry»ABLE_TYPE(.Lread, .L«pad»pad, EX_TYPE_«type»DEFAULT_MCE_SAFE)
SYM_FUNC_END(copy_word)

#ifdef NEVER
	call copy_w«skipped»ord
#endif

SYM_FUNC_START(tail)
	OWN_MA«macro»CRO(%rdi)
	jmp copy_«jump»word
SYM_FUNC_END(tail)
`);
const OTHER = marked(`	.text
	.globl helper
	.type helper, @function
helper:
	call copy_word	# not in a comment: copy_word
	ret
	.size helper, . - helper
	.incbin "data.bin"
`);
const HEADER = `#define OWN_MACRO(reg) incq reg
#define LIMIT 64
`;
const HANDLERS = `
static bool ex_handler_default(const struct exception_table_entry *e, struct pt_regs *regs)
{
	return true;
}

int fixup_exception(struct pt_regs *regs)
{
	switch (type) {
	case EX_TYPE_DEFAULT:
	case EX_TYPE_DEFAULT_MCE_SAFE:
		return ex_handler_default(e, regs);
	}
}

long inC(void)
{
	return copy_word(0, 0); /* copy_word in a comment */
}
`;

interface Hierarchy { readonly name: string; readonly detail?: string }

describe('navigation', () => {
  let client: Client;
  let folder: string;
  const uriOf = (name: string): string => pathToFileURL(join(folder, name)).href;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mcsafe-navigation-'));
    for (const [name, text] of [['copy.S', COPY.text], ['other.S', OTHER.text], ['own.h', HEADER], ['handlers.c', HANDLERS], ['proto.h', 'long copy_word(long from, long to);\n'], ['data.bin', 'x']] as const) writeFileSync(join(folder, name), text);
    client = await startClient({ textDocument: { diagnostic: {} } }, { folders: [pathToFileURL(folder).href] });
    client.open(uriOf('copy.S'), COPY.text);
    client.open(uriOf('other.S'), OTHER.text);
  });
  afterAll(async () => {
    await client.close();
    rmSync(folder, { recursive: true });
  });

  const ask = <T>(method: string, cursor: string, extra: object = {}, source: Marked = COPY, file = 'copy.S'): Promise<T> =>
    client.connection.sendRequest<T>(`textDocument/${method}`, { textDocument: { uri: uriOf(file) }, position: source.at(cursor), ...extra });
  /** `file:line:column text`, from 1, of each place, with the text that stands there. */
  const shown = (found: Location | readonly Location[] | null): readonly string[] =>
    (found === null ? [] : [found].flat() as readonly Location[]).map(({ uri, range }) => `${uri.slice(uri.lastIndexOf('/') + 1)}:${place(range)}`);
  const place = ({ start, end }: Range): string => `${String(start.line + 1)}:${String(start.character + 1)}-${String(end.character + 1)}`;

  it('goes to the definition, in whatever file it is', async () => {
    const found: Record<string, readonly string[]> = {};
    for (const cursor of ['include', 'parameter', 'constant', 'numeric', 'external', 'inc', 'pad', 'type', 'macro', 'jump', 'skipped', 'site', 'register']) {
      found[cursor] = shown(await ask<Location[]>('definition', cursor));
    }
    expect(found).toMatchInlineSnapshot(`
      {
        "constant": [
          "own.h:2:9-14",
        ],
        "external": [
          "other.S:4:1-7",
        ],
        "inc": [
          "handlers.c:16:6-9",
        ],
        "include": [
          "own.h:1:1-1",
        ],
        "jump": [
          "copy.S:10:16-25",
        ],
        "macro": [
          "own.h:1:9-18",
        ],
        "numeric": [
          "copy.S:13:1-2",
        ],
        "pad": [
          "copy.S:19:1-6",
        ],
        "parameter": [
          "copy.S:5:13-16",
        ],
        "register": [],
        "site": [
          "copy.S:11:1-7",
        ],
        "skipped": [
          "copy.S:10:16-25",
        ],
        "type": [
          "handlers.c:2:13-31",
        ],
      }
    `);
  });

  it('goes to the declarations', async () => {
    expect(shown(await ask<Location[]>('declaration', 'external'))).toMatchInlineSnapshot(`
      [
        "other.S:2:9-15",
        "other.S:3:8-14",
        "other.S:7:8-14",
      ]
    `);
  });

  it('goes from an access, an entry and a landing pad the way of the fault', async () => {
    const found: Record<string, readonly string[]> = {};
    for (const cursor of ['load', 'entry', 'pad']) found[cursor] = shown(await ask<Location[]>('implementation', cursor));
    expect(found).toMatchInlineSnapshot(`
      {
        "entry": [
          "copy.S:19:1-6",
          "handlers.c:2:13-31",
        ],
        "load": [
          "copy.S:19:1-6",
        ],
        "pad": [
          "handlers.c:2:13-31",
        ],
      }
    `);
  });

  it('finds references in all files that mean the same', async () => {
    const found: Record<string, readonly string[]> = {};
    for (const cursor of ['jump', 'external', 'numeric', 'macro', 'parameter']) found[cursor] = shown(await ask<Location[]>('references', cursor, { context: { includeDeclaration: true } }));
    expect(found).toMatchInlineSnapshot(`
      {
        "external": [
          "copy.S:16:7-13",
          "other.S:2:9-15",
          "other.S:3:8-14",
          "other.S:4:1-7",
          "other.S:7:8-14",
          "other.S:7:20-26",
        ],
        "jump": [
          "copy.S:10:16-25",
          "copy.S:22:14-23",
          "copy.S:30:6-15",
          "other.S:5:7-16",
          "handlers.c:18:9-18",
          "proto.h:1:6-15",
        ],
        "macro": [
          "copy.S:29:2-11",
          "own.h:1:9-18",
        ],
        "numeric": [
          "copy.S:13:1-2",
          "copy.S:15:5-7",
        ],
        "parameter": [
          "copy.S:5:13-16",
          "copy.S:6:14-17",
          "copy.S:6:21-24",
        ],
      }
    `);
    expect(shown(await ask<Location[]>('references', 'pad', { context: { includeDeclaration: false } }))).toMatchInlineSnapshot(`
      [
        "copy.S:21:28-33",
      ]
    `);
  });

  it('highlights what is written and what is read', async () => {
    const found: Record<string, readonly string[]> = {};
    for (const cursor of ['pad', 'write', 'register', 'parameter']) {
      const list = await ask<{ range: Range; kind: number }[]>('documentHighlight', cursor);
      found[cursor] = list.map(({ range, kind }) => `${place(range)} ${['', 'text', 'read', 'write'][kind]!}`);
    }
    expect(found).toMatchInlineSnapshot(`
      {
        "pad": [
          "19:1-6 write",
          "21:28-33 read",
        ],
        "parameter": [
          "5:13-16 write",
          "6:14-17 read",
          "6:21-24 read",
        ],
        "register": [
          "12:8-12 read",
          "13:9-13 write",
          "14:15-19 read",
        ],
        "write": [
          "12:15-19 write",
          "18:7-11 read",
          "18:13-17 write",
        ],
      }
    `);
  });

  const edited = ({ changes = {} }: WorkspaceEdit): Record<string, readonly string[]> =>
    Object.fromEntries(Object.entries(changes).map(([uri, edits]) => [uri.slice(uri.lastIndexOf('/') + 1), edits.map(({ range }) => place(range))]));

  it('renames in all files, in text that is skipped too, and in no comment', async () => {
    const found: Record<string, unknown> = {};
    for (const cursor of ['jump', 'pad', 'macro', 'parameter']) found[cursor] = edited(await ask<WorkspaceEdit>('rename', cursor, { newName: 'fresh' }));
    expect(found).toMatchInlineSnapshot(`
      {
        "jump": {
          "copy.S": [
            "10:16-25",
            "22:14-23",
            "25:7-16",
            "30:6-15",
          ],
          "handlers.c": [
            "18:9-18",
          ],
          "other.S": [
            "5:7-16",
          ],
          "proto.h": [
            "1:6-15",
          ],
        },
        "macro": {
          "copy.S": [
            "29:2-11",
          ],
          "own.h": [
            "1:9-18",
          ],
        },
        "pad": {
          "copy.S": [
            "19:1-6",
            "21:28-33",
          ],
        },
        "parameter": {
          "copy.S": [
            "5:13-16",
            "6:14-17",
            "6:21-24",
          ],
        },
      }
    `);
  });

  it('says what can be renamed, and why not', async () => {
    const found: Record<string, unknown> = {};
    for (const cursor of ['jump', 'load', 'register', 'numeric', 'made', 'entry', 'inc']) {
      found[cursor] = await ask<{ placeholder: string }>('prepareRename', cursor).then(({ placeholder }) => placeholder, (error: unknown) => (error as Error).message);
    }
    expect(found).toMatchInlineSnapshot(`
      {
        "entry": "_ASM_EXTABLE_TYPE is defined in <linux-compat>/asm/asm.h, which is no file of the workspace",
        "inc": "inC",
        "jump": "copy_word",
        "load": "movq is no symbol, macro or parameter that is defined here",
        "made": ".Lafter_0 is put together by a macro: it stands nowhere as it is",
        "numeric": "a numeric label has no name to change: 1b and 1f mean the nearest 1",
        "register": "%rsi is a register: its name is the CPU's",
      }
    `);
    await expect(ask('rename', 'jump', { newName: 'helper' })).rejects.toThrow(/helper is a symbol already/);
    await expect(ask('rename', 'jump', { newName: '1x' })).rejects.toThrow(/cannot be a name/);
    await expect(ask('rename', 'jump', { newName: '.Lhidden' })).rejects.toThrow(/would hide it/);
  });

  it('finds symbols of the workspace, and their places when asked', async () => {
    const symbols = await client.connection.sendRequest<WorkspaceSymbol[]>('workspace/symbol', { query: 'cp' });
    expect(symbols.map(({ name, containerName }) => `${name} ${containerName ?? ''}`)).toMatchInlineSnapshot(`
      [
        "copy_word copy.S",
        "fixup_exception handlers.c",
      ]
    `);
    const lazy = await startClient({ workspace: { symbol: { resolveSupport: { properties: ['location.range'] } } } }, { folders: [pathToFileURL(folder).href] });
    const [symbol] = await lazy.connection.sendRequest<WorkspaceSymbol[]>('workspace/symbol', { query: 'helper' });
    expect(symbol!.location).toEqual({ uri: uriOf('other.S') });
    const resolved = await lazy.connection.sendRequest<WorkspaceSymbol>('workspaceSymbol/resolve', symbol);
    expect(resolved.location).toEqual({ uri: uriOf('other.S'), range: { start: { line: 3, character: 0 }, end: { line: 3, character: 6 } } });
    await lazy.close();
  });

  it('links included files', async () => {
    const links = async (file: string): Promise<readonly string[]> =>
      (await client.connection.sendRequest<{ range: Range; target: string }[]>('textDocument/documentLink', { textDocument: { uri: uriOf(file) } })).map(({ range, target }) => `${place(range)} ${target.slice(target.lastIndexOf('/') + 1)}`);
    expect(await links('copy.S')).toEqual(['3:11-16 own.h']);
    expect(await links('other.S')).toEqual(['8:11-19 data.bin']);
  });

  it('shows calls both ways, tail jumps and C included', async () => {
    const [item] = await ask<CallHierarchyItem[]>('prepareCallHierarchy', 'load');
    expect(item!.name).toBe('copy_word');
    const outgoing = await client.connection.sendRequest<{ to: Hierarchy; fromRanges: Range[] }[]>('callHierarchy/outgoingCalls', { item });
    expect(outgoing.map(({ to, fromRanges }) => [to.name, to.detail, ...fromRanges.map(place)])).toMatchInlineSnapshot(`
      [
        [
          "helper",
          undefined,
          "16:2-13",
        ],
        [
          "inC",
          "long inC(void)",
          "17:2-10",
        ],
      ]
    `);
    const incoming = await client.connection.sendRequest<{ from: Hierarchy; fromRanges: Range[] }[]>('callHierarchy/incomingCalls', { item });
    expect(incoming.map(({ from, fromRanges }) => [from.name, ...fromRanges.map(place)])).toMatchInlineSnapshot(`
      [
        [
          "tail",
          "30:2-15",
        ],
        [
          "helper",
          "5:2-16",
        ],
        [
          "inC",
          "18:9-18",
        ],
      ]
    `);
  });

  it('shows the fault hierarchy: access, entry, landing pad, handler, and back', async () => {
    const chain: string[] = [];
    let [item] = await ask<TypeHierarchyItem[]>('prepareTypeHierarchy', 'load');
    let last = item;
    for (; item !== undefined; [item] = await client.connection.sendRequest<TypeHierarchyItem[]>('typeHierarchy/subtypes', { item })) {
      chain.push(`${item.name}: ${item.detail!}`);
      last = item;
    }
    expect(chain).toMatchInlineSnapshot(`
      [
        "mov (%rsi),%rax: access, copy_word+0x4: #GP #PF #AC #MC",
        "_ASM_EXTABLE_TYPE: entry, EX_TYPE_DEFAULT_MCE_SAFE",
        ".Lpad: landing pad, copy_word+0x1d",
        "ex_handler_default: handler, EX_TYPE_DEFAULT_MCE_SAFE",
      ]
    `);
    const back: string[] = [];
    for (item = last; item !== undefined; [item] = await client.connection.sendRequest<TypeHierarchyItem[]>('typeHierarchy/supertypes', { item })) back.push(item.name);
    expect(back).toMatchInlineSnapshot(`
      [
        "ex_handler_default",
        ".Lpad",
        "_ASM_EXTABLE_TYPE",
        "mov (%rsi),%rax",
        "copy_word",
      ]
    `);
  });

  it('folds', async () => {
    const folds = await client.connection.sendRequest<{ startLine: number; endLine: number; kind?: string }[]>('textDocument/foldingRange', { textDocument: { uri: uriOf('copy.S') } });
    expect(folds.map(({ startLine, endLine, kind }) => `${String(startLine + 1)}-${String(endLine + 1)}${kind === undefined ? '' : ` ${kind}`}`)).toMatchInlineSnapshot(`
      [
        "1-3 imports",
        "5-8",
        "10-20",
        "24-26",
        "28-30",
      ]
    `);
  });

  it('grows a selection from the word to the file', async () => {
    interface Selection { range: Range; parent?: Selection }
    const [selection] = await client.connection.sendRequest<Selection[]>('textDocument/selectionRange', { textDocument: { uri: uriOf('copy.S') }, positions: [COPY.at('register')] });
    const texts: string[] = [];
    const lines = COPY.text.split('\n');
    for (let at: Selection | undefined = selection; at !== undefined; at = at.parent) {
      const { start, end } = at.range;
      texts.push(start.line === end.line ? lines[start.line]!.slice(start.character, end.character) : `${String(start.line + 1)}-${String(end.line + 1)}`);
    }
    expect(texts).toMatchInlineSnapshot(`
      [
        "%rsi",
        "(%rsi)",
        "(%rsi), %rax",
        "movq (%rsi), %rax",
        "	movq (%rsi), %rax",
        "10-20",
        "1-32",
      ]
    `);
  });
});
