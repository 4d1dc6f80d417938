/** The cases that the driver of short runs does not decide: each through {@link Cpu.run} from its start, its faults handled here, with the result the driver would write. */
import { FLAG, VECTOR } from '../cpu.ts';
import type { CpuExit } from '../cpu.ts';
import { STATE } from '../../memory/layout.ts';
import type { WasmCpu } from '../wasm-cpu.ts';
import { isUserHalf, RESULT } from './layout.ts';
import type { DriverLayout } from './layout.ts';
import type { ShortRunCase, ShortRunEntry, ShortRunOutcome, ShortRunPlan } from './plan.ts';
import { OUTCOMES } from './records.ts';

const RAX = 0, RDX = 2, RSP = 4;

export class SlowRuns {
  readonly #cpu: WasmCpu;
  readonly #plan: ShortRunPlan;
  readonly #layout: DriverLayout;
  readonly #entries: readonly ShortRunEntry[];
  readonly #hits: Int32Array;
  #count = 0;

  /** `entries`: the exception table in the order of addresses. */
  constructor(cpu: WasmCpu, layout: DriverLayout, entries: readonly ShortRunEntry[]) {
    this.#cpu = cpu;
    this.#plan = layout.plan;
    this.#layout = layout;
    this.#entries = entries;
    this.#hits = new Int32Array(entries.length);
  }

  /** Cases that were run. */
  get count(): number {
    return this.#count;
  }

  /** How often each entry caught a fault. */
  get hits(): Readonly<ArrayLike<number>> {
    return this.#hits;
  }

  /** Runs one case and writes its result to `at` of the arena. It begins with `registers` and the memory of `checkpoint`, which is also what memory is put back to. */
  run(one: ShortRunCase, at: number, registers: Uint8Array, checkpoint: { readonly id: number }): void {
    const { memory, state } = this.#cpu;
    const plan = this.#plan;
    this.#count++;
    memory.restore(checkpoint);
    memory.closeWindows();
    state.restore(registers);
    state.rip = plan.entry;
    plan.varied.forEach(({ register, base }, i) => { state.setGeneral(register, base + BigInt(one.values[i] ?? 0)); });
    if (one.poison !== undefined && one.poison.size > 0 && plan.poison !== undefined) {
      const place = plan.poison.base + BigInt(one.poison.offset);
      if (one.poison.second !== undefined) memory.poison(plan.poison.base + BigInt(one.poison.second), 1);
      if ((plan.poison.as ?? 'poison') === 'poison') memory.poison(place, one.poison.size);
      else memory.remove(place, one.poison.size);
    }
    const before = this.#cpu.instructions;
    let faults = 0, vector = 0, firstFault = 0n;
    let outcome: ShortRunOutcome = 'budget';
    for (let left = plan.budget; left > 0; left = plan.budget - Number(this.#cpu.instructions - before)) {
      if (state.rip === plan.stop) {
        outcome = 'returned';
        break;
      }
      const exit = this.#cpu.run(left);
      if (exit.kind === 'limit' || (exit.kind === 'exception' && state.rip === plan.stop)) continue;
      if (exit.kind !== 'exception') {
        outcome = state.rip === plan.stop ? 'returned' : 'stopped';
        break;
      }
      vector = exit.vector;
      if (faults === 0) firstFault = state.rip;
      const entry = this.#entryFor(exit);
      if (entry === undefined) {
        outcome = 'unhandled';
        break;
      }
      if (++faults > plan.maxFaults) {
        outcome = 'no-progress';
        break;
      }
      this.#apply(entry, exit.vector);
    }
    if (state.rip === plan.stop && outcome === 'budget') outcome = 'returned';
    this.#writeResult(at, one, { outcome, faults, vector, firstFault, instructions: Number(this.#cpu.instructions - before), registers });
    memory.restore(checkpoint);
    memory.closeWindows();
  }

  #entryFor({ vector, address }: Extract<CpuExit, { kind: 'exception' }>): ShortRunEntry | undefined {
    const { rip, systemFlags } = this.#cpu.state;
    if (vector === VECTOR.PF && isUserHalf(address ?? 0n) && this.#layout.smap && (systemFlags & FLAG.AC) === 0) return undefined;
    const index = this.#entries.findIndex(({ insn }) => insn === rip);
    const entry = this.#entries[index];
    if (entry === undefined || !entry.vectors.includes(vector)) return undefined;
    this.#hits[index]!++;
    return entry;
  }

  #apply(entry: ShortRunEntry, vector: number): void {
    const { state } = this.#cpu;
    if (entry.vectorInAx === true) state.setGeneral(RAX, BigInt(vector));
    if (entry.set !== undefined) state.setGeneral(entry.set.register, entry.set.value);
    if (entry.clearAx === true) state.setGeneral(RAX, 0n);
    if (entry.clearDx === true) state.setGeneral(RDX, 0n);
    state.rip = entry.fixup;
    state.pendingNonTemporal = false;
  }

  #writeResult(at: number, one: ShortRunCase, facts: {
    readonly outcome: ShortRunOutcome; readonly faults: number; readonly vector: number; readonly firstFault: bigint; readonly instructions: number; readonly registers: Uint8Array;
  }): void {
    const { arena, state } = this.#cpu;
    const old = new DataView(facts.registers.buffer, facts.registers.byteOffset);
    const before = (register: number): bigint => old.getBigUint64(STATE.GENERAL - STATE.BASE + 8 * register, true);
    const oldFlags = old.getInt32(STATE.SYSTEM_FLAGS - STATE.BASE, true);
    const kept = this.#layout.calleeSaved.every((register) => state.getGeneral(register) === before(register)) && state.getGeneral(RSP) === before(RSP) + 8n
      && ((state.systemFlags ^ oldFlags) & (FLAG.DF | FLAG.AC)) === 0;
    const { done, untouched } = this.#judge(one);
    arena.u64[(at + RESULT.RAX) >> 3] = state.getGeneral(this.#plan.returns ?? RAX);
    arena.u64[(at + RESULT.FIRST_FAULT) >> 3] = facts.firstFault;
    arena.i32[(at + RESULT.OUTCOME) >> 2] = OUTCOMES.indexOf(facts.outcome);
    arena.i32[(at + RESULT.INSTRUCTIONS) >> 2] = facts.instructions;
    arena.i32[(at + RESULT.FAULTS) >> 2] = facts.faults;
    arena.i32[(at + RESULT.VECTOR) >> 2] = facts.vector;
    arena.i32[(at + RESULT.DONE) >> 2] = done;
    arena.i32[(at + RESULT.CHECKS) >> 2] = (untouched ? RESULT.UNTOUCHED : 0) | (kept ? RESULT.KEPT : 0) | (state.pendingNonTemporal ? RESULT.PENDING_NT : 0);
  }

  #judge(one: ShortRunCase): { readonly done: number; readonly untouched: boolean } {
    const { judged, judgedSize, expected, baseline } = this.#layout;
    const { u8 } = this.#cpu.arena;
    const piece = one.judged ?? { offset: 0, from: 0, size: judgedSize };
    let done = 0;
    while (done < piece.size && u8[judged + piece.offset + done] === u8[expected + piece.from + done]) done++;
    const same = (from: number, to: number): boolean => {
      for (let i = from; i < to; i++) if (u8[judged + i] !== u8[baseline + i]) return false;
      return true;
    };
    return { done, untouched: same(0, piece.offset) && same(piece.offset + done, judgedSize) };
  }
}
