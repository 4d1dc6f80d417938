/**
 * Bounds on what one source may become, far above what real ones need, so that no input hangs the reader or fills memory.
 */

/** Files included inside one another. */
export const MAX_INCLUDE_DEPTH = 200;
/** Macros of the assembler expanded inside one another; GNU as has the same bound. */
export const MAX_MACRO_DEPTH = 100;
/** Statements of one unit. */
export const MAX_STATEMENTS = 1_000_000;
/** Lines and tokens that macros may make. */
export const MAX_EXPANSION = 2_000_000;
/** What opening a file counts for among those. */
export const INCLUDE_COST = 100;
/** Characters that macros may make. */
export const MAX_EXPANDED_CHARACTERS = 128_000_000;
/** Characters of one line that macros made. */
export const MAX_LINE_LENGTH = 100_000;
/** Problems reported of one unit. */
export const MAX_PROBLEMS = 10_000;

/** What is left of the bounds on expansion. */
export class Budget {
  private left = MAX_EXPANSION;
  private characters = MAX_EXPANDED_CHARACTERS;
  exhausted = false;

  /** Accounts for `count` lines or tokens and so many characters; false, from then on always, if that is too much. */
  spend(count: number, characters = 0): boolean {
    this.left -= count;
    this.characters -= characters;
    if (this.left < 0 || this.characters < 0) this.exhausted = true;
    return !this.exhausted;
  }
}
