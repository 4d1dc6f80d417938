import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lint } from '../../cli/commands/lint.ts';
import type { LintOptions } from '../../cli/commands/lint.ts';
import { nodeHost } from '../../host/node/host.ts';
import { problemsLog } from '../../language-server/sarif.ts';
import { sarifErrors } from '../sarif.ts';

/** What the command prints, and its exit status. */
async function run(files: readonly string[], format: 'text' | 'json' | 'sarif' = 'text', options: Partial<LintOptions> = {}): Promise<{ readonly status: number; readonly out: string }> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  return { status: await lint(files, { format, ...options }), out };
}

describe('mcsafe lint', () => {
  afterEach(() => { vi.restoreAllMocks(); });

  it('finds nothing in a correct routine', async () => {
    expect(await run(['samples/copy_mc.S'])).toEqual({ status: 0, out: '' });
  });

  it('finds a label on the wrong instruction and names the one that was meant', async () => {
    const { status, out } = await run(['samples/faulty/wrong_label.S']);
    expect(status).toBe(1);
    expect(out).toContain('which cannot fault; `rep stos %al,%es:(%rdi)` in line 23 can, and has no entry [entry-cannot-fault]');
  });

  it('prints SARIF with a rule, a place and the related places', async () => {
    const { out } = await run(['samples/faulty/wrong_label.S'], 'sarif');
    const log = JSON.parse(out) as { version: string; runs: { tool: { driver: { rules: unknown } }; results: { ruleId: string; locations: unknown; relatedLocations: unknown[] }[] }[] };
    expect(sarifErrors(log)).toEqual([]);
    expect(log.runs[0]!.tool.driver.rules).toEqual([{ id: 'entry-cannot-fault' }]);
    const [result] = log.runs[0]!.results;
    expect(result!.locations).toEqual([{ physicalLocation: {
      artifactLocation: { uri: `file://${process.cwd()}/samples/faulty/wrong_label.S` }, region: { startLine: 31, startColumn: 2, endColumn: expect.any(Number) as number },
    } }]);
    expect(result!.relatedLocations).toHaveLength(2);
  });

  it('gives each rule in SARIF its page, as text and as an address', () => {
    const host = nodeHost();
    const place = { start: { file: '/a b.S', line: 3, column: 1 }, endColumn: 1 };
    const log = problemsLog([
      { code: 'credited-load', severity: 'error', message: 'x', range: place }, { code: 'no-such-code', severity: 'hint', message: 'y', range: place },
    ], '1.2.3', { folder: host.resolve(host.workingFolder, 'docs'), files: host.files });
    expect(sarifErrors(JSON.parse(JSON.stringify(log)))).toEqual([]);
    const [known, unknown] = log.runs[0]!.tool.driver.rules!;
    expect(known).toMatchObject({ id: 'credited-load', helpUri: `file://${process.cwd()}/docs/diagnostics/credited-load.md` });
    expect(known!.shortDescription!.text).toMatch(/^The landing pad of a later load reports .* fewer were stored\.$/);
    expect(known!.help!.markdown).toContain('# credited-load');
    expect(unknown).toEqual({ id: 'no-such-code' });
    expect(log.runs[0]!.results!.map(({ level }) => level)).toEqual(['error', 'note']);
  });

  it('puts right what is safe to put right, in the file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcsafe-lint-'));
    const file = join(folder, 'f.S');
    writeFileSync(file, '#include <asm/asm.h>\n.globl f\nf:\tstd\n1:\tmovq (%rdi), %rax\n2:\tret\n\t_ASM_EXTABLE(1b, 2b)\n');
    expect((await run([file])).status).toBe(1);
    expect(await run([file], 'text', { fix: true })).toEqual({ status: 0, out: '' });
    expect(readFileSync(file, 'utf8')).toBe('#include <asm/asm.h>\n.globl f\n\t.type\tf, @function\nf:\tstd\n1:\tmovq (%rdi), %rax\n2:\tcld\n\tret\n\t.size\tf, . - f\n\t_ASM_EXTABLE(1b, 2b)\n');
    rmSync(folder, { recursive: true });
  });

  it('shows findings as it is told', async () => {
    expect(await run(['samples/faulty/wrong_label.S'], 'text', { severity: ['entry-cannot-fault=off'] })).toEqual({ status: 0, out: '' });
    expect(() => lint(['samples/copy_mc.S'], { format: 'text', severity: ['nothing=off'] })).toThrow('there is no diagnostic "nothing"');
    expect(() => lint(['samples/copy_mc.S'], { format: 'text', severity: ['missing-size=loud'] })).toThrow('the level being one of error, warning, information, hint, off');
  });

  it('says which file cannot be read', () => {
    expect(() => lint(['nowhere.S'], { format: 'text' })).toThrow('cannot read nowhere.S');
  });
});
