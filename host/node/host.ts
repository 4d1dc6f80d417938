/**
 * The host of Node.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Host, HostFolderEntry } from '../host.ts';
import { nodeProcesses } from './processes.ts';

export interface NodeHostOptions {
  /** False: no program is ever started (an untrusted workspace). Default true. */
  readonly trusted?: boolean;
  readonly workingFolder?: string;
  /** See {@link Host.documentation}. */
  readonly documentation?: string | undefined;
}

export function nodeHost(options: NodeHostOptions = {}): Host {
  return {
    files: { read: readFileOrNothing, list: listFolder },
    ...(options.trusted === false ? { noProcesses: 'the workspace is not trusted' } : { processes: nodeProcesses }),
    resolve,
    folder: dirname,
    ...(options.documentation === undefined ? {} : { documentation: options.documentation }),
    workingFolder: options.workingFolder ?? process.cwd(),
  };
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE']);

/** The bytes of a regular file; undefined where there is none that can be read. */
function readFileOrNothing(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && ABSENT.has(String(error.code))) return undefined;
    throw error;
  }
}

function listFolder(folder: string): readonly HostFolderEntry[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() || entry.isFile()).map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (ABSENT.has(String(error.code)) || error.code === 'EPERM')) return [];
    throw error;
  }
}
