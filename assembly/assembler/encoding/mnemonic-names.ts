/**
 * Every AT&T mnemonic there is, for completion and for guessing what a misspelt one was meant to be.
 */
import { baseNames, candidates, suffixesOfName } from './mnemonics.ts';

const namesByLetter = new Map<string, readonly string[]>();

/** Those that begin with `letter`, sorted; with and without the suffixes that select an operand size. All of them would take 150 ms the first time. */
export function mnemonicsFrom(letter: string): readonly string[] {
  let names = namesByLetter.get(letter);
  if (names === undefined) {
    const found = new Set<string>();
    for (const name of baseNames()) {
      if (!name.startsWith(letter) || name.includes('_')) continue;
      const forms = candidates(name).filter(({ form }) => form.modes[64]);
      if (forms.length === 0) continue;
      found.add(name);
      for (const suffix of suffixesOfName(name, forms)) found.add(name + suffix);
    }
    namesByLetter.set(letter, names = [...found].sort());
  }
  return names;
}

/** Letters that mnemonics begin with. */
export const MNEMONIC_LETTERS = 'abcdefghijklmnopqrstuvwx';

const guesses = new Map<string, string | undefined>();

/** The mnemonic that `written` (lower case) differs least from: by one letter, or by two if it is long; undefined if none is that close. */
export function similarMnemonic(written: string): string | undefined {
  if (!guesses.has(written)) {
    if (guesses.size > 2000) guesses.clear();
    guesses.set(written, mostSimilar(written, [...new Set(written.slice(0, 2))].flatMap((letter) => (MNEMONIC_LETTERS.includes(letter) ? mnemonicsFrom(letter) : []))));
  }
  return guesses.get(written);
}

/** The first of `known` with the fewest letters that differ from `written`: one, or two in words of six letters and more. */
export function mostSimilar(written: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = written.length >= 6 ? 3 : written.length >= 3 ? 2 : 1;
  for (const name of known) {
    if (Math.abs(name.length - written.length) >= least) continue;
    const distance = editDistance(written, name, least);
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}

/** Letters to insert, delete, replace or swap with their neighbour; `limit` if it is that or more. */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    let smallest = i;
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      next.push(cost);
      smallest = Math.min(smallest, cost);
    }
    if (smallest >= limit) return limit;
    before = row;
    row = next;
  }
  return Math.min(row[b.length]!, limit);
}
