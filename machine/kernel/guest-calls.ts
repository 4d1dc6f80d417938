/**
 * Handlers that are C functions of the program: frame, call, return through iretq, and who wrote what of the frame.
 */
import { decodeInstruction } from '../../assembly/x86/decode.ts';
import { FLAG, VECTOR } from '../cpu/cpu.ts';
import type { Cpu, CpuProfile } from '../cpu/cpu.ts';
import type { ActiveDelivery } from './active-delivery.ts';
import type { Delivery, DeliveryPhase, EntryMatch, GuestHandler } from './delivery.ts';
import { PT_REGS, PT_REGS_SIZE, canonical, frameBytes, frameField, iretFault, loadFrame } from './pt-regs.ts';
import type { PtRegsField } from './pt-regs.ts';

export interface GuestCallOptions {
  readonly cpu: Cpu;
  readonly profile: CpuProfile;
  readonly place: (address: bigint) => string;
  readonly handlerReturn: bigint;
  readonly machineCheckStack: bigint;
}

interface Call {
  readonly delivery: ActiveDelivery;
  readonly match: EntryMatch;
  readonly frame: bigint;
  /** The frame as it was after the last instruction. */
  seen: Uint8Array;
}

/** A handler's store into a frame that was not its to change by that means. */
export interface StrayStore {
  /** Whose frame. */
  readonly delivery: Delivery;
  /** Of the instruction that stored. */
  readonly at: bigint;
  readonly field: PtRegsField;
  /** `outer`: the frame of a fault outside this one. `stack`: the handler's own, run over from below. */
  readonly how: 'outer' | 'stack';
}

const MAX_LENGTH = 15;
const RAX = 0, RCX = 1, RDX = 2, RSP = 4, RSI = 6, RDI = 7, R8 = 8;
/** `struct extable_info`: error_code, addr, addr_kind, addr_lsb, padding, status. */
const INFO_SIZE = 32;
const ADDRESS_KIND = { NONE: 0, LINEAR: 1, PHYSICAL: 2 } as const;
/** A machine check names a cache line: the low 6 bits of the address mean nothing. */
const LINE_BITS = 6;
/** A C function is entered with interrupts off and these clear. */
const CLEARED = BigInt(FLAG.DF | FLAG.AC | FLAG.IF | FLAG.TF | FLAG.NT | FLAG.RF);

export class GuestCalls {
  readonly #options: GuestCallOptions;
  readonly #calls: Call[] = [];

  constructor(options: GuestCallOptions) {
    this.#options = options;
  }

  clear(): void {
    this.#calls.length = 0;
  }

  /** Innermost last. */
  get running(): readonly ActiveDelivery[] {
    return this.#calls.map(({ delivery }) => delivery);
  }

  /** Whether the CPU could push an exception frame on the current stack. */
  canPushFrame(): boolean {
    const top = this.#options.cpu.registers.get(RSP) & ~15n;
    return this.#writable(top - BigInt(PT_REGS_SIZE), PT_REGS_SIZE);
  }

  #writable(address: bigint, size: number): boolean {
    const { memory } = this.#options.cpu;
    return [address, address + BigInt(size - 1)].every((end) => canonical(BigInt.asUintN(64, end), true) && memory.permissions(BigInt.asUintN(64, end))?.write === true);
  }

  /** Pushes the frame and starts the handler; a sentence if that cannot be. */
  enter(delivery: ActiveDelivery, match: EntryMatch, handler: GuestHandler): DeliveryPhase | string {
    const { cpu, handlerReturn, machineCheckStack } = this.#options;
    const { registers, memory } = cpu;
    const { vector, errorCode, software } = delivery.exception;
    // A second handler for the same exception works on the frame that the first left.
    const top = vector === VECTOR.MC ? machineCheckStack : registers.get(RSP) & ~15n;
    const frame = top - BigInt(PT_REGS_SIZE);
    const info = (frame - BigInt(INFO_SIZE)) & ~15n;
    const stack = info - 8n;
    if (!this.#writable(stack, Number(top - stack))) return `the stack has no room for the handler's frame at 0x${frame.toString(16)}`;
    const bytes = frameBytes(cpu, vector, software === true);
    memory.write(frame, bytes);
    memory.write(info, this.#info(delivery));
    memory.write(stack, quad(handlerReturn));
    registers.set(RSP, stack);
    const faultAddress = vector === VECTOR.PF ? delivery.exception.address ?? 0n : 0n;
    const args = handler.convention === 'descriptor'
      ? [[RDI, frame], [RSI, handler.self], [RDX, BigInt(vector)], [RCX, info]] as const
      : [[RDI, handler.self], [RSI, frame], [RDX, BigInt(vector)], [RCX, BigInt(errorCode ?? 0)], [R8, faultAddress]] as const;
    for (const [register, value] of args) registers.set(register, value);
    registers.rflags &= ~CLEARED;
    registers.rip = handler.address;
    this.#calls.push({ delivery, match, frame, seen: bytes });
    return { phase: 'entered', match, handler, frame, depth: this.#calls.length };
  }

  #info({ exception, bank }: ActiveDelivery): Uint8Array {
    const bytes = new Uint8Array(INFO_SIZE);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(exception.errorCode ?? 0), true);
    if (exception.vector === VECTOR.PF) {
      view.setBigUint64(8, exception.address ?? 0n, true);
      view.setUint8(16, ADDRESS_KIND.LINEAR);
    } else if (bank !== undefined) {
      view.setBigUint64(8, bank.address, true);
      view.setUint8(16, ADDRESS_KIND.PHYSICAL);
      view.setUint8(17, LINE_BITS);
      view.setBigUint64(24, bank.status, true);
    }
    return bytes;
  }

  /** An instruction of the innermost handler, at `ip`, has run: the fields it changed are its work, unless they were not its to change. */
  stepped(ip: bigint): StrayStore | undefined {
    const innermost = this.#calls.at(-1);
    for (const call of this.#calls) {
      const now = this.#options.cpu.memory.read(call.frame, PT_REGS_SIZE);
      if (now.length !== PT_REGS_SIZE || now.every((byte, index) => byte === call.seen[index])) continue;
      const fields = PT_REGS.filter((field) => frameField(now, field) !== frameField(call.seen, field));
      call.seen = now;
      if (call !== innermost) return { delivery: call.delivery, at: ip, field: fields[0]!, how: 'outer' };
      if (this.#storesOnStack(ip)) return { delivery: call.delivery, at: ip, field: fields[0]!, how: 'stack' };
      for (const field of fields) call.delivery.writers.set(field, `handler at ${this.#options.place(ip)}`);
    }
    return undefined;
  }

  /** Whether the instruction at `ip` stores nowhere but to its own stack, by rsp: what it hits of a frame it hits by running over. */
  #storesOnStack(ip: bigint): boolean {
    const stores = decodeInstruction(this.#options.cpu.memory.read(ip, MAX_LENGTH), ip).accesses.filter(({ kind }) => kind !== 'read');
    return stores.length > 0 && stores.every(({ base, implicit }) => implicit || base === 'rsp');
  }

  /** The innermost handler has returned: its answer is al, and the frame is what counts. */
  returned(): { readonly delivery: ActiveDelivery; readonly phase: DeliveryPhase } {
    const { cpu, profile } = this.#options;
    const call = this.#calls.pop();
    if (call === undefined) throw new Error('no handler is running');
    const { delivery, match } = call;
    const accepted = (cpu.registers.get(RAX) & 0xffn) !== 0n;
    const bytes = cpu.memory.read(call.frame, PT_REGS_SIZE);
    const fault = accepted ? iretFault(bytes, profile.features.includes('la57')) : undefined;
    loadFrame(cpu, bytes, accepted && fault === undefined);
    if (!accepted) cpu.registers.rip = delivery.exception.ip;
    const touched = [...delivery.writers.keys()];
    const effect = touched.length === 0 ? 'changed nothing' : `wrote ${touched.join(', ')}`;
    if (fault !== undefined) {
      delivery.takers = [];
      return { delivery, phase: { phase: 'handled', match, accepted: false, effect, warnings: [], fatal: true, reason: `iretq faults: ${fault}` } };
    }
    return { delivery, phase: { phase: 'handled', match, accepted, effect, warnings: [], ...(accepted ? {} : { reason: 'the handler returned false' }) } };
  }
}

function quad(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}
