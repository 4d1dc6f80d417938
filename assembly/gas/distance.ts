/**
 * Distances between labels, as far as they are settled while reading: GNU as can use them in `.if` too.
 */
import { evaluateAbsolute } from './evaluate.ts';
import type { DirectiveStatement, InstructionStatement, Statement } from './statement.ts';

/** The size of an instruction in bytes; undefined if it depends on the layout. */
export type InstructionSize = (statement: InstructionStatement) => number | undefined;

const DATA_SIZES: Readonly<Record<string, number>> = {
  '.byte': 1, '.value': 2, '.short': 2, '.hword': 2, '.2byte': 2, '.word': 2, '.long': 4, '.int': 4, '.4byte': 4, '.quad': 8, '.8byte': 8, '.octa': 16,
};
/** Directives that neither make bytes nor move. */
const SILENT = /^\.(?:globl|global|local|weak|hidden|protected|internal|type|size|cfi_\w+|loc|file|ident|att_syntax|intel_syntax|code\d+\w*|arch|print|warning|set|equ)$/;
const ENTER = new Set(['.pushsection', '.section', '.text', '.data', '.bss', '.subsection', '.previous', '.popsection']);

/** What was found of a distance. */
export interface Distance {
  /** Bytes, negative if the second place comes first; undefined if that is not settled, or if the two places are not in one section. */
  readonly bytes: bigint | undefined;
  /** The first statement that was looked at; Infinity for none. */
  readonly first: number;
}

/** The distance from the place in front of statement `from` to the one in front of statement `to`. */
export function distanceBetween(statements: readonly Statement[], from: number, to: number, instructionSize: InstructionSize | undefined): Distance {
  const low = Math.min(from, to);
  const high = Math.max(from, to);
  let total = 0;
  // Sections popped on the way back from `high`, and not yet pushed; bytes count while there are none.
  let depth = 0;
  for (let index = high - 1; index >= low; index--) {
    const statement = statements[index]!;
    const name = statement.kind === 'directive' ? statement.name : '';
    if (name === '.popsection') depth++;
    else if (name === '.pushsection') depth--;
    else if (ENTER.has(name) && depth === 0) return { bytes: undefined, first: index };
    if (depth < 0) return { bytes: undefined, first: index };
    if (depth > 0) continue;
    const size = sizeOf(statement, instructionSize);
    if (size === undefined) return { bytes: undefined, first: index };
    total += size;
  }
  return { bytes: depth === 0 ? BigInt(from <= to ? total : -total) : undefined, first: low < high ? low : Infinity };
}

function sizeOf(statement: Statement, instructionSize: InstructionSize | undefined): number | undefined {
  if (statement.kind === 'label') return 0;
  if (statement.kind === 'assignment') return statement.name === '.' ? undefined : 0;
  return statement.kind === 'instruction' ? instructionSize?.(statement) : directiveSize(statement);
}

function directiveSize({ name, arguments: args }: DirectiveStatement): number | undefined {
  const unit = DATA_SIZES[name];
  if (unit !== undefined) return unit * args.length;
  if (SILENT.test(name) || ENTER.has(name)) return 0;
  const strings = (extra: number): number | undefined => {
    let total = 0;
    for (const { string } of args) {
      if (string === undefined) return undefined;
      total += string.length + extra;
    }
    return total;
  };
  const number = (index: number): number | undefined => {
    const expression = args[index]?.expression;
    const value = expression === undefined ? undefined : evaluateAbsolute(expression, () => undefined);
    return value === undefined || value < 0n || value > 0x7fffffffn ? undefined : Number(value);
  };
  switch (name) {
    case '.ascii': return strings(0);
    case '.asciz': case '.string': return strings(1);
    case '.skip': case '.space': case '.zero': return number(0);
    case '.fill': {
      const repeat = number(0);
      const size = args.length > 1 ? number(1) : 1;
      return repeat === undefined || size === undefined ? undefined : repeat * Math.min(size, 8);
    }
    default: return undefined;
  }
}
