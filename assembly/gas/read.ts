/**
 * The reader of GNU-as source: text in, statements with their places out. Nothing outside of this folder needs another file of it than
 * this one, statement.ts and expanded-text.ts.
 */
import { prepareFile, reprepareFile } from './cpp/prepared-file.ts';
import type { PreparedFile } from './cpp/prepared-file.ts';
import { Preprocessor } from './cpp/preprocessor.ts';
import type { PreprocessorSink } from './cpp/preprocessor.ts';
import { Journal } from './journal.ts';
import { Budget, MAX_PROBLEMS, MAX_STATEMENTS } from './limits.ts';
import { Reader } from './reader.ts';
import { openGasFile } from './reader-directives.ts';
import { Rereading } from './rereading.ts';
import type { Source } from './sources.ts';
import type { CommentDirective, GasUnit, ReadCache, ReadOptions } from './statement.ts';

class Cache implements ReadCache {
  private readonly files = new Map<string, { readonly text: string; readonly prepared: PreparedFile }>();

  prepare(path: string, text: string): PreparedFile {
    const known = this.files.get(path);
    if (known?.text === text) return known.prepared;
    const prepared = prepareFile(path, text);
    this.files.set(path, { text, prepared });
    return prepared;
  }

  forget(path?: string): void {
    if (path === undefined) this.files.clear();
    else this.files.delete(path);
  }
}

/** A cache for {@link ReadOptions.cache}: headers are taken apart once, and again when their text changes. */
export function createReadCache(): ReadCache {
  return new Cache();
}

/** Whether a file goes through the preprocessor: `.s` does not. */
function isPreprocessed(file: string, options: ReadOptions): boolean {
  return options.preprocess ?? !file.endsWith('.s');
}

/** Opens files by way of a cache, and remembers what it found. */
class Opener {
  readonly found = new Map<string, PreparedFile | undefined>();
  readonly #options: ReadOptions;
  readonly #cache: Cache;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#cache = options.cache instanceof Cache ? options.cache : new Cache();
  }

  readonly open = (path: string): PreparedFile | undefined => {
    if (this.found.has(path)) return this.found.get(path);
    const content = this.#options.provider.read(path);
    const prepared = content === undefined ? undefined : this.#cache.prepare(path, content);
    this.found.set(path, prepared);
    return prepared;
  };
}

/** The lines that the preprocessor alone makes of `text`, as `gcc -E -P` writes them. */
export function preprocess(file: string, text: string, options: ReadOptions): string[] {
  const sink = { problems: [], macros: [], macroUses: [], includes: [], directives: [] };
  const preprocessor = new Preprocessor(file, prepareFile(file, text), options, sink, new Opener(options).open, new Budget(), new Journal());
  const lines: string[] = [];
  for (let line = preprocessor.next(); line !== undefined; line = preprocessor.next()) lines.push(line.text);
  return lines;
}

/** What is kept of a reading for the next one of the same file. */
interface Kept {
  readonly text: string;
  readonly prepared: PreparedFile;
  readonly reader: Reader;
  readonly preprocessor: Preprocessor;
  readonly rereading: Rereading;
  readonly opener: Opener;
  /** What decides the result beside the text. */
  readonly settings: string;
}

const kept = new WeakMap<GasUnit, Kept>();

/**
 * Reads `text`, the contents of `file`, and everything it includes.
 * Never throws for bad input: what is wrong becomes a problem and costs one statement; bounds keep any input from growing without end.
 */
export function readGas(file: string, text: string, options: ReadOptions): GasUnit {
  return reread(file, text, options) ?? readWhole(file, text, options);
}

function readWhole(file: string, text: string, options: ReadOptions): GasUnit {
  const budget = new Budget();
  const reader = new Reader(options, budget);
  if (!isPreprocessed(file, options)) {
    openGasFile(reader, file, text);
    reader.run();
    return unitOf(file, reader, budget, []);
  }
  const prepared = prepareFile(file, text);
  const opener = new Opener(options);
  const preprocessor = new Preprocessor(file, prepared, options, sinkOf(reader), opener.open, budget, reader.journal);
  reader.sources.push(sourceOf(file, preprocessor));
  const rereading = options.incremental === true ? new Rereading(reader, preprocessor) : undefined;
  reader.run(rereading);
  const unit = unitOf(file, reader, budget, prepared.comments);
  if (rereading !== undefined && isKeepable(unit, reader, budget)) kept.set(unit, { text, prepared, reader, preprocessor, rereading, opener, settings: settingsOf(file, options) });
  return unit;
}

/** Reads only what has changed since `options.previous`; undefined if that cannot be told. The earlier reading can be used once. */
function reread(file: string, text: string, options: ReadOptions): GasUnit | undefined {
  const { previous } = options;
  const before = previous === undefined || previous.file !== file ? undefined : kept.get(previous);
  if (before === undefined || before.settings !== settingsOf(file, options)) return undefined;
  const opener = new Opener(options);
  for (const [path, prepared] of before.opener.found) if (opener.open(path) !== prepared) return undefined;
  const change = reprepareFile(file, text, before.prepared, before.text);
  kept.delete(previous!);
  if (change === undefined) return undefined;
  const { reader, preprocessor, rereading } = before;
  const { prepared } = change;
  const budget = new Budget();
  reader.options = options;
  reader.budget = budget;
  const done = rereading.read(change, (item, branches) => {
    preprocessor.resume(prepared, item, branches, opener.open, budget);
    reader.sources.length = 0;
    reader.sources.push(sourceOf(file, preprocessor));
  });
  if (!done) return undefined;
  const unit = unitOf(file, reader, budget, prepared.comments);
  if (isKeepable(unit, reader, budget)) kept.set(unit, { text, prepared, reader, preprocessor, rereading, opener, settings: before.settings });
  return unit;
}

/** Where the bounds were met, and where the assembler itself includes files, all is read again. */
function isKeepable(unit: GasUnit, reader: Reader, budget: Budget): boolean {
  return !budget.exhausted && !reader.opensFiles && unit.problems.length < MAX_PROBLEMS && unit.statements.length < MAX_STATEMENTS;
}

function settingsOf(file: string, { includePaths, preincludes, defines, preprocess: preprocessed }: ReadOptions): string {
  return JSON.stringify([file, includePaths, preincludes, defines, preprocessed]);
}

/** The reader's lists, whichever they are by then. */
function sinkOf(reader: Reader): PreprocessorSink {
  return {
    get problems() { return reader.problems; },
    get macros() { return reader.macroDefinitions; },
    get macroUses() { return reader.macroUses; },
    get includes() { return reader.includes; },
    get directives() { return reader.directives; },
  };
}

function sourceOf(file: string, preprocessor: Preprocessor): Source {
  return { next: () => preprocessor.next(), pending: [], at: 0, conditionalDepth: 0, isMacro: false, file };
}

function unitOf(file: string, reader: Reader, budget: Budget, comments: readonly CommentDirective[]): GasUnit {
  const problems = [...reader.problems];
  if (budget.exhausted && problems.length <= MAX_PROBLEMS) {
    problems.push({
      severity: 'error', code: 'expansion-limit', message: 'the macros of this file make more text than the reader takes: reading ended before the end of the file',
      range: { start: { file, line: 1, column: 1 }, endColumn: 1 },
    });
  }
  return {
    file, statements: reader.statements, macros: reader.macroDefinitions, macroUses: reader.macroUses, includes: reader.includes,
    directives: [...comments, ...reader.directives], problems,
  };
}
