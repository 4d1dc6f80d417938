/**
 * The bulk of a campaign, driven inside WebAssembly (machine/cpu/short-runs/). It only tells which runs certainly kept every promise;
 * all others are for the ordinary machine, which decides. What handlers do is learned from that machine too, an entry at a time.
 */
import { EX_TYPE } from '../fault-model/ex-type.ts';
import { GENERAL_REGISTERS, VECTOR } from '../machine/cpu/cpu.ts';
import type { GeneralRegister } from '../machine/cpu/cpu.ts';
import { ShortRuns } from '../machine/cpu/short-runs/short-runs.ts';
import type { ShortRunCase, ShortRunEntry, ShortRunPlan, ShortRunResult } from '../machine/cpu/short-runs/plan.ts';
import { OUTCOMES } from '../machine/cpu/short-runs/records.ts';
import { createCpu } from '../machine/cpu/wasm-cpu.ts';
import { machineFor } from '../machine/create.ts';
import type { Machine } from '../machine/machine.ts';
import { PAGE_SIZE } from '../machine/memory/memory.ts';
import { OverRead } from '../machine/over-read.ts';
import { ADDRESS_MAP, resolveScenario } from '../machine/scenario/resolve.ts';
import type { Buffer, Contract, Scenario } from '../machine/scenario/scenario.ts';
import { isError } from './judging/error-value.ts';
import type { Promises } from './judging/clauses.ts';
import type { Reference } from './reference.ts';
import { PieceChecksums } from './judging/checksum.ts';
import { reachableCode } from './reachable.ts';
import { UNTOUCHED } from './replay.ts';
import { firstFaultByte, kindFacts, LONG, LONG_MAPPED, readEnd, writtenEnd } from './space.ts';
import type { FaultKind, SpaceAxes, SweepCase } from './space.ts';

/** A run that did not certainly keep every promise, as the driver saw it. */
export interface Doubt {
  /** It ended at a fault of which the driver does not know what the kernel does. */
  readonly strange: boolean;
  /** Runs of one {@link FastRuns} with equal signatures broke the same promises at the same instructions, as far as the driver can tell. */
  readonly signature: number;
}

/** Kinds of contracts whose promises the driver can check. */
const DRIVEN_CONTRACTS: readonly string[] = ['copy', 'copy-partial', 'clear', 'csum'];
/** Vectors of the faults that the driver can make. */
const VECTORS: Partial<Record<FaultKind, readonly number[]>> = {
  none: [], 'mc-line': [VECTOR.MC], 'mc-byte': [VECTOR.MC], 'mc-two': [VECTOR.MC], 'mc-pf-write': [VECTOR.MC, VECTOR.PF],
  'pf-read': [VECTOR.PF], 'pf-write': [VECTOR.PF], 'pf-both': [VECTOR.PF], 'pf-read-byte': [VECTOR.PF], 'pf-write-byte': [VECTOR.PF],
};
const MAX_BUDGET = 2 ** 24;
const NO_FLOOR = -(2 ** 31);

/** Whether the driver can judge this contract: those that are about bytes, or their sum. */
function isDriven({ kind, arguments: args, returns, answer = 'left', promises }: Contract): boolean {
  return DRIVEN_CONTRACTS.includes(kind) && args['dst'] !== undefined && args['n'] !== undefined && returns !== undefined && answer !== 'end' && promises === undefined
    && (kind === 'clear' || args['src'] !== undefined);
}

/** The runs of one target with one kind of fault and lengths of one size class. */
export class FastRuns {
  readonly #promises: Promises;
  readonly #kind: FaultKind;
  readonly #plan: Omit<ShortRunPlan, 'table'>;
  readonly #cpu: ReturnType<typeof createCpu>;
  readonly #src: Buffer | undefined;
  readonly #dst: Buffer;
  readonly #learned = new Map<bigint, ShortRunEntry>();
  readonly #checksums: PieceChecksums | undefined;
  #runs: ShortRuns | undefined;
  #hits = new Map<bigint, number>();
  /** Where first faults were, numbered, for signatures. */
  readonly #places = new Map<bigint, number>();

  private constructor(promises: Promises, kind: FaultKind, long: boolean, machine: Machine, cpu: ReturnType<typeof createCpu>) {
    this.#promises = promises;
    this.#kind = kind;
    this.#cpu = cpu;
    const { scenario } = machine;
    this.#src = scenario.buffers.find(({ name }) => name === 'src');
    this.#dst = scenario.buffers.find(({ name }) => name === 'dst')!;
    const { contract, maxExceptions } = promises;
    const { arguments: args, returns, trap, machineCheckBit } = contract;
    this.#checksums = contract.kind === 'csum' && this.#src !== undefined ? new PieceChecksums(this.#src.bytes) : undefined;
    const number = (name: GeneralRegister): number => GENERAL_REGISTERS.indexOf(name);
    const whole = (buffer: Buffer): { readonly base: bigint; readonly size: number } => ({ base: buffer.address, size: buffer.size });
    const behind = (buffer: Buffer): { readonly base: bigint; readonly size: number } => ({ base: buffer.address + BigInt(buffer.size), size: PAGE_SIZE });
    const src = this.#src;
    const faulting = kind === 'pf-write-byte' ? { ...whole(this.#dst), as: 'absent-write' as const }
      : src === undefined ? undefined : { ...whole(src), as: kind === 'pf-read-byte' ? 'absent-read' as const : 'poison' as const };
    this.#plan = {
      entry: scenario.entry.address, stop: ADDRESS_MAP.returnSentinel,
      budget: Math.min(Number(scenario.budget), MAX_BUDGET), maxFaults: maxExceptions + 1,
      varied: [
        { register: number(args['dst']!), base: this.#dst.address }, { register: number(args['n']!), base: long ? BigInt(LONG) : 0n },
        ...(src === undefined ? [] : [{ register: number(args['src']!), base: src.address }]),
      ],
      ...(faulting === undefined ? {} : { poison: faulting }),
      guards: [behind(this.#dst), ...(src === undefined ? [] : [behind(src)])],
      ...(returns === undefined ? {} : { returns: number(returns) }),
      judged: { base: this.#dst.address, expected: contract.kind === 'clear' ? new Uint8Array(this.#dst.size) : src?.bytes ?? new Uint8Array(this.#dst.size) },
      verdict: {
        work: contract.kind === 'csum' ? 'sum' : contract.kind === 'copy' ? 'exact' : 'partial',
        ...(contract.answer === 'done' || contract.answer === 'error' ? { answer: contract.answer } : {}),
        maxFaults: maxExceptions, maxMachineChecks: 1,
        ...(trap === undefined ? {} : { trap: number(trap) }), ...(machineCheckBit === undefined ? {} : { machineCheckBit }),
      },
    };
  }

  /** Whether the driver may fit: not for contracts that are not about bytes, nor where handlers are functions, nor for faults that are not in memory. */
  static fits({ table }: Reference, { contract }: Promises, kind: FaultKind): boolean {
    return isDriven(contract) && VECTORS[kind] !== undefined && table.ranges.length === 0;
  }

  /** Undefined where the driver does not {@link fits fit}, nor for CPUs that read poison behind what they copy. */
  static create(reference: Reference, promises: Promises, kind: FaultKind, long: boolean, axes: SpaceAxes): FastRuns | undefined {
    if (!FastRuns.fits(reference, promises, kind)) return undefined;
    const { contract } = promises;
    const { target } = reference;
    const { arguments: args } = contract;
    const reach = Math.max(axes.lengths.to, LONG_MAPPED * 2) + Math.max(...axes.srcOffsets, ...axes.dstOffsets);
    const size = (Math.ceil(reach / PAGE_SIZE) + 1) * PAGE_SIZE;
    const resolved = resolveScenario({
      config: {
        ...target.config, poison: false, n: 0,
        buffers: {
          ...(args['src'] === undefined ? {} : { src: { size, access: 'r' as const } }),
          dst: { size, fill: contract.kind === 'clear' ? UNTOUCHED.clear : UNTOUCHED.copy },
        },
      },
      image: target.image, directives: target.directives, program: target.program, covered: [],
    });
    if (!resolved.ok || resolved.scenario.machineCheck !== undefined) return undefined;
    const { cpu: profile } = resolved.scenario;
    const cpu = createCpu({ profile, granule: kind === 'mc-byte' ? 'byte' : 'line' });
    // Over-reads of poison are the ordinary machine's.
    if (kindFacts(kind).poisons === true && profile.quirks?.includes('rep-movs-overread') === true && mayOverRead(reference, resolved.scenario)) return undefined;
    const machine = machineFor({ ...resolved.scenario, cpu: { ...profile, quirks: [] } }, target.image, cpu);
    cpu.setBreakpoints([]);
    return new FastRuns(promises, kind, long, machine, cpu);
  }

  /** Takes over what the ordinary machine's kernel did with the faults of a run, where that is the same every time; true if that was new. */
  learn(machine: Machine): boolean {
    let news = false;
    for (const { delivery, from, to } of machine.fixups) {
      const { vector } = delivery.exception;
      const handled = delivery.phases.find((phase) => phase.phase === 'handled' && phase.accepted);
      const known = this.#learned.get(from);
      if (handled?.phase !== 'handled' || handled.match.handler !== undefined || VECTORS[this.#kind]?.includes(vector) !== true || known?.vectors.includes(vector) === true) continue;
      const { type, register, immediate } = handled.match.entry;
      const effect = effectOf(type, register, immediate);
      if (effect === undefined || (known !== undefined && known.fixup !== to)) continue;
      this.#learned.set(from, { insn: from, fixup: to, vectors: [...known?.vectors ?? [], vector], ...effect });
      this.#runs = undefined;
      news = true;
    }
    return news;
  }

  knows(address: bigint): boolean {
    return this.#learned.has(address);
  }

  /**
   * Runs the cases. `onResult` hears of each, by its index: with a doubt if it did not certainly keep every promise, and where its
   * first fault was, if it asks. `onFault` hears how often each known entry was used.
   */
  run(
    count: number, caseAt: (index: number, into: MutableCase) => SweepCase,
    onResult: (index: number, doubt: Doubt | undefined, firstFault: () => bigint) => void, onFault: (address: bigint, vector: number, count: number) => void,
  ): void {
    if (this.#runs === undefined) {
      this.#runs = new ShortRuns(this.#cpu, { ...this.#plan, table: [...this.#learned.values()] });
      this.#hits = new Map();
    }
    const runs = this.#runs;
    let at = 0;
    const firstFault = (): bigint => runs.firstFault(at);
    const one: MutableCase = { index: 0, target: 0, kind: this.#kind, n: 0, srcOffset: 0, dstOffset: 0, position: 0, second: 0 };
    const encoded = emptyCase();
    runs.judge(count, (index) => this.#encode(caseAt(index, one), encoded), (index, result, slot) => {
      at = slot;
      onResult(index, result === undefined ? undefined : this.#doubt(result, caseAt(index, one)), firstFault);
    });
    for (const { insn, count: hits } of runs.hits) {
      const more = hits - (this.#hits.get(insn) ?? 0);
      if (more > 0) onFault(insn, this.#learned.get(insn)?.vectors[0] ?? 0, more);
      this.#hits.set(insn, hits);
    }
  }

  /** Into an object that is there already: this is what every run costs beside running. */
  #encode(one: SweepCase, into: EncodedCase): ShortRunCase {
    const { n, position, kind, srcOffset, dstOffset } = one;
    const { size } = this.#dst;
    const readEnds = readEnd(one), writtenEnds = writtenEnd(one);
    const src = readEnds === undefined ? srcOffset : size - readEnds;
    const dst = writtenEnds === undefined ? dstOffset : size - writtenEnds;
    const there = n >= LONG ? position + LONG_MAPPED : n;
    const { values, judged, poison } = into;
    values[0] = dst;
    values[1] = n >= LONG ? n - LONG : n;
    values[2] = src;
    judged.offset = dst;
    judged.from = this.#src === undefined ? 0 : src;
    judged.size = Math.min(there, readEnds ?? there, writtenEnds ?? there);
    const absent = kind === 'pf-read-byte' || kind === 'pf-write-byte';
    poison.offset = (kind === 'pf-write-byte' ? dst : src) + position;
    poison.size = absent ? size - poison.offset : kindFacts(kind).poisons === true ? 1 : 0;
    if (kind === 'mc-two') poison.second = src + one.second;
    into.length = n;
    into.least = this.#checksums !== undefined ? (n === 0 ? -1 : this.#checksums.at(src, n)) : this.#least(one);
    return into;
  }

  /** The least number of bytes that a run that faults has to do. */
  #least(one: SweepCase): number {
    const { progress } = this.#promises;
    const fault = progress === undefined ? undefined : firstFaultByte(one);
    return fault === undefined ? NO_FLOOR : fault - progress!;
  }

  #doubt(result: ShortRunResult, one: SweepCase): Doubt {
    const { n } = one;
    const { outcome, faults, vector, firstFault, restUntouched, stateKept, pendingNonTemporal, done } = result;
    const { answer, machineCheckBit } = this.#promises.contract;
    const bit = machineCheckBit === undefined ? 0n : 1n << BigInt(machineCheckBit);
    const rax = result.rax & ~bit;
    const left = Number(rax);
    const claimed = answer === 'error' || (answer === 'done' && isError(rax)) ? done : answer === 'done' ? left : n - left;
    // A count is too small, too great, beyond n, or right; of a checksum it is told whether it says that something faulted.
    const count = this.#checksums !== undefined ? Number(BigInt.asUintN(32, rax) === 0n) : left > n ? 3 : Math.sign(n - left - done) + 1;
    // Another answer than the bytes left is nothing, an error, or a number that is right or not.
    const said = answer === undefined || rax === 0n ? 0 : isError(rax) ? 1 : left === n ? 2 : left === done ? 3 : 4;
    const flags = [done >= n, restUntouched, stateKept, pendingNonTemporal, n >= LONG, rax === 0n, claimed >= this.#least(one), rax !== result.rax];
    let place = this.#places.get(firstFault);
    if (place === undefined) this.#places.set(firstFault, place = this.#places.size);
    let signature = place;
    const append = (digit: number, base: number): void => { signature = signature * base + digit; };
    // A run has no more faults than instructions: the product stays an exact number.
    append(faults, Math.min(this.#plan.maxFaults, MAX_BUDGET) + 2);
    append(OUTCOMES.indexOf(outcome), OUTCOMES.length);
    append(vector, 32);
    append(count, 4);
    append(said, 5);
    for (const flag of flags) append(Number(flag), 2);
    return { strange: outcome === 'unhandled', signature };
  }
}

type MutableCase = { -readonly [K in keyof SweepCase]: SweepCase[K] };

interface EncodedCase extends ShortRunCase {
  readonly values: number[];
  readonly judged: { offset: number; from: number; size: number };
  readonly poison: { offset: number; size: number; second?: number };
  length: number;
  least: number;
}

function emptyCase(): EncodedCase {
  return { values: [0, 0, 0], judged: { offset: 0, from: 0, size: 0 }, poison: { offset: 0, size: 0 }, length: 0, least: 0 };
}

/** Whether there is a `rep movs` in code that the routine may reach. */
function mayOverRead({ target: { image }, table }: Reference, { entry, kernelGeneration }: Scenario): boolean {
  const { instructions, complete } = reachableCode(image, entry.address, table, kernelGeneration);
  const { places } = new OverRead(image, (address, size) => image.read(address, size));
  return places.length > 0 && (!complete || places.some((address) => instructions.has(address)));
}

/** What a handler type does beside going to the landing pad, if that depends on nothing but the entry and the vector. */
function effectOf(type: number, register: number, immediate: number): Omit<ShortRunEntry, 'insn' | 'fixup' | 'vectors'> | undefined {
  switch (type) {
    case EX_TYPE.DEFAULT: case EX_TYPE.UACCESS: case EX_TYPE.DEFAULT_MCE_SAFE: return {};
    case EX_TYPE.FAULT: case EX_TYPE.FAULT_MCE_SAFE: case EX_TYPE.COPY: return { vectorInAx: true };
    case EX_TYPE.IMM_REG: return { set: { register, value: BigInt.asUintN(64, BigInt(immediate)) } };
    default: return undefined;
  }
}
