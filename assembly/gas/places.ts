/**
 * From offsets in a statement's expanded text back to where the characters were written.
 */
import type { SourcePosition, SourceRange } from '../source.ts';

/** Knows the origin of every character of one statement's text. */
export interface TextPlaces {
  /** The range in the source for the characters `start` to `end` (exclusive, UTF-16 offsets) of the text. */
  range(start: number, end: number): SourceRange;
}

/** Places for a text that stands in the source exactly as it is, beginning at `position`. */
export function placesAt(position: SourcePosition): TextPlaces {
  return {
    range(start, end) {
      const column = position.column + start;
      return { start: { ...position, column }, endColumn: column + Math.max(end - start, 0) };
    },
  };
}
