import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProcessError } from '../../host/host.ts';
import { nodeHost } from '../../host/node/host.ts';
import { nodeProcesses } from '../../host/node/processes.ts';

describe('programs on Node', () => {
  // A temporary folder of our own, so that what is left behind is seen.
  let folder: string;
  const before = process.env['TMPDIR'];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcsafe-test-'));
    process.env['TMPDIR'] = folder;
  });
  afterEach(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(folder, { recursive: true });
  });

  it('get input and files, and give output, results and their status', async () => {
    const result = await nodeProcesses.run({
      command: 'sh', arguments: ['-c', 'cat; cat sub/in > out; echo oops >&2; exit 3'],
      input: 'hello', files: new Map([['sub/in', 'from a file']]), results: ['out', 'absent'],
    });
    expect(result.status).toBe(3);
    expect(new TextDecoder().decode(result.stdout)).toBe('hello');
    expect(result.stderr).toBe('oops\n');
    expect([...result.files].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)])).toEqual([['out', 'from a file']]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that never end are stopped, and leave nothing behind', async () => {
    const started = performance.now();
    await expect(nodeProcesses.run({ command: 'sleep', arguments: ['60'], timeLimit: 100 })).rejects.toThrow('sleep was stopped after 0.1 s');
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that print without end are stopped', async () => {
    await expect(nodeProcesses.run({ command: process.execPath, arguments: ['-e', `const y = 'y\\n'.repeat(1 << 16); (function more() { process.stdout.write(y, more); })();`] })).rejects.toThrow('printed more than 64 MiB');
  });

  it('that are not installed are named', async () => {
    const failure = await nodeProcesses.run({ command: 'no-such-program', arguments: [] }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProcessError);
    expect(failure).toMatchObject({ kind: 'not-found', message: 'no-such-program is not installed or not on the PATH' });
  });

  it('do not exist in an untrusted workspace', () => {
    expect(nodeHost({ trusted: false }).processes).toBeUndefined();
    expect(nodeHost().processes).toBeDefined();
  });
});

describe('files on Node', () => {
  it('that cannot be read are simply not there', () => {
    const { files } = nodeHost();
    expect(files.read('/no/such/file')).toBeUndefined();
    expect(files.read('/')).toBeUndefined();
    expect(files.read(`${process.cwd()}/package.json/x`)).toBeUndefined();
    expect(files.read('bad\0name')).toBeUndefined();
    expect(existsSync('package.json') && files.read('package.json')!.length).toBeGreaterThan(100);
  });
});
