/**
 * The emulated kernel: takes one exception from the CPU to its end, a phase at a time, by the rules of `fault-model/`.
 * Knows nothing of protocols or of what a debugger wants to see.
 */
import type { Image } from '../../assembly/elf/image.ts';
import type { ImageTable } from '../../assembly/extable/search.ts';
import { inKernelSpace } from '../../fault-model/address-space.ts';
import type { ErrorDescription } from '../../fault-model/error-description.ts';
import { errorContext, isCopyOpcode } from '../../fault-model/error-context.ts';
import type { ErrorContext } from '../../fault-model/error-context.ts';
import { EX_TYPE } from '../../fault-model/ex-type.ts';
import type { HandlerFrame } from '../../fault-model/handler-types.ts';
import type { KernelGeneration } from '../../fault-model/kernel-generation.ts';
import { MCG_STATUS } from '../../fault-model/machine-check.ts';
import { decodeMemoryOperand } from '../../fault-model/memory-operand.ts';
import { gradeMachineCheck } from '../../fault-model/severity.ts';
import { vectorFacts } from '../../fault-model/vectors.ts';
import { FLAG, VECTOR } from '../cpu/cpu.ts';
import type { Cpu, CpuExit, CpuProfile } from '../cpu/cpu.ts';
import { ActiveDelivery, died, takeSnapshot } from './active-delivery.ts';
import type { Delivery, DeliveryPhase } from './delivery.ts';
import { describeException } from './describe.ts';
import { GuestCalls } from './guest-calls.ts';
import type { StrayStore } from './guest-calls.ts';
import { PendingPages, isRecoverableDataError, reportedBank } from './machine-check.ts';
import type { PendingPagesState } from './machine-check.ts';
import { TakerResolver } from './takers.ts';
import type { Taker } from './takers.ts';

export interface KernelOptions {
  readonly cpu: Cpu;
  readonly image: Image;
  readonly table: ImageTable;
  readonly generation: KernelGeneration;
  readonly profile: CpuProfile;
  /** What machine checks report, where it is not what the CPU would report by itself. */
  readonly machineCheck?: ErrorDescription;
  /** The name people know an address by. */
  readonly describe: (address: bigint) => string;
  /** `copy.c:12`, for who changed a register. */
  readonly place: (address: bigint) => string;
  /** Handlers of the program return here. */
  readonly handlerReturn: bigint;
  /** Top of the stack that machine checks are handled on. */
  readonly machineCheckStack: bigint;
}

/** For {@link Kernel.restore}. */
export interface KernelState {
  readonly sequence: number;
  readonly fastStrings: boolean;
  readonly pages: PendingPagesState;
}

type ExceptionExit = Extract<CpuExit, { kind: 'exception' }>;

const CR2 = 2, CR4 = 4;
const CR4_MCE = 1n << 6n;
const CS = 1;
/** Faults in handlers of faults in handlers …: at this depth the kernel's stack would be spent. */
const DEEPEST_NESTING = 8;

export class Kernel {
  readonly #options: KernelOptions;
  readonly #resolver: TakerResolver;
  readonly #calls: GuestCalls;
  readonly #pages = new PendingPages();
  #sequence = 0;
  /** MCG_STATUS.MCIP: a machine check is being handled. */
  #machineCheckInProgress: ActiveDelivery | undefined;
  #fastStrings = true;

  constructor(options: KernelOptions) {
    this.#options = options;
    this.#resolver = new TakerResolver(options.table, options.image, options.generation);
    this.#calls = new GuestCalls(options);
  }

  /** MSR_IA32_MISC_ENABLE bit 0: `rep movs` works in lines, with what that brings. */
  get fastStrings(): boolean {
    return this.#fastStrings;
  }

  /** Forgets the run: the next exception is the first. */
  reset(): void {
    this.#sequence = 0;
    this.#machineCheckInProgress = undefined;
    this.#fastStrings = true;
    this.#pages.clear();
    this.#calls.clear();
  }

  /** What the kernel remembers between two exceptions. Only while none is being handled. */
  save(): KernelState {
    return { sequence: this.#sequence, fastStrings: this.#fastStrings, pages: this.#pages.save() };
  }

  restore(state: KernelState): void {
    this.reset();
    this.#sequence = state.sequence;
    this.#fastStrings = state.fastStrings;
    this.#pages.restore(state.pages);
  }

  /** Deliveries whose handler, a function of the program, is running; the innermost last. */
  get handling(): readonly Delivery[] {
    return this.#calls.running;
  }

  /** Takes an exception from the CPU. Nothing but cr2 changes yet. */
  raise(exit: ExceptionExit): Delivery {
    const { cpu, describe } = this.#options;
    const delivery = new ActiveDelivery(++this.#sequence, describeException(exit, cpu.registers.rip, describe), takeSnapshot(cpu));
    if (exit.vector === VECTOR.PF && exit.address !== undefined) {
      delivery.changedCr2 = [cpu.registers.getControl(CR2), exit.address];
      cpu.registers.setControl(CR2, exit.address);
    }
    // Exception delivery and the iret that ends it serialise: non-temporal stores are drained (SDM 3A 9.3).
    cpu.drainNonTemporal();
    return delivery;
  }

  /** Takes `delivery` one phase further and returns that phase. After `entered` the CPU runs; {@link handlerReturned} goes on. */
  advance(delivery: Delivery): DeliveryPhase {
    const active = ownDelivery(delivery);
    const phase = this.#next(active);
    active.phases.push(phase);
    if (active.finished && this.#machineCheckInProgress === active) this.#machineCheckInProgress = undefined;
    return phase;
  }

  /** The innermost running handler has returned to {@link KernelOptions.handlerReturn}: its delivery, with the phase `handled` appended. */
  handlerReturned(): Delivery {
    const { delivery, phase } = this.#calls.returned();
    delivery.phases.push(phase);
    return delivery;
  }

  /** To be called after each instruction of a running handler, with the address it was at: notes what it wrote into the frame. A store that it must not make comes back. */
  handlerStepped(ip: bigint): StrayStore | undefined {
    return this.#calls.stepped(ip);
  }

  #next(delivery: ActiveDelivery): DeliveryPhase {
    const last = delivery.phases.at(-1)!;
    switch (last.phase) {
      case 'raised':
        return this.#deliver(delivery);
      case 'graded':
        if (last.grade.severity === 'PANIC') return died('panic', `Fatal machine check: ${last.grade.message}`);
        // Only an action-required error is acted upon before the interrupted code goes on (kernel 6.12 do_machine_check).
        if (last.grade.severity !== 'AR') return { phase: 'resumed', at: delivery.exception.ip, changes: [] };
        // It happened in SEAM non-root mode: the guest is dead, the kernel goes on.
        if ((last.bank.mcgStatus & MCG_STATUS.SEAM_NR) !== 0n && last.context.context === 'KERNEL') return { phase: 'resumed', at: delivery.exception.ip, changes: [] };
        return this.#search(delivery);
      case 'searched':
        if (last.match === undefined) return this.#unhandled(delivery, last.notConsulted);
        return this.#handle(delivery);
      case 'handled':
        if (last.accepted) return this.#resume(delivery, last.match.typeName);
        // The next one is asked: an outer range, where an inner one or the entry refused.
        if (last.fatal !== true && delivery.takers.length > 0) return this.#handle(delivery);
        if (delivery.exception.vector === VECTOR.MC) return died('panic', `Failed kernel mode recovery: ${last.match.typeName} refused after the machine check was graded recoverable (${last.reason ?? 'no reason given'})`);
        return died(last.fatal === true ? 'panic' : 'oops', `${delivery.exception.summary}: ${last.match.typeName} refused (${last.reason ?? 'no reason given'})`);
      default:
        throw new Error(`this delivery cannot go on from the phase "${last.phase}"`);
    }
  }

  /** From the CPU into the kernel: what can go wrong before any handler is looked for. */
  #deliver(delivery: ActiveDelivery): DeliveryPhase {
    const { vector } = delivery.exception;
    if (vector === VECTOR.MC) {
      if (this.#machineCheckInProgress !== undefined) return died('shutdown', 'a machine check while MCG_STATUS.MCIP is set: the CPU shuts down (SDM 3B 16.10.4.1)');
      if ((this.#options.cpu.registers.getControl(CR4) & CR4_MCE) === 0n) return died('shutdown', 'a machine check while CR4.MCE is clear: the CPU shuts down (SDM 3B 16.3.1.1)');
      this.#machineCheckInProgress = delivery;
    } else if (!this.#calls.canPushFrame()) {
      return died('panic', `double fault: the exception frame cannot be pushed at rsp 0x${this.#options.cpu.registers.get(4).toString(16)}`);
    }
    if (this.#calls.running.length >= DEEPEST_NESTING) return died('panic', `${String(DEEPEST_NESTING)} handlers deep: a fault in the handler of a fault in a handler …`);
    const { access } = delivery.exception;
    delivery.takers = this.#resolver.takers(delivery.exception.ip, vector, access?.kind === 'fetch' && access.address === delivery.exception.ip);
    return vector === VECTOR.MC ? this.#grade(delivery) : this.#search(delivery);
  }

  #grade(delivery: ActiveDelivery): DeliveryPhase {
    const { cpu, generation, profile, machineCheck } = this.#options;
    const bank = reportedBank(delivery.exception, cpu.memory, profile, machineCheck);
    const context = this.#context(delivery, bank.mcgStatus);
    if (this.#fastStrings && generation.turnsFastStringsOff && profile.quirks?.includes('rep-movs-overread') === true && isRecoverableDataError(bank)) {
      this.#fastStrings = false;
      return { phase: 'graded', bank, context, grade: { severity: 'NO', row: 0, message: 'Erratum detected, disable fast string copy instructions', passedOver: [] } };
    }
    const grade = gradeMachineCheck(bank, context, {
      generation, vendor: profile.vendor, ser: profile.vendor === 'intel', inException: true,
      overflowRecovery: profile.features.includes('overflow_recov'), succor: profile.features.includes('succor'),
      ...(profile.model === undefined ? {} : { model: profile.model }),
    });
    delivery.context = context;
    delivery.bank = bank;
    return { phase: 'graded', bank, context, grade };
  }

  /** Asks whether anybody takes a machine check at this very ip; of several takers, those that do not promise to are passed over. */
  #context(delivery: ActiveDelivery, mcgStatus: bigint): ErrorContext {
    const { cpu, generation } = this.#options;
    const contextOf = (entryType: number | undefined): ErrorContext =>
      errorContext({ cs: cpu.registers.getSegment(CS), mcgStatus, entryType, copiesFromUser: this.#copiesFromUser(delivery.exception.ip) }, generation);
    const contexts = delivery.takers.map((taker) => contextOf(taker.type));
    const recovers = (index: number): boolean => contexts[index]!.context === 'KERNEL_RECOV';
    if (delivery.takers.length > 1) delivery.takers = delivery.takers.filter((_, index) => recovers(index));
    return contexts.find((_, index) => recovers(index)) ?? contexts[0] ?? contextOf(undefined);
  }

  /** `is_copy_from_user`: what the interrupted instruction reads, decoded from its bytes as the kernel does. */
  #copiesFromUser(ip: bigint): boolean {
    const { cpu } = this.#options;
    const operand = decodeMemoryOperand(cpu.memory.read(ip, 15), ip, (register) => cpu.registers.get(register));
    return operand !== undefined && isCopyOpcode(operand.opcode) && !inKernelSpace(operand.address, this.#la57);
  }

  get #la57(): boolean {
    return this.#options.profile.features.includes('la57');
  }

  #search(delivery: ActiveDelivery): DeliveryPhase {
    const tableSize = this.#options.table.size;
    const notConsulted = this.#whyNotConsulted(delivery);
    if (notConsulted !== undefined) return { phase: 'searched', tableSize, notConsulted };
    const first = delivery.takers[0];
    return { phase: 'searched', tableSize, ...(first === undefined ? {} : { match: first.match }) };
  }

  /** Why the kernel would not even look: vectors that are never offered, and the SMAP rule (kernel 6.12 arch/x86/mm/fault.c do_user_addr_fault). */
  #whyNotConsulted({ exception }: ActiveDelivery): string | undefined {
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

  /** Lets the first of the remaining takers act. */
  #handle(delivery: ActiveDelivery): DeliveryPhase {
    const taker = delivery.takers[0]!;
    delivery.takers = delivery.takers.slice(1);
    switch (taker.action.kind) {
      case 'type':
        return this.#runType(delivery, taker, taker.action.handler);
      case 'guest': {
        const entered = this.#calls.enter(delivery, taker.match, taker.action.handler);
        if (typeof entered !== 'string') return entered;
        return { phase: 'handled', match: taker.match, accepted: false, effect: 'none', warnings: [], fatal: true, reason: entered };
      }
      case 'unknown':
        return { phase: 'handled', match: taker.match, accepted: false, effect: 'none', warnings: [], fatal: true, reason: taker.action.reason };
    }
  }

  #runType(delivery: ActiveDelivery, { match, type, fixupWord = 0 }: Taker, handler: Extract<Taker['action'], { kind: 'type' }>['handler']): DeliveryPhase {
    const outcome = handler.run(this.#frame(delivery), { ...match.entry, fixupWord });
    const accepted = outcome.resumeAt !== undefined;
    if (accepted) this.#options.cpu.registers.rip = outcome.resumeAt;
    const panics = type === EX_TYPE.WRMSR_IN_MCE || type === EX_TYPE.RDMSR_IN_MCE;
    return {
      phase: 'handled', match, accepted, effect: outcome.effect, warnings: outcome.warnings,
      ...(outcome.refusal === undefined ? {} : { reason: outcome.refusal }), ...(panics ? { fatal: true } : {}),
    };
  }

  #resume(delivery: ActiveDelivery, typeName: string): DeliveryPhase {
    if (delivery.context?.copyin === true && delivery.bank !== undefined) {
      const consecutive = this.#pages.takeAway(delivery.bank.address);
      if (consecutive !== undefined) return died('panic', consecutive);
    }
    return { phase: 'resumed', at: this.#options.cpu.registers.rip, changes: delivery.changes(takeSnapshot(this.#options.cpu), typeName) };
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

  #unhandled(delivery: ActiveDelivery, notConsulted: string | undefined): DeliveryPhase {
    const { exception } = delivery;
    const why = notConsulted ?? `no exception-table entry for ${this.#options.describe(exception.ip)}`;
    if (exception.vector === VECTOR.MC) return died('panic', `Failed kernel mode recovery: ${why}`);
    if (exception.vector === VECTOR.DF) return died('panic', `double fault: ${why}`);
    return died('oops', `${exception.summary}: ${why}`);
  }
}

function ownDelivery(delivery: Delivery): ActiveDelivery {
  if (!(delivery instanceof ActiveDelivery)) throw new TypeError('this delivery belongs to another kernel');
  return delivery;
}

export { opcodeOf } from '../../fault-model/memory-operand.ts';
