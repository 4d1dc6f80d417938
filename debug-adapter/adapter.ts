/**
 * What the request handlers share: the client's wishes, the program that was launched, and a way to send events.
 */
import { OutputEvent, TerminatedEvent } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { pathOf, uriOf } from '../assembly/file-uri.ts';
import type { Host } from '../host/host.ts';
import { Breakpoints } from './breakpoints/breakpoints.ts';
import type { Debuggee } from './debuggee.ts';
import { errors } from './errors.ts';
import { DEFAULT_FILTERS } from './exception-filters.ts';
import type { ExceptionFilter } from './exception-filters.ts';

/** What the client said of itself in `initialize`. What it did not announce it is not sent. */
export interface Client {
  readonly linesStartAt1: boolean;
  readonly columnsStartAt1: boolean;
  readonly pathsAreUris: boolean;
  readonly supportsVariableType: boolean;
  readonly supportsVariablePaging: boolean;
  readonly supportsMemoryReferences: boolean;
  readonly supportsMemoryEvent: boolean;
  readonly supportsInvalidatedEvent: boolean;
}

/** The protocol's defaults. */
const UNKNOWN_CLIENT: Client = {
  linesStartAt1: true, columnsStartAt1: true, pathsAreUris: false, supportsVariableType: false, supportsVariablePaging: false, supportsMemoryReferences: false,
  supportsMemoryEvent: false, supportsInvalidatedEvent: false,
};

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
  #client: Client | undefined;
  readonly breakpoints = new Breakpoints();
  filters: ReadonlySet<ExceptionFilter> = new Set(DEFAULT_FILTERS);
  /** Set by `launch`: run without any stop. */
  noDebug = false;
  /** Where relative paths of a launch configuration start. */
  baseFolder: string;
  readonly #send: (event: DebugProtocol.Event) => void;
  readonly #onEnd: () => void;
  #debuggee: Debuggee | undefined;
  #deferred: (() => void)[] = [];
  #terminated = false;
  #givenUp = false;

  constructor(host: Host, send: (event: DebugProtocol.Event) => void, onEnd: () => void) {
    this.host = host;
    this.baseFolder = host.workingFolder;
    this.#send = send;
    this.#onEnd = onEnd;
  }

  get client(): Client {
    return this.#client ?? UNKNOWN_CLIENT;
  }

  /** The client has introduced itself. */
  get initialized(): boolean {
    return this.#client !== undefined;
  }

  initialize(client: Client): void {
    this.#client = client;
  }

  send(event: DebugProtocol.Event): void {
    this.#send(event);
  }

  /** Prints to the debug console. */
  print(text: string, category: 'console' | 'important' | 'stdout' | 'stderr' = 'console', place?: { readonly path: string; readonly line: number }): void {
    const event: DebugProtocol.OutputEvent = new OutputEvent(`${text}\n`, category);
    if (place !== undefined) Object.assign(event.body, { source: this.sourceToClient({ path: place.path }), line: this.lineToClient(place.line) });
    this.send(event);
  }

  /** Tells that the run is over; once for each run, however often it is ended. */
  tellTerminated(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.send(new TerminatedEvent());
  }

  /** A place as this client counts lines and names files. */
  toClient({ source, line, column }: Place): Place {
    return { source: this.sourceToClient(source), line: this.lineToClient(line), column: this.client.columnsStartAt1 ? column : column - 1 };
  }

  /** A source as this client names files. */
  sourceToClient(source: DebugProtocol.Source): DebugProtocol.Source {
    return this.client.pathsAreUris && source.path !== undefined ? { ...source, path: uriOf(source.path) } : source;
  }

  /** A line, from 1, as this client counts them. */
  lineToClient(line: number): number {
    return this.client.linesStartAt1 ? line : line - 1;
  }

  /** A line as the client counts them, from 1. */
  lineFromClient(line: number): number {
    return this.client.linesStartAt1 ? line : line + 1;
  }

  /** A path as the client writes it. */
  pathFromClient(path: string): string {
    return this.client.pathsAreUris ? pathOf(path) : path;
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
    if (this.#debuggee === undefined) throw this.#givenUp ? errors.terminated(command) : errors.notLaunched(command);
    return this.#debuggee;
  }

  /** The launched program, which must stand still. */
  stopped(command: string): Debuggee {
    const debuggee = this.debuggee(command);
    if (debuggee.execution.running) throw errors.running(command);
    return debuggee;
  }

  /** Throws if no program can be launched: there is one, or it was terminated. */
  checkLaunch(): void {
    if (this.launched) throw errors.alreadyLaunched();
    if (this.#givenUp) throw errors.terminated('launch');
  }

  launch(debuggee: Debuggee): void {
    this.#debuggee?.execution.dispose();
    this.#debuggee = debuggee;
    this.#terminated = false;
  }

  dispose(): void {
    this.#debuggee?.execution.dispose();
    this.#debuggee = undefined;
  }

  /** Ends the program, or what might have become one: nothing can be launched any more. */
  terminate(): void {
    this.dispose();
    this.#givenUp = true;
  }

  end(): void {
    this.dispose();
    this.#onEnd();
  }
}
