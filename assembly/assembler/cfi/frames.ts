/**
 * Call frame information as the `.cfi_*` directives give it, one procedure each (as manual 7.12).
 */
import type { Expression } from '../../gas/statement.ts';
import { AssemblyError } from '../assembly-error.ts';
import type { Place, Subsection } from '../fragments.ts';

/** One instruction of a frame's table (DWARF 5, 6.4.2). */
export type FrameInstruction =
  | { readonly kind: 'advance'; readonly from: Place; readonly to: Place }
  | { readonly kind: 'offset' | 'value-offset' | 'def-cfa'; readonly register: number; readonly offset: bigint }
  | { readonly kind: 'def-cfa-offset'; readonly offset: bigint }
  | { readonly kind: 'def-cfa-register' | 'restore' | 'undefined' | 'same-value'; readonly register: number }
  | { readonly kind: 'register'; readonly register: number; readonly other: number }
  | { readonly kind: 'remember' | 'restore-state' | 'window-save' }
  | { readonly kind: 'escape'; readonly bytes: Uint8Array }
  /** The symbol of that key stands at this place of the table. */
  | { readonly kind: 'label'; readonly symbol: string };

/** A value that an unwinder reads by an encoding of its own (personality routine, language-specific data). */
export interface EncodedPointer {
  /** A `DW_EH_PE_*` value. */
  readonly encoding: number;
  /** Bound. */
  readonly value: Expression;
}

/** `.cfi_startproc` to `.cfi_endproc`. */
export class Frame {
  readonly start: Place;
  end: Place | undefined;
  readonly instructions: FrameInstruction[] = [];
  returnColumn = 16;
  signal = false;
  personality: EncodedPointer | undefined;
  lsda: EncodedPointer | undefined;
  /** Distance of the canonical frame address from its register, as the directives go along. */
  cfaOffset = 0n;
  /** Distances that `.cfi_remember_state` put by. */
  readonly remembered: bigint[] = [];
  private last: Place;

  constructor(start: Place) {
    this.start = start;
    this.last = start;
  }

  /** Adds an instruction that holds from `here` on. */
  add(here: Place, instruction: FrameInstruction): void {
    if (here.fragment !== this.last.fragment || here.offset !== this.last.offset) {
      this.instructions.push({ kind: 'advance', from: this.last, to: here });
      this.last = here;
    }
    this.instructions.push(instruction);
  }
}

/** All frames of a unit. */
export class Frames {
  readonly all: Frame[] = [];
  /** Where the tables go. */
  sections: { readonly eh: boolean; readonly debug: boolean } = { eh: true, debug: false };
  private readonly open = new Map<Subsection, Frame>();

  /** Begins a frame; `simple` leaves out what holds at every function's entry: the return address on top of the stack. */
  begin(part: Subsection, simple: boolean): void {
    if (this.open.has(part)) throw new AssemblyError('cfi', '.cfi_startproc comes before the last one has ended with .cfi_endproc');
    const frame = new Frame(part.here());
    if (!simple) {
      frame.cfaOffset = 8n;
      frame.instructions.push({ kind: 'def-cfa', register: 7, offset: 8n }, { kind: 'offset', register: 16, offset: -8n });
    }
    this.all.push(frame);
    this.open.set(part, frame);
  }

  /** The frame that is open in `part`. */
  current(part: Subsection): Frame {
    const frame = this.open.get(part);
    if (frame === undefined) throw new AssemblyError('cfi', 'a CFI directive stands between .cfi_startproc and .cfi_endproc');
    return frame;
  }

  end(part: Subsection): void {
    this.current(part).end = part.here();
    this.open.delete(part);
  }

  get hasOpen(): boolean {
    return this.open.size > 0;
  }
}
