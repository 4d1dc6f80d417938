/**
 * The clauses of contracts: what each promises, and whether one finished run kept it.
 */
import type { Image } from '../assembly/elf/image.ts';
import { FLAG, GENERAL_REGISTERS, VECTOR } from '../machine/cpu/cpu.ts';
import type { GeneralRegister } from '../machine/cpu/cpu.ts';
import type { Machine } from '../machine/machine.ts';
import { LINE_SIZE, PAGE_SIZE } from '../machine/memory/memory.ts';
import { ADDRESS_MAP } from '../machine/scenario/resolve.ts';
import type { Buffer, Contract } from '../machine/scenario/scenario.ts';
import { checksum, foldChecksum } from './checksum.ts';
import { brokenPromise } from './custom-promises.ts';
import { readRole, writtenRole } from './replay.ts';
import { firstFaultByte, LONG } from './space.ts';
import type { SweepCase } from './space.ts';

/** Every clause by its name, in the order in which a violation is told. */
export const CLAUSES = {
  handled: 'no exception is left unhandled',
  ends: 'the call returns, within its budget',
  range: 'the bytes said to be left are at most n',
  'over-claim': 'bytes said to be done are done',
  'under-claim': 'bytes that are done are said to be done',
  length: 'a length of 4 GiB or more is not cut to 32 bits',
  complete: 'without a fault nothing is left',
  overrun: 'nothing beyond the destination is written',
  source: 'the source is not written',
  progress: 'at most the stated number of bytes before the fault is given up',
  result: 'the value, error or checksum returned is the right one',
  registers: 'rbx, rbp and r12 to r15 are as before',
  stack: 'rsp is where a return leaves it',
  'direction-flag': 'DF is as before',
  'ac-flag': 'AC is as before: access to user memory is closed again',
  exceptions: 'a call takes no more exceptions than stated',
  'poison-reread': 'the same poison is not read twice',
  'non-temporal': 'non-temporal stores are drained when the call returns',
  resume: 'execution resumes in the function or a declared helper',
  promise: 'what the contract promises in its own words',
} as const;
export type ClauseName = keyof typeof CLAUSES;

/** What is promised beside the contract. */
export interface Promises {
  readonly contract: Contract;
  /** Bytes before the fault that may be given up; unlimited if absent. */
  readonly progress?: number;
  /** Exceptions a call may take. */
  readonly maxExceptions: number;
  /** Functions beside the routine that fixups may resume in. */
  readonly helpers: readonly string[];
  /** Bytes that `get` and `put` move; unknown if absent. */
  readonly width?: number;
  /** Where the routine first uses half of the register with its length, if it does. */
  readonly cutsLength?: bigint;
}

export interface Violation {
  readonly clause: ClauseName;
  /** Which of the contract's own promises. */
  readonly promise?: string;
  /** What was seen, for this one run. */
  readonly message: string;
  /** The instruction it is put down to. */
  readonly at: bigint;
}

const CALLEE_SAVED: readonly GeneralRegister[] = ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15'];
/** The machine starts every run 0x108 bytes below the top of the stack; a return takes the address off. */
const RETURNED_STACK = ADDRESS_MAP.stackTop - 0x100n;
/** Bytes around a destination hold this, so that a write there shows. */
const MARGIN = 0xa5;

/** Marks the rest of the pages of the written buffer; to be called before the run. */
export function markMargins(machine: Machine, contract: Contract): void {
  for (const { address, size } of margins(machine, contract)) machine.memory.write(address, new Uint8Array(size).fill(MARGIN));
}

/** What a run that has ended did not keep. */
export function judge(machine: Machine, one: SweepCase, promises: Promises): readonly Violation[] {
  const judgement = new Judgement(machine, one, promises);
  judgement.run();
  return one.n < LONG ? judgement.violations : cutLength(judgement.violations, promises);
}

/** Wrong counts for lengths that no 32 bits hold are one thing: the length was cut. */
function cutLength(violations: readonly Violation[], { cutsLength }: Promises): readonly Violation[] {
  const counts: readonly ClauseName[] = ['range', 'over-claim', 'under-claim', 'complete', 'result'];
  const wrong = violations.find(({ clause }) => counts.includes(clause));
  if (wrong === undefined || cutsLength === undefined) return violations;
  return [{ clause: 'length', message: wrong.message, at: cutsLength }, ...violations.filter(({ clause }) => !counts.includes(clause))];
}

class Judgement {
  readonly violations: Violation[] = [];
  readonly #machine: Machine;
  readonly #case: SweepCase;
  readonly #promises: Promises;
  readonly #contract: Contract;
  /** The instruction a wrong count is put down to: the last one that faulted, else the routine's first. */
  readonly #guilty: bigint;

  constructor(machine: Machine, one: SweepCase, promises: Promises) {
    this.#machine = machine;
    this.#case = one;
    this.#promises = promises;
    this.#contract = promises.contract;
    this.#guilty = machine.deliveries.at(-1)?.exception.ip ?? machine.scenario.entry.address;
  }

  run(): void {
    this.#exceptions();
    this.#memoryAround();
    const { ended } = this.#machine;
    if (ended?.reason !== 'returned') {
      this.#notReturned();
      return;
    }
    this.#machineState();
    this.#work();
    this.#ownPromises();
  }

  #say(clause: ClauseName, message: string, at = this.#guilty): void {
    this.violations.push({ clause, message, at });
  }

  #notReturned(): void {
    const { ended } = this.#machine;
    switch (ended?.reason) {
      case 'died': {
        const last = ended.delivery.phases.at(-1);
        this.#say('handled', last?.phase === 'died' ? last.death.reason : ended.delivery.exception.summary, ended.delivery.exception.ip);
        return;
      }
      case 'no-progress': return this.#say('ends', 'the same fault again and again, with the same registers', ended.delivery.exception.ip);
      case 'stray-store': return this.#say('ends', `a handler stored into ${ended.store.field} of a live pt_regs other than through its regs`, ended.store.at);
      case 'budget': return this.#say('ends', `still running after ${String(ended.instructions)} instructions`, this.#machine.registers.rip);
      case 'external': return this.#say('ends', `calls ${ended.name}, which is not defined and has no stub`);
      case 'unsupported': return this.#say('ends', `the emulator does not know ${ended.text}`, this.#machine.registers.rip);
      case 'halted': return this.#say('ends', 'halted', this.#machine.registers.rip);
      default: return this.#say('ends', 'did not return');
    }
  }

  #exceptions(): void {
    const { fixups, image, scenario } = this.#machine;
    // Without those after which the kernel goes on as if nothing had been, as after the erratum of fast string copies.
    const deliveries = this.#machine.deliveries.filter(({ phases }) => phases.some(({ phase }) => phase === 'handled' || phase === 'died'));
    const { maxExceptions, helpers } = this.#promises;
    if (deliveries.length > maxExceptions) this.#say('exceptions', `${String(deliveries.length)} exceptions in one call`);
    const poison = deliveries.filter(({ exception }) => exception.vector === VECTOR.MC);
    const seen = new Set<bigint>();
    const granule = scenario.poisonGranule === 'line' ? BigInt(LINE_SIZE) : 1n;
    for (const { exception } of poison) {
      const place = (exception.address ?? 0n) / granule;
      if (seen.has(place)) this.#say('poison-reread', `${this.#machine.describe(exception.address ?? 0n)} was read again after its machine check`, exception.ip);
      seen.add(place);
    }
    for (const { from, to } of fixups) {
      const symbol = image.symbolAt(to);
      const other = symbol === undefined || symbol.offset >= symbol.symbol.size || symbol.symbol.type !== 'func' ? undefined : symbol.name;
      // Code that belongs to no function is a landing pad: .fixup sections, labels behind the routine.
      const inside = other === undefined ? isCode(image, to) : other === scenario.entry.name || image.symbolAt(from)?.name === other || helpers.includes(other);
      if (!inside) this.#say('resume', `resumes at ${this.#machine.describe(to)}${other === undefined ? ', which is no code' : ''}`, from);
    }
  }

  #memoryAround(): void {
    const { memory } = this.#machine;
    for (const { address, size } of margins(this.#machine, this.#contract)) {
      const at = firstOther(memory.read(address, size), MARGIN);
      if (at >= 0) {
        this.#say('overrun', `${this.#machine.describe(address + BigInt(at))} was written`);
        break;
      }
    }
    const source = this.#buffer(readRole(this.#contract));
    if (source === undefined) return;
    const changed = firstDifference(memory.read(source.address, source.size), source.bytes);
    if (changed >= 0) this.#say('source', `${source.name}+${String(changed)} was written`);
  }

  #machineState(): void {
    const { registers, scenario, cpu, deliveries } = this.#machine;
    const changed = CALLEE_SAVED.filter((name) => registers.get(GENERAL_REGISTERS.indexOf(name)) !== scenario.registers.get(name));
    if (changed.length > 0) this.#say('registers', `${changed.join(', ')} changed`);
    const rsp = registers.get(GENERAL_REGISTERS.indexOf('rsp'));
    if (rsp !== RETURNED_STACK) this.#say('stack', `rsp is 0x${rsp.toString(16)} after the return`);
    const { rflags } = registers;
    if ((rflags & BigInt(FLAG.DF)) !== 0n) this.#say('direction-flag', 'DF is set after the return');
    const open = (rflags & BigInt(FLAG.AC)) !== 0n;
    if (open && !scenario.userAccess) this.#say('ac-flag', 'AC is still set after the return');
    if (!open && scenario.userAccess) this.#say('ac-flag', 'AC is clear after the return; the caller had set it');
    if (cpu.pendingNonTemporal && deliveries.length === 0) this.#say('non-temporal', 'returns without sfence after non-temporal stores');
    else if (cpu.pendingNonTemporal) this.#say('non-temporal', 'returns without sfence after non-temporal stores that followed the last exception');
  }

  #work(): void {
    this.#exceptionSaid();
    switch (this.#contract.kind) {
      case 'copy': case 'copy-partial': case 'clear': return this.#bytesDone();
      case 'csum': return this.#checksum();
      case 'get': return this.#get();
      case 'put': return this.#put();
      case 'probe': return this.#probe();
      case 'custom': case 'none': return;
    }
  }

  #ownPromises(): void {
    const around = { ranges: margins(this.#machine, this.#contract), filler: MARGIN };
    for (const [promise, text] of Object.entries(this.#contract.promises ?? {})) {
      const broken = brokenPromise(text, this.#contract, { machine: this.#machine, one: this.#case, margins: around });
      if (broken !== undefined) this.violations.push({ clause: 'promise', promise, message: `${text} ${broken}`, at: this.#guilty });
    }
  }

  #bytesDone(): void {
    const { memory, deliveries } = this.#machine;
    const { n } = this.#case;
    const dst = this.#buffer('dst');
    if (dst === undefined) return;
    const answer = this.#answer(dst);
    if (answer === undefined) return;
    const { said, claimed, exact } = answer;
    if (claimed < 0 || claimed > n) return this.#say('range', claimed > n ? `says ${sizeText(claimed)} bytes of ${sizeText(n)} are done` : `says ${String(said)} bytes are left of ${sizeText(n)}`);
    const after = memory.read(dst.address, dst.size);
    const wanted = this.#wanted(Math.min(n, dst.size));
    const stored = firstDifference(after.subarray(0, wanted.length), wanted);
    const prefix = stored < 0 ? wanted.length : stored;
    if (claimed > prefix) this.#say('over-claim', `says ${sizeText(claimed)} bytes are done; only ${String(prefix)} are`);
    else if (exact && this.#contract.kind === 'copy' && firstDifference(after.subarray(claimed), dst.bytes.subarray(claimed)) >= 0) {
      this.#say('under-claim', `says ${String(claimed)} bytes are done; ${prefix > claimed ? `${String(prefix)} are` : 'others behind them were written too'}`);
    }
    if (deliveries.length === 0) {
      if (claimed < n) this.#say('complete', exact ? `says ${sizeText(n - claimed)} bytes are left, but nothing faulted` : 'returns an error, but nothing faulted');
      return;
    }
    const { progress } = this.#promises;
    const fault = firstFaultByte(this.#case);
    if (progress !== undefined && exact && fault !== undefined && claimed < fault - progress) {
      this.#say('progress', `says ${String(claimed)} bytes are done; the fault is at byte ${String(fault)}, ${String(fault - claimed)} bytes on`);
    }
  }

  /** The bytes said to be done. Not `exact`: the routine only says whether all are. */
  #answer(dst: Buffer): { readonly said: bigint; readonly claimed: number; readonly exact: boolean } | undefined {
    const { n } = this.#case;
    const { answer = 'left', machineCheckBit } = this.#contract;
    const value = this.#returned();
    if (value === undefined) return undefined;
    const bit = machineCheckBit === undefined ? 0n : 1n << BigInt(machineCheckBit);
    const number = value & ~bit;
    switch (answer) {
      case 'left': return { said: number, claimed: n - Number(number), exact: true };
      // Bytes done, or an error in their place.
      case 'done': return isError(number) ? { said: number, claimed: 0, exact: false } : { said: number, claimed: Number(number), exact: true };
      case 'end': return { said: number, claimed: Number(BigInt.asIntN(64, number - dst.address)), exact: true };
      case 'error': return { said: number, claimed: BigInt.asUintN(32, number) === 0n ? n : 0, exact: false };
    }
  }

  /** What is said of the last exception beside the count. */
  #exceptionSaid(): void {
    const { trap, machineCheckBit } = this.#contract;
    const vector = this.#machine.deliveries.at(-1)?.exception.vector ?? 0;
    if (trap !== undefined) {
      const said = this.#machine.registers.get(GENERAL_REGISTERS.indexOf(trap));
      if (said !== BigInt(vector)) this.#say('result', `${trap} is ${String(said)}; ${vector === 0 ? 'nothing faulted' : `the last exception was number ${String(vector)}`}`);
    }
    const value = this.#returned();
    if (machineCheckBit === undefined || value === undefined) return;
    const said = (value & (1n << BigInt(machineCheckBit))) !== 0n;
    if (said !== (vector === VECTOR.MC)) this.#say('result', `bit ${String(machineCheckBit)} is ${said ? 'set' : 'clear'}, but the last exception was ${vector === VECTOR.MC ? 'a' : 'no'} machine check`);
  }

  /** What the first `size` bytes of the destination become. */
  #wanted(size: number): Uint8Array {
    if (this.#contract.kind === 'clear') return new Uint8Array(size);
    const src = this.#buffer('src');
    return src === undefined ? new Uint8Array(0) : src.bytes.subarray(0, size);
  }

  #checksum(): void {
    const { memory, deliveries } = this.#machine;
    const sum = this.#returned();
    const src = this.#buffer('src');
    if (sum === undefined || src === undefined) return;
    if (deliveries.length > 0) {
      if (BigInt.asUintN(32, sum) !== 0n) this.#say('result', `returns 0x${sum.toString(16)} although the copy faulted; 0 says so`);
      return;
    }
    const { n } = this.#case;
    const dst = this.#buffer('dst');
    const bytes = src.bytes.subarray(0, n);
    if (dst !== undefined) {
      const copied = firstDifference(memory.read(dst.address, n), bytes);
      if (copied >= 0) this.#say('complete', `only ${String(copied)} bytes of ${String(n)} are copied, and nothing faulted`);
    }
    if (n > 0 && foldChecksum(BigInt.asUintN(32, sum)) !== checksum(bytes)) this.#say('result', `the checksum folds to 0x${foldChecksum(BigInt.asUintN(32, sum)).toString(16)}, not 0x${checksum(bytes).toString(16)}`);
  }

  #get(): void {
    const { memory, deliveries } = this.#machine;
    const error = this.#returned();
    const ptr = this.#buffer('ptr');
    if (error === undefined || ptr === undefined) return;
    const faulted = deliveries.length > 0;
    if (faulted !== isError(error)) this.#say('result', faulted ? `returns ${String(error)} although the read faulted` : 'returns an error, but nothing faulted');
    const register = this.#contract.arguments['value'];
    const out = this.#buffer('dst');
    if (out !== undefined && !faulted) {
      const size = this.#promises.width ?? 1;
      const copied = firstDifference(memory.read(out.address, size), memory.read(ptr.address, size));
      if (copied >= 0) this.#say('result', `what is handed out is not what the pointer points to, from byte ${String(copied)} on`);
    }
    if (register === undefined) return;
    const value = this.#machine.registers.get(GENERAL_REGISTERS.indexOf(register));
    if (faulted) {
      if (value !== 0n) this.#say('result', `${register} is 0x${value.toString(16)} after a fault; 0 is promised`);
      return;
    }
    const bytes = memory.read(ptr.address, ptr.size);
    const words = this.#widths.filter((size) => size <= bytes.length).map((size) => littleEndian(bytes.subarray(0, size)));
    if (!words.includes(value)) this.#say('result', `${register} is 0x${value.toString(16)}, which is not what the pointer points to`);
  }

  get #widths(): readonly number[] {
    const { width } = this.#promises;
    return width === undefined ? [1, 2, 4, 8] : [width];
  }

  #put(): void {
    const { memory, deliveries, scenario } = this.#machine;
    const error = this.#returned();
    const ptr = this.#buffer('ptr');
    if (error === undefined || ptr === undefined) return;
    const faulted = deliveries.length > 0;
    if (faulted !== isError(error)) this.#say('result', faulted ? `returns ${String(error)} although the write faulted` : 'returns an error, but nothing faulted');
    const after = memory.read(ptr.address, ptr.size);
    const written = after.findLastIndex((byte, i) => byte !== ptr.bytes[i]) + 1;
    if (faulted) {
      if (written > 0) this.#say('over-claim', `${String(written)} bytes were written although the write faulted`);
      return;
    }
    const register = this.#contract.arguments['value'];
    const value = register === undefined ? undefined : scenario.registers.get(register);
    if (value !== undefined && !this.#widths.some((size) => size >= written && littleEndian(after.subarray(0, size)) === BigInt.asUintN(8 * size, value))) {
      this.#say('result', 'what is written is not the value');
    }
  }

  #probe(): void {
    const result = this.#returned();
    if (result === undefined) return;
    const faulted = this.#machine.deliveries.length > 0;
    if (faulted && result === 0n) this.#say('result', 'returns 0 although the probe faulted');
  }

  #returned(): bigint | undefined {
    const { returns } = this.#contract;
    return returns === undefined ? undefined : this.#machine.registers.get(GENERAL_REGISTERS.indexOf(returns));
  }

  #buffer(name: string | undefined): Buffer | undefined {
    return name === undefined ? undefined : this.#machine.scenario.buffers.find((buffer) => buffer.name === name);
  }
}

/** The parts of the written buffer's pages that are not the buffer. */
function margins(machine: Machine, contract: Contract): readonly { readonly address: bigint; readonly size: number }[] {
  const role = writtenRole(contract);
  const buffer = machine.scenario.buffers.find(({ name }) => name === role);
  if (buffer === undefined || !buffer.permissions.write) return [];
  const before = Number(buffer.address % BigInt(PAGE_SIZE));
  const end = buffer.address + BigInt(buffer.size);
  const after = Number(-end & BigInt(PAGE_SIZE - 1));
  return [{ address: buffer.address - BigInt(before), size: before }, { address: end, size: after }].filter(({ size }) => size > 0);
}

/** Where the first byte is that is not `value`; -1 if there is none. */
function firstOther(bytes: Uint8Array, value: number): number {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== value) return i;
  return -1;
}

function isCode(image: Image, address: bigint): boolean {
  return image.segments.some((segment) => segment.execute && address >= segment.address && address < segment.address + BigInt(segment.size));
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const size = Math.min(a.length, b.length);
  for (let i = 0; i < size; i++) if (a[i] !== b[i]) return i;
  return a.length === b.length ? -1 : size;
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Errors are -4095 to -1 in the kernel, in 32 or 64 bits. */
export function isError(value: bigint): boolean {
  const wide = BigInt.asIntN(64, value), narrow = BigInt.asIntN(32, value);
  return (wide < 0n && wide >= -4095n) || (value < 2n ** 32n && narrow < 0n && narrow >= -4095n);
}

function sizeText(n: number): string {
  return n >= 2 ** 32 ? `2^32+${String(n - 2 ** 32)}` : String(n);
}
