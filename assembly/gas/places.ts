/**
 * From offsets in a statement's expanded text back to where the characters were written.
 */
import type { SourceRange } from '../source.ts';

/** Knows the origin of every character of one statement's text. */
export interface TextPlaces {
  /** The range in the source for the characters `start` to `end` (exclusive, UTF-16 offsets) of the text. */
  range(start: number, end: number): SourceRange;
}
