/** An unrolled loop: what its gate checks, and which accesses that covers. */
import type { Loop } from './loops.ts';

/** Accesses that are checked together: `span` bytes from an address on that is known at the gate. */
export interface Group {
  /** Numbers of the registers whose values at the gate the address is made of. */
  readonly base: number | undefined;
  readonly index: number | undefined;
  /** Binary logarithm of the index's factor. */
  readonly scale: number;
  readonly displacement: bigint;
  readonly span: number;
  /** Of windows. */
  readonly table: number;
}

/** Where an access lies in its group. */
export interface Coverage {
  readonly group: number;
  readonly offset: number;
}

export interface FastLoop extends Loop {
  readonly groups: readonly Group[];
  /** By round, by node: by instruction, its accesses in order. */
  readonly coverage: readonly ReadonlyMap<number, readonly (readonly (Coverage | undefined)[])[]>[];
}
