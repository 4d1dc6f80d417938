/**
 * What was looked at of a file's code to find something out. A later version of the file is asked the same questions: if it gives the same
 * answers, the same would be found out again.
 */
import type { ObjectPlace, Routine } from '../analysis.ts';
import { contractKey } from '../contracts.ts';
import type { CodeMap, Piece, Reference, Transfer } from './code-map.ts';

/** Where a reference leads: a piece by its number, or one of these. */
export const OUTSIDE = -1;
/** A place in a section that is not code. */
export const NO_CODE = -2;

/** A piece by its number, in the order in which they were met, and a place in it. */
export interface Met {
  readonly piece: number;
  readonly offset: number;
}

/** A question, and what the answer was. */
type Question =
  /** Where does a reference lead? */
  | { readonly asked: 'place'; readonly piece: number; readonly reference: Reference; readonly answer: Met }
  /** Which routine is control handed to by code of the routine that piece `from` belongs to? */
  | { readonly asked: 'callee'; readonly piece: number; readonly from: number; readonly reference: Reference; readonly transfer: Transfer; readonly answer: string | undefined }
  /** What does the routine of a piece promise? */
  | { readonly asked: 'contract'; readonly piece: number; readonly answer: string };

/** What somebody looks at: the pieces of a routine and where it begins; or, without a name, pieces that follow one another. */
export interface Subject {
  readonly routine?: Routine;
  readonly start: Piece;
  readonly own: readonly Piece[];
}

export class Trail {
  readonly #questions: Question[] = [];
  /** Of each piece that was met, in that order. */
  readonly #contents: string[] = [];
  readonly #isOwn: boolean[] = [];
  readonly #ownCount: number;

  constructor(ownCount: number) {
    this.#ownCount = ownCount;
  }

  meet(content: string, isOwn: boolean): void {
    this.#contents.push(content);
    this.#isOwn.push(isOwn);
  }

  ask(question: Question): void {
    this.#questions.push(question);
  }

  /** The pieces of `map` that now are what was met, for a subject that is to be what it was; undefined if an answer differs. */
  follow(map: CodeMap, subject: Subject): readonly Piece[] | undefined {
    if (subject.own.length !== this.#ownCount) return undefined;
    const pieces: Piece[] = [];
    const numbers = new Map<Piece, number>();
    const meet = (piece: Piece): number | undefined => {
      const known = numbers.get(piece);
      if (known !== undefined) return known;
      const number = pieces.length;
      if (this.#contents[number] !== map.contentOf(piece) || this.#isOwn[number] !== (piece.routine === subject.routine)) return undefined;
      pieces.push(piece);
      numbers.set(piece, number);
      return number;
    };
    for (const piece of [subject.start, ...subject.own]) if (meet(piece) === undefined) return undefined;
    for (const question of this.#questions) {
      const from = pieces[question.piece];
      if (from === undefined) return undefined;
      if (question.asked === 'contract') {
        if (contractKey(map.contractOf(from.routine)) !== question.answer) return undefined;
        continue;
      }
      const place = map.resolve(from, question.reference);
      if (question.asked === 'callee') {
        if ((place === undefined ? undefined : map.calleeOf(question.transfer, pieces[question.from]?.routine, place)?.name) !== question.answer) return undefined;
      } else {
        const met = metAt(place, map, meet);
        if (met?.piece !== question.answer.piece || met.offset !== question.answer.offset) return undefined;
      }
    }
    return pieces.length === this.#contents.length ? pieces : undefined;
  }
}

/** The answer to where a place is; `meet` gives pieces their numbers. */
export function metAt(place: ObjectPlace | undefined, map: CodeMap, meet: (piece: Piece) => number | undefined): Met | undefined {
  if (place !== undefined && !map.isCode(place.section)) return { piece: NO_CODE, offset: 0 };
  const piece = place === undefined ? undefined : map.pieceAt(place);
  if (place === undefined || piece === undefined) return { piece: OUTSIDE, offset: 0 };
  const number = meet(piece);
  return number === undefined ? undefined : { piece: number, offset: place.offset - piece.start };
}
