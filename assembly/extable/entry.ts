/**
 * Exception-table entries, whatever layout they were read from.
 */
import type { SourcePosition } from '../source.ts';

/** Layout names of ARCHITECTURE.md, "Exception-table layouts". */
export type ExtableLayout =
  | 'absolute' | 'relative' | 'class' | 'mcex' | 'index' | 'handler' | 'type' | 'data' | 'vdso';

/** One entry: at a fault on `insn`, resume at `fixup` after what the handler type does. */
export interface ExtableEntry {
  /** Position in the section as read, from 0. */
  readonly index: number;
  /** Offset of the entry in its section. */
  readonly offset: number;
  /** Address (linked) or section offset (relocatable, see `insnSection`) of the instruction that may fault. */
  readonly insn: bigint;
  readonly fixup: bigint;
  /** Section names in a relocatable object. */
  readonly insnSection?: string;
  readonly fixupSection?: string;
  /** EX_TYPE_* number (layouts `type` and `data`). */
  readonly type: number;
  /** x86 register number 0-15 of the data word. */
  readonly register: number;
  /** EX_FLAG_* bits: 1 clear ax, 2 clear dx. */
  readonly flags: number;
  /** Signed 16-bit immediate of the data word. */
  readonly immediate: number;
  /** The raw third word. */
  readonly data: number;
  /** Address of the C handler or descriptor, where the layout names one. */
  readonly handler?: bigint;
  /** Where the source made the entry, if known. */
  readonly position?: SourcePosition;
}
