/**
 * Numeric labels: `1:` may be defined any number of times, `1b` is the last one, `1f` the next (gas manual, 5.3).
 */
import type { SourceRange } from '../source.ts';
import { JournaledMap } from './journal.ts';
import type { Journal } from './journal.ts';

/** Behind the number in the unique name of a numeric label; its count follows. */
const SEPARATOR = '\u0002';

/** True for the unique name of a numeric label. */
export function isNumericLabel(name: string): boolean {
  return name.includes(SEPARATOR);
}

/** True for the unique name of one of the labels `number`, which is written without leading zeros. */
export function isLabelOfNumber(name: string, number: string): boolean {
  return name.startsWith(`${number}${SEPARATOR}`);
}

export class LocalLabels {
  /** How often each number has been defined. */
  readonly #counts: Map<string, number>;
  /** First references to labels that have not come yet, by unique name. */
  readonly #awaited: Map<string, SourceRange>;

  constructor(journal: Journal) {
    this.#counts = new JournaledMap<number>(journal);
    this.#awaited = new JournaledMap<SourceRange>(journal);
  }

  /** Defines the label `written`; gives its unique name. */
  define(written: string): string {
    const number = written.replace(/^0+(?=\d)/, '');
    const count = (this.#counts.get(number) ?? 0) + 1;
    this.#counts.set(number, count);
    const name = `${number}${SEPARATOR}${String(count)}`;
    this.#awaited.delete(name);
    return name;
  }

  /** The unique name of the label that `number` with `b` or `f` stands for at `range`; undefined if there is none in front of it. */
  readonly refer = (number: string, direction: 'b' | 'f', range: SourceRange): string | undefined => {
    const count = this.#counts.get(number) ?? 0;
    if (direction === 'f') {
      const name = `${number}${SEPARATOR}${String(count + 1)}`;
      if (!this.#awaited.has(name)) this.#awaited.set(name, range);
      return name;
    }
    return count === 0 ? undefined : `${number}${SEPARATOR}${String(count)}`;
  };

  /** The numbers of labels that were referred to and have not come, with the first reference. */
  *missing(): Generator<readonly [number: string, range: SourceRange]> {
    for (const [name, range] of this.#awaited) yield [name.split(SEPARATOR)[0]!, range];
  }
}
