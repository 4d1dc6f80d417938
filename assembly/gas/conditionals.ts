/**
 * The stack of `.if`s that are open (gas/cond.c).
 */
import type { SourceRange } from '../source.ts';

export interface Conditional {
  /** The branch being read counts. */
  active: boolean;
  /** A branch has been taken: no later one is. */
  taken: boolean;
  elseSeen: boolean;
  /** The conditional itself stands in text that counts. */
  readonly live: boolean;
  readonly range: SourceRange;
}

export class Conditionals {
  private readonly stack: Conditional[] = [];

  /** What is open, as a copy; {@link restore} goes back to it. */
  snapshot(): readonly Conditional[] {
    return this.stack.map((one) => ({ ...one }));
  }

  restore(snapshot: readonly Conditional[]): void {
    this.stack.length = 0;
    for (const one of snapshot) this.stack.push({ ...one });
  }

  get depth(): number {
    return this.stack.length;
  }

  /** True while what is read does not count. */
  get skipping(): boolean {
    const top = this.stack.at(-1);
    return top !== undefined && !top.active;
  }

  /** `.if`; `holds` is not called where the text does not count anyway. */
  open(range: SourceRange, holds: () => boolean): void {
    const live = !this.skipping;
    const active = live && holds();
    this.stack.push({ active, taken: active, elseSeen: false, live, range });
  }

  /** `.elseif`. @returns what is wrong, if anything. */
  elseIf(holds: () => boolean): string | undefined {
    const top = this.stack.at(-1);
    if (top === undefined) return '.elseif has no .if';
    if (top.elseSeen) return '.elseif stands behind the .else';
    top.active = top.live && !top.taken && holds();
    top.taken ||= top.active;
    return undefined;
  }

  /** `.else`. */
  else(): string | undefined {
    const top = this.stack.at(-1);
    if (top === undefined) return '.else has no .if';
    if (top.elseSeen) return 'there has been an .else already';
    top.elseSeen = true;
    top.active = top.live && !top.taken;
    top.taken = true;
    return undefined;
  }

  /** `.endif`. @param floor conditionals opened outside of the macro at work, which it cannot close. */
  close(floor: number): string | undefined {
    if (this.stack.length <= floor) return '.endif has no .if';
    this.stack.pop();
    return undefined;
  }

  /** Closes all but the first `depth`, and gives where they were opened. */
  closeTo(depth: number): SourceRange[] {
    return this.stack.splice(depth).map(({ range }) => range);
  }
}
