import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hover, Location } from 'vscode-languageserver';
import { startClient, marked } from './client.ts';
import type { Client } from './client.ts';

const URI = 'file:///work/copy.S';
const SOURCE = marked(`
#include <linux/linkage.h>
#include <asm/asm.h>

SYM_FUNC_START(copy_word)
.Lread:
	m«load»ovq (%rsi), %rax
	m«store»ovq %rax, (%rdi)
	x«xor»orl %eax, %eax
.Lde«label»fault:
	RET
	_ASM_EXT«macro»ABLE_TYPE(.Lread, .Ldef«reference»ault, EX_TYPE_DEF«type»AULT_MCE_SAFE)
SYM_FUNC_END(copy_word)
`);

function text(hover: Hover | null): string {
  return hover === null ? 'no hover' : (hover.contents as { value: string }).value;
}

describe('the language server', () => {
  let client: Client;
  beforeAll(async () => {
    client = await startClient({ textDocument: { diagnostic: {} } });
    client.open(URI, SOURCE.text);
  });
  afterAll(() => client.close());

  const hoverAt = async (cursor: string): Promise<string> =>
    text(await client.connection.sendRequest<Hover | null>('textDocument/hover', { textDocument: { uri: URI }, position: SOURCE.at(cursor) }));

  it('announces what its providers handle', () => {
    expect(client.initialized.capabilities).toMatchInlineSnapshot(`
      {
        "callHierarchyProvider": true,
        "codeActionProvider": {
          "codeActionKinds": [
            "quickfix",
            "refactor.rewrite",
            "source.fixAll.mcsafe",
          ],
          "resolveProvider": true,
        },
        "codeLensProvider": {
          "resolveProvider": true,
        },
        "completionProvider": {
          "resolveProvider": true,
          "triggerCharacters": [
            "%",
            ".",
            "#",
            "<",
            """,
            "/",
            "@",
            "\\",
          ],
        },
        "declarationProvider": true,
        "definitionProvider": true,
        "diagnosticProvider": {
          "identifier": "mcsafe",
          "interFileDependencies": true,
          "workspaceDiagnostics": false,
        },
        "documentHighlightProvider": true,
        "documentLinkProvider": {},
        "documentSymbolProvider": true,
        "experimental": {
          "coveredInstructions": true,
        },
        "foldingRangeProvider": true,
        "hoverProvider": true,
        "implementationProvider": true,
        "inlayHintProvider": {
          "resolveProvider": true,
        },
        "positionEncoding": "utf-16",
        "referencesProvider": {
          "workDoneProgress": true,
        },
        "renameProvider": {
          "prepareProvider": true,
        },
        "selectionRangeProvider": true,
        "semanticTokensProvider": {
          "full": {
            "delta": true,
          },
          "legend": {
            "tokenModifiers": [
              "declaration",
              "defaultLibrary",
              "exceptionEntry",
            ],
            "tokenTypes": [
              "comment",
              "string",
              "number",
              "keyword",
              "modifier",
              "macro",
              "label",
              "function",
              "variable",
              "parameter",
              "enumMember",
            ],
          },
          "range": true,
        },
        "signatureHelpProvider": {
          "retriggerCharacters": [
            ",",
          ],
          "triggerCharacters": [
            " ",
            ",",
            "(",
            "	",
          ],
        },
        "textDocumentSync": {
          "change": 2,
          "openClose": true,
        },
        "typeHierarchyProvider": true,
        "workspace": {
          "fileOperations": {
            "didCreate": {
              "filters": [
                {
                  "pattern": {
                    "glob": "**/*",
                  },
                  "scheme": "file",
                },
              ],
            },
            "didDelete": {
              "filters": [
                {
                  "pattern": {
                    "glob": "**/*",
                  },
                  "scheme": "file",
                },
              ],
            },
            "didRename": {
              "filters": [
                {
                  "pattern": {
                    "glob": "**/*",
                  },
                  "scheme": "file",
                },
              ],
            },
          },
          "workspaceFolders": {
            "changeNotifications": true,
            "supported": true,
          },
        },
        "workspaceSymbolProvider": {
          "resolveProvider": true,
        },
      }
    `);
  });

  it('says of a covered load what can fault, where it lands and that a machine check is recoverable', async () => {
    expect(await hoverAt('load')).toMatchInlineSnapshot(`
      "\`mov (%rsi),%rax\` — copy_word+0x4, \`48 8b 06\`

      Copies. Operands \`r/m64, r64\`.

      Reads 8 bytes at \`(%rsi)\`.

      reads rsi; writes rax.

      **Can fault:**
      - #GP (13) general protection fault: reads (%rsi): the address may be non-canonical
      - #PF (14) page fault: reads (%rsi)
      - #AC (17) alignment check: reads (%rsi): unaligned, in user mode with alignment checks on
      - #MC (18) machine check: reads (%rsi)

      **Entry:** \`_ASM_EXTABLE_TYPE\` at line 12 → \`.Ldefault\` (line 10), \`EX_TYPE_DEFAULT_MCE_SAFE\`: goes to the landing pad; the only difference from DEFAULT is that a machine check here is recoverable.

      **Handler:** \`bool ex_handler_default(const struct exception_table_entry *e, struct pt_regs *regs)\`: writes rip.

      **Machine check here** (kernel 6.12): recoverable, because the entry for this ip is EX_TYPE_DEFAULT_MCE_SAFE."
    `);
  });

  it('says of an uncovered store that a fault there is an oops', async () => {
    const hover = await hoverAt('store');
    expect(hover).toContain('**No exception-table entry:**');
    expect(hover).not.toContain('#MC');
  });

  it('says that an instruction without memory cannot fault', async () => {
    expect(await hoverAt('xor')).toContain('Cannot fault.');
  });

  it('says of a landing pad whose it is', async () => {
    expect(await hoverAt('label')).toContain('**Landing pad** of 1 entry');
  });

  it('says of an entry macro what it covers, and how the macro is defined', async () => {
    const hover = await hoverAt('macro');
    expect(hover).toContain('Covers `mov (%rsi),%rax` (copy_word+0x4, line 7).');
    expect(hover).toContain('#define _ASM_EXTABLE_TYPE');
  });

  it('says what a handler type does', async () => {
    expect(await hoverAt('type')).toContain('a machine check here is recoverable');
  });

  it('goes from a reference in an entry to the label', async () => {
    const found = await client.connection.sendRequest<Location>('textDocument/definition', { textDocument: { uri: URI }, position: SOURCE.at('reference') });
    expect(found.uri).toBe(URI);
    expect(found.range.start.line).toBe(SOURCE.at('label').line);
  });

  it('outlines routines with the labels in them', async () => {
    const symbols = await client.connection.sendRequest<{ name: string; children?: { name: string }[] }[]>('textDocument/documentSymbol', { textDocument: { uri: URI } });
    expect(symbols.map(({ name, children }) => [name, children?.map((child) => child.name)])).toEqual([['copy_word', ['.Lread', '.Ldefault']]]);
  });

  it('answers for a document that is not open with nothing', async () => {
    expect(await client.connection.sendRequest('textDocument/hover', { textDocument: { uri: 'file:///none.S' }, position: { line: 0, character: 0 } })).toBeNull();
  });
});

describe('diagnostics', () => {
  const wrong = `
#include <linux/linkage.h>
#include <asm/asm.h>
SYM_FUNC_START(wrong)
.Lsite:
	xorl %ecx, %ecx
.Lload:
	movq (%rsi), %rax
	movq 8(%rsi), %rdx
	bogus %rax
.Lpad:
	RET
	_ASM_EXTABLE_TYPE(.Lsite, .Lpad, EX_TYPE_DEFAULT)
	_ASM_EXTABLE_TYPE(.Lload, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE_TYPE(.Lload, .Lnowhere, EX_TYPE_DEFAULT)
SYM_FUNC_END(wrong)
`;
  const expected = [[5, 'uncovered-load'], [6, 'unknown-mnemonic'], [9, 'entry-cannot-fault'], [11, 'duplicate-entry'], [11, 'fixup-undefined']]
    .map(([line, code]) => `${String((line as number) + 3)} ${String(code)}`);

  it('are pushed to a client that does not ask', async () => {
    const client = await startClient();
    const pushed = client.pushed('untitled:wrong.S');
    client.open('untitled:wrong.S', wrong);
    const found = await pushed;
    expect(found.map(({ range, code }) => `${String(range.start.line)} ${String(code)}`).sort()).toEqual([...expected].sort());
    await client.close();
  });

  it('are given to a client that asks, the same ones', async () => {
    const client = await startClient({ textDocument: { diagnostic: {} } });
    client.open(URI, wrong);
    const { items } = await client.connection.sendRequest<{ items: { code: string; range: { start: { line: number } } }[] }>('textDocument/diagnostic', { textDocument: { uri: URI } });
    expect(items.map(({ range, code }) => `${String(range.start.line)} ${code}`).sort()).toEqual([...expected].sort());
    await client.close();
  });

  it('are silenced by a comment on the line or the one before', async () => {
    const client = await startClient({ textDocument: { diagnostic: {} } });
    client.open(URI, wrong.replace('\tmovq 8(%rsi), %rdx', '\t# mcsafe: ignore uncovered-load\n\tmovq 8(%rsi), %rdx'));
    const { items } = await client.connection.sendRequest<{ items: { code: string }[] }>('textDocument/diagnostic', { textDocument: { uri: URI } });
    expect(items.map(({ code }) => code)).not.toContain('uncovered-load');
    await client.close();
  });
});
