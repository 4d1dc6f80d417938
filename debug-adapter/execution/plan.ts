/**
 * What a running program is to reach: the end of a step, or nothing in particular.
 * A plan is asked before every call of the machine how to go on, and after it whether it has arrived.
 */
import { decodeInstruction, MAX_INSTRUCTION_LENGTH } from '../../assembly/x86/decode.ts';
import type { Instruction } from '../../assembly/x86/instruction.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Delivery } from '../../machine/kernel/delivery.ts';
import type { FixupRecord, Machine } from '../../machine/machine.ts';

const RSP = 4;

/** How to run up to the next question. */
export interface Stretch {
  /** Run one instruction only. */
  readonly single: boolean;
  /** Whether a fixup leads out of what is stepped over: stop there. */
  readonly endsAtFixup: boolean | ((fixup: FixupRecord) => boolean);
  /** Addresses to come back at, besides the user's breakpoints. */
  readonly temporary: readonly bigint[];
}

export interface Plan {
  /** What the client calls arriving: `step`. */
  readonly kind: 'continue' | 'step';
  /** From the delivery of an exception, a step into goes to the handler's first instruction if the handler is a function of the program. */
  readonly intoHandlers?: boolean;
  prepare(machine: Machine): Stretch;
  /** Whether the goal is reached, after a stretch that ended without anything else to stop for. */
  arrived(machine: Machine): boolean;
}

export type Granularity = 'line' | 'instruction';

/** Runs until something stops it. */
export class ContinuePlan implements Plan {
  readonly kind = 'continue';

  prepare(): Stretch {
    return { single: false, endsAtFixup: false, temporary: [] };
  }

  arrived(): boolean {
    return false;
  }
}

/** To the caller: the address after the call, with that frame's return address popped. Without a caller, to the end of the run. */
export class StepOutPlan implements Plan {
  readonly kind = 'step';
  readonly #target: { readonly address: bigint; readonly slot: bigint } | undefined;

  /** `target`: where the current function returns to, and the stack slot that says so. */
  constructor(target: { readonly address: bigint; readonly slot: bigint } | undefined) {
    this.#target = target;
  }

  prepare(): Stretch {
    return { single: false, endsAtFixup: false, temporary: this.#target === undefined ? [] : [this.#target.address] };
  }

  arrived(machine: Machine): boolean {
    return this.#target !== undefined && machine.registers.rip === this.#target.address && machine.registers.get(RSP) > this.#target.slot;
  }
}

/** Over a handler that is a function of the program: to where its delivery ends. */
export class HandlerPlan implements Plan {
  readonly kind = 'step';
  readonly #delivery: Delivery;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  prepare(): Stretch {
    return { single: false, temporary: [], endsAtFixup: ({ delivery }) => delivery === this.#delivery };
  }

  arrived(): boolean {
    return false;
  }
}

/** One instruction or one written line; into calls or over them. A repeated string instruction counts as one but for instruction steps into it. */
export class StepPlan implements Plan {
  readonly kind = 'step';
  readonly intoHandlers: boolean;
  readonly #granularity: Granularity;
  readonly #over: boolean;
  readonly #line: string | undefined;
  #before: { readonly instruction: Instruction; readonly rip: bigint } | undefined;
  /** While a call is run over: where it comes back to, and how far the stack is then down at most. */
  #call: { readonly address: bigint; readonly stack: bigint } | undefined;

  constructor(machine: Machine, granularity: Granularity, over: boolean) {
    this.#granularity = granularity;
    this.#over = over;
    this.#line = lineKey(machine);
    this.intoHandlers = !over;
  }

  prepare(machine: Machine): Stretch {
    if (this.#call !== undefined) return { single: false, endsAtFixup: false, temporary: [this.#call.address] };
    const { rip } = machine.registers;
    const instruction = decodeInstruction(machine.memory.read(rip, MAX_INSTRUCTION_LENGTH), rip);
    this.#before = { instruction, rip };
    const next = BigInt.asUintN(64, rip + BigInt(instruction.length));
    if (this.#over && (instruction.flow === 'call' || instruction.flow === 'indirect-call')) {
      this.#call = { address: next, stack: machine.registers.get(RSP) };
      return { single: false, endsAtFixup: false, temporary: [next] };
    }
    return this.#isOneStep(instruction) ? { single: false, endsAtFixup: true, temporary: [next] } : { single: true, endsAtFixup: true, temporary: [] };
  }

  arrived(machine: Machine): boolean {
    const { rip } = machine.registers;
    if (this.#call !== undefined) {
      // A recursive call comes past the same address, deeper in the stack.
      if (rip !== this.#call.address || machine.registers.get(RSP) < this.#call.stack) return false;
      this.#call = undefined;
    }
    const { instruction, rip: from } = this.#before!;
    if (rip === from && this.#isOneStep(instruction)) return false;
    if (this.#granularity === 'instruction') return true;
    const line = lineKey(machine);
    if (line === undefined || line !== this.#line) return true;
    // Still on the line: a macro goes on, but a jump back begins it anew.
    return rip <= from;
  }

  /** Whether all repetitions of a string instruction are taken for one step: always, but for instruction steps into it. */
  #isOneStep(instruction: Instruction): boolean {
    return instruction.repeat !== 'none' && (this.#over || this.#granularity === 'line');
  }
}

/** The written line at rip; undefined where the program does not say. */
export function lineKey(machine: Machine): string | undefined {
  const position = machine.image.lineAt(machine.registers.rip);
  if (position === undefined) return undefined;
  const written = writtenPosition(position);
  return `${written.file}:${String(written.line)}`;
}
