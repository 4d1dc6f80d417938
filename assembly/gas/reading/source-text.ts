/**
 * Text on its way from a file to a statement, each character with the place it was written at.
 */
import type { MacroFrame, SourcePosition, SourceRange } from '../../source.ts';
import type { TextPlaces } from '../places.ts';

interface Span {
  /** Offset in the text. */
  readonly start: number;
  readonly position: SourcePosition;
  /** The whole span stands for `position` (it was made by a macro); else columns count on from there. */
  readonly fixed: boolean;
}

/** A stretch of text with its places. Immutable. */
export class SourceText implements TextPlaces {
  readonly text: string;
  readonly #spans: readonly Span[];

  private constructor(text: string, spans: readonly Span[]) {
    this.text = text;
    this.#spans = spans;
  }

  /** Text that stands in the source as it is, from `position` on. */
  static written(text: string, position: SourcePosition): SourceText {
    return new SourceText(text, [{ start: 0, position, fixed: false }]);
  }

  /** Text that a macro made; all of it is at `position`. */
  static made(text: string, position: SourcePosition): SourceText {
    return new SourceText(text, [{ start: 0, position, fixed: true }]);
  }

  static join(parts: readonly SourceText[]): SourceText {
    let text = '';
    const spans: Span[] = [];
    for (const part of parts) {
      for (const span of part.#spans) {
        // A part of no length has a span that would hide the one behind it.
        if (part.text !== '') spans.push({ ...span, start: span.start + text.length });
      }
      text += part.text;
    }
    const [first] = parts;
    return new SourceText(text, spans.length > 0 || first === undefined ? spans : first.#spans);
  }

  slice(start: number, end = this.text.length): SourceText {
    const first = this.#indexAt(start);
    const spans: Span[] = [];
    for (let index = first; index < this.#spans.length; index++) {
      const span = this.#spans[index]!;
      if (index > first && span.start >= end) break;
      spans.push(index === first ? { ...span, start: 0, position: at(span, start) } : { ...span, start: span.start - start });
    }
    return new SourceText(this.text.slice(start, end), spans);
  }

  trim(): SourceText {
    const from = this.text.length - this.text.trimStart().length;
    return this.slice(from, Math.max(from, this.text.trimEnd().length));
  }

  /** Where the character at `offset` was written. */
  position(offset: number): SourcePosition {
    return at(this.#spans[this.#indexAt(offset)]!, offset);
  }

  range(start: number, end: number): SourceRange {
    const from = this.position(start);
    if (end <= start) return { start: from, endColumn: from.column };
    const last = this.position(end - 1);
    const sameLine = last.file === from.file && last.line === from.line && last.column >= from.column;
    return { start: from, endColumn: sameLine ? last.column + 1 : from.column + (end - start) };
  }

  /** The same text as made by macros, innermost first. */
  within(expansion: readonly MacroFrame[]): SourceText {
    return new SourceText(this.text, this.#spans.map((span) => ({ ...span, position: { ...span.position, expansion } })));
  }

  #indexAt(offset: number): number {
    let low = 0, high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#spans[middle]!.start <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

function at({ start, position, fixed }: Span, offset: number): SourcePosition {
  return fixed || offset <= start ? position : { ...position, column: position.column + offset - start };
}
