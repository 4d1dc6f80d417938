/**
 * Programs on Node: each in a temporary folder of its own, with limits on time and output.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ProcessError } from '../host.ts';
import type { HostProcesses, ProcessRequest, ProcessResult } from '../host.ts';

const DEFAULT_TIME_LIMIT = 20_000;
const OUTPUT_LIMIT = 64 << 20;

export const nodeProcesses: HostProcesses = {
  async run(request) {
    const folder = await mkdtemp(join(tmpdir(), 'mcsafe-'));
    try {
      for (const [name, contents] of request.files ?? []) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), contents);
      }
      const ended = await runIn(folder, request);
      const files = new Map<string, Uint8Array>();
      for (const name of request.results ?? []) {
        const contents = await readFile(join(folder, name)).catch(() => undefined);
        if (contents !== undefined) files.set(name, new Uint8Array(contents));
      }
      return { ...ended, files };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function runIn(folder: string, request: ProcessRequest): Promise<Omit<ProcessResult, 'files'>> {
  const { command } = request;
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...request.arguments], {
      cwd: folder,
      stdio: 'pipe',
      // Messages are read by people and by us: always the same language.
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let size = 0;
    const fail = (error: ProcessError): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(error);
    };
    const limit = request.timeLimit ?? DEFAULT_TIME_LIMIT;
    const outputLimit = request.outputLimit ?? OUTPUT_LIMIT;
    const timer = setTimeout(() => {
      fail(new ProcessError('time-limit', `${command} was stopped after ${String(limit / 1000)} s`));
    }, limit);
    const collect = (into: Buffer[]) => (data: Buffer): void => {
      size += data.length;
      if (size > outputLimit) fail(new ProcessError('output-limit', `${command} printed more than ${String(outputLimit >> 20)} MiB`));
      else into.push(data);
    };
    child.stdout.on('data', collect(stdout));
    child.stderr.on('data', collect(stderr));
    child.on('error', (error: NodeJS.ErrnoException) => {
      fail(error.code === 'ENOENT'
        ? new ProcessError('not-found', `${command} is not installed or not on the PATH`)
        : new ProcessError('failed', `${command} could not be started: ${error.message}`));
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status: status ?? undefined, stdout: new Uint8Array(Buffer.concat(stdout)), stderr: Buffer.concat(stderr).toString('utf8') });
    });
    // A program that ends without reading its input is no error of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(request.input);
  });
}
