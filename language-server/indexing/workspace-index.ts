/**
 * What is known of the sources of a workspace: which file defines and names which symbol, where macros and C functions are.
 * Filled in the background, a file at a time, and kept in step with buffers and files.
 */
import type { GasUnit, Statement } from '../../assembly/gas/statement.ts';
import type { Host } from '../../host/host.ts';
import { pushTo } from '../analysis/multimap.ts';
import { summarizeC } from './c-source.ts';
import type { CFunction, CSummary } from './c-source.ts';
import { isForeignPath, sourceKind, sourcesBelow } from './files.ts';
import type { FoundSource } from './files.ts';
import { summarize, summarizeReading } from './summary.ts';
import type { FileSummary, MacroSummary, Mention, Place, SymbolSummary } from './summary.ts';

/** Larger files are no sources a person wrote. Bytes. */
const MAX_FILE_SIZE = 4 << 20;
/** Milliseconds of work between two turns for requests. */
const SLICE_MS = 8;

export interface IndexOptions {
  readonly enabled: boolean;
  /** Files read at most; assembler sources come first. */
  readonly maxFiles: number;
}

/** How far indexing has come. */
export interface IndexProgress {
  readonly done: number;
  readonly total: number;
}

export interface IndexSources {
  readonly host: Host;
  /** Reads an assembler source with its project's settings, and has each statement seen that may name symbols. */
  read(path: string, text: string, see: (statement: Statement) => void): GasUnit;
  /** Text of an open buffer, else of the file. */
  textOf(path: string): string | undefined;
}

/** What came of indexing the folders. */
export interface IndexOutcome {
  readonly files: number;
  /** Sources left out because of the cap. */
  readonly leftOut: number;
  readonly milliseconds: number;
}

export class WorkspaceIndex {
  readonly #sources: IndexSources;
  readonly #files = new Map<string, FileSummary>();
  readonly #c = new Map<string, CSummary>();
  /** Files by symbol they mention. */
  readonly #mentioning = new Map<string, Set<string>>();
  readonly #definingC = new Map<string, Set<string>>();
  /** Counts the runs: one that is not the newest ends. */
  #run = 0;
  #ready: Promise<unknown> = Promise.resolve();

  constructor(sources: IndexSources) {
    this.#sources = sources;
  }

  /** Resolves when the running indexing is done (at once if there is none). */
  get ready(): Promise<unknown> {
    return this.#ready;
  }

  /** Makes {@link ready} wait for `work` too. */
  await(work: Promise<unknown>): void {
    this.#ready = Promise.allSettled([this.#ready, work]);
  }

  get files(): Iterable<FileSummary> {
    return this.#files.values();
  }

  get cFiles(): Iterable<CSummary> {
    return this.#c.values();
  }

  /** Reads the sources below `folders` anew, in the background. Files of folders that are no longer among them are forgotten. */
  async build(folders: readonly string[], options: IndexOptions, progress: (state: IndexProgress) => void): Promise<IndexOutcome | undefined> {
    const work = this.#build(folders, options, progress, ++this.#run);
    this.await(work);
    return work;
  }

  /** Ends a running indexing. */
  stop(): void {
    this.#run++;
  }

  async #build(folders: readonly string[], options: IndexOptions, progress: (state: IndexProgress) => void, run: number): Promise<IndexOutcome | undefined> {
    const started = Date.now();
    const isStale = (): boolean => run !== this.#run;
    const slices = new Slices();
    const found = new Map<string, FoundSource>();
    if (options.enabled) {
      for (const folder of folders) {
        for (const source of sourcesBelow(folder, this.#sources.host)) {
          if (source !== undefined) found.set(source.path, source);
          else if (await slices.pause() && isStale()) return undefined;
        }
      }
    }
    const all = [...found.values()].sort((a, b) => Number(a.kind === 'c') - Number(b.kind === 'c'));
    const taken = all.slice(0, options.maxFiles);
    const wanted = new Set(taken.map(({ path }) => path));
    for (const path of [...this.#files.keys(), ...this.#c.keys()]) if (!wanted.has(path)) this.forget(path);
    let done = 0;
    for (const { path } of taken) {
      this.update(path);
      done++;
      if (!await slices.pause()) continue;
      if (isStale()) return undefined;
      progress({ done, total: taken.length });
    }
    return { files: taken.length, leftOut: all.length - taken.length, milliseconds: Date.now() - started };
  }

  /** Reads one file again, or forgets it if it is gone. */
  update(path: string): void {
    this.forget(path);
    const kind = sourceKind(path);
    if (kind === undefined || isForeignPath(path)) return;
    const text = this.#sources.textOf(path);
    if (text === undefined || text.length > MAX_FILE_SIZE) return;
    if (kind === 'c') {
      const summary = summarizeC(path, text);
      this.#c.set(path, summary);
      for (const { name } of summary.functions) this.#add(this.#definingC, name, path);
      return;
    }
    this.#keep(summarizeReading((see) => this.#sources.read(path, text, see)));
  }

  /** Takes in what has been read of a file. */
  note(unit: GasUnit): void {
    this.#keep(summarize(unit));
  }

  #keep(summary: FileSummary): void {
    this.forget(summary.file);
    this.#files.set(summary.file, summary);
    for (const name of summary.symbols.keys()) this.#add(this.#mentioning, name, summary.file);
  }

  forget(path: string): void {
    const summary = this.#files.get(path);
    if (summary !== undefined) {
      for (const name of summary.symbols.keys()) this.#mentioning.get(name)?.delete(path);
      this.#files.delete(path);
    }
    const c = this.#c.get(path);
    if (c === undefined) return;
    for (const { name } of c.functions) this.#definingC.get(name)?.delete(path);
    this.#c.delete(path);
  }

  summary(path: string): FileSummary | undefined {
    return this.#files.get(path);
  }

  /** What each file that can mean the same symbol by `name` says of it: files in which it is global, or not defined. */
  global(name: string): readonly { readonly file: string; readonly symbol: SymbolSummary }[] {
    return [...this.#mentioning.get(name) ?? []].flatMap((file) => {
      const symbol = this.#files.get(file)?.symbols.get(name);
      return symbol?.global === true ? [{ file, symbol }] : [];
    });
  }

  /** Definitions of a global symbol. */
  definitions(name: string): readonly Mention[] {
    return this.global(name).flatMap(({ symbol }) => symbol.mentions.filter(({ role }) => role === 'definition'));
  }

  /** Functions called `name` of C files. */
  cFunctions(name: string): readonly CFunction[] {
    return [...this.#definingC.get(name) ?? []].flatMap((file) => this.#c.get(file)?.functions.filter((one) => one.name === name) ?? []);
  }

  /** The C function that handles entries of a type, by the name of the type without `EX_TYPE_`, as a `switch` of the workspace has it. */
  handlerOfType(type: string): CFunction | undefined {
    for (const c of this.#c.values()) {
      const name = c.handlerOf.get(type);
      const own = name === undefined ? undefined : c.functions.find((one) => one.name === name) ?? this.cFunctions(name)[0];
      if (own !== undefined) return own;
    }
    return undefined;
  }

  /** Types (without `EX_TYPE_`) that a C function handles. */
  typesHandledBy({ file, name }: { readonly file: string; readonly name: string }): readonly string[] {
    const found: string[] = [];
    for (const c of this.#c.values()) {
      for (const [type, handler] of c.handlerOf) if (handler === name && (c.file === file || !c.functions.some((one) => one.name === name))) found.push(type);
    }
    return found;
  }

  /** The C function that a `struct extable_handler` called `name` stands for. */
  handlerOfDescriptor(name: string): CFunction | undefined {
    for (const c of this.#c.values()) {
      const descriptor = c.descriptors.get(name);
      if (descriptor !== undefined) return c.functions.find((one) => one.name === descriptor.handler) ?? this.cFunctions(descriptor.handler)[0];
    }
    return undefined;
  }

  /** Definitions of macros, each once. */
  macros(): readonly MacroSummary[] {
    const found = new Map<string, MacroSummary>();
    for (const { macros } of this.#files.values()) for (const macro of macros) found.set(placeText(macro), macro);
    return [...found.values()];
  }

  /** Files that read `path` as an include. */
  includers(path: string): readonly string[] {
    return [...this.#files.values()].filter(({ includes }) => includes.includes(path)).map(({ file }) => file);
  }

  #add(map: Map<string, Set<string>>, name: string, file: string): void {
    const files = map.get(name);
    if (files === undefined) map.set(name, new Set([file]));
    else files.add(file);
  }
}

export function placeText({ file, line, column }: Place): string {
  return `${file}\n${String(line)}:${String(column)}`;
}

/** Mentions by file, in the order they were given. */
export function byFile<T extends Place>(places: Iterable<T>): ReadonlyMap<string, readonly T[]> {
  const files = new Map<string, T[]>();
  for (const place of places) pushTo(files, place.file, place);
  return files;
}

/** Cuts long work into slices, so that requests are answered in between. */
export class Slices {
  #since = Date.now();

  /** Lets others have their turn if this one has lasted long enough; true if it did. */
  async pause(): Promise<boolean> {
    if (Date.now() - this.#since < SLICE_MS) return false;
    await new Promise<void>((resolve) => { setImmediate(resolve); });
    this.#since = Date.now();
    return true;
  }
}
