/**
 * The machine of {@link Machine}: runs the CPU in slices, hands its exceptions to the kernel model, and keeps the journal of the run.
 */
import type { Image } from '../assembly/elf/image.ts';
import type { ImageTable } from '../assembly/extable/search.ts';
import { decodeInstruction } from '../assembly/x86/decode.ts';
import { writtenPosition } from '../assembly/source.ts';
import type { KernelGeneration } from '../fault-model/kernel-generation.ts';
import { FLAG, GENERAL_REGISTERS } from './cpu/cpu.ts';
import type { Cpu, CpuExit, RegisterFile } from './cpu/cpu.ts';
import type { Patch } from './kernel/alternatives.ts';
import { Kernel } from './kernel/kernel.ts';
import type { Delivery, DeliveryPhase } from './kernel/delivery.ts';
import { Injection } from './injection.ts';
import { OverRead } from './over-read.ts';
import type { FixupRecord, Machine, MachineState, Position, RunRequest, Stop } from './machine.ts';
import type { MemoryCheckpoint, PagedMemory } from './memory/memory.ts';
import { ADDRESS_MAP } from './scenario/resolve.ts';
import type { Scenario } from './scenario/scenario.ts';

export interface MachineParts {
  readonly scenario: Scenario;
  readonly image: Image;
  readonly cpu: Cpu;
  readonly table: ImageTable;
  readonly generation: KernelGeneration;
  /** What the kernel patches into the image at boot. */
  readonly patches: readonly Patch[];
  /** The CPU's memory holds what {@link loadImage} puts there, and nothing else; the machine is run once and cannot be restarted. */
  readonly loaded?: boolean;
}

/** Maps the image, as the kernel patches it at boot, and the stacks. */
export function loadImage(memory: PagedMemory, image: Image, patches: readonly Patch[]): void {
  for (const segment of image.segments) {
    if (segment.size === 0) continue;
    memory.map(segment.address, segment.size, { read: segment.read, write: segment.write, execute: segment.execute, user: false });
    memory.write(segment.address, segment.bytes);
  }
  for (const { address, bytes } of patches) memory.write(address, bytes);
  const { stackTop, stackSize, machineCheckStackTop } = ADDRESS_MAP;
  for (const top of [stackTop, machineCheckStackTop]) memory.map(top - BigInt(stackSize), stackSize, { read: true, write: true, execute: false, user: false });
}

/** The same fault with the same registers this often in a row is no progress. */
const SAME_FAULT_LIMIT = 16;

const CS = 1, SS = 2;
const KERNEL_CS = 0x10, KERNEL_DS = 0x18;
/** CR0: PE MP ET NE WP AM PG. CR4: PAE MCE PGE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE, and by profile SMEP, SMAP, LA57. */
const CR0 = 0x8005_0033n;
const CR4 = { BASE: 0x5_06e0n, LA57: 1n << 12n, SMEP: 1n << 20n, SMAP: 1n << 21n };

/** Interrupts on, and CF as a caller may leave it: a routine that adds with carry has to clear it first. */
const ENTRY_FLAGS = FLAG.IF | FLAG.CF | 2;

export class EmulatedMachine implements Machine {
  readonly scenario: Scenario;
  readonly image: Image;
  readonly cpu: Cpu;
  readonly registers: RegisterFile;
  readonly memory: PagedMemory;
  readonly #kernel: Kernel;
  /** What memory held before the run; not kept by a machine that runs once. */
  readonly #pristine: MemoryCheckpoint | undefined;
  /** Set on CPUs with that quirk. */
  readonly #overRead: OverRead | undefined;
  readonly #injection: Injection | undefined;
  #userBreakpoints: ReadonlySet<bigint> = new Set();
  #deliveries: Delivery[] = [];
  #fixups: FixupRecord[] = [];
  #pending: Delivery | undefined;
  #ended: Stop | undefined;
  #startedAt = 0n;
  #lastExceptionAt = 0n;
  #sameFault: MachineState['sameFault'] = { key: '', times: 0 };

  constructor(parts: MachineParts) {
    this.scenario = parts.scenario;
    this.image = parts.image;
    this.cpu = parts.cpu;
    this.registers = parts.cpu.registers;
    this.memory = parts.cpu.memory;
    this.#kernel = new Kernel({
      cpu: this.cpu, image: parts.image, table: parts.table, generation: parts.generation, profile: parts.scenario.cpu,
      describe: (address) => this.describe(address),
      place: (address) => this.#place(address),
      handlerReturn: ADDRESS_MAP.handlerReturn,
      machineCheckStack: ADDRESS_MAP.machineCheckStackTop,
      ...(parts.scenario.machineCheck === undefined ? {} : { machineCheck: parts.scenario.machineCheck }),
    });
    if (parts.loaded !== true) loadImage(this.memory, parts.image, parts.patches);
    this.#mapBuffers();
    if (parts.scenario.cpu.quirks?.includes('rep-movs-overread') === true) this.#overRead = new OverRead(this.image, (address, size) => this.memory.read(address, size));
    if (parts.scenario.injection !== undefined) this.#injection = new Injection(parts.scenario.injection);
    this.#pristine = parts.loaded === true ? undefined : this.memory.checkpoint();
    this.#reset();
  }

  get position(): Position {
    return { exceptions: this.#deliveries.length, instructions: this.cpu.instructions - this.#lastExceptionAt };
  }

  get delivery(): Delivery | undefined {
    return this.#pending;
  }

  get handling(): readonly Delivery[] {
    return this.#kernel.handling;
  }

  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  get fixups(): readonly FixupRecord[] {
    return this.#fixups;
  }

  get ended(): Stop | undefined {
    return this.#ended;
  }

  setBreakpoints(addresses: Iterable<bigint>): void {
    this.#userBreakpoints = new Set(addresses);
    this.cpu.setBreakpoints([...this.#userBreakpoints, ADDRESS_MAP.returnSentinel, ADDRESS_MAP.handlerReturn, ...this.image.externals.keys(), ...this.#overRead?.places ?? [], ...this.#injection === undefined ? [] : [this.#injection.place]]);
  }

  restart(): void {
    if (this.#pristine === undefined) throw new Error('this machine runs once');
    this.memory.restore(this.#pristine);
    this.#reset();
  }

  get counted(): bigint {
    return this.cpu.instructions - this.#startedAt;
  }

  save(): MachineState | undefined {
    if (this.#pending !== undefined || this.handling.length > 0 || this.#overRead?.idle === false) return undefined;
    return {
      counted: this.counted, exceptions: this.#deliveries.length,
      cpu: this.cpu.save(), memory: this.memory.checkpoint(), kernel: this.#kernel.save(),
      deliveries: [...this.#deliveries], fixups: [...this.#fixups], ended: this.#ended,
      lastExceptionAt: this.#lastExceptionAt, sameFault: this.#sameFault, injection: this.#injection?.state,
    };
  }

  restore(state: MachineState): void {
    this.cpu.restore(state.cpu);
    this.memory.restore(state.memory);
    this.#kernel.restore(state.kernel);
    this.#overRead?.reset();
    this.#injection?.reset(state.injection);
    this.#deliveries = [...state.deliveries];
    this.#fixups = [...state.fixups];
    this.#pending = undefined;
    this.#ended = state.ended;
    this.#lastExceptionAt = state.lastExceptionAt;
    this.#sameFault = state.sameFault;
  }

  release(state: MachineState): void {
    this.memory.release(state.memory);
  }

  run(request: RunRequest): Stop {
    if (this.#ended !== undefined) return this.#ended;
    if (this.#pending !== undefined) {
      const stop = this.#finishDelivery(request);
      if (stop !== undefined) return stop;
    }
    const first = this.#arrivedSomewhereSpecial(false);
    if (first !== undefined) return first;
    let left = BigInt(request.limit);
    while (left > 0n) {
      const before = this.cpu.instructions;
      const stop = this.#runCpu(left, request);
      if (stop !== undefined) return stop;
      left -= this.cpu.instructions - before;
    }
    // A breakpoint at the first instruction of the next call would not stop it any more.
    return this.#arrivedSomewhereSpecial(true) ?? { reason: 'limit' };
  }

  advance(): DeliveryPhase | undefined {
    const delivery = this.#pending;
    if (delivery === undefined) return undefined;
    const phase = this.#kernel.advance(delivery);
    if (phase.phase === 'entered') this.#pending = undefined;
    else if (phase.phase === 'resumed') this.#resumed(delivery, phase.at, phase.changes);
    else if (phase.phase === 'died') this.#end({ reason: 'died', delivery });
    return phase;
  }

  describe(address: bigint): string {
    for (const buffer of this.scenario.buffers) {
      const offset = address - buffer.address;
      // One page of guard on each side still reads as the buffer: that is where overruns land.
      if (offset >= -4096n && offset < BigInt(buffer.size) + 4096n) return withOffset(buffer.name, offset);
    }
    if (address === ADDRESS_MAP.returnSentinel) return 'the caller';
    if (address === ADDRESS_MAP.handlerReturn) return 'the fault handler\'s caller';
    const external = this.image.externals.get(address);
    if (external !== undefined) return external;
    const symbol = this.image.symbolAt(address);
    if (symbol !== undefined) return withOffset(symbol.name, symbol.offset);
    const stackOffset = ADDRESS_MAP.stackTop - address;
    if (stackOffset >= 0n && stackOffset <= BigInt(ADDRESS_MAP.stackSize)) return withOffset('stack', -stackOffset);
    return `0x${address.toString(16)}`;
  }

  /** `copy.c:12`, or the name of the address where the source is not known. */
  #place(address: bigint): string {
    const position = this.image.lineAt(address);
    if (position === undefined) return this.describe(address);
    const { file, line } = writtenPosition(position);
    return `${file.slice(file.lastIndexOf('/') + 1)}:${String(line)}`;
  }

  /** One call of the CPU; a stop if the caller should hear of what ended it. */
  #runCpu(left: bigint, request: RunRequest): Stop | undefined {
    const spent = this.cpu.instructions - this.#startedAt;
    if (spent >= this.scenario.budget) return this.#end({ reason: 'budget', instructions: spent });
    const budgetLeft = this.scenario.budget - spent;
    const due = this.#injection?.beforeRun(this.cpu);
    if (due !== undefined) return this.#raise(due, request);
    const inHandler = this.#kernel.handling.length > 0;
    const ip = this.registers.rip;
    // A handler runs an instruction at a time, so that each change of the frame is known by the instruction that made it.
    const exit = this.cpu.run(inHandler ? 1 : Number(left < budgetLeft ? left : budgetLeft));
    const store = inHandler && exit.kind !== 'exception' ? this.#kernel.handlerStepped(ip) : undefined;
    if (store !== undefined) return this.#end({ reason: 'stray-store', store });
    if (inHandler && this.registers.rip === ADDRESS_MAP.handlerReturn) {
      this.#pending = this.#kernel.handlerReturned();
      return this.#finishDelivery(request);
    }
    switch (exit.kind) {
      case 'limit':
        return undefined;
      case 'watch': {
        const next = exit.breakpoint ? this.#atBreakpoint(request) : this.#arrivedSomewhereSpecial(false);
        // What ends the run or raises an exception comes first; a breakpoint is where the program stands in either case.
        if (request.stopOnWatch !== true || (next !== undefined && next.reason !== 'breakpoint')) return next;
        return { reason: 'watch', access: exit.access, ip: exit.ip };
      }
      case 'breakpoint':
        return this.#atBreakpoint(request);
      case 'exception': {
        // Nothing is mapped where a run ends, so the CPU finds out by a fetch that fails.
        if (exit.access?.kind === 'fetch') {
          const arrived = this.#arrivedSomewhereSpecial(false);
          if (arrived !== undefined) return arrived;
        }
        return this.#raise(exit, request);
      }
      case 'halt':
        return this.#end({ reason: 'halted' });
      case 'unsupported':
        // In the syntax every other text of the program is in.
        return this.#end({ reason: 'unsupported', text: decodeInstruction(exit.bytes, this.registers.rip).text, bytes: exit.bytes });
    }
  }

  /** The CPU stands on a breakpoint: the user's, or one of the machine's own. */
  #atBreakpoint(request: RunRequest): Stop | undefined {
    const overRead = this.#overRead?.arrived(this.cpu);
    if (overRead !== undefined && this.#kernel.fastStrings) return this.#raise(overRead, request);
    const injected = this.#injection?.arrived(this.cpu);
    if (injected !== undefined) return this.#raise(injected, request);
    return this.#arrivedSomewhereSpecial(true);
  }

  #raise(exit: Extract<CpuExit, { kind: 'exception' }>, request: RunRequest): Stop | undefined {
    const delivery = this.#kernel.raise(exit);
    this.#deliveries.push(delivery);
    this.#lastExceptionAt = this.cpu.instructions;
    this.#pending = delivery;
    if (this.#noProgress(delivery)) return this.#end({ reason: 'no-progress', delivery });
    if (request.stopOnDelivery?.(delivery) === true) return { reason: 'delivered', delivery };
    return this.#finishDelivery(request);
  }

  #finishDelivery(request: RunRequest): Stop | undefined {
    const before = this.#fixups.length;
    while (this.#pending !== undefined) this.advance();
    if (this.#ended !== undefined) return this.#ended;
    const fixup = this.#fixups.at(-1);
    if (request.stopOnFixup === true && fixup !== undefined && this.#fixups.length > before) return { reason: 'fixup', fixup };
    return this.#arrivedSomewhereSpecial(true);
  }

  #resumed(delivery: Delivery, at: bigint, changes: FixupRecord['changes']): void {
    this.#pending = undefined;
    this.#injection?.put(at);
    if (delivery.phases.some((phase) => phase.phase === 'handled')) {
      this.#fixups.push({ delivery, from: delivery.exception.ip, to: at, changes, position: this.position });
    }
  }

  /** Whether rip stands where a run ends, or (if `breakpoints`) on a breakpoint of the user's. */
  #arrivedSomewhereSpecial(breakpoints: boolean): Stop | undefined {
    const { rip } = this.registers;
    if (rip === ADDRESS_MAP.returnSentinel) return this.#end({ reason: 'returned' });
    const external = this.image.externals.get(rip);
    if (external !== undefined) return this.#end({ reason: 'external', name: external });
    return breakpoints && this.#userBreakpoints.has(rip) ? { reason: 'breakpoint', address: rip } : undefined;
  }

  #noProgress(delivery: Delivery): boolean {
    const { exception } = delivery;
    const registers = GENERAL_REGISTERS.map((_, number) => this.registers.get(number).toString(16));
    const key = [exception.vector, exception.ip, exception.address, ...registers].join(' ');
    this.#sameFault = { key, times: this.#sameFault.key === key ? this.#sameFault.times + 1 : 1 };
    return this.#sameFault.times >= SAME_FAULT_LIMIT;
  }

  #end(stop: Stop): Stop {
    this.#ended = stop;
    this.#pending = undefined;
    return stop;
  }

  #mapBuffers(): void {
    for (const buffer of this.scenario.buffers) {
      this.memory.map(buffer.address, buffer.size, buffer.permissions);
      this.memory.write(buffer.address, buffer.bytes);
    }
    for (const { address, size } of this.scenario.poison) this.memory.poison(address, size);
    for (const { address, size } of this.scenario.absent ?? []) this.memory.remove(address, size);
  }

  #reset(): void {
    const { scenario, registers } = this;
    GENERAL_REGISTERS.forEach((name, number) => { registers.set(number, scenario.registers.get(name) ?? 0n); });
    // The caller's frame: the ABI's alignment at function entry is rsp = 16k + 8.
    const stack = ADDRESS_MAP.stackTop - 0x108n;
    const sentinel = new Uint8Array(8);
    new DataView(sentinel.buffer).setBigUint64(0, ADDRESS_MAP.returnSentinel, true);
    this.memory.write(stack, sentinel);
    registers.set(GENERAL_REGISTERS.indexOf('rsp'), stack);
    registers.rip = scenario.entry.address;
    registers.rflags = BigInt(ENTRY_FLAGS | (scenario.userAccess ? FLAG.AC : 0));
    registers.setSegment(CS, KERNEL_CS);
    registers.setSegment(SS, KERNEL_DS);
    this.cpu.msrs.clear();
    for (const [number, value] of scenario.msrs ?? []) this.cpu.msrs.set(number, value);
    registers.setControl(0, CR0);
    registers.setControl(2, 0n);
    const { features } = scenario.cpu;
    registers.setControl(4, CR4.BASE
      | (features.includes('smap') ? CR4.SMAP : 0n) | (features.includes('smep') ? CR4.SMEP : 0n) | (features.includes('la57') ? CR4.LA57 : 0n));
    this.#kernel.reset();
    this.#overRead?.reset();
    this.#injection?.reset();
    this.#injection?.put(scenario.entry.address);
    this.#deliveries = [];
    this.#fixups = [];
    this.#pending = undefined;
    this.#ended = undefined;
    this.#startedAt = this.cpu.instructions;
    this.#lastExceptionAt = this.cpu.instructions;
    this.#sameFault = { key: '', times: 0 };
    this.setBreakpoints(this.#userBreakpoints);
  }
}

function withOffset(name: string, offset: bigint): string {
  if (offset === 0n) return name;
  return offset < 0n ? `${name}-0x${(-offset).toString(16)}` : `${name}+0x${offset.toString(16)}`;
}
