/**
 * What is known of a 64-bit value at one place of a routine: a sum of values that are not known themselves, or less.
 */

/** `2*rcx + rdx - 8`, over what registers held at the routine's start and over results of operations that are not sums. */
export interface Linear {
  readonly kind: 'linear';
  readonly terms: ReadonlyMap<string, bigint>;
  readonly constant: bigint;
  /** Only the lower half is meant: made by a 32-bit operation. */
  readonly narrow: boolean;
  /** Equal for equal values. */
  readonly key: string;
}

/** `derived`: something computed, and certainly not what a register held at the start. `opaque`: anything. */
export type Value = Linear | { readonly kind: 'derived' | 'opaque'; readonly key: string };

export const OPAQUE: Value = { kind: 'opaque', key: '?' };
export const DERIVED: Value = { kind: 'derived', key: '!' };

/** Names of results grow with what they are made of; longer ones are not kept apart. */
const LONGEST_NAME = 120;

export function linear(terms: ReadonlyMap<string, bigint>, constant: bigint, narrow = false): Linear {
  const kept = new Map([...terms].filter(([, factor]) => factor !== 0n).sort(([a], [b]) => (a < b ? -1 : 1)));
  const key = `${narrow ? 'n ' : ''}${[...kept].map(([name, factor]) => `${String(factor)}*${name}`).join('+')}+${String(constant)}`;
  return { kind: 'linear', terms: kept, constant, narrow, key };
}

export function constant(value: bigint): Linear {
  return linear(new Map(), value);
}

/** The value called `name`: a register's at the start, or a result. */
export function symbol(name: string): Value {
  return name.length > LONGEST_NAME ? DERIVED : linear(new Map([[name, 1n]]), 0n);
}

/** The result of an operation that is no sum; equal operands give equal results. */
export function result(operation: string, operands: readonly Value[]): Value {
  return operands.some(({ kind }) => kind !== 'linear') ? DERIVED : symbol(`${operation}(${operands.map(({ key }) => key).join(',')})`);
}

/** `a + factor * b` */
export function sum(a: Value, b: Value, factor = 1n): Value {
  if (a.kind !== 'linear' || b.kind !== 'linear') return DERIVED;
  const terms = new Map(a.terms);
  for (const [name, times] of b.terms) terms.set(name, (terms.get(name) ?? 0n) + factor * times);
  return linear(terms, BigInt.asIntN(64, a.constant + factor * b.constant), a.narrow || b.narrow);
}

/** The lower half of a value, zero-extended, as 32-bit operations leave it. */
export function lowHalf(value: Value): Value {
  if (value.kind !== 'linear') return value.kind === 'opaque' ? DERIVED : value;
  return value.terms.size === 0 ? constant(BigInt.asUintN(32, value.constant)) : linear(value.terms, BigInt.asIntN(32, value.constant), true);
}

/** The distance `a - b`, if it is a number. */
export function distance(a: Value, b: Value): bigint | undefined {
  const difference = sum(a, b, -1n);
  return difference.kind === 'linear' && difference.terms.size === 0 ? difference.constant : undefined;
}

/** The name, if the value is exactly what is called so. */
export function exactName(value: Value): string | undefined {
  if (value.kind !== 'linear' || value.narrow || value.constant !== 0n || value.terms.size !== 1) return undefined;
  const [[name, factor]] = [...value.terms] as [[string, bigint]];
  return factor === 1n ? name : undefined;
}

/** The constant, if the value is one. */
export function exactConstant(value: Value): bigint | undefined {
  return value.kind === 'linear' && value.terms.size === 0 ? value.constant : undefined;
}

/** What is known where two paths meet. `isPrecious` tells the names whose loss must not be taken for a change. */
export function join(a: Value, b: Value, isPrecious: (name: string) => boolean): Value {
  if (a.key === b.key) return a;
  const mayBePrecious = (value: Value): boolean => value.kind === 'opaque' || (exactName(value) !== undefined && isPrecious(exactName(value)!));
  return mayBePrecious(a) || mayBePrecious(b) ? OPAQUE : DERIVED;
}
