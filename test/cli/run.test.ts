import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { TABLE, writeSparseFile } from '../elf/sparse-file.ts';
import { has } from '../host/tools.ts';

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SAMPLE = 'samples/copy_mc.S';

describe('mcsafe', { timeout: 120_000 }, () => {
  let folder: string;
  let script: string;

  // The command as it is shipped: one bundle beside iced's WebAssembly.
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mcsafe-cli-'));
    script = join(folder, 'mcsafe.cjs');
    await build({ entryPoints: ['cli/main.ts'], outfile: script, bundle: true, platform: 'node', format: 'cjs', mainFields: ['module', 'main'], logLevel: 'error' });
    writeFileSync(join(folder, 'iced_x86_bg.wasm'), readFileSync('node_modules/iced-x86/iced_x86_bg.wasm'));
  }, 60_000);
  afterAll(() => { rmSync(folder, { recursive: true }); });

  function mcsafe(...args: readonly string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      execFile(process.execPath, [script, ...args], { env: { ...process.env, NO_COLOR: '1' }, timeout: 60_000 }, (error, stdout, stderr) => {
        resolve({ status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
      });
    });
  }

  it('run tells where it stopped, why it was survived, what the fixup changed and what came back', async () => {
    const { status, stdout, stderr } = await mcsafe('run', SAMPLE);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    await expect(stdout.replaceAll(process.cwd(), '<root>')).toMatchFileSnapshot('golden/run.txt');
  });

  it('run --json gives the same as data', async () => {
    const { stdout } = await mcsafe('run', SAMPLE, '--json', '--poison', 'src+10', '--granule', 'byte', '-n', '20');
    const data = JSON.parse(stdout) as { fixups: { changes: unknown[] }[]; end: { reason: string; registers: Record<string, string>; returns: string; severityRows: { row: number; hits: number }[] } };
    expect(data.end).toMatchObject({ reason: 'returned', returns: 'rdx', registers: { rax: '0x12', rdx: '0xc' } });
    expect(data.end.severityRows.filter(({ hits }) => hits > 0)).toEqual([{ row: 17, severity: 'AR', message: expect.any(String) as string, hits: 1, passedOver: 0 }]);
    expect(data.fixups[0]!.changes).toContainEqual({ register: 'rax', old: '0x0', new: '0x12', changedBy: 'EX_TYPE_FAULT_MCE_SAFE' });
  });

  it('run of a routine that does not come back says so in its status', async () => {
    const source = join(folder, 'dies.S');
    writeFileSync(source, '\t.globl f\n\t.type f, @function\nf:\n\tmovq 0x1234, %rax\n\tret\n\t.size f, . - f\n');
    const { status, stdout } = await mcsafe('run', source);
    expect(status).toBe(1);
    expect(stdout).toContain('Stopped: Unhandled exception at f');
    expect(stdout).toMatch(/\noops: page fault reading 8 bytes at 0x1234 /);
  });

  it('run takes registers and memory as it is told', async () => {
    const source = join(folder, 'add.S');
    writeFileSync(source, '\t.globl f\n\t.type f, @function\nf:\n\tmovq %rdi, %rax\n\taddq 8(%rsi), %rax\n\tret\n\t.size f, . - f\n');
    const { status, stdout } = await mcsafe('run', source, '--set', 'rdi=0x1000', '--set', '%rsi=table-8', '--buffer', 'table=8');
    expect(status).toBe(0);
    expect(stdout).toContain('f returned rax = 0xccccccccccccdccc');
    expect((await mcsafe('run', source, '--set', 'rdi')).stderr).toBe('mcsafe: --set rdi: write a name, = and a value\n');
    expect((await mcsafe('run', source, '--set', 'rdi=nobody')).stderr).toContain('arguments.rdi: "nobody" names no buffer or symbol');
    expect((await mcsafe('run', source, '--buffer', 'table=-8')).stderr).toContain('the size is a whole number of bytes');
  });

  it('run without poison meets no exception', async () => {
    const { status, stdout } = await mcsafe('run', SAMPLE, '--poison', 'none');
    expect(status).toBe(0);
    expect(stdout).toContain('copy_mc returned rax = 0, rdx = 0\n0 exceptions');
  });

  it('table explains each entry', async () => {
    const { status, stdout } = await mcsafe('table', SAMPLE);
    expect(status).toBe(0);
    await expect(stdout).toMatchFileSnapshot('golden/table.txt');
    const data = JSON.parse((await mcsafe('table', SAMPLE, '--json', '--sort')).stdout) as { layout: string; entries: { site: { symbol: string } }[] };
    expect(data.layout).toBe('data');
    expect(data.entries.map(({ site }) => site.symbol.split(' ')[0])).toEqual(['copy_mc+0xc', 'copy_mc+0xf', 'copy_mc+0x29', 'copy_mc+0x2c']);
  });

  it('table judges by the kernels that have had the layout, and by what entries name', async () => {
    const old = (await mcsafe('table', 'samples/two_tables/copy.S')).stdout;
    expect(old).toContain('judged by the rules of kernel 4.4');
    expect(old.match(/#MC recoverable: .*/g)).toEqual([
      '#MC recoverable: no, because this kernel does not recover from machine checks in its own code', '#MC recoverable: yes, because the table of machine-check entries has one for this ip',
    ]);
    const source = join(folder, 'classes.S');
    writeFileSync(source, `#include <mcsafe/extable.h>
	extable_note
	.globl f
f:
1:	movq (%rsi), %rax
2:	movq (%rdi), %rcx
3:	movq (%rdx), %rbx
4:	ret
	EXTABLE(1b, 4b)
	EXTABLE_TRAPNR(2b, 4b)
	EXTABLE_HANDLER(3b, descriptor)
	EXTABLE_DESCRIPTOR descriptor, f, EXTABLE_PF | EXTABLE_MC
`);
    expect((await mcsafe('table', source, '--kernel', '5.16')).stdout.match(/#MC recoverable: \w+/g)).toEqual(['#MC recoverable: no', '#MC recoverable: yes', '#MC recoverable: yes']);
  });

  it('table --check finds what is wrong with a table, and --fix sorts it in a new file', async () => {
    if (!has('as') || !has('ld')) return;
    const object = join(folder, 'linked.o');
    const linked = join(folder, 'linked');
    expect((await mcsafe('asm', SAMPLE, '-o', object)).status).toBe(0);
    expect(await mcsafe('table', object, '--check')).toMatchObject({ status: 0, stdout: `${object}: 4 entries, 0 ranges, no findings\n` });
    expect(await mcsafe('table', object, '--fix')).toMatchObject({ status: 2, stderr: expect.stringContaining('link it first') as string });
    execFileSync('ld', ['--unresolved-symbols=ignore-all', '-e', 'copy_mc', '-o', linked, object]);
    const check = await mcsafe('table', linked, '--check');
    expect(check.status).toBe(1);
    expect(check.stdout).toContain('[unsorted]');
    expect(await mcsafe('table', linked, '--fix')).toMatchObject({ status: 0, stdout: `__ex_table: 4 entries sorted by address\nwrote ${linked}.fixed\n` });
    expect((await mcsafe('table', linked, '--check')).status).toBe(1);
    expect((await mcsafe('table', `${linked}.fixed`, '--check')).status).toBe(0);
    expect((await mcsafe('table', linked, '--fix', '--in-place')).status).toBe(0);
    expect((await mcsafe('table', linked, '--check')).status).toBe(0);
  });

  it('table lists a file of 700 MB in less than 300 MB of memory, and ends quietly when its reader does', async () => {
    const file = join(folder, 'sparse');
    writeSparseFile(file);
    const told = await new Promise<{ readonly entries: number; readonly megabytes: number }>((resolve, reject) => {
      // The process tells its own peak as it exits. On Linux its maxRSS begins with what its parent, the test, had when it was started.
      const peak = `data:text/javascript,${encodeURIComponent(`import { existsSync, readFileSync } from 'node:fs';
        const own = () => /^VmHWM:\\s*(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];
        process.on('exit', () => { process.stderr.write(existsSync('/proc/self/status') ? own() : String(process.resourceUsage().maxRSS)); });`)}`;
      execFile(process.execPath, ['--import', peak, script, 'table', file, '--json'], { timeout: 60_000, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        if (error !== null) reject(error);
        else resolve({ entries: (JSON.parse(stdout) as { entries: unknown[] }).entries.length, megabytes: Number(stderr) / 1024 });
      });
    });
    expect(told.entries).toBe(TABLE.entries);
    expect(told.megabytes).toBeGreaterThan(20);
    expect(told.megabytes).toBeLessThan(300);
    // Whoever reads may have read enough.
    const { stdout, stderr, status } = spawnSync('sh', ['-c', '"$0" "$1" table "$2" | head -1', process.execPath, script, file], { encoding: 'utf8' });
    expect({ status, stderr, lines: stdout.trim().split('\n').length }).toEqual({ status: 0, stderr: '', lines: 1 });
  });

  it('table unpacks a module', async () => {
    const object = join(folder, 'module.ko');
    expect((await mcsafe('asm', SAMPLE, '-o', object)).status).toBe(0);
    writeFileSync(`${object}.gz`, gzipSync(readFileSync(object)));
    expect((await mcsafe('table', `${object}.gz`, '--check')).stdout).toBe(`${object}.gz: 4 entries, 0 ranges, no findings\n`);
  });

  it('asm writes an object that table reads', async () => {
    const object = join(folder, 'out.o');
    expect(await mcsafe('asm', SAMPLE, '-o', object)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await mcsafe('table', object)).stdout).toContain('__ex_table: 4 entries of 12 bytes');
  });

  it('what cannot be done is said in one line, with status 2', async () => {
    expect(await mcsafe('run', 'absent.S')).toEqual({ status: 2, stdout: '', stderr: `mcsafe: launch configuration: program: cannot read ${process.cwd()}/absent.S: no such file\n` });
    expect(await mcsafe('run', SAMPLE, '--entry', 'f')).toMatchObject({ status: 2, stderr: expect.stringContaining('no routine "f"') as string });
    expect(await mcsafe('table', 'package.json')).toMatchObject({ status: 2 });
    expect(await mcsafe('run')).toMatchObject({ status: 2, stderr: expect.stringContaining("missing required argument 'file'") as string });
    expect(await mcsafe('run', SAMPLE, '-n', 'many')).toMatchObject({ status: 2, stderr: expect.stringContaining('Not a whole number') as string });
    expect(await mcsafe('frobnicate')).toMatchObject({ status: 2, stderr: expect.stringContaining("unknown command 'frobnicate'") as string });
    expect(await mcsafe('dap', '--port', '70000')).toMatchObject({ status: 2 });
  });

  it('--help and --version are no failures', async () => {
    expect(await mcsafe('--version')).toMatchObject({ status: 0 });
    const { status, stdout } = await mcsafe('--help');
    expect(status).toBe(0);
    expect(stdout).toContain('Exit status:');
  });
});
