/**
 * Many short runs of one routine, each with other arguments and another poisoned place, driven inside WebAssembly: registers are reset,
 * the routine runs, its faults are looked up in an exception table, memory is put back, and the buffer it wrote is compared, all without
 * coming back to JavaScript. What the driver does not know (a page it has not met, an access across a page border) it asks for and goes
 * on; what it must not decide (a system instruction, a poisoned read-modify-write) makes the case a *slow* one, which runs through
 * {@link Cpu.run} from its start. Results are the same either way.
 */
import { FLAG, VECTOR } from '../cpu.ts';
import type { CpuExit } from '../cpu.ts';
import { PAGE_SIZE } from '../../memory/memory.ts';
import { ACCESS, EXIT, STATE, STATUS } from '../../memory/layout.ts';
import type { WasmCpu } from '../wasm-cpu.ts';
import { driverModule } from './driver.ts';
import { CASE, CONTROL, ENTRY_EFFECT, isUserHalf, RESULT, TABLE_ENTRY } from './layout.ts';
import type { DriverLayout } from './layout.ts';
import type { ShortRunCase, ShortRunEntry, ShortRunOutcome, ShortRunPlan, ShortRunResult } from './plan.ts';

/** Cases handed to the driver at a time. */
const BATCH = 2048;
/** Pages that are put back after each run. */
const DIRTY_LIMIT = 64;
const OUTCOMES: readonly ShortRunOutcome[] = ['returned', 'unhandled', 'no-progress', 'budget', 'stopped'];
const CALLEE_SAVED = [3, 5, 12, 13, 14, 15] as const;
const RAX = 0, RDX = 2, RSP = 4;

export class ShortRuns {
  readonly #cpu: WasmCpu;
  readonly #plan: ShortRunPlan;
  readonly #layout: DriverLayout;
  readonly #drive: (resume: number) => void;
  readonly #entries: readonly ShortRunEntry[];
  readonly #hits: Int32Array;
  readonly #driven: boolean;
  /** Where the poison buffer begins in its line. */
  readonly #skew: number;
  /** Where the content of each page that runs write is kept, by frame. */
  readonly #copies = new Map<number, number>();
  #slow = 0;
  #services = 0;

  /** Registers, memory and modes of `cpu` are what each run begins with. Without `driver` every case is a slow one: the reference. */
  constructor(cpu: WasmCpu, plan: ShortRunPlan, { driver = true }: { readonly driver?: boolean } = {}) {
    this.#cpu = cpu;
    this.#driven = driver;
    this.#plan = plan;
    checkPlan(plan);
    this.#skew = Number((plan.poison?.base ?? 0n) & 63n);
    const { arena, memory } = cpu;
    this.#entries = [...plan.table].sort((a, b) => (a.insn < b.insn ? -1 : a.insn > b.insn ? 1 : 0));
    this.#hits = new Int32Array(this.#entries.length);
    const judgedSize = plan.judged?.expected.length ?? 0;
    const pages = (bytes: number): number => Math.max(1, Math.ceil(bytes / PAGE_SIZE));
    const expected = arena.frames(pages(judgedSize));
    const baseline = arena.frames(pages(judgedSize));
    if (plan.judged !== undefined) {
      arena.u8.set(plan.judged.expected, expected);
      arena.u8.set(memory.read(plan.judged.base, judgedSize), baseline);
    }
    const poisonPage = plan.poison === undefined ? undefined : memory.pageAt(plan.poison.base);
    const mode = cpu.state.accessMode;
    const piece = plan.poison?.as ?? 'poison';
    this.#layout = {
      control: arena.frames(1), snapshot: arena.frames(1), cases: arena.frames(pages(BATCH * CASE.SIZE)), results: arena.frames(pages(BATCH * RESULT.SIZE)),
      table: arena.frames(pages(this.#entries.length * TABLE_ENTRY.SIZE)), entries: this.#entries.length,
      expected, baseline, judgedSize,
      judged: plan.judged === undefined ? 0 : contiguous(cpu, plan.judged.base, judgedSize, 'judged'),
      judgedUser: plan.judged !== undefined && memory.pageAt(plan.judged.base)?.permissions?.user === true,
      poisonHost: plan.poison === undefined ? 0 : contiguous(cpu, plan.poison.base, plan.poison.size, 'poison'),
      poisonUser: poisonPage?.permissions?.user === true, smap: (cpu.state.getControl(4) & (1n << 21n)) !== 0n, user: mode.user,
      piece: { access: piece === 'absent-write' ? ACCESS.WRITE : ACCESS.READ, vector: piece === 'poison' ? VECTOR.MC : VECTOR.PF },
      plan, calleeSaved: CALLEE_SAVED, runIndex: cpu.runIndex,
    };
    this.#writeTable();
    const instance = new WebAssembly.Instance(new WebAssembly.Module(driverModule(this.#layout)), { env: { memory: arena.memory, table: cpu.table } });
    this.#drive = instance.exports['drive'] as (resume: number) => void;
  }

  /** How often each entry, in the order of addresses, caught a fault. */
  get hits(): readonly { readonly insn: bigint; readonly count: number }[] {
    return this.#entries.map(({ insn }, i) => ({ insn, count: this.#hits[i]! + this.#cpu.arena.i32[(this.#layout.table + i * TABLE_ENTRY.SIZE + TABLE_ENTRY.HITS) >> 2]! }));
  }

  /** Cases that ran outside the driver, and questions it asked: for the bench. */
  get statistics(): { readonly slow: number; readonly services: number } {
    return { slow: this.#slow, services: this.#services };
  }

  /** Runs the cases in order and hands each result out; memory and registers are afterwards as before. */
  run(cases: Iterable<ShortRunCase>, onResult: (result: ShortRunResult, one: ShortRunCase, index: number) => void): void {
    this.#session((runBatch) => {
      let batch: ShortRunCase[] = [];
      let index = 0;
      const flush = (): void => {
        runBatch(batch.length, (i) => batch[i]!);
        batch.forEach((one, i) => { onResult(this.#result(i), one, index++); });
        batch = [];
      };
      for (const one of cases) {
        if (batch.push(one) === BATCH) flush();
      }
      if (batch.length > 0) flush();
    });
  }

  /** As {@link run} for many cases of which few are remarkable: `caseOf` may give the same object again and again; only runs that were not `kept` have a result. */
  judge(count: number, caseOf: (index: number) => ShortRunCase, onResult: (index: number, result: ShortRunResult | undefined, slot: number) => void): void {
    this.#session((runBatch) => {
      for (let first = 0; first < count; first += BATCH) {
        const size = Math.min(BATCH, count - first);
        runBatch(size, (i) => caseOf(first + i));
        const { i32 } = this.#cpu.arena;
        const { results } = this.#layout;
        for (let i = 0; i < size; i++) {
          const at = results + i * RESULT.SIZE;
          const kept = (i32[(at + RESULT.CHECKS) >> 2]! & RESULT.ALL) !== 0;
          onResult(first + i, kept ? undefined : this.#result(i), i);
        }
      }
    });
  }

  /** Where the first fault of the run in `slot` was, while {@link judge} tells of it. */
  firstFault(slot: number): bigint {
    return this.#cpu.arena.u64[(this.#layout.results + slot * RESULT.SIZE + RESULT.FIRST_FAULT) >> 3]!;
  }

  #session(act: (runBatch: (count: number, caseOf: (index: number) => ShortRunCase) => void) => void): void {
    const { cpu, state, memory } = { cpu: this.#cpu, state: this.#cpu.state, memory: this.#cpu.memory };
    const registers = state.save();
    const checkpoint = memory.checkpoint();
    if (!cpu.regions.covers(this.#plan.entry)) cpu.regions.compile(this.#plan.entry, this.#entries.map(({ fixup }) => fixup));
    cpu.arena.u8.set(registers, this.#layout.snapshot);
    cpu.arena.i32[(this.#layout.control + CONTROL.DIRTY) >> 2] = 0;
    try {
      this.#openPieces();
      act((count, caseOf) => { this.#runBatch(count, caseOf, registers, checkpoint); });
    } finally {
      memory.restore(checkpoint);
      memory.release(checkpoint);
      memory.closeWindows();
      state.restore(registers);
    }
  }

  #runBatch(size: number, caseOf: (index: number) => ShortRunCase, registers: Uint8Array, checkpoint: { readonly id: number }): void {
    const { control, cases } = this.#layout;
    const { arena } = this.#cpu;
    for (let i = 0; i < size; i++) this.#writeCase(cases + i * CASE.SIZE, caseOf(i));
    arena.i32[(control + CONTROL.INDEX) >> 2] = 0;
    arena.i32[(control + CONTROL.COUNT) >> 2] = size;
    if (!this.#driven) {
      for (let i = 0; i < size; i++) this.#runSlow(caseOf(i), i, registers, checkpoint);
      return;
    }
    let resume = 0;
    let asked = { index: -1, rip: 0n, left: -1, times: 0 };
    for (;;) {
      this.#cpu.prepare();
      this.#drive(resume);
      const i32 = arena.i32;
      const status = i32[(control + CONTROL.STATUS) >> 2]!;
      if (status === CONTROL.DONE) return;
      const index = i32[(control + CONTROL.INDEX) >> 2]!;
      const { rip } = this.#cpu.state;
      const left = i32[(control + CONTROL.LEFT) >> 2]!;
      const again = asked.index === index && asked.rip === rip && asked.left === left;
      asked = { index, rip, left, times: again ? asked.times + 1 : 0 };
      this.#services++;
      // The same question over and over: two accesses of one instruction want the same translation entry.
      if (status === CONTROL.SERVICE && asked.times < 4 && this.#serve()) {
        resume = 1;
        continue;
      }
      this.#runSlow(caseOf(index), index, registers, checkpoint);
      this.#openPieces();
      arena.i32[(control + CONTROL.INDEX) >> 2] = index + 1;
      resume = 0;
    }
  }

  /** Answers what the driver asks; false if the case has to be run slowly. */
  #serve(): boolean {
    const cpu = this.#cpu;
    const { i32, u64 } = cpu.arena;
    const { control } = this.#layout;
    if (i32[EXIT.STATUS >> 2] !== STATUS.MISS) return cpu.find();
    const address = u64[EXIT.ADDRESS >> 3]!;
    const size = i32[EXIT.SIZE >> 2]!;
    const kind = i32[EXIT.KIND >> 2]!;
    const writes = (kind & ACCESS.WRITE) !== 0;
    if (writes && !(this.#willBeDirty(address) && this.#willBeDirty(address + BigInt(size - 1)))) return false;
    const opened = cpu.memory.open(address, size, kind, cpu.state.accessMode, false);
    if (typeof opened !== 'boolean') return false;
    if (!opened) return true;
    const used = cpu.stepExact();
    i32[(control + CONTROL.LEFT) >> 2] = i32[(control + CONTROL.LEFT) >> 2]! - used;
    return used === 1;
  }

  /** Has the page of `address` put back after each run from now on. */
  #willBeDirty(address: bigint): boolean {
    const { arena, memory } = this.#cpu;
    const page = memory.pageAt(address);
    if (page?.permissions === undefined || page.code) return false;
    const { control } = this.#layout;
    const count = arena.i32[(control + CONTROL.DIRTY) >> 2]!;
    const list = control + CONTROL.DIRTY_LIST;
    for (let i = 0; i < count; i++) if (arena.i32[(list + 8 * i) >> 2] === page.frame) return true;
    if (count >= DIRTY_LIMIT) return false;
    let copy = this.#copies.get(page.frame);
    if (copy === undefined) this.#copies.set(page.frame, copy = arena.frames(1));
    arena.u8.copyWithin(copy, page.frame, page.frame + PAGE_SIZE);
    arena.i32[(list + 8 * count) >> 2] = page.frame;
    arena.i32[(list + 8 * count + 4) >> 2] = copy;
    arena.i32[(control + CONTROL.DIRTY) >> 2] = count + 1;
    return true;
  }

  /** Pages that the driver opens for writing by itself are put back like those it asks for. */
  #openPieces(): void {
    const { poison } = this.#plan;
    if (poison?.as !== 'absent-write') return;
    const { memory, state } = this.#cpu;
    const end = poison.base + BigInt(poison.size);
    for (let at = poison.base & ~0xfffn; at < end; at += BigInt(PAGE_SIZE)) {
      if (!this.#willBeDirty(at)) throw new RangeError('the buffer with faulting pieces cannot be written');
      memory.open(at, 1, ACCESS.WRITE, { ...state.accessMode, smap: false }, false);
    }
    memory.closeWindows();
  }

  /** One case through `Cpu.run`, its faults handled here. */
  #runSlow(one: ShortRunCase, index: number, registers: Uint8Array, checkpoint: { readonly id: number }): void {
    const { memory, state } = this.#cpu;
    const plan = this.#plan;
    this.#slow++;
    memory.restore(checkpoint);
    memory.closeWindows();
    state.restore(registers);
    state.rip = plan.entry;
    plan.varied.forEach(({ register, base }, i) => { state.setGeneral(register, base + BigInt(one.values[i] ?? 0)); });
    if (one.poison !== undefined && one.poison.size > 0 && plan.poison !== undefined) {
      const at = plan.poison.base + BigInt(one.poison.offset);
      if (one.poison.second !== undefined) memory.poison(plan.poison.base + BigInt(one.poison.second), 1);
      if ((plan.poison.as ?? 'poison') === 'poison') memory.poison(at, one.poison.size);
      else memory.remove(at, one.poison.size);
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
    this.#writeResult(index, one, { outcome, faults, vector, firstFault, instructions: Number(this.#cpu.instructions - before), registers });
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

  #writeTable(): void {
    const { arena } = this.#cpu;
    this.#entries.forEach((entry, i) => {
      const at = this.#layout.table + i * TABLE_ENTRY.SIZE;
      arena.i64[(at + TABLE_ENTRY.INSN) >> 3] = BigInt.asIntN(64, entry.insn);
      arena.i64[(at + TABLE_ENTRY.FIXUP) >> 3] = BigInt.asIntN(64, entry.fixup);
      arena.i32[(at + TABLE_ENTRY.VECTORS) >> 2] = entry.vectors.reduce((mask, vector) => mask | (1 << vector), 0);
      arena.i32[(at + TABLE_ENTRY.EFFECT) >> 2] = (entry.clearAx === true ? ENTRY_EFFECT.CLEAR_AX : 0) | (entry.clearDx === true ? ENTRY_EFFECT.CLEAR_DX : 0)
        | (entry.vectorInAx === true ? ENTRY_EFFECT.VECTOR_IN_AX : 0) | (entry.set !== undefined ? ENTRY_EFFECT.SET : 0);
      arena.i32[(at + TABLE_ENTRY.REGISTER) >> 2] = STATE.GENERAL + 8 * (entry.set?.register ?? 0);
      arena.i32[(at + TABLE_ENTRY.HITS) >> 2] = 0;
      arena.i64[(at + TABLE_ENTRY.VALUE) >> 3] = BigInt.asIntN(64, entry.set?.value ?? 0n);
    });
  }

  #writeCase(at: number, { values, poison, judged, length = 0, least = 0 }: ShortRunCase): void {
    const { i32 } = this.#cpu.arena;
    const word = at >> 2;
    for (let i = 0; i < this.#plan.varied.length; i++) i32[word + i] = values[i] ?? 0;
    let from = -1, to = -1, gapFrom = -1, gapTo = -1;
    if (poison !== undefined && poison.size > 0 && this.#plan.poison !== undefined) {
      from = poison.offset;
      to = from + poison.size;
      const lines = this.#cpu.memory.granule === 'line' && this.#layout.piece.vector === VECTOR.MC;
      const skew = this.#skew;
      if (lines) {
        from = ((from + skew) & ~63) - skew;
        to = ((to + skew + 63) & ~63) - skew;
      }
      if (poison.second !== undefined) {
        gapFrom = to;
        gapTo = lines ? ((poison.second + skew) & ~63) - skew : poison.second;
        to = gapTo + (lines ? 64 : 1);
      }
    }
    i32[word + (CASE.POISON_FROM >> 2)] = from;
    i32[word + (CASE.POISON_TO >> 2)] = to;
    i32[word + (CASE.JUDGED_AT >> 2)] = judged?.offset ?? 0;
    i32[word + (CASE.JUDGED_FROM >> 2)] = judged?.from ?? 0;
    i32[word + (CASE.JUDGED_SIZE >> 2)] = judged?.size ?? this.#layout.judgedSize;
    i32[word + (CASE.LENGTH >> 2)] = length | 0;
    i32[word + (CASE.LENGTH >> 2) + 1] = Math.floor(length / 2 ** 32);
    i32[word + (CASE.LEAST >> 2)] = least;
    i32[word + (CASE.GAP_FROM >> 2)] = gapFrom;
    i32[word + (CASE.GAP_TO >> 2)] = gapTo;
  }

  #writeResult(index: number, one: ShortRunCase, facts: {
    readonly outcome: ShortRunOutcome; readonly faults: number; readonly vector: number; readonly firstFault: bigint; readonly instructions: number; readonly registers: Uint8Array;
  }): void {
    const { arena, state } = this.#cpu;
    const at = this.#layout.results + index * RESULT.SIZE;
    const old = new DataView(facts.registers.buffer, facts.registers.byteOffset);
    const before = (register: number): bigint => old.getBigUint64(STATE.GENERAL - STATE.BASE + 8 * register, true);
    const oldFlags = old.getInt32(STATE.SYSTEM_FLAGS - STATE.BASE, true);
    const kept = CALLEE_SAVED.every((register) => state.getGeneral(register) === before(register)) && state.getGeneral(RSP) === before(RSP) + 8n
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

  #result(index: number): ShortRunResult {
    const { i32, u64 } = this.#cpu.arena;
    const at = this.#layout.results + index * RESULT.SIZE;
    const checks = i32[(at + RESULT.CHECKS) >> 2]!;
    return {
      outcome: OUTCOMES[i32[(at + RESULT.OUTCOME) >> 2]!]!, rax: u64[(at + RESULT.RAX) >> 3]!, instructions: i32[(at + RESULT.INSTRUCTIONS) >> 2]!,
      faults: i32[(at + RESULT.FAULTS) >> 2]!, vector: i32[(at + RESULT.VECTOR) >> 2]!, firstFault: u64[(at + RESULT.FIRST_FAULT) >> 3]!,
      done: i32[(at + RESULT.DONE) >> 2]!, restUntouched: (checks & RESULT.UNTOUCHED) !== 0, stateKept: (checks & RESULT.KEPT) !== 0,
      pendingNonTemporal: (checks & RESULT.PENDING_NT) !== 0, kept: (checks & RESULT.ALL) !== 0,
    };
  }
}

/** Host address of a buffer whose pages are all mapped with frames in a row. */
function contiguous({ memory }: WasmCpu, base: bigint, size: number, name: string): number {
  const first = memory.pageAt(base);
  if (first?.permissions === undefined) throw new RangeError(`the ${name} buffer at 0x${base.toString(16)} is not mapped`);
  const offset = Number(base & 0xfffn);
  for (let i = 1; i * PAGE_SIZE < offset + size; i++) {
    const page = memory.pageAt(base + BigInt(i * PAGE_SIZE - offset));
    if (page?.permissions === undefined || page.frame !== first.frame + i * PAGE_SIZE) throw new RangeError(`the ${name} buffer at 0x${base.toString(16)} was not mapped by one call`);
  }
  return first.frame + offset;
}

function checkPlan({ varied, guards, budget, table }: ShortRunPlan): void {
  if (varied.length > 7) throw new RangeError('at most 7 registers can vary');
  if (guards.length > 8) throw new RangeError('at most 8 guard ranges');
  if (!Number.isInteger(budget) || budget < 1 || budget > 2 ** 24) throw new RangeError('the budget of a short run is 1 to 2^24 instructions');
  for (const { vectors } of table) if (vectors.some((vector) => vector < 0 || vector > VECTOR.CP)) throw new RangeError('vectors are 0 to 21');
}

