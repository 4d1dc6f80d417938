/**
 * What the request handlers share: the client's wishes, the program that was launched, and a way to send events.
 */
import { OutputEvent } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Host } from '../host/host.ts';
import { Breakpoints } from './breakpoints/breakpoints.ts';
import type { Debuggee } from './debuggee.ts';
import { errors } from './errors.ts';
import { filePath, fileUri } from './file-uri.ts';
import { DEFAULT_FILTERS } from './exception-filters.ts';
import type { ExceptionFilter } from './exception-filters.ts';

/** What the client said of itself in `initialize`. */
export interface Client {
  linesStartAt1: boolean;
  columnsStartAt1: boolean;
  pathsAreUris: boolean;
  supportsMemoryEvent: boolean;
  supportsInvalidatedEvent: boolean;
}

export interface Place {
  readonly source: DebugProtocol.Source;
  /** From 1, but for clients that count otherwise. */
  readonly line: number;
  readonly column: number;
}

/** There is one CPU, and so one thread. */
export const THREAD_ID = 1;

export class Adapter {
  readonly host: Host;
  readonly client: Client = { linesStartAt1: true, columnsStartAt1: true, pathsAreUris: false, supportsMemoryEvent: false, supportsInvalidatedEvent: false };
  readonly breakpoints = new Breakpoints();
  filters: ReadonlySet<ExceptionFilter> = new Set(DEFAULT_FILTERS);
  /** A launch is in the works. */
  launching = false;
  /** Set by `launch`: run without any stop. */
  noDebug = false;
  /** Where relative paths of a launch configuration start. */
  baseFolder: string;
  readonly #send: (event: DebugProtocol.Event) => void;
  readonly #onEnd: () => void;
  #debuggee: Debuggee | undefined;
  #deferred: (() => void)[] = [];

  constructor(host: Host, send: (event: DebugProtocol.Event) => void, onEnd: () => void) {
    this.host = host;
    this.baseFolder = host.workingFolder;
    this.#send = send;
    this.#onEnd = onEnd;
  }

  send(event: DebugProtocol.Event): void {
    this.#send(event);
  }

  /** Prints to the debug console. */
  print(text: string, category: 'console' | 'important' | 'stdout' | 'stderr' = 'console', place?: Pick<DebugProtocol.OutputEvent['body'], 'source' | 'line'>): void {
    const event: DebugProtocol.OutputEvent = new OutputEvent(`${text}\n`, category);
    Object.assign(event.body, place);
    this.send(event);
  }

  /** A place as this client counts lines and names files. */
  toClient({ source, line, column }: Place): Place {
    const { linesStartAt1, columnsStartAt1, pathsAreUris } = this.client;
    return {
      source: pathsAreUris && source.path !== undefined ? { ...source, path: fileUri(source.path) } : source,
      line: linesStartAt1 ? line : line - 1,
      column: columnsStartAt1 ? column : column - 1,
    };
  }

  /** A line as the client counts them, from 1. */
  lineFromClient(line: number): number {
    return this.client.linesStartAt1 ? line : line + 1;
  }

  /** A path as the client writes it. */
  pathFromClient(path: string): string {
    return this.client.pathsAreUris ? filePath(path) : path;
  }

  /** Does something once the response of the request in hand has been sent. */
  defer(action: () => void): void {
    this.#deferred.push(action);
  }

  afterResponse(): void {
    const actions = this.#deferred;
    this.#deferred = [];
    for (const action of actions) action();
  }

  get launched(): boolean {
    return this.#debuggee !== undefined;
  }

  /** The launched program; throws for `command` if there is none. */
  debuggee(command: string): Debuggee {
    if (this.#debuggee === undefined) throw errors.notLaunched(command);
    return this.#debuggee;
  }

  /** The launched program, which must stand still. */
  stopped(command: string): Debuggee {
    const debuggee = this.debuggee(command);
    if (debuggee.execution.running) throw errors.running(command);
    return debuggee;
  }

  launch(debuggee: Debuggee): void {
    this.#debuggee?.execution.dispose();
    this.#debuggee = debuggee;
  }

  dispose(): void {
    this.#debuggee?.execution.dispose();
    this.#debuggee = undefined;
  }

  end(): void {
    this.dispose();
    this.#onEnd();
  }
}
