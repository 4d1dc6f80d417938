/**
 * The emulated processor: generated WebAssembly runs the instructions; this file answers what the generated code asks (translations,
 * decoded code, instructions executed in TypeScript) and turns what it reports into exits.
 */
import { Mnemonic, OpKind, Register, RegisterExt } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import { Arena } from '../memory/arena.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import type { MemoryFault } from '../memory/access.ts';
import { ACCESS, EXIT, LOOKUP_OP, STATUS } from '../memory/layout.ts';
import type { PoisonGranule, WatchedAccess } from '../memory/memory.ts';
import { CodeCache } from './code-cache.ts';
import { FLAG, VECTOR } from './cpu.ts';
import type { Cpu, CpuExit, CpuProfile, FaultAccess, CpuState } from './cpu.ts';
import { icedInstruction, MAX_INSTRUCTION_BYTES } from './decode.ts';
import { handlers, TABLE_SIZE } from './interpreter/module.ts';
import { Regions } from './regions/regions.ts';
import { State } from './state.ts';
import { NotModelled, SystemFault, systemInstruction } from './system/index.ts';
import type { SystemContext } from './system/index.ts';
import { effectiveAddress } from './system/address.ts';

export interface CpuOptions {
  readonly profile: CpuProfile;
  readonly granule: PoisonGranule;
}

/** The longest run the generated code is given at once; keeps its counter positive. */
const RUN_LIMIT = 2 ** 30;
/**
 * Instructions between two looks at where execution is. Short enough that generated code is left, and entered again, soon after V8 has
 * optimised it: it does not replace code that is running.
 */
const SLICE = 32768;
const LONGEST_SLICE = 2 ** 20;
/** So often may one instruction miss a translation before exact windows settle it: two of its accesses want the same entry. */
const MISS_LIMIT = 3;
/** DR6.BS */
const SINGLE_STEP = 0x4000n;

type ExceptionExit = Extract<CpuExit, { kind: 'exception' }>;

/** Whether the memory operand goes through the stack segment, which its base decides: prefixes of es, cs, ss and ds count for nothing in 64-bit mode. */
function throughStack({ memoryBase, segmentPrefix }: Instruction): boolean {
  const base = RegisterExt.fullRegister(memoryBase);
  return segmentPrefix !== Register.FS && segmentPrefix !== Register.GS && (base === Register.RSP || base === Register.RBP);
}

/** A CPU with empty memory, all registers zero, in ring 0. */
export function createCpu(options: CpuOptions): WasmCpu {
  return new WasmCpu(options);
}

export class WasmCpu implements Cpu, SystemContext {
  readonly profile: CpuProfile;
  readonly state: State;
  readonly memory: GuestMemory;
  readonly msrs = new Map<number, bigint>();
  /** The memory that generated code works on. */
  readonly arena: Arena;
  /** Handlers, regions and, at {@link runIndex}, the interpreter's loop. */
  readonly table: WebAssembly.Table;
  readonly runIndex = TABLE_SIZE - 1;
  readonly #code: CodeCache;
  readonly #run: (limit: number) => void;
  /** Compiled hot code; tests switch it off and on. */
  readonly regions: Regions;
  #coldModules = 0;
  #codeMode = '';
  #instructions = 0n;
  /** Instructions since the last look at what is hot. */
  #unsampled = 0;
  #slice = SLICE;

  constructor({ profile, granule }: CpuOptions) {
    this.profile = profile;
    this.arena = new Arena();
    this.memory = new GuestMemory(this.arena, granule);
    this.state = new State(this.arena, () => { this.modeChanged(); });
    this.#code = new CodeCache(this.arena, this.memory, profile, () => this.state.units);
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: TABLE_SIZE });
    const instance = new WebAssembly.Instance(handlers().loop, { env: { memory: this.arena.memory, table: this.table } });
    this.#run = instance.exports['run'] as (limit: number) => void;
    this.table.set(this.runIndex, this.#run);
    this.regions = new Regions({ arena: this.arena, memory: this.memory, state: this.state, code: this.#code, table: this.table, profile });
  }

  get registers(): State {
    return this.state;
  }

  get instructions(): bigint {
    return this.#instructions;
  }

  get pendingNonTemporal(): boolean {
    return this.state.pendingNonTemporal;
  }

  drainNonTemporal(): void {
    this.state.pendingNonTemporal = false;
  }

  save(): CpuState {
    return { registers: this.state.save(), msrs: new Map(this.msrs), instructions: this.#instructions };
  }

  restore({ registers, msrs, instructions }: CpuState): void {
    this.state.restore(registers);
    this.msrs.clear();
    for (const [msr, value] of msrs) this.msrs.set(msr, value);
    this.#instructions = instructions;
  }

  setBreakpoints(addresses: Iterable<bigint>): void {
    const wanted = new Set([...addresses].map((address) => BigInt.asUintN(64, address)));
    this.regions.dropCovering(wanted);
    this.#code.setBreakpoints(wanted);
  }

  flushCode(): void {
    this.#code.flush();
  }

  modeChanged(): void {
    this.memory.closeWindows();
    // What may be fetched, which addresses are canonical, and which units may be used, is built into decoded code.
    const { user, smep, addressBits } = this.state.accessMode;
    const mode = `${String(user)} ${String(smep)} ${String(addressBits)} ${String(this.state.units)}`;
    if (mode === this.#codeMode) return;
    this.#codeMode = mode;
    this.#code.flush();
  }

  run(limit: number): CpuExit {
    if (!Number.isInteger(limit) || limit < 1 || limit > RUN_LIMIT) throw new RangeError(`a run is 1 to 2^30 instructions, not ${String(limit)}`);
    const { i32 } = this.arena;
    let left = limit;
    let misses = 0;
    let exact = false;
    let shadow = false;
    const start = this.state.rip;
    const { watches } = this.memory;
    watches.take();
    let ip = start;
    let skip = this.#code.hasBreakpoint(start);
    for (;;) {
      const traps = (this.state.systemFlags & FLAG.TF) !== 0;
      const budget = exact || skip || traps ? 1 : Math.min(left, this.#slice);
      const used = skip ? this.#skipBreakpoint() : this.#execute(budget);
      const status = i32 === this.arena.i32 ? i32[EXIT.STATUS >> 2]! : this.arena.i32[EXIT.STATUS >> 2]!;
      this.#instructions += BigInt(used);
      left -= used;
      this.#unsampled += used;
      // A long run is where it stands; short ones are what they began with.
      if (this.#unsampled >= this.#slice) this.#sample(status === STATUS.LIMIT ? this.state.rip : start);
      if (used > 0) misses = 0;
      let touched: WatchedAccess | undefined;
      if (exact && status !== STATUS.MISS) {
        this.memory.endExact(used > 0);
        exact = false;
        const noted = watches.take();
        if (used > 0) touched = noted;
      }
      if (skip && used > 0) skip = this.#isRepeating();
      switch (status) {
        case STATUS.CHECK:
          // popf may have switched on alignment checks, of which windows that are open know nothing.
          if (this.state.accessMode.aligned === true) this.memory.closeWindows();
          break;
        case STATUS.LIMIT:
          break;
        case STATUS.MISS: {
          ip = this.state.rip;
          const opened = this.#miss(++misses >= MISS_LIMIT || exact);
          if (typeof opened !== 'boolean') {
            if (exact) this.memory.endExact(false);
            return opened;
          }
          exact ||= opened;
          continue;
        }
        case STATUS.LOOKUP: {
          const fault = this.#lookup();
          if (fault !== undefined) return fault;
          continue;
        }
        case STATUS.BREAKPOINT:
          return { kind: 'breakpoint' };
        case STATUS.SYSTEM: {
          ip = this.state.rip;
          watches.take();
          shadow = traps && this.#loadsStackSegment();
          const exit = this.#system();
          if (exit === 'fault') return this.#systemFault!;
          if (exit === 'not modelled') return this.#unsupported();
          this.#instructions += 1n;
          left--;
          if (exit !== undefined) return exit;
          touched = watches.take();
          break;
        }
        case STATUS.RAISE:
          return this.#raised(false);
        case STATUS.TRAP:
          return this.#raised(true);
        case STATUS.HALT:
          return { kind: 'halt' };
        case STATUS.UNSUPPORTED:
          return this.#unsupported();
        default:
          throw new Error(`generated code reported status ${String(status)}`);
      }
      if (shadow) shadow = false;
      else if (traps) {
        this.state.setDebug(6, this.state.getDebug(6) | SINGLE_STEP);
        return { kind: 'exception', vector: VECTOR.DB, software: true };
      }
      if (touched !== undefined) return { kind: 'watch', access: touched, ip, breakpoint: this.#code.hasBreakpoint(this.state.rip) && !skip };
      if (left === 0) return this.#code.hasBreakpoint(this.state.rip) && !skip ? { kind: 'breakpoint' } : { kind: 'limit' };
    }
  }

  /** For drivers that call the loop themselves: puts handlers in place that were written since last time. */
  prepare(): void {
    if (this.#coldModules < handlers().cold.length) this.#instantiate();
  }

  /** For the same: finds the micro-op that the loop asked for; false if it cannot be fetched. */
  find(): boolean {
    return this.#lookup() === undefined;
  }

  /** For the same, after exact windows were opened: runs one instruction with them; how many it retired. */
  stepExact(): number {
    const used = this.#execute(1);
    this.memory.endExact(used > 0);
    return used;
  }

  load(address: bigint, size: number, anyAlignment = false): Uint8Array {
    this.#checkAccess(address, size, ACCESS.READ, anyAlignment);
    return this.memory.read(address, size);
  }

  store(address: bigint, bytes: Uint8Array, anyAlignment = false): void {
    this.#checkAccess(address, bytes.length, ACCESS.WRITE, anyAlignment);
    this.memory.write(address, bytes);
  }

  address(instruction: Instruction): bigint {
    return effectiveAddress(this.state, instruction);
  }

  checkStore(address: bigint, size: number, anyAlignment = false): void {
    this.#checkAccess(address, size, ACCESS.WRITE, anyAlignment);
  }

  checkPresent(address: bigint, size: number): void {
    try {
      this.#checkAccess(address, size, ACCESS.READ);
    } catch (error) {
      if (!(error instanceof SystemFault && error.memory?.fault.kind === 'poison')) throw error;
    }
  }

  #checkAccess(address: bigint, size: number, kind: number, anyAlignment = false): void {
    const linear = BigInt.asUintN(64, address);
    const mode = this.state.accessMode;
    const fault = this.memory.check(linear, size, kind, anyAlignment ? { ...mode, aligned: false } : mode);
    this.memory.watches.note(linear, size, kind);
    if (fault !== undefined) throw new SystemFault(VECTOR.PF, undefined, { fault, access: { kind: kind === ACCESS.READ ? 'read' : 'write', address: linear, size } });
  }

  /** Lets generated code run; the instructions it retired. */
  #execute(budget: number): number {
    this.prepare();
    this.#run(budget);
    return budget - this.arena.i32[EXIT.REMAINING >> 2]!;
  }

  /** Looks at where execution is. */
  #sample(ip: bigint): void {
    this.#unsampled = 0;
    // Where compiled code runs there is little to find out.
    this.#slice = this.regions.covers(ip) ? Math.min(2 * this.#slice, LONGEST_SLICE) : SLICE;
    this.regions.sample(ip);
  }

  #skipBreakpoint(): number {
    const op = this.#code.resolve(this.state.rip, this.state.accessMode);
    if (typeof op !== 'number') return this.#execute(1);
    return this.#code.without(op, () => this.#execute(1));
  }

  /** Whether rip still stands on a repeated string instruction that is not finished: a breakpoint on it has been passed already. */
  #isRepeating(): boolean {
    const { rip } = this.state;
    if (!this.#code.hasBreakpoint(rip) || this.state.getGeneral(1) === 0n) return false;
    const instruction = icedInstruction(this.memory.read(rip, MAX_INSTRUCTION_BYTES), rip, this.profile.vendor);
    if (!instruction.hasRepPrefix && !instruction.hasRepnePrefix) return false;
    for (let k = 0; k < instruction.opCount; k++) {
      const kind = instruction.opKind(k);
      if (kind >= OpKind.MemorySegSI && kind <= OpKind.MemoryESRDI) return true;
    }
    return false;
  }

  /** Makes the missing access possible: true if exact windows were needed. */
  #miss(exact: boolean): boolean | ExceptionExit {
    const { i32, u64 } = this.arena;
    const address = u64[EXIT.ADDRESS >> 3]!;
    const size = i32[EXIT.SIZE >> 2]!;
    const kind = i32[EXIT.KIND >> 2]!;
    const opened = this.memory.open(address, size, kind, this.state.accessMode, exact);
    if (typeof opened === 'boolean') return opened;
    return this.#memoryException(opened, { kind: kind === ACCESS.READ || opened.kind === 'poison' ? 'read' : 'write', address, size });
  }

  #memoryException(fault: MemoryFault, access: FaultAccess): ExceptionExit {
    switch (fault.kind) {
      case 'page':
        return { kind: 'exception', vector: VECTOR.PF, errorCode: fault.errorCode, address: fault.address, access };
      case 'poison':
        return { kind: 'exception', vector: VECTOR.MC, address: fault.address, access };
      case 'misaligned':
        return { kind: 'exception', vector: VECTOR.AC, errorCode: 0, access };
      case 'non-canonical':
        return { kind: 'exception', vector: access.kind !== 'fetch' && this.#usesStack(access) ? VECTOR.SS : VECTOR.GP, errorCode: 0, access };
    }
  }

  /** Whether the access that failed goes through the stack segment: #SS instead of #GP. */
  #usesStack(access: FaultAccess): boolean {
    const { rip } = this.state;
    const instruction = icedInstruction(this.memory.read(rip, MAX_INSTRUCTION_BYTES), rip, this.profile.vendor);
    let explicit = false;
    for (let k = 0; k < instruction.opCount; k++) explicit ||= instruction.opKind(k) === OpKind.Memory;
    // A push or pop has two accesses, movdir64b another one through es: pop's operand is the one it writes, that of the others the one they read.
    const other = instruction.isStackInstruction || instruction.mnemonic === Mnemonic.Movdir64b;
    if (explicit && (!other || (access.kind === 'write') === (instruction.mnemonic === Mnemonic.Pop))) return throughStack(instruction);
    return instruction.isStackInstruction || instruction.mnemonic === Mnemonic.Leave || instruction.mnemonic === Mnemonic.Enter;
  }

  /** Whether the instruction at rip is a mov to ss: a single-step trap behind it comes one instruction later, where rsp has been loaded, too (SDM 3A 6.8.3). */
  #loadsStackSegment(): boolean {
    const { rip } = this.state;
    const { mnemonic, op0Kind, op0Register } = icedInstruction(this.memory.read(rip, MAX_INSTRUCTION_BYTES), rip, this.profile.vendor);
    return mnemonic === Mnemonic.Mov && op0Kind === OpKind.Register && op0Register === Register.SS;
  }

  #lookup(): ExceptionExit | undefined {
    const { rip } = this.state;
    const asking = this.arena.i32[EXIT.OP >> 2]!;
    const op = this.#code.resolve(rip, this.state.accessMode);
    if (typeof op === 'number') {
      if (asking !== LOOKUP_OP) this.#code.redirect(asking, op);
      return undefined;
    }
    return this.#memoryException(op.fault, { kind: 'fetch', address: rip, size: 1 });
  }

  #systemFault: ExceptionExit | undefined;

  /** Executes the instruction at rip in TypeScript. */
  #system(): CpuExit | 'fault' | 'not modelled' | undefined {
    const { rip } = this.state;
    const instruction = icedInstruction(this.memory.read(rip, MAX_INSTRUCTION_BYTES), rip, this.profile.vendor);
    const run = systemInstruction(instruction);
    if (run === undefined) throw new Error('decoded as a system instruction, but there is none');
    this.state.rip = instruction.nextIP;
    try {
      return run(this, instruction);
    } catch (error) {
      if (error instanceof NotModelled) {
        this.state.rip = rip;
        return 'not modelled';
      }
      if (!(error instanceof SystemFault)) throw error;
      this.state.rip = rip;
      this.#systemFault = error.memory !== undefined
        ? this.#memoryException(error.memory.fault, error.memory.access)
        : { kind: 'exception', vector: error.vector, ...(error.errorCode === undefined ? {} : { errorCode: error.errorCode }) };
      return 'fault';
    }
  }

  #raised(software: boolean): ExceptionExit {
    const { i32 } = this.arena;
    const vector = i32[EXIT.SIZE >> 2]!;
    const errorCode = i32[EXIT.KIND >> 2]!;
    return { kind: 'exception', vector, ...(errorCode < 0 ? {} : { errorCode }), ...(software ? { software } : {}) };
  }

  #unsupported(): CpuExit {
    const { rip } = this.state;
    const bytes = this.memory.read(rip, MAX_INSTRUCTION_BYTES);
    const instruction = icedInstruction(bytes, rip, this.profile.vendor);
    return { kind: 'unsupported', text: instruction.toString(), bytes: bytes.slice(0, instruction.length) };
  }

  /** Puts handlers that were written since last time into the table. */
  #instantiate(): void {
    const { cold } = handlers();
    for (; this.#coldModules < cold.length; this.#coldModules++) {
      const { module, first, count } = cold[this.#coldModules]!;
      const { exports } = new WebAssembly.Instance(module, { env: { memory: this.arena.memory } });
      for (let i = 0; i < count; i++) this.table.set(first + i, exports[`h${String(i)}`]);
    }
  }
}

