/**
 * The same programs on the emulated kernel, with its own tables: layouts `data` and `mcex` where the user program has 8-byte entries.
 */
import { join } from 'node:path';
import { nodeHost } from '../../../host/node/host.ts';
import { loadProgram } from '../../../host/program.ts';
import { FLAG, GENERAL_REGISTERS } from '../../../machine/cpu/cpu.ts';
import type { CpuProfile } from '../../../machine/cpu/cpu.ts';
import { machineFor } from '../../../machine/create.ts';
import type { EmulatedMachine } from '../../../machine/emulated-machine.ts';
import type { Delivery } from '../../../machine/kernel/delivery.ts';
import type { MemoryCheckpoint } from '../../../machine/memory/memory.ts';
import type { Buffer } from '../../../machine/scenario/scenario.ts';
import { AREAS, GOOD, PAGE, contents, goodOf } from './cases.ts';
import type { UserCase } from './cases.ts';
import { FLAGS, changes, functionNames, ordered } from './outcome.ts';
import type { NameOf } from './outcome.ts';
import { ROOT } from './programs.ts';
import type { Program } from './programs.ts';

const RSP = 4;
const RUN = { limit: 1_000_000 };
const CONTENTS = AREAS.map((_, index) => contents(index));
/** No SMAP: the buffers lie where a user program has them, and user programs know no stac. */
const FEATURES = ['rep_good', 'erms', 'fsrm', 'lfence_rdtsc', 'overflow_recov', 'succor'];

function buffers(): readonly Buffer[] {
  return AREAS.flatMap((area, index) => {
    const good = { name: `area${String(index)}`, address: goodOf(area), size: GOOD, permissions: { read: true, write: true, execute: false, user: false }, bytes: CONTENTS[index]! };
    if (area.end === 'not there') return [good];
    const end = { name: `end${String(index)}`, address: goodOf(area) + BigInt(GOOD), size: Number(PAGE), permissions: { ...good.permissions, write: area.end === 'poisoned' }, bytes: new Uint8Array(Number(PAGE)) };
    return [good, end];
  });
}

export class EmulatedProgram {
  readonly #machine: EmulatedMachine;
  readonly #entries: ReadonlyMap<string, bigint>;
  readonly #nameOf: NameOf;
  readonly #before: MemoryCheckpoint;

  private constructor(machine: EmulatedMachine, routines: readonly string[]) {
    this.#machine = machine;
    const { symbols } = machine.image;
    this.#entries = new Map(routines.map((name) => [name, symbols.find((symbol) => symbol.name === name)!.address]));
    this.#nameOf = functionNames(symbols);
    this.#before = machine.memory.checkpoint();
  }

  static async load({ files, generation, routines }: Program, vendor: CpuProfile['vendor']): Promise<EmulatedProgram> {
    const loaded = await loadProgram({ program: files.map((file) => join(ROOT, file)), kernelGeneration: generation }, nodeHost());
    if (!loaded.ok) throw new Error(JSON.stringify(loaded));
    const { image } = loaded.program;
    const entry = image.symbols.find(({ name }) => name === routines[0])!;
    return new EmulatedProgram(machineFor({
      name: entry.name, entry, registers: new Map(), buffers: buffers(),
      poison: AREAS.filter(({ end }) => end === 'poisoned').map((area) => ({ address: goodOf(area) + BigInt(GOOD), size: Number(PAGE), text: 'end' })),
      poisonGranule: 'line', cpu: { name: 'user-program', vendor, features: FEATURES }, kernelGeneration: generation, userAccess: false, budget: 1_000_000n, assumptions: [],
    }, image), routines);
  }

  /** What came of a case. */
  run({ routine, flags, registers: given }: UserCase): string {
    const { registers, memory } = this.#machine;
    this.#machine.restart();
    given.forEach((value, number) => { if (number !== RSP) registers.set(number, value); });
    registers.rflags = flags | BigInt(FLAG.IF);
    registers.rip = this.#entries.get(routine)!;
    const sp = registers.get(RSP);
    const depths = new Map<Delivery, number>();
    const stop = this.#machine.run({ ...RUN, stopOnDelivery: (delivery) => {
      depths.set(delivery, this.#machine.handling.length + 1);
      return false;
    } });
    if (stop.reason !== 'returned' && stop.reason !== 'died') throw new Error(`${routine}: ${stop.reason}`);
    const { deliveries } = this.#machine;
    const path = ordered(deliveries.flatMap((delivery) => this.#steps(delivery, depths.get(delivery)!)));
    const number = (value: bigint): string => {
      const distance = BigInt.asUintN(64, value - (sp - 0x2000n));
      return distance < 0x2100n ? `sp${distance < 0x2000n ? '' : '+'}${String(distance - 0x2000n)}` : value.toString(16);
    };
    const changed = memory.changedSince(this.#before);
    const written = AREAS.flatMap((area, index) => {
      const good = goodOf(area);
      if (!changed.some(({ address, size }) => address < good + BigInt(GOOD) && good < address + BigInt(size))) return [];
      return changes(good, CONTENTS[index]!, memory.read(good, GOOD));
    });
    return [
      stop.reason === 'died' ? `died ${this.#nameOf(registers.rip)}` : 'returned', 'exceptions', String(deliveries.length), 'path', ...path,
      'registers', ...GENERAL_REGISTERS.map((_, register) => number(registers.get(register))), 'flags', (registers.rflags & FLAGS).toString(16), 'memory', ...written,
    ].join(' ');
  }

  #steps({ exception: { vector, ip }, phases }: Delivery, depth: number): readonly string[] {
    const step = (taker: string, accepted: boolean, target: bigint): string => `${String(depth)}${taker}${accepted ? '1' : '0'}:${String(vector)}${this.#nameOf(ip)}:${this.#nameOf(target)}`;
    return phases.flatMap((phase) => {
      if (phase.phase === 'died') return [step('N', false, 0n)];
      if (phase.phase !== 'handled') return [];
      const { range, handler, fixup } = phase.match;
      return [step(range !== undefined ? 'R' : handler !== undefined ? 'H' : 'L', phase.accepted, fixup)];
    });
  }
}
