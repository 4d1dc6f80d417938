/**
 * Many short runs of one routine, each with other arguments and another poisoned place, driven inside WebAssembly: registers are reset,
 * the routine runs, its faults are looked up in an exception table, memory is put back, and the buffer it wrote is compared, all without
 * coming back to JavaScript. What the driver does not know (a page it has not met, an access across a page border) it asks for and goes
 * on; what it must not decide (a system instruction, a poisoned read-modify-write) makes the case a *slow* one, which runs through
 * {@link Cpu.run} from its start. Results are the same either way.
 */
import { VECTOR } from '../cpu.ts';
import { PAGE_SIZE } from '../../memory/memory.ts';
import { ACCESS, EXIT, STATUS } from '../../memory/layout.ts';
import type { WasmCpu } from '../wasm-cpu.ts';
import { driverModule } from './driver.ts';
import { CASE, CONTROL, RESULT, TABLE_ENTRY } from './layout.ts';
import type { DriverLayout } from './layout.ts';
import type { ShortRunCase, ShortRunEntry, ShortRunPlan, ShortRunResult } from './plan.ts';
import { readResult, writeCase, writeTable } from './records.ts';
import { SlowRuns } from './slow-runs.ts';

/** Cases handed to the driver at a time. */
const BATCH = 2048;
/** Pages that are put back after each run. */
const DIRTY_LIMIT = 64;
const CALLEE_SAVED = [3, 5, 12, 13, 14, 15] as const;

export class ShortRuns {
  readonly #cpu: WasmCpu;
  readonly #plan: ShortRunPlan;
  readonly #layout: DriverLayout;
  readonly #drive: (resume: number) => void;
  readonly #entries: readonly ShortRunEntry[];
  readonly #slow: SlowRuns;
  readonly #driven: boolean;
  /** Where the content of each page that runs write is kept, by frame. */
  readonly #copies = new Map<number, number>();
  #services = 0;

  /** Registers, memory and modes of `cpu` are what each run begins with. Without `driver` every case is a slow one: the reference. */
  constructor(cpu: WasmCpu, plan: ShortRunPlan, { driver = true }: { readonly driver?: boolean } = {}) {
    this.#cpu = cpu;
    this.#driven = driver;
    this.#plan = plan;
    checkPlan(plan);
    const { arena, memory } = cpu;
    this.#entries = [...plan.table].sort((a, b) => (a.insn < b.insn ? -1 : a.insn > b.insn ? 1 : 0));
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
    writeTable(cpu, this.#layout.table, this.#entries);
    this.#slow = new SlowRuns(cpu, this.#layout, this.#entries);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(driverModule(this.#layout)), { env: { memory: arena.memory, table: cpu.table } });
    this.#drive = instance.exports['drive'] as (resume: number) => void;
  }

  /** How often each entry, in the order of addresses, caught a fault. */
  get hits(): readonly { readonly insn: bigint; readonly count: number }[] {
    return this.#entries.map(({ insn }, i) => ({ insn, count: this.#slow.hits[i]! + this.#cpu.arena.i32[(this.#layout.table + i * TABLE_ENTRY.SIZE + TABLE_ENTRY.HITS) >> 2]! }));
  }

  /** Cases that ran outside the driver, and questions it asked: for the bench. */
  get statistics(): { readonly slow: number; readonly services: number } {
    return { slow: this.#slow.count, services: this.#services };
  }

  /** Runs the cases in order and hands each result out; memory and registers are afterwards as before. */
  run(cases: Iterable<ShortRunCase>, onResult: (result: ShortRunResult, one: ShortRunCase, index: number) => void): void {
    this.#session((runBatch) => {
      let batch: ShortRunCase[] = [];
      let index = 0;
      const flush = (): void => {
        runBatch(batch.length, (i) => batch[i]!);
        batch.forEach((one, i) => { onResult(this.#resultOf(i), one, index++); });
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
          onResult(first + i, kept ? undefined : this.#resultOf(i), i);
        }
      }
    });
  }

  /** Where the first fault of the run in `slot` was, while {@link judge} tells of it. */
  firstFault(slot: number): bigint {
    return this.#cpu.arena.u64[(this.#layout.results + slot * RESULT.SIZE + RESULT.FIRST_FAULT) >> 3]!;
  }

  #resultOf(slot: number): ShortRunResult {
    return readResult(this.#cpu, this.#layout.results + slot * RESULT.SIZE);
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
    const { control, cases, results } = this.#layout;
    const { arena } = this.#cpu;
    for (let i = 0; i < size; i++) writeCase(this.#cpu, this.#layout, cases + i * CASE.SIZE, caseOf(i));
    arena.i32[(control + CONTROL.INDEX) >> 2] = 0;
    arena.i32[(control + CONTROL.COUNT) >> 2] = size;
    if (!this.#driven) {
      for (let i = 0; i < size; i++) this.#slow.run(caseOf(i), results + i * RESULT.SIZE, registers, checkpoint);
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
      this.#slow.run(caseOf(index), results + index * RESULT.SIZE, registers, checkpoint);
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

