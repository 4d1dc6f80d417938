/**
 * What the rest of mcsafe needs from the system it runs on. One version for Node (`host/node/`), one for browsers (`host/browser/`).
 */

export interface HostFiles {
  /** The bytes of a file; undefined if there is none, or (see {@link settle}) if it has not arrived yet. */
  read(path: string): Uint8Array | undefined;
  /**
   * For hosts whose files arrive asynchronously: fetches whatever `read` was asked for and did not have.
   * True if anything new arrived, so that reading again gives more. Absent where `read` is always final.
   */
  settle?(): Promise<boolean>;
  /** What a folder holds, symbolic links left out; nothing if it cannot be read. Absent where folders cannot be listed. */
  list?(folder: string): readonly HostFolderEntry[];
}

export interface HostFolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** One program to be run to its end. */
export interface ProcessRequest {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Bytes or text for its standard input; nothing if absent. */
  readonly input?: string | Uint8Array;
  /** Files it finds in its working folder, a fresh temporary one that is removed afterwards; names may hold `/`. */
  readonly files?: ReadonlyMap<string, string | Uint8Array>;
  /** Names of files it leaves there that the caller wants. */
  readonly results?: readonly string[];
  /** Milliseconds after which it is killed. Default 20,000. */
  readonly timeLimit?: number;
  /** Bytes it may print. Default 64 MiB. */
  readonly outputLimit?: number;
}

export interface ProcessResult {
  /** Exit status; undefined if it was killed. */
  readonly status: number | undefined;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  /** The requested results that were there. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface HostProcesses {
  /** Runs a program. Rejects with {@link ProcessError} if it cannot be started or exceeds a limit. */
  run(request: ProcessRequest): Promise<ProcessResult>;
}

/** A program that could not be run to its end: not installed, too slow, too much output. */
export class ProcessError extends Error {
  readonly kind: 'not-found' | 'time-limit' | 'output-limit' | 'failed';

  constructor(kind: ProcessError['kind'], message: string) {
    super(message);
    this.name = 'ProcessError';
    this.kind = kind;
  }
}

export interface Host {
  readonly files: HostFiles;
  /** Absent in browsers and in untrusted workspaces: no tool is ever started there. */
  readonly processes?: HostProcesses;
  /** Why there are no processes, for messages. */
  readonly noProcesses?: string;
  /** Absolute path of `path`, seen from the folder `base`. */
  resolve(base: string, path: string): string;
  /** The folder that holds `path`; the path itself at the root. */
  folder(path: string): string;
  /** The folder with the manual and the pages of the diagnostics, where they are installed. */
  readonly documentation?: string;
  /** Where relative paths start if nothing else says so. */
  readonly workingFolder: string;
}
