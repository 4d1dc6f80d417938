/**
 * What happens to one exception, phase by phase, as the emulated kernel sees it. Plain data: the debugger shows it, the sweep judges it.
 */
import type { ExRange, ExtableEntry } from '../../assembly/extable/entry.ts';
import type { FaultAccess } from '../cpu/cpu.ts';
import type { ErrorContext } from '../../fault-model/error-context.ts';
import type { MachineCheckBank } from '../../fault-model/machine-check.ts';
import type { SeverityGrade } from '../../fault-model/severity.ts';

/** The exception as the CPU raised it. */
export interface RaisedException {
  /** Vector number and mnemonic: 18 and `#MC`. */
  readonly vector: number;
  readonly mnemonic: string;
  readonly errorCode?: number;
  /** #PF: cr2. #MC: linear address that was read. */
  readonly address?: bigint;
  readonly access?: FaultAccess;
  /** Set for traps and `int n`, which push flags without RF. */
  readonly software?: boolean;
  /** Address of the faulting instruction (for traps: of the next one). */
  readonly ip: bigint;
  /** One sentence for people: `page fault writing 8 bytes at dst+0x40: not present`. */
  readonly summary: string;
}

/** A handler that is a C function of the program. */
export interface GuestHandler {
  readonly name: string;
  /** Of its code. */
  readonly address: bigint;
  /** Address of the `struct extable_handler`, or of the table entry that names the function. */
  readonly self: bigint;
  /** `descriptor`: (regs, self, trapnr, info). `entry`: (entry, regs, trapnr, error_code, fault_addr), as kernels 4.6 to 5.15 called theirs. */
  readonly convention: 'descriptor' | 'entry';
}

/** An entry that matched, with the names people know its ends by. */
export interface EntryMatch {
  /** For a range: an entry made of it, `insn` being the interrupted instruction. */
  readonly entry: ExtableEntry;
  readonly range?: ExRange;
  /** Set if a function of the program handles it. */
  readonly handler?: GuestHandler;
  /** `EX_TYPE_DEFAULT_MCE_SAFE`, `handler return_directly`, `range handler byte_by_byte` */
  readonly typeName: string;
  /** Linked addresses; `fixup` is the handler's code where there is no landing pad. */
  readonly insn: bigint;
  readonly fixup: bigint;
}

/** One register changed between delivery and landing pad. */
export interface RegisterChange {
  /** `rax` … `r15`, `rip`, `rflags`. */
  readonly register: string;
  readonly old: bigint;
  readonly new: bigint;
  /** Who changed it: `CPU`, a handler type's name, or `handler at file:line`. */
  readonly changedBy: string;
}

/** Why a fault was fatal. */
export interface Death {
  /** `oops`: an unhandled fault in the kernel. `panic`: a machine check that cannot be recovered. `signal`: user code. `shutdown`: a machine check while one is handled. */
  readonly kind: 'oops' | 'panic' | 'signal' | 'shutdown';
  /** What the kernel would print, or say: one sentence. */
  readonly reason: string;
}

/** The phases in the order they happen. */
export type DeliveryPhase =
  | { readonly phase: 'raised'; readonly exception: RaisedException }
  | {
      readonly phase: 'graded';
      readonly bank: MachineCheckBank;
      readonly context: ErrorContext;
      readonly grade: SeverityGrade;
    }
  | {
      readonly phase: 'searched';
      /** Undefined: no entry for this ip. */
      readonly match?: EntryMatch;
      /** How many entries the table has. */
      readonly tableSize: number;
      /** Set when the kernel does not consult the table at all (SMAP rule, a vector that is never offered), and why. */
      readonly notConsulted?: string;
    }
  /** The handler is a function of the program: the machine stands at its first instruction. `handled` follows when it returns. */
  | {
      readonly phase: 'entered';
      readonly match: EntryMatch;
      readonly handler: GuestHandler;
      /** Address of the `struct pt_regs`. */
      readonly frame: bigint;
      /** 1 for a handler of the routine's fault, 2 for one of a fault in that handler … */
      readonly depth: number;
    }
  | {
      readonly phase: 'handled';
      readonly match: EntryMatch;
      /** False: the handler refused, `reason` says why; the next taker is asked, if there is one. */
      readonly accepted: boolean;
      readonly reason?: string;
      /** The refusal is the kernel's end: BUG(), a panic, a frame that iretq cannot load. */
      readonly fatal?: boolean;
      /** What it did, in a sentence: `ip = fixup; ax = 18`. */
      readonly effect: string;
      /** Warnings the kernel would log (WARN_ONCE …). */
      readonly warnings: readonly string[];
    }
  | { readonly phase: 'resumed'; readonly at: bigint; readonly changes: readonly RegisterChange[] }
  | { readonly phase: 'died'; readonly death: Death };

/** One exception on its way; `phases` grows until the last is `resumed` or `died`. */
export interface Delivery {
  /** 1 for the first exception of the run. */
  readonly sequence: number;
  readonly exception: RaisedException;
  readonly phases: readonly DeliveryPhase[];
  readonly finished: boolean;
}
