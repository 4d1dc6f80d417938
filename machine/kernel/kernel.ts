/**
 * The emulated kernel: takes one exception from the CPU to its end, a phase at a time, by the rules of `fault-model/`.
 * Knows nothing of protocols or of what a debugger wants to see.
 */
import type { ExtableEntry } from '../../assembly/extable/entry.ts';
import { inKernelSpace } from '../../fault-model/address-space.ts';
import { errorContext, isCopyOpcode } from '../../fault-model/error-context.ts';
import type { ErrorContext } from '../../fault-model/error-context.ts';
import { entryTypeText } from '../../fault-model/entry-type.ts';
import { handlerType, handlerTypeName } from '../../fault-model/handler-types.ts';
import type { HandlerFrame, HandlerOutcome } from '../../fault-model/handler-types.ts';
import { entryType } from '../../fault-model/kernel-generation.ts';
import type { KernelGeneration } from '../../fault-model/kernel-generation.ts';
import { decodeMemoryOperand } from '../../fault-model/memory-operand.ts';
import { poisonConsumed } from '../../fault-model/machine-check.ts';
import { gradeMachineCheck } from '../../fault-model/severity.ts';
import { pageFaultText, vectorFacts } from '../../fault-model/vectors.ts';
import { FLAG, GENERAL_REGISTERS, VECTOR } from '../cpu/cpu.ts';
import type { Cpu, CpuExit, CpuProfile } from '../cpu/cpu.ts';
import type { Death, Delivery, DeliveryPhase, EntryMatch, RaisedException, RegisterChange } from './delivery.ts';

/** The exception-table search: exact ip, as `search_extable` does (kernel 6.1 lib/extable.c). */
export interface ExceptionTable {
  readonly size: number;
  find(ip: bigint): ExtableEntry | undefined;
}

export interface KernelOptions {
  readonly cpu: Cpu;
  readonly table: ExceptionTable;
  readonly generation: KernelGeneration;
  readonly profile: CpuProfile;
  /** The name people know an address by. */
  readonly describe: (address: bigint) => string;
}

type ExceptionExit = Extract<CpuExit, { kind: 'exception' }>;

/** Control register and flag values a delivery is compared against. */
interface Snapshot {
  readonly registers: readonly bigint[];
  readonly rip: bigint;
  readonly rflags: bigint;
}

const CR2 = 2;
const CS = 1;

/** One exception in the making. `advance` appends the next phase until `finished`. */
class ActiveDelivery implements Delivery {
  readonly sequence: number;
  readonly exception: RaisedException;
  readonly phases: DeliveryPhase[];
  /** Registers at the moment of the exception. */
  readonly snapshot: Snapshot;
  match: EntryMatch | undefined;
  changedCr2: readonly [bigint, bigint] | undefined;

  constructor(sequence: number, exception: RaisedException, snapshot: Snapshot) {
    this.sequence = sequence;
    this.exception = exception;
    this.snapshot = snapshot;
    this.phases = [{ phase: 'raised', exception }];
  }

  get finished(): boolean {
    const last = this.phases.at(-1)!.phase;
    return last === 'resumed' || last === 'died';
  }
}

export class Kernel {
  readonly #options: KernelOptions;
  #sequence = 0;

  constructor(options: KernelOptions) {
    this.#options = options;
  }

  /** Forgets the run: the next exception is the first. */
  reset(): void {
    this.#sequence = 0;
  }

  /** Takes an exception from the CPU. Nothing but cr2 changes yet. */
  raise(exit: ExceptionExit): Delivery {
    const { cpu } = this.#options;
    const exception = this.#describeException(exit);
    const delivery = new ActiveDelivery(++this.#sequence, exception, this.#snapshot());
    if (exit.vector === VECTOR.PF && exit.address !== undefined) {
      delivery.changedCr2 = [cpu.registers.getControl(CR2), exit.address];
      cpu.registers.setControl(CR2, exit.address);
    }
    // Exception delivery and the iret that ends it serialise: non-temporal stores are drained (SDM 3A 9.3).
    cpu.drainNonTemporal();
    return delivery;
  }

  /** Takes `delivery` one phase further and returns that phase. */
  advance(delivery: Delivery): DeliveryPhase {
    if (!(delivery instanceof ActiveDelivery)) throw new TypeError('this delivery belongs to another kernel');
    const phase = this.#next(delivery);
    delivery.phases.push(phase);
    return phase;
  }

  #next(delivery: ActiveDelivery): DeliveryPhase {
    const last = delivery.phases.at(-1)!;
    switch (last.phase) {
      case 'raised':
        return delivery.exception.vector === VECTOR.MC ? this.#grade(delivery) : this.#search(delivery);
      case 'graded':
        if (last.grade.severity === 'PANIC') return died('panic', `Fatal machine check: ${last.grade.message}`);
        // Only an action-required error is acted upon before the interrupted code goes on (kernel 6.12 do_machine_check).
        if (last.grade.severity !== 'AR') return { phase: 'resumed', at: delivery.exception.ip, changes: [] };
        return this.#search(delivery);
      case 'searched':
        return last.match === undefined ? { phase: 'died', death: this.#unhandled(delivery, last.notConsulted) } : this.#handle(delivery, last.match);
      case 'handled':
        if (!last.accepted) {
          return delivery.exception.vector === VECTOR.MC
            ? died('panic', 'Failed kernel mode recovery: the handler refused after the machine check was graded recoverable')
            : died('oops', `${delivery.exception.summary}: the handler refused (${last.reason ?? 'no reason given'})`);
        }
        return { phase: 'resumed', at: this.#options.cpu.registers.rip, changes: this.#changes(delivery, last.match.typeName) };
      default:
        throw new Error('this delivery is finished');
    }
  }

  #grade(delivery: ActiveDelivery): DeliveryPhase {
    const { cpu, generation, profile } = this.#options;
    const { exception } = delivery;
    const linear = exception.address ?? exception.ip;
    const bank = poisonConsumed(exception.access?.kind === 'fetch' ? 'instruction' : 'data', cpu.memory.physical(linear) ?? 0n);
    const context = this.#context(delivery, bank.mcgStatus);
    const grade = gradeMachineCheck(bank, context, {
      generation, vendor: profile.vendor, ser: profile.vendor === 'intel', inException: true,
      overflowRecovery: true, succor: true,
    });
    return { phase: 'graded', bank, context, grade };
  }

  #context(delivery: ActiveDelivery, mcgStatus: bigint): ErrorContext {
    const { cpu, table, generation } = this.#options;
    return errorContext({
      cs: cpu.registers.getSegment(CS),
      mcgStatus,
      entryType: this.#typeOf(table.find(delivery.exception.ip)),
      copiesFromUser: this.#copiesFromUser(delivery),
    }, generation);
  }

  /** `is_copy_from_user`: what the interrupted instruction reads, decoded from its bytes as the kernel does. */
  #copiesFromUser(delivery: ActiveDelivery): boolean {
    const { cpu } = this.#options;
    const { ip } = delivery.exception;
    const operand = decodeMemoryOperand(cpu.memory.read(ip, 15), ip, (register) => cpu.registers.get(register));
    return operand !== undefined && isCopyOpcode(operand.opcode) && !inKernelSpace(operand.address, this.#la57);
  }

  get #la57(): boolean {
    return this.#options.profile.features.includes('la57');
  }

  #search(delivery: ActiveDelivery): DeliveryPhase {
    const { table } = this.#options;
    const { exception } = delivery;
    const notConsulted = this.#whyNotConsulted(exception);
    if (notConsulted !== undefined) return { phase: 'searched', tableSize: table.size, notConsulted };
    const entry = table.find(exception.ip);
    if (entry === undefined) return { phase: 'searched', tableSize: table.size };
    const match: EntryMatch = { entry, typeName: entryTypeText(entry), insn: entry.insn, fixup: entry.fixup };
    delivery.match = match;
    return { phase: 'searched', match, tableSize: table.size };
  }

  /** Why the kernel would not even look: vectors that are never offered, and the SMAP rule (kernel 6.12 arch/x86/mm/fault.c do_user_addr_fault). */
  #whyNotConsulted(exception: RaisedException): string | undefined {
    const { cpu, profile } = this.#options;
    const facts = vectorFacts(exception.vector);
    if (!facts.offeredToTable) return `${facts.mnemonic} is never offered to the exception table`;
    if (exception.vector === VECTOR.PF && profile.features.includes('smap')) {
      const user = !inKernelSpace(exception.address ?? 0n, this.#la57);
      const ac = (cpu.registers.rflags & BigInt(FLAG.AC)) !== 0n;
      if (user && !ac) return 'a kernel access to a user address with EFLAGS.AC clear (no stac) under SMAP: the kernel oopses at once';
    }
    return undefined;
  }

  #handle(delivery: ActiveDelivery, match: EntryMatch): DeliveryPhase {
    const { entry } = match;
    const type = this.#typeOf(entry);
    const handler = type === undefined ? undefined : handlerType(type);
    const outcome: HandlerOutcome = handler === undefined
      ? { effect: 'none', refusal: `${handlerTypeName(entry.type)} is not a handler of this kernel: BUG()`, warnings: [] }
      : handler.run(this.#frame(delivery), { ...entry, fixupWord: Number(BigInt.asIntN(32, entry.fixup)) });
    if (outcome.resumeAt !== undefined) this.#options.cpu.registers.rip = outcome.resumeAt;
    return {
      phase: 'handled', match, accepted: outcome.resumeAt !== undefined, effect: outcome.effect, warnings: outcome.warnings,
      ...(outcome.refusal === undefined ? {} : { reason: outcome.refusal }),
    };
  }

  #typeOf(entry: ExtableEntry | undefined): number | undefined {
    return entry === undefined ? undefined : entryType(entry.type, this.#options.generation);
  }

  #frame(delivery: ActiveDelivery): HandlerFrame {
    const { cpu, generation } = this.#options;
    const { exception } = delivery;
    return {
      getRegister: (register) => cpu.registers.get(register),
      setRegister: (register, value) => { cpu.registers.set(register, value); },
      trapnr: exception.vector,
      errorCode: exception.errorCode ?? 0,
      faultAddress: exception.vector === VECTOR.PF ? exception.address ?? 0n : 0n,
      ip: exception.ip,
      instructionBytes: cpu.memory.read(exception.ip, 15),
      readQuad: (address) => {
        const bytes = cpu.memory.read(address, 8);
        return bytes.length === 8 ? new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true) : undefined;
      },
      generation,
      la57: this.#la57,
      rflags: cpu.registers.rflags,
      writeLong: (address, value) => {
        const bytes = new Uint8Array(4);
        new DataView(bytes.buffer).setInt32(0, value, true);
        return cpu.memory.read(address, 4).length === 4 && cpu.memory.write(address, bytes) === 4;
      },
      clearFs: () => {
        cpu.registers.setSegment(4, 0);
        cpu.registers.setSegmentBase(4, 0n);
      },
      resetFpu: () => {
        for (let register = 0; register < 16; register++) cpu.registers.setXmm(register, new Uint8Array(16));
      },
    };
  }

  #unhandled(delivery: ActiveDelivery, notConsulted: string | undefined): Death {
    const { exception } = delivery;
    const why = notConsulted ?? `no exception-table entry for ${this.#options.describe(exception.ip)}`;
    if (exception.vector === VECTOR.MC) return { kind: 'panic', reason: `Failed kernel mode recovery: ${why}` };
    if (exception.vector === VECTOR.DF) return { kind: 'panic', reason: `double fault: ${why}` };
    return { kind: 'oops', reason: `${exception.summary}: ${why}` };
  }

  #snapshot(): Snapshot {
    const { registers } = this.#options.cpu;
    return { registers: GENERAL_REGISTERS.map((_, number) => registers.get(number)), rip: registers.rip, rflags: registers.rflags };
  }

  #changes(delivery: ActiveDelivery, typeName: string): readonly RegisterChange[] {
    const now = this.#snapshot();
    const before = delivery.snapshot;
    const changes: RegisterChange[] = [];
    const note = (register: string, old: bigint, value: bigint, changedBy: string): void => {
      if (old !== value) changes.push({ register, old, new: value, changedBy });
    };
    GENERAL_REGISTERS.forEach((name, number) => { note(name, before.registers[number]!, now.registers[number]!, typeName); });
    note('rip', before.rip, now.rip, typeName);
    note('rflags', before.rflags, now.rflags, typeName);
    if (delivery.changedCr2 !== undefined) note('cr2', delivery.changedCr2[0], delivery.changedCr2[1], 'CPU');
    return changes;
  }

  #describeException(exit: ExceptionExit): RaisedException {
    const { cpu, describe } = this.#options;
    const facts = vectorFacts(exit.vector);
    const ip = cpu.registers.rip;
    return {
      vector: exit.vector,
      mnemonic: facts.mnemonic,
      ip,
      summary: `${facts.name}${whatHappened(exit, describe)}`,
      ...(exit.errorCode === undefined ? {} : { errorCode: exit.errorCode }),
      ...(exit.address === undefined ? {} : { address: exit.address }),
      ...(exit.access === undefined ? {} : { access: exit.access }),
    };
  }
}

function died(kind: Death['kind'], reason: string): DeliveryPhase {
  return { phase: 'died', death: { kind, reason } };
}

function whatHappened(exit: ExceptionExit, describe: (address: bigint) => string): string {
  const { access } = exit;
  if (access === undefined) return '';
  const verb = { read: 'reading', write: 'writing', fetch: 'fetching' }[access.kind];
  const what = access.kind === 'fetch' ? 'an instruction' : `${String(access.size)} ${access.size === 1 ? 'byte' : 'bytes'}`;
  const where = `${verb} ${what} at ${describe(access.address)}`;
  if (exit.vector === VECTOR.PF) {
    const at = exit.address !== undefined && exit.address !== access.address ? `, fault at ${describe(exit.address)}` : '';
    return ` ${where}${at} (${pageFaultText(exit.errorCode ?? 0)})`;
  }
  if (exit.vector === VECTOR.MC) return ` ${where}: poisoned memory`;
  return ` ${where}`;
}

export { opcodeOf } from '../../fault-model/memory-operand.ts';
