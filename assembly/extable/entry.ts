/**
 * Exception-table entries and handler ranges, whatever layout they were read from.
 */
import type { SourcePosition } from '../source.ts';

/**
 * How a table's bytes are to be understood:
 * `absolute` kernels up to 3.4; `relative` 3.5 to 4.5; `class` the two class bits of the 2015 patches and of mcsafe's own handlers;
 * `mcex` the second table of the first patches; `index` their eighth version; `handler` 4.6 to 5.15; `type` 5.16; `data` 5.17 and later;
 * `vdso` the SGX table of the vDSO.
 */
export type ExtableLayout =
  | 'absolute' | 'relative' | 'class' | 'mcex' | 'index' | 'handler' | 'type' | 'data' | 'vdso';

/** What an entry of layout `class`, or one that a 4.5 kernel tags, asks for beside its landing pad. */
export type EntryClass =
  /** Resume at the landing pad. */
  | 'plain'
  /** The same with the vector number in rax; the only plain class under which a machine check is recoverable. */
  | 'trap-number'
  /** Resume at the landing pad and note a failed user access. */
  | 'user-access'
  /** The target is a `struct extable_handler`. */
  | 'handler';

/** One entry: at a fault on `insn`, resume at `fixup` after what the handler type does. */
export interface ExtableEntry {
  /** Position in the section as read, from 0. */
  readonly index: number;
  /** Offset of the entry in its section. */
  readonly offset: number;
  /** Address (linked) or section offset (relocatable, see `insnSection`) of the instruction that may fault. */
  readonly insn: bigint;
  /** The landing pad; for `class: 'handler'` and {@link EX_TYPE_HANDLER} the descriptor. */
  readonly fixup: bigint;
  /** Section names in a relocatable object. */
  readonly insnSection?: string;
  readonly fixupSection?: string;
  /** Names that another object defines, in a relocatable one; `insn` and `fixup` then count from there. */
  readonly insnExternal?: string;
  readonly fixupExternal?: string;
  /** EX_TYPE_* number; layouts without types are given the type that does what they do. */
  readonly type: number;
  /** x86 register number 0-15 of the data word. */
  readonly register: number;
  /** EX_FLAG_* bits: 1 clear ax, 2 clear dx. */
  readonly flags: number;
  /** Signed 16-bit immediate of the data word. */
  readonly immediate: number;
  /** The raw third word. */
  readonly data: number;
  /** Layouts `relative`, `mcex`, `absolute` and `class`. */
  readonly class?: EntryClass;
  /** Address of the C handler or descriptor, where the layout names one. */
  readonly handler?: bigint;
  /** Name of the C handler (layout `handler`), if the file has it: `ex_handler_fault`. */
  readonly handlerName?: string;
  /** Where the source made the entry, if known. */
  readonly position?: SourcePosition;
}

/** mcsafe's own type in a `data` table: `fixup` is a descriptor. Outside the kernel's numbers, and only for the emulated kernel. */
export const EX_TYPE_HANDLER = 0x80;

/** A handler for the instructions in `[start, start + length)`. */
export interface ExRange {
  /** Position in the section as read, from 0. */
  readonly index: number;
  /** Offset of the record in its section. */
  readonly offset: number;
  readonly start: bigint;
  /** Bytes; 0 until the post-link step fills it in. */
  readonly length: number;
  /** Address of the `struct extable_handler`. */
  readonly descriptor: bigint;
  readonly flags: number;
  /** Section names in a relocatable object. */
  readonly startSection?: string;
  readonly descriptorSection?: string;
  /** Names that another object defines. */
  readonly startExternal?: string;
  readonly descriptorExternal?: string;
}

/** `struct extable_handler` as it stands in memory. */
export interface HandlerDescriptor {
  readonly address: bigint;
  /** The C function. */
  readonly handler: bigint;
  readonly handlerSection?: string;
  /** Bit n: takes vector n. */
  readonly vectors: number;
  /** {@link EXTABLE_IFETCH} */
  readonly flags: number;
}

/** A descriptor with this flag also takes faults of instruction fetch in its range. */
export const EXTABLE_IFETCH = 1;

/** One table of a file. */
export interface ExtableTable {
  readonly layout: ExtableLayout;
  /** `__ex_table` or `__mcex_table`. */
  readonly section: string;
  /** Address of the section; 0 in a relocatable file. */
  readonly address: bigint;
  /** What the layout was concluded from, one sentence each. */
  readonly evidence: readonly string[];
  /** Bytes of an entry. */
  readonly stride: number;
  /** In the section's order. */
  readonly entries: readonly ExtableEntry[];
  /** Bytes behind the last whole entry. */
  readonly leftOver: number;
}
