/**
 * Runs single cases on the ordinary machine, from the very configuration that replays them in the debugger.
 */
import type { Image } from '../assembly/elf/image.ts';
import { findImageTable } from '../assembly/extable/search.ts';
import type { ImageTable } from '../assembly/extable/search.ts';
import { decodeAll } from '../assembly/x86/decode.ts';
import type { CommentDirective } from '../assembly/gas/statement.ts';
import { DEFAULT_KERNEL_GENERATION, kernelGeneration } from '../fault-model/kernel-generation.ts';
import { createCpu } from '../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../machine/cpu/wasm-cpu.ts';
import { EmulatedMachine, loadImage } from '../machine/emulated-machine.ts';
import { bootPatches } from '../machine/kernel/alternatives.ts';
import type { Patch } from '../machine/kernel/alternatives.ts';
import type { Machine } from '../machine/machine.ts';
import type { MemoryCheckpoint, PoisonGranule } from '../machine/memory/memory.ts';
import { resolveScenario } from '../machine/scenario/resolve.ts';
import type { Contract, Scenario } from '../machine/scenario/scenario.ts';
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import { markMargins } from './judging/judge.ts';
import { canFault, routineInstructions } from './coverage.ts';
import { caseConfig } from './replay.ts';
import type { SweepCase } from './space.ts';

/** Accesses of the target's routine that have an entry and can fault, in the order of their addresses. A machine check wants one that reads. */
export function injectable({ image, config: { entry } }: Pick<SweepTarget, 'image' | 'config'>, table: ImageTable): readonly { readonly address: bigint; readonly reads: boolean }[] {
  const start = image.symbols.find(({ name }) => name === entry)?.address;
  if (start === undefined) return [];
  return routineInstructions(image, start)
    .filter((instruction) => table.find(instruction.address) !== undefined && canFault(instruction))
    .map(({ address, accesses }) => ({ address, reads: accesses.some(({ kind }) => kind !== 'write') }));
}

/** A program as one kernel generation and CPU see it. */
export interface SweepTarget {
  /** `intel-server, kernel 6.12` */
  readonly name: string;
  /** Program, entry, profile, generation, budget and includes; buffers, length and poison are the campaign's. */
  readonly config: LaunchConfig;
  readonly image: Image;
  readonly directives: readonly CommentDirective[];
  readonly program: string;
}

/** A CPU whose memory held the program, and nothing else, at `loaded`. */
interface LoadedCpu {
  readonly cpu: WasmCpu;
  readonly patches: readonly Patch[];
  readonly loaded: MemoryCheckpoint;
}

/** Instructions that run one after the other if none faults; the last may be a branch. */
interface StraightLine {
  readonly addresses: readonly bigint[];
  /** It is one instruction that counts once for each of rcx. */
  readonly repeats: boolean;
}

/** Instructions looked at in one line. */
const MAX_LINE = 256;
const RCX = 1;

function straightLine({ memory }: Machine, start: bigint): StraightLine {
  const addresses: bigint[] = [];
  for (const { address, flow, repeat, mnemonic } of decodeAll(memory.read(start, MAX_LINE * 4), start)) {
    if (repeat !== 'none') return addresses.length > 0 ? { addresses, repeats: false } : { addresses: [address], repeats: /^(movs|stos)/.test(mnemonic) };
    addresses.push(address);
    if (flow !== 'next' || addresses.length >= MAX_LINE) break;
  }
  return { addresses: addresses.length === 0 ? [start] : addresses, repeats: false };
}

/** Instructions of one call of the machine. */
const SLICE = 1 << 20;

export class Reference {
  readonly target: SweepTarget;
  readonly contract: Contract;
  readonly table: ImageTable;
  readonly #covered: readonly bigint[];
  /** Instructions that the `nth` kinds make fault: accesses with an entry; and which of them read. */
  readonly #injected: readonly { readonly address: bigint; readonly reads: boolean }[];
  readonly #cpus = new Map<PoisonGranule, LoadedCpu>();
  readonly #lines = new Map<bigint, StraightLine>();

  constructor(target: SweepTarget, contract: Contract) {
    this.target = target;
    this.contract = contract;
    this.table = findImageTable(target.image, { generation: target.config.kernelGeneration ?? '' });
    this.#covered = this.table.entries.map(({ insn }) => insn);
    this.#injected = injectable(target, this.table);
  }

  /** The launch configuration of a case, complete. */
  config(one: SweepCase): LaunchConfig {
    return caseConfig(this.target.config, this.contract, one, this.#injected.map(({ address, reads }) => (reads || one.kind === 'nth-pf' ? address : undefined)));
  }

  scenario(one: SweepCase): Scenario {
    const { image, directives, program } = this.target;
    const resolved = resolveScenario({ config: this.config(one), image, directives, program, covered: this.#covered });
    if (!resolved.ok) throw new Error(resolved.configProblems.map(({ path, message }) => `${path}: ${message}`).join('; '));
    return resolved.scenario;
  }

  /** A machine ready to run the case. It is good until the next one is asked for. */
  machine(one: SweepCase): Machine {
    const scenario = this.scenario(one);
    const { image } = this.target;
    const { cpu, loaded, patches } = this.#cpu(scenario);
    cpu.memory.restore(loaded);
    cpu.drainNonTemporal();
    const generation = kernelGeneration(scenario.kernelGeneration) ?? DEFAULT_KERNEL_GENERATION;
    const machine = new EmulatedMachine({ scenario, image, cpu, patches, generation, table: this.table, loaded: true });
    markMargins(machine, this.contract);
    return machine;
  }

  /** Runs the case to its end. */
  run(one: SweepCase): Machine {
    const machine = this.machine(one);
    while (machine.ended === undefined) machine.run({ limit: SLICE });
    return machine;
  }

  /** Runs the case and tells `seen` of every instruction executed, which costs time: to its end, or over `most` branches, faults and repeated instructions. */
  trace(one: SweepCase, seen: (address: bigint) => void, most = Infinity): void {
    const machine = this.machine(one);
    for (let pieces = 0; machine.ended === undefined && pieces < most; pieces++) this.#follow(machine, seen);
  }

  /** Runs on to the next branch, fault or repeated instruction and tells what was executed. */
  #follow(machine: Machine, seen: (address: bigint) => void): void {
    const { registers } = machine;
    const start = registers.rip;
    if (machine.handling.length > 0) {
      seen(start);
      machine.run({ limit: 1, stopOnFixup: true });
      return;
    }
    let line = this.#lines.get(start);
    if (line === undefined) this.#lines.set(start, line = straightLine(machine, start));
    const faults = machine.deliveries.length;
    machine.run({ limit: line.repeats ? Math.max(1, Number(registers.get(RCX) & 0xfffffn)) : line.addresses.length, stopOnFixup: true });
    const fault = machine.deliveries.length > faults ? machine.deliveries[faults]!.exception.ip : machine.ended === undefined || machine.ended.reason === 'returned' ? undefined : registers.rip;
    for (const address of line.addresses) {
      seen(address);
      if (address === fault) return;
    }
  }

  #cpu({ cpu: profile, poisonGranule: granule, kernelGeneration: generation }: Scenario): LoadedCpu {
    let found = this.#cpus.get(granule);
    if (found === undefined) {
      const cpu = createCpu({ profile, granule });
      const { patches } = bootPatches(this.target.image, profile, generation);
      loadImage(cpu.memory, this.target.image, patches);
      this.#cpus.set(granule, found = { cpu, patches, loaded: cpu.memory.checkpoint() });
    }
    return found;
  }
}
