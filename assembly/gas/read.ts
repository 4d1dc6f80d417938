/**
 * The reader of GNU-as source: text in, statements with their places out. Nothing outside of this folder needs another file of it than
 * this one, statement.ts and expanded-text.ts.
 */
import { prepareFile } from './cpp/prepared-file.ts';
import type { PreparedFile } from './cpp/prepared-file.ts';
import { Preprocessor } from './cpp/preprocessor.ts';
import type { PreprocessorSink } from './cpp/preprocessor.ts';
import { Budget, MAX_PROBLEMS } from './limits.ts';
import { Reader } from './reader.ts';
import { openGasFile } from './reader-directives.ts';
import type { GasUnit, ReadCache, ReadOptions } from './statement.ts';

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

function preprocessorFor(file: string, text: string, options: ReadOptions, sink: PreprocessorSink, budget: Budget): Preprocessor {
  const cache = options.cache instanceof Cache ? options.cache : new Cache();
  const openPrepared = (path: string): PreparedFile | undefined => {
    const content = options.provider.read(path);
    return content === undefined ? undefined : cache.prepare(path, content);
  };
  return new Preprocessor(file, prepareFile(file, text), options, sink, openPrepared, budget);
}

/** The lines that the preprocessor alone makes of `text`, as `gcc -E -P` writes them. */
export function preprocess(file: string, text: string, options: ReadOptions): string[] {
  const sink = { problems: [], macros: [], macroUses: [], includes: [], directives: [] };
  const preprocessor = preprocessorFor(file, text, options, sink, new Budget());
  const lines: string[] = [];
  for (let line = preprocessor.next(); line !== undefined; line = preprocessor.next()) lines.push(line.text);
  return lines;
}

/**
 * Reads `text`, the contents of `file`, and everything it includes.
 * Never throws for bad input: what is wrong becomes a problem and costs one statement; bounds keep any input from growing without end.
 */
export function readGas(file: string, text: string, options: ReadOptions): GasUnit {
  const budget = new Budget();
  const reader = new Reader(options, budget);
  if (isPreprocessed(file, options)) {
    const sink = { problems: reader.problems, macros: reader.macroDefinitions, macroUses: reader.macroUses, includes: reader.includes, directives: reader.directives };
    const preprocessor = preprocessorFor(file, text, options, sink, budget);
    reader.sources.push({ next: () => preprocessor.next(), pending: [], at: 0, conditionalDepth: 0, isMacro: false, file });
  } else openGasFile(reader, file, text);
  reader.run();
  if (budget.exhausted && reader.problems.length <= MAX_PROBLEMS) {
    reader.problems.push({
      severity: 'error', code: 'expansion-limit', message: 'the macros of this file make more text than the reader takes: reading ended before the end of the file',
      range: { start: { file, line: 1, column: 1 }, endColumn: 1 },
    });
  }
  return {
    file, statements: reader.statements, macros: reader.macroDefinitions, macroUses: reader.macroUses, includes: reader.includes,
    directives: reader.directives, problems: reader.problems,
  };
}
