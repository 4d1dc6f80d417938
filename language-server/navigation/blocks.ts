/**
 * The blocks of a source by its text alone: macros and loops, conditionals, comments, regions, runs of includes. They are there too in
 * text that the reader skips.
 */

export type BlockKind = 'code' | 'comment' | 'imports' | 'region';

/** Lines, 1-based, both included. */
export interface Block {
  readonly kind: BlockKind;
  readonly first: number;
  readonly last: number;
}

interface Open {
  readonly closes: string;
  readonly line: number;
}

const OPENERS: readonly (readonly [RegExp, string])[] = [
  [/^\s*#\s*if(?:def|ndef)?\b/, '#endif'], [/^\s*(?:[\w.$]+:\s*)?\.if\w*/i, '.endif'], [/^\s*(?:[\w.$]+:\s*)?\.macro\b/i, '.endm'],
  [/^\s*(?:[\w.$]+:\s*)?\.(?:rept|rep|irpc?|irepc?)\b/i, '.endr'],
];
const MIDDLES: readonly (readonly [RegExp, string])[] = [[/^\s*#\s*(?:else|elif)\b/, '#endif'], [/^\s*\.else(?:if)?\b/i, '.endif']];
const CLOSERS: readonly (readonly [RegExp, string])[] = [[/^\s*#\s*endif\b/, '#endif'], [/^\s*\.endif\b/i, '.endif'], [/^\s*\.endm\b/i, '.endm'], [/^\s*\.endr\b/i, '.endr']];
const REGION = /^\s*(?:#|\/\/|\/\*)\s*#?region\b/;
const END_REGION = /^\s*(?:#|\/\/|\/\*)\s*#?endregion\b/;
const INCLUDE = /^\s*(?:#\s*include\b|\.include\b)/;
const LINE_COMMENT = /^\s*(?:\/\/|#(?!\s*(?:define|undef|include|include_next|if|ifdef|ifndef|elif|else|endif|error|warning|pragma|line)\b))/;

/** Blocks of two lines and more, in the order they end. */
export function blocksOf(text: string): readonly Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  const open: Open[] = [];
  const regions: number[] = [];
  let comment = 0;
  let includes: { readonly first: number; last: number } | undefined;
  let remarks: { readonly first: number; last: number } | undefined;
  const add = (kind: BlockKind, first: number, last: number): void => { if (last > first) blocks.push({ kind, first, last }); };
  const endRuns = (isInclude: boolean, isRemark: boolean): void => {
    if (!isInclude && includes !== undefined) {
      add('imports', includes.first, includes.last);
      includes = undefined;
    }
    if (!isRemark && remarks !== undefined) {
      add('comment', remarks.first, remarks.last);
      remarks = undefined;
    }
  };
  lines.forEach((line, index) => {
    const number = index + 1;
    if (comment > 0) {
      if (line.includes('*/')) {
        add('comment', comment, number);
        comment = 0;
      }
      return;
    }
    if (REGION.test(line)) regions.push(number);
    else if (END_REGION.test(line)) {
      const first = regions.pop();
      if (first !== undefined) add('region', first, number);
    }
    const isBlank = line.trim() === '';
    const isInclude = INCLUDE.test(line);
    const isRemark = LINE_COMMENT.test(line) && !REGION.test(line) && !END_REGION.test(line);
    endRuns(isInclude || isBlank, isRemark);
    if (isInclude) (includes ??= { first: number, last: number }).last = number;
    if (isRemark) {
      (remarks ??= { first: number, last: number }).last = number;
      return;
    }
    const block = line.lastIndexOf('/*');
    if (block >= 0 && !line.includes('*/', block + 2)) comment = number;
    const middle = MIDDLES.find(([pattern]) => pattern.test(line));
    const closer = middle ?? CLOSERS.find(([pattern]) => pattern.test(line));
    if (closer !== undefined) {
      const at = open.findLastIndex(({ closes }) => closes === closer[1]);
      if (at >= 0) {
        add('code', open[at]!.line, middle === undefined ? number : number - 1);
        open.splice(at);
      }
      if (middle !== undefined) open.push({ closes: middle[1], line: number });
      return;
    }
    const opener = OPENERS.find(([pattern]) => pattern.test(line));
    if (opener !== undefined) open.push({ closes: opener[1], line: number });
  });
  endRuns(false, false);
  return blocks;
}
