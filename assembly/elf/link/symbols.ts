/**
 * Which definition each name means: strong before weak, common blocks merged, the rest provided or external (gABI 5, "Symbol Binding").
 */
import type { ObjectFile, ObjectSymbol } from '../object.ts';
import type { Layout, OutputSection } from './layout.ts';
import { linkProblem } from './options.ts';
import type { Problem, SourcePosition } from '../../source.ts';

/** One symbol of one object. */
export interface Definition {
  readonly object: ObjectFile;
  readonly symbol: ObjectSymbol;
}

/** A tentative definition (`int x;` with -fcommon), the largest of its name. */
export interface CommonBlock extends Definition {
  readonly size: number;
  readonly align: number;
  offset: number;
}

export interface SymbolTable {
  /** The chosen definition of each global name. */
  readonly globals: ReadonlyMap<string, Definition>;
  readonly commons: ReadonlyMap<string, CommonBlock>;
}

function isDefined(layout: Layout, { object, symbol }: Definition): boolean {
  if (symbol.section === 'absolute') return true;
  return typeof symbol.section === 'number' && layout.pieces.get(object)?.[symbol.section] !== undefined;
}

/** Collects global definitions; two strong ones of a name are an error that names both objects. */
export function resolveSymbols(objects: readonly ObjectFile[], layout: Layout, problems: Problem[]): SymbolTable {
  const globals = new Map<string, Definition>();
  const commons = new Map<string, CommonBlock>();
  for (const object of objects) {
    for (const symbol of object.symbols) {
      if (symbol.binding === 'local' || symbol.name === '') continue;
      const definition = { object, symbol };
      if (symbol.section === 'common') addCommon(commons, definition);
      else if (isDefined(layout, definition)) addGlobal(globals, definition, problems);
    }
  }
  for (const [name, { symbol }] of globals) {
    // A common block gives way to a strong definition and prevails over a weak one.
    if (symbol.binding === 'weak' && commons.has(name)) globals.delete(name);
    else commons.delete(name);
  }
  return { globals, commons };
}

function addGlobal(globals: Map<string, Definition>, definition: Definition, problems: Problem[]): void {
  const { object, symbol } = definition;
  const before = globals.get(symbol.name);
  if (before === undefined || (before.symbol.binding === 'weak' && symbol.binding !== 'weak')) {
    globals.set(symbol.name, definition);
    return;
  }
  if (symbol.binding === 'weak' || (symbol.binding === 'unique' && before.symbol.binding === 'unique')) return;
  const first = positionOf(before);
  problems.push({
    ...linkProblem('error', 'duplicate-symbol', `${symbol.name} is defined in ${before.object.name} and again in ${object.name}`, object, positionOf(definition)),
    related: [{ message: `first defined in ${before.object.name}`, range: { start: first ?? { file: before.object.name, line: 1, column: 1 }, endColumn: first?.column ?? 1 } }],
  });
}

/** Where the code of a definition was written, if its object says. */
function positionOf({ object, symbol }: Definition): SourcePosition | undefined {
  if (typeof symbol.section !== 'number') return undefined;
  return lineIn(object, symbol.section, Number(symbol.value));
}

/** The line of an object's section at `offset`, if known. */
export function lineIn(object: ObjectFile, section: number, offset: number): SourcePosition | undefined {
  return object.lines.findLast((row) => row.section === section && row.offset <= offset)?.position;
}

function addCommon(commons: Map<string, CommonBlock>, { object, symbol }: Definition): void {
  const before = commons.get(symbol.name);
  const size = Math.max(Number(symbol.size), before?.size ?? 0);
  const align = Math.max(Number(symbol.value), before?.align ?? 1, 1);
  commons.set(symbol.name, { object: before?.object ?? object, symbol: before?.symbol ?? symbol, size, align, offset: 0 });
}

/** An output section for all common blocks; sets their offsets. Undefined without any. */
export function layOutCommons(commons: ReadonlyMap<string, CommonBlock>): OutputSection | undefined {
  if (commons.size === 0) return undefined;
  let at = 0;
  let largest = 16;
  // The most aligned first, which needs the least padding.
  for (const block of [...commons.values()].sort((a, b) => b.align - a.align)) {
    const align = Math.min(block.align, 4096);
    largest = Math.max(largest, align);
    at = Math.ceil(at / align) * align;
    block.offset = at;
    at += block.size;
  }
  return { name: 'COMMON', group: 'bss', pieces: [], align: largest, address: 0n, size: at };
}
