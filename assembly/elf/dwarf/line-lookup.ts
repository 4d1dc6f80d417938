/**
 * The lines of a few places out of a line table of any size: rows stream by, only what was asked for is kept.
 */
import { partitionPoint } from '../../binary-search.ts';
import { visitLines } from './lines.ts';
import type { ObjectFile } from '../object.ts';
import type { SourcePosition } from '../../source.ts';

export interface LinePlace {
  /** Index in {@link ObjectFile.sections}, and the offset in it. */
  readonly section: number;
  readonly offset: number;
}

/** Where each of `places` was written, in their order; undefined where the file does not say. */
export function linesOf(file: ObjectFile, places: readonly LinePlace[]): (SourcePosition | undefined)[] {
  const wanted = new Map<number, number[]>();
  for (const [index, { section }] of places.entries()) {
    const list = wanted.get(section);
    if (list === undefined) wanted.set(section, [index]);
    else list.push(index);
  }
  for (const list of wanted.values()) list.sort((a, b) => places[a]!.offset - places[b]!.offset);
  const found: (SourcePosition | undefined)[] = places.map(() => undefined);
  if (!file.sections.some(({ name }) => name === '.debug_line')) {
    // Assembled here: the rows are at hand.
    return places.map(({ section, offset }) => file.lines.findLast((row) => row.section === section && row.offset <= offset)?.position);
  }
  let before: { readonly section: number; readonly offset: number; readonly place: () => SourcePosition; readonly line: number } | undefined;
  visitLines(file, (section, offset, place, line, end) => {
    // A row holds up to the next row of its sequence.
    if (before !== undefined && before.section === section && before.line > 0 && offset > before.offset) {
      const list = wanted.get(section) ?? [];
      const from = before.offset;
      for (let at = partitionPoint(list.length, (index) => places[list[index]!]!.offset < from); at < list.length && places[list[at]!]!.offset < offset; at++) found[list[at]!] = before.place();
    }
    before = end ? undefined : { section, offset, place, line };
  });
  return found;
}
