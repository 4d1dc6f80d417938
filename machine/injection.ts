/**
 * A fault of an instruction's memory access that nothing in memory explains: the n-th time the instruction is about to execute. It stands
 * for what happens between two accesses of one run: a page taken away, a line going bad. The next execution is not disturbed.
 */
import { decodeInstruction } from '../assembly/x86/decode.ts';
import type { MemoryAccess } from '../assembly/x86/instruction.ts';
import { GENERAL_REGISTERS, VECTOR } from './cpu/cpu.ts';
import type { Cpu, CpuExit, RegisterFile } from './cpu/cpu.ts';
import type { Injection as InjectionRequest } from './scenario/scenario.ts';

/** Error code of a page fault: a supervisor's access to a page that is not there (SDM 3A 4.7). */
const WRITE = 2;

export interface InjectionState {
  readonly executions: number;
  /** The machine was put on the instruction: no breakpoint will tell. */
  readonly due: boolean;
}

const START: InjectionState = { executions: 0, due: false };

/** Counts executions of one instruction. The machine stops at {@link place} and asks. */
export class Injection {
  readonly #request: InjectionRequest;
  #state = START;

  constructor(request: InjectionRequest) {
    this.#request = request;
  }

  get place(): bigint {
    return this.#request.address;
  }

  /** To be saved with the machine's. */
  get state(): InjectionState {
    return this.#state;
  }

  reset(state: InjectionState = START): void {
    this.#state = state;
  }

  /** The machine has been put to `ip`, by its start or by a fixup. */
  put(ip: bigint): void {
    if (ip === this.place) this.#state = { ...this.#state, due: true };
  }

  /** As {@link arrived} where the machine was put, before it goes on. */
  beforeRun(cpu: Cpu): Extract<CpuExit, { kind: 'exception' }> | undefined {
    return this.#state.due ? this.arrived(cpu) : undefined;
  }

  /** The machine stands at the instruction: the exception it is to raise now, if this is the time. A repeated string instruction counts once. */
  arrived({ registers, memory }: Cpu): Extract<CpuExit, { kind: 'exception' }> | undefined {
    if (registers.rip !== this.place) return undefined;
    this.#state = { executions: this.#state.executions + 1, due: false };
    if (this.#state.executions !== this.#request.execution) return undefined;
    const instruction = decodeInstruction(memory.read(this.place, 15), this.place);
    const { vector } = this.#request;
    const wanted = instruction.accesses.find(({ kind }) => vector === VECTOR.PF || kind !== 'write') ?? instruction.accesses[0];
    const address = wanted === undefined ? 0n : addressOf(wanted, registers);
    const kind = wanted?.kind === 'write' ? 'write' : 'read';
    return {
      kind: 'exception', vector, address, access: { kind, address, size: wanted?.size ?? 1 },
      ...(vector === VECTOR.PF ? { errorCode: kind === 'write' ? WRITE : 0 } : {}),
    };
  }
}

function addressOf({ base, index, scale, displacement }: MemoryAccess, registers: RegisterFile): bigint {
  const value = (name: string | undefined): bigint => {
    const number = name === undefined ? -1 : (GENERAL_REGISTERS as readonly string[]).indexOf(name);
    return number < 0 ? 0n : registers.get(number);
  };
  return BigInt.asUintN(64, value(base) + value(index) * BigInt(scale) + displacement);
}
