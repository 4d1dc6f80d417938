/**
 * What is shown of what was found: severities, suppressions, settings on their way from the editor.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../host/node/host.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import type { AnalysisOptions } from '../../language-server/analysis/analysis.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { report } from '../../language-server/checks/report.ts';
import type { Level } from '../../host/settings.ts';
import { startClient } from './client.ts';

const FILE = '/work/routine.S';

function shown(text: string, severity: Readonly<Record<string, Level>> = {}, options: Partial<AnalysisOptions> = {}): readonly string[] {
  const analysis = analyze(FILE, text, { ...projectOptions(FILE, nodeHost()), ...options });
  return report(analysis, severity).map(({ code, severity: level, range }) => `${String(range.start.line)}:${String(range.start.column)}-${String(range.endColumn)} ${level} ${code}`);
}

const UNSIZED = `#include <asm/asm.h>
.globl f
f:
1:	movq (%rdi), %rax
2:	ret
	_ASM_EXTABLE(1b, 2b)
`;

describe('severities', () => {
  it('are those of the checks', () => {
    expect(shown(UNSIZED)).toEqual(['3:1-2 warning missing-size', '3:1-2 warning missing-type']);
  });

  it('are what the settings say, off included', () => {
    expect(shown(UNSIZED, { 'missing-size': 'off', 'missing-type': 'error' })).toEqual(['3:1-2 error missing-type']);
  });

  it('are for the reader\'s codes too', () => {
    expect(shown('\tfrobnicate %rax\n', { 'unknown-mnemonic': 'hint' })).toEqual(['1:2-17 hint unknown-mnemonic']);
  });
});

describe('files without entries', () => {
  const text = '.globl f\nf:\tstd\n\tret\n';

  it('are not checked for what routines leave behind', () => {
    expect(shown(text)).toEqual([]);
  });

  it('are where that is asked for', () => {
    expect(shown(text, {}, { checksWithoutEntries: true })).toEqual(['3:2-5 error df-set-at-return', '2:1-2 warning missing-size', '2:1-2 warning missing-type']);
  });
});

describe('mcsafe: ignore', () => {
  it('silences the codes it names on its line and the next', () => {
    expect(shown(UNSIZED.replace('f:', '/* mcsafe: ignore missing-size, missing-type */\nf:'))).toEqual([]);
    expect(shown(UNSIZED.replace('f:', 'f: # mcsafe: ignore missing-size because it is the last'))).toEqual(['3:1-2 warning missing-type']);
  });

  it('silences the reader too', () => {
    expect(shown('\tfrobnicate %rax # mcsafe: ignore unknown-mnemonic\n')).toEqual([]);
  });

  it('that silences nothing is a hint at the code', () => {
    expect(shown('\tnop # mcsafe: ignore missing-size\n')).toEqual(['1:23-35 hint unused-suppression']);
    expect(shown('\tnop # mcsafe: ignore misssing-size\n')).toEqual(['1:23-36 hint unused-suppression']);
  });

  it('counts only in its own file', () => {
    const provider = { read: (path: string) => (path === '/work/other.h' ? '\n\n# mcsafe: ignore unknown-mnemonic\n' : undefined) };
    expect(shown('#include "other.h"\n\n\n\tfrobnicate %rax\n', {}, { provider })).toEqual(['4:2-17 error unknown-mnemonic']);
  });
});

describe('undefined names', () => {
  it('that are local to the file are errors, those the linker can find are not', () => {
    expect(shown('.Lbegin:\tjmp .Lbegn\n\tcall elsewhere\n\tlea other(%rip), %rax\n\t.quad .Lbegin, away\n')).toEqual(['1:14-20 error undefined-symbol']);
  });

  it('that are numbers are errors in the direction they are looked for', () => {
    expect(shown('\tjmp 1b\n1:\tjmp 1b\n\tjmp 1f\n')).toEqual(['1:6-8 error undefined-symbol', '3:6-8 error undefined-symbol']);
  });

  it('of a text with a missing include are only what it cannot explain', () => {
    const text = [
      '#include "missing.h"', '\tENTRY (copy)', '\tmovq %RAX_LP, %rdi', '\tmovq $SIZE(1), %rax', '\tmovx %rax, %rdi', '\tmovq (%rsi, %rdi', '\tcfi_adjust_cfa_offset(8)',
      '\tmovb %rax, (%rdi)', '#include "missing.h"', '#if IS_IN (libc)', '#endif', '',
    ].join('\n');
    expect(shown(text).map((one) => one.replace(/-\d+/, ''))).toEqual(['1:10 hint include-not-found', '6:7 error syntax', '10:11 hint preprocessor', '5:2 error unknown-mnemonic', '8:2 error operand-mismatch']);
  });

  it('of a text with a missing include are none in lines whose macros are made of what it may define', () => {
    const text = [
      '#include "missing.h"', '#define COUNT FIRST_ARGUMENT', '#define LEFT COUNT', '#define NARROW %eax', '#define LOOP LOOP', '#define OP(x) x(BYTES)',
      '\tmovq %rdi, %rax', '\ttestq COUNT, COUNT', '\taddq $1, LEFT', '\tOP(movq), %rax', '\ttestq NARROW, NARROW', '\tmovq $LOOP, %al', '',
    ].join('\n');
    expect(shown(text).map((one) => one.replace(/-\d+/, ''))).toEqual(['1:10 hint include-not-found', '11:2 error operand-mismatch', '12:2 error operand-mismatch']);
  });

  it('are nothing where an include is missing that may define them', () => {
    expect(shown('#include "missing.h"\n\tjmp .Lthere\n')).toEqual(['1:10-21 hint include-not-found']);
  });

  it('of files that a build makes for .incbin are hints, unless the settings say otherwise', () => {
    const text = '\t.incbin "payload.bin"\n\tnop\n';
    expect(shown(text)).toEqual(['1:10-23 hint missing-file']);
    expect(shown(text, { 'missing-file': 'error' })).toEqual(['1:10-23 error missing-file']);
    expect(shown(`#include "missing.h"\n${text}`)).toEqual(['1:10-21 hint include-not-found', '2:10-23 hint missing-file']);
  });

  it('in the place of an instruction are macros if they look like one', () => {
    expect(shown('SYM_FUNC_START(f)\n\tdo_copy %rax\n\tmovv %rax, %rbx\n')).toEqual(['1:1-15 error undefined-macro', '2:2-14 error undefined-macro', '3:2-17 error unknown-mnemonic']);
  });
});

describe('the editor\'s settings', () => {
  const URI = 'untitled:Untitled-1.S';
  const ask = async (settings: unknown): Promise<readonly string[]> => {
    const client = await startClient({ textDocument: { diagnostic: {} }, workspace: { configuration: true } });
    client.connection.onRequest('workspace/configuration', ({ items }: { items: { section: string; scopeUri: string }[] }) => items.map(({ section, scopeUri }) => (section === 'mcsafe' && scopeUri === URI ? settings : null)));
    client.open(URI, UNSIZED);
    const { items } = await client.connection.sendRequest<{ items: { code: string }[] }>('textDocument/diagnostic', { textDocument: { uri: URI } });
    await client.close();
    return items.map(({ code }) => code);
  };

  it('are asked for, by document', async () => {
    expect(await ask({ diagnostics: { severity: { 'missing-size': 'off' } } })).toEqual(['missing-type']);
  });

  it('that are wrong count for nothing', async () => {
    expect(await ask({ diagnostics: { severity: { 'missing-size': 'loud' } }, codeLens: 'no' })).toEqual(['missing-size', 'missing-type']);
    expect(await ask(null)).toEqual(['missing-size', 'missing-type']);
  });

  it('are taken as they are sent by a client that cannot be asked', async () => {
    const client = await startClient({ textDocument: { diagnostic: {} } });
    client.open(URI, UNSIZED);
    await client.connection.sendNotification('workspace/didChangeConfiguration', { settings: { mcsafe: { diagnostics: { severity: { 'missing-type': 'off' } } } } });
    const { items } = await client.connection.sendRequest<{ items: { code: string }[] }>('textDocument/diagnostic', { textDocument: { uri: URI } });
    expect(items.map(({ code }) => code)).toEqual(['missing-size']);
    await client.close();
  });
});

describe('.mcsafe.json', () => {
  it('names files that are read in front of each source, as with the -include of gcc', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcsafe-preincludes-'));
    writeFileSync(join(folder, 'config.h'), '#define SIZE_OF_ENTRY 24\n');
    const uri = `file://${folder}/f.S`;
    const codes = async (): Promise<readonly string[]> => {
      const client = await startClient({ textDocument: { diagnostic: {} } });
      client.open(uri, '\t.text\n#ifndef SIZE_OF_ENTRY\n#error configure first\n#endif\n\tmovl $SIZE_OF_ENTRY, %eax\n');
      const { items } = await client.connection.sendRequest<{ items: { code: string }[] }>('textDocument/diagnostic', { textDocument: { uri } });
      await client.close();
      return items.map(({ code }) => code);
    };
    expect(await codes()).toContain('user-error');
    writeFileSync(join(folder, '.mcsafe.json'), '{ "preincludes": ["config.h"] }');
    expect(await codes()).toEqual([]);
    writeFileSync(join(folder, '.mcsafe.json'), '{ "preincludes": ["missing.h"] }');
    expect(await codes()).toContain('include-not-found');
    rmSync(folder, { recursive: true });
  });

  it('is told its mistakes at its own place, and the project\'s severities win over the editor\'s', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcsafe-settings-'));
    const settings = join(folder, '.mcsafe.json');
    writeFileSync(settings, '{\n  "diagnostics": { "severity": { "missing-size": "loud" } }\n}\n');
    const client = await startClient({ textDocument: { diagnostic: {} } }, { initializationOptions: { diagnostics: { severity: { 'missing-size': 'error', 'missing-type': 'off' } } } });
    const uri = `file://${folder}/f.S`;
    const codes = async (): Promise<readonly string[]> => {
      const { items } = await client.connection.sendRequest<{ items: { code: string; severity: number }[] }>('textDocument/diagnostic', { textDocument: { uri } });
      return items.map(({ code, severity }) => `${code} ${String(severity)}`);
    };
    const wrong = client.pushed(`file://${settings}`);
    client.open(uri, UNSIZED);
    expect(await codes()).toEqual(['missing-size 1']);
    expect((await wrong).map(({ code, range }) => `${String(range.start.line + 1)} ${String(code)}`)).toEqual(['2 settings-value']);
    const right = client.pushed(`file://${settings}`);
    writeFileSync(settings, '{ "diagnostics": { "severity": { "missing-size": "hint" } } }');
    await client.connection.sendNotification('workspace/didChangeWatchedFiles', { changes: [{ uri: `file://${settings}`, type: 2 }] });
    expect(await codes()).toEqual(['missing-size 4']);
    expect(await right).toEqual([]);
    await client.close();
    rmSync(folder, { recursive: true });
  });
});
