/**
 * The bulk of a campaign, driven inside WebAssembly (machine/cpu/short-runs.ts). It only tells which runs certainly kept every promise;
 * all others are for the ordinary machine, which decides. What handlers do is learned from that machine too, an entry at a time.
 */
import { EX_TYPE } from '../fault-model/ex-type.ts';
import { GENERAL_REGISTERS, VECTOR } from '../machine/cpu/cpu.ts';
import { ShortRuns } from '../machine/cpu/short-runs.ts';
import type { ShortRunCase, ShortRunEntry, ShortRunPlan, ShortRunResult } from '../machine/cpu/short-runs.ts';
import { createCpu } from '../machine/cpu/wasm-cpu.ts';
import { machineFor } from '../machine/create.ts';
import type { Machine } from '../machine/machine.ts';
import { PAGE_SIZE } from '../machine/memory/memory.ts';
import { ADDRESS_MAP, resolveScenario } from '../machine/scenario/resolve.ts';
import type { Buffer } from '../machine/scenario/scenario.ts';
import type { Promises } from './clauses.ts';
import type { Reference } from './reference.ts';
import { foldNumber, PieceChecksums } from './checksum.ts';
import { UNTOUCHED } from './replay.ts';
import { LONG, LONG_MAPPED } from './space.ts';
import type { FaultKind, SpaceAxes, SweepCase } from './space.ts';

/** A run as the driver saw it. */
export interface FastResult {
  /** Every promise was kept. */
  readonly kept: boolean;
  /** It ended at a fault of which the driver does not know what the kernel does. */
  readonly strange: boolean;
  /** Runs with equal signatures broke the same promises at the same instructions, as far as the driver can tell. */
  readonly signature: string;
}

/** Kinds of contracts whose promises the driver can check. */
const DRIVEN_CONTRACTS: readonly string[] = ['copy', 'copy-partial', 'clear', 'csum'];
const MAX_BUDGET = 2 ** 24;

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

  private constructor(promises: Promises, kind: FaultKind, long: boolean, machine: Machine, cpu: ReturnType<typeof createCpu>) {
    this.#promises = promises;
    this.#kind = kind;
    this.#cpu = cpu;
    const { scenario } = machine;
    this.#src = scenario.buffers.find(({ name }) => name === 'src');
    this.#dst = scenario.buffers.find(({ name }) => name === 'dst')!;
    const { arguments: args, returns, kind: contract } = promises.contract;
    this.#checksums = contract === 'csum' && this.#src !== undefined ? new PieceChecksums(this.#src.bytes) : undefined;
    const number = (name: string): number => GENERAL_REGISTERS.indexOf(args[name]!);
    const whole = (buffer: Buffer): { readonly base: bigint; readonly size: number } => ({ base: buffer.address, size: buffer.size });
    const behind = (buffer: Buffer): { readonly base: bigint; readonly size: number } => ({ base: buffer.address + BigInt(buffer.size), size: PAGE_SIZE });
    const src = this.#src;
    this.#plan = {
      entry: scenario.entry.address, stop: ADDRESS_MAP.returnSentinel,
      budget: Math.min(Number(scenario.budget), MAX_BUDGET), maxFaults: promises.maxExceptions + 1,
      varied: [
        { register: number('dst'), base: this.#dst.address }, { register: number('n'), base: long ? BigInt(LONG) : 0n },
        ...(src === undefined ? [] : [{ register: number('src'), base: src.address }]),
      ],
      ...(src === undefined ? {} : { poison: whole(src) }),
      guards: [behind(this.#dst), ...(src === undefined ? [] : [behind(src)])],
      ...(returns === undefined ? {} : { returns: GENERAL_REGISTERS.indexOf(returns) }),
      judged: { base: this.#dst.address, expected: contract === 'clear' ? new Uint8Array(this.#dst.size) : src?.bytes ?? new Uint8Array(this.#dst.size) },
    };
  }

  /** Whether the driver may fit: not for contracts that are not about bytes, nor where handlers are functions. */
  static fits({ table }: Reference, { contract: { kind, arguments: args, returns } }: Promises): boolean {
    if (!DRIVEN_CONTRACTS.includes(kind) || args['dst'] === undefined || args['n'] === undefined || returns === undefined) return false;
    return (kind === 'clear' || args['src'] !== undefined) && table.ranges.length === 0;
  }

  /** Undefined where the driver does not {@link fits fit}, nor for CPUs with quirks. */
  static create(reference: Reference, promises: Promises, kind: FaultKind, long: boolean, axes: SpaceAxes): FastRuns | undefined {
    if (!FastRuns.fits(reference, promises)) return undefined;
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
    if (!resolved.ok || (resolved.scenario.cpu.quirks ?? []).length > 0 || resolved.scenario.machineCheck !== undefined) return undefined;
    const cpu = createCpu({ profile: resolved.scenario.cpu, granule: kind === 'mc-byte' ? 'byte' : 'line' });
    const machine = machineFor(resolved.scenario, target.image, cpu);
    cpu.setBreakpoints([]);
    return new FastRuns(promises, kind, long, machine, cpu);
  }

  /** Takes over what the ordinary machine's kernel did with the faults of a run, where that is the same every time; true if that was new. */
  learn(machine: Machine): boolean {
    const before = this.#learned.size;
    for (const { delivery, from, to } of machine.fixups) {
      const handled = delivery.phases.find((phase) => phase.phase === 'handled' && phase.accepted);
      if (handled?.phase !== 'handled' || this.#learned.has(from) || handled.match.handler !== undefined) continue;
      const { type, register, immediate } = handled.match.entry;
      const effect = effectOf(type, register, immediate);
      if (effect === undefined || delivery.exception.vector !== this.#vector) continue;
      this.#learned.set(from, { insn: from, fixup: to, vectors: [this.#vector], ...effect });
      this.#runs = undefined;
    }
    return this.#learned.size > before;
  }

  knows(address: bigint): boolean {
    return this.#learned.has(address);
  }

  /** Runs the cases; `onFault` hears how often each known entry was used. */
  run(cases: readonly SweepCase[], onResult: (result: FastResult, one: SweepCase) => void, onFault: (address: bigint, vector: number, count: number) => void): void {
    if (this.#runs === undefined) {
      this.#runs = new ShortRuns(this.#cpu, { ...this.#plan, table: [...this.#learned.values()] });
      this.#hits = new Map();
    }
    const runs = this.#runs;
    runs.run(cases.map((one) => this.#shortCase(one)), (result, _, index) => { onResult(this.#result(result, cases[index]!), cases[index]!); });
    for (const { insn, count } of runs.hits) {
      const more = count - (this.#hits.get(insn) ?? 0);
      if (more > 0) onFault(insn, this.#vector, more);
      this.#hits.set(insn, count);
    }
  }

  get #vector(): number {
    return this.#kind === 'mc-line' || this.#kind === 'mc-byte' ? VECTOR.MC : VECTOR.PF;
  }

  #shortCase(one: SweepCase): ShortRunCase {
    const { n, position, kind } = one;
    const src = kind === 'pf-read' ? this.#dst.size - position : one.srcOffset;
    const dst = kind === 'pf-write' ? this.#dst.size - position : one.dstOffset;
    const there = n >= LONG ? position + LONG_MAPPED : n;
    return {
      values: [dst, n >= LONG ? n - LONG : n, ...(this.#src === undefined ? [] : [src])],
      judged: { offset: dst, from: this.#src === undefined ? 0 : src, size: kind === 'pf-read' || kind === 'pf-write' ? position : there },
      ...(kind === 'mc-line' || kind === 'mc-byte' ? { poison: { offset: src + position, size: 1 } } : {}),
    };
  }

  #result(result: ShortRunResult, one: SweepCase): FastResult {
    const { outcome, rax, faults, vector, firstFault, restUntouched, stateKept, pendingNonTemporal } = result;
    const { maxExceptions } = this.#promises;
    const work = this.#checksums === undefined ? this.#bytesDone(result, one) : this.#checksum(result, one, this.#checksums);
    const kept = outcome === 'returned' && work.kept && restUntouched && stateKept && !pendingNonTemporal
      && faults <= (this.#vector === VECTOR.MC ? Math.min(1, maxExceptions) : maxExceptions);
    return {
      kept, strange: outcome === 'unhandled',
      signature: kept ? '' : [outcome, work.relation, faults, vector, firstFault.toString(16), restUntouched, stateKept, pendingNonTemporal, one.n >= LONG, rax === 0n].join(' '),
    };
  }

  #bytesDone({ rax, done, faults }: ShortRunResult, { n, position, kind }: SweepCase): { readonly kept: boolean; readonly relation: string } {
    const { contract, progress } = this.#promises;
    const claimed = n - Number(rax);
    const relation = rax > BigInt(n) ? 'range' : claimed > done ? 'over' : claimed < done ? 'under' : 'equal';
    const countKept = relation === 'equal' || (relation === 'under' && contract.kind !== 'copy');
    return { relation, kept: countKept && (faults > 0 || rax === 0n) && (progress === undefined || kind === 'none' || faults === 0 || claimed >= position - progress) };
  }

  #checksum({ rax, done, faults }: ShortRunResult, one: SweepCase, checksums: PieceChecksums): { readonly kept: boolean; readonly relation: string } {
    const sum = Number(BigInt.asUintN(32, rax));
    if (faults > 0) return { kept: sum === 0, relation: sum === 0 ? 'failed' : 'sum' };
    const { judged } = this.#shortCase(one);
    const copied = done >= one.n;
    const right = one.n === 0 || foldNumber(sum) === checksums.at(judged!.from, one.n);
    return { kept: copied && right, relation: `${String(copied)} ${String(right)}` };
  }
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
