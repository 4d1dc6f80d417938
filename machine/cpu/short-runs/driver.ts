/** The WebAssembly side of short runs: the loop over the cases of a batch, written for one plan, its constants in the code. */
import { ACCESS, EXIT, EXTRA, STATE, STATUS, USER_WINDOWS, WINDOWS } from '../../memory/layout.ts';
import { FLAG } from '../cpu.ts';
import { Code } from '../wasm/code.ts';
import type { Label, Local } from '../wasm/code.ts';
import { encodeModule } from '../wasm/module.ts';
import { CASE, CONTROL, ENTRY_EFFECT, isUserHalf, OUTCOME, RESULT, TABLE_ENTRY } from './layout.ts';
import type { DriverLayout } from './layout.ts';
import { VerdictWriter } from './verdict.ts';

/** State that is reset before each run: general registers to system flags and the pending mark. */
const RESET_SIZE = STATE.CPL - STATE.BASE;
const MC = 18, PF = 14;
const RSP = 4;

export function driverModule(layout: DriverLayout): Uint8Array {
  return encodeModule({
    types: [{ parameters: ['i32'], results: [] }, { parameters: ['i32', 'i32', 'i32'], results: ['i32'] }], table: true,
    functions: [{ type: 0, code: new Driver(layout).write(), export: 'drive' }, { type: 1, code: equalBytes() }],
  });
}
const EQUAL = 1;

/** (a, b, size) -> how many bytes from the start are equal. */
function equalBytes(): Code {
  const c = new Code(3);
  const at = c.local('i32'), a = c.local('i32'), b = c.local('i32');
  const out = c.block();
  // As long as there are so many bytes and they are equal.
  for (const vectors of [8, 1]) {
    const words = c.loop();
    const fewer = c.block();
    c.get(at).i32(16 * vectors).op('i32_add').get(2).op('i32_gt_u').brIf(fewer);
    c.get(0).get(at).op('i32_add').set(a).get(1).get(at).op('i32_add').set(b);
    for (let i = 0; i < vectors; i++) {
      c.get(a).load('v128', 16 * i).get(b).load('v128', 16 * i).simd('v128_xor');
      if (i > 0) c.simd('v128_or');
    }
    c.simd('v128_any_true').brIf(fewer);
    c.get(at).i32(16 * vectors).op('i32_add').set(at).br(words);
    c.end();
    c.end();
  }
  const single = c.loop();
  c.get(at).get(2).op('i32_ge_u').brIf(out);
  c.get(0).get(at).op('i32_add').load('i32_8u').get(1).get(at).op('i32_add').load('i32_8u').op('i32_ne').brIf(out);
  c.get(at).i32(1).op('i32_add').set(at).br(single).end();
  c.end();
  return c.get(at);
}

class Driver {
  readonly #layout: DriverLayout;
  readonly #c = new Code(1);
  readonly #case: Local;
  readonly #left: Local;
  readonly #poisonFrom: Local;
  readonly #poisonTo: Local;
  readonly #ea: Local;
  readonly #end: Local;
  readonly #vector: Local;
  readonly #outcome: Local;
  readonly #entry: Local;

  constructor(layout: DriverLayout) {
    this.#layout = layout;
    const c = this.#c;
    this.#case = c.local('i32');
    this.#left = c.local('i32');
    this.#poisonFrom = c.local('i64');
    this.#poisonTo = c.local('i64');
    this.#ea = c.local('i64');
    this.#end = c.local('i64');
    this.#vector = c.local('i32');
    this.#outcome = c.local('i32');
    this.#entry = c.local('i32');
  }

  write(): Code {
    const c = this.#c;
    const { control } = this.#layout;
    const leave = c.block();
    const nextCase = c.loop();
    c.i32(0).load('i32', control + CONTROL.INDEX).i32(CASE.SIZE).op('i32_mul').i32(this.#layout.cases).op('i32_add').set(this.#case);
    this.#readPoison();
    c.get(0).if();
    c.i32(0).load('i32', control + CONTROL.LEFT).set(this.#left);
    c.else();
    c.i32(0).load('i32', control + CONTROL.INDEX).i32(0).load('i32', control + CONTROL.COUNT).op('i32_ge_u').if();
    this.#say(CONTROL.DONE);
    c.br(leave);
    c.end();
    this.#reset();
    c.end();
    c.i32(0).set(0);
    const finish = c.block();
    const run = c.loop();
    c.get(this.#left).i32(this.#layout.runIndex).callIndirect(0);
    c.i32(0).load('i32', EXIT.REMAINING).set(this.#left);
    this.#answer(run, finish, leave);
    c.end();
    c.end();
    this.#finish();
    c.br(nextCase);
    c.end();
    c.end();
    return c;
  }

  #say(status: number): void {
    this.#c.i32(0).i32(status).store('i32', this.#layout.control + CONTROL.STATUS);
  }

  /** Leaves for TypeScript. */
  #ask(status: number, leave: Label): void {
    this.#say(status);
    this.#c.i32(0).get(this.#left).store('i32', this.#layout.control + CONTROL.LEFT);
    this.#c.br(leave);
  }

  #readPoison(): void {
    const c = this.#c;
    const base = this.#layout.plan.poison?.base ?? 0n;
    c.get(this.#case).load('i32', CASE.POISON_TO).i32(0).op('i32_lt_s').if();
    c.i64(0).set(this.#poisonFrom).i64(0).set(this.#poisonTo);
    c.else();
    c.get(this.#case).load('i64_32s', CASE.POISON_FROM).i64(base).op('i64_add').set(this.#poisonFrom);
    c.get(this.#case).load('i64_32s', CASE.POISON_TO).i64(base).op('i64_add').set(this.#poisonTo);
    c.end();
  }

  #reset(): void {
    const c = this.#c;
    const { control, snapshot, plan } = this.#layout;
    c.i32(STATE.BASE).i32(snapshot).i32(RESET_SIZE).memoryCopy();
    c.i32(0).i64(plan.entry).store('i64', STATE.RIP);
    plan.varied.forEach(({ register, base }, i) => {
      c.i32(0).get(this.#case).load('i64_32s', 4 * i).i64(base).op('i64_add').store('i64', STATE.GENERAL + 8 * register);
    });
    c.i32(0).i32(0).store('i32', EXTRA.COUNT);
    c.i32(0).i32(0).store('i32', control + CONTROL.FAULTS);
    c.i32(0).i32(0).store('i32', control + CONTROL.VECTOR);
    c.i32(0).i32(0).store('i32', control + CONTROL.MACHINE_CHECKS);
    c.i32(0).i64(0).store('i64', control + CONTROL.FIRST_FAULT);
    c.i32(plan.budget).set(this.#left);
    this.#closePoisoned();
  }

  /** Closes the windows of the pages that hold the case's poison. */
  #closePoisoned(): void {
    const c = this.#c;
    const entry = this.#entry;
    const at = c.local('i64');
    c.get(this.#poisonFrom).i64(-4096).op('i64_and').set(at);
    const done = c.block();
    const again = c.loop();
    c.get(at).get(this.#poisonTo).op('i64_ge_u').brIf(done);
    c.get(at).op('i32_wrap_i64').i32(8).op('i32_shr_u').i32(0xff0).op('i32_and').set(entry);
    // Half the table away from every address that selects the entry.
    const close = (table: number): void => { c.get(entry).get(entry).i32(0x800).op('i32_xor').op('i64_extend_i32_u').i64(8).op('i64_shl').store('i64', table); };
    if (this.#layout.piece.access === ACCESS.READ) close(WINDOWS.READ);
    else {
      close(WINDOWS.WRITE);
      // The read window may be another page's, which stays as it is.
      c.get(entry).load('i64', WINDOWS.READ).get(at).op('i64_eq').if();
      close(WINDOWS.READ);
      c.end();
    }
    c.get(at).i64(4096).op('i64_add').set(at).br(again).end().end();
  }

  /** After `run`: finishes the case, handles its fault, opens what is missing, or asks. */
  #answer(run: Label, finish: Label, leave: Label): void {
    const c = this.#c;
    const { plan } = this.#layout;
    const status = (): Code => c.i32(0).load('i32', EXIT.STATUS);
    const atStop = (): Code => c.i32(0).load('i64', STATE.RIP).i64(plan.stop).op('i64_eq');
    const end = (outcome: number): void => { c.i32(outcome).set(this.#outcome).br(finish); };
    atStop().if();
    end(OUTCOME.RETURNED);
    c.end();
    const fault = c.block();
    const missed = c.block();
    status().i32(STATUS.MISS).op('i32_eq').brIf(missed);
    status().i32(STATUS.LOOKUP).op('i32_eq').if();
    this.#ask(CONTROL.SERVICE, leave);
    c.end();
    status().op('i32_eqz').get(this.#left).op('i32_eqz').op('i32_and').if();
    end(OUTCOME.BUDGET);
    c.end();
    this.#ask(CONTROL.SLOW, leave);
    c.end();
    c.i32(0).load('i64', EXIT.ADDRESS).tee(this.#ea).i32(0).load('i64_32u', EXIT.SIZE).op('i64_add').set(this.#end);
    this.#guards(fault, end);
    if (plan.poison !== undefined) this.#poisonBuffer(run, fault, leave);
    this.#ask(CONTROL.SERVICE, leave);
    c.end();
    this.#handle(run, end);
  }

  /** A page fault if the access meets a guard, and begins there or in a buffer that is known to allow it. */
  #guards(fault: Label, end: (outcome: number) => void): void {
    const c = this.#c;
    const { plan, smap, user, poisonUser, judgedUser, judgedSize } = this.#layout;
    for (const { base, size } of plan.guards) {
      const other = c.block();
      c.get(this.#ea).i64(base + BigInt(size)).op('i64_ge_u').brIf(other);
      c.get(this.#end).i64(base).op('i64_le_u').brIf(other);
      const begins = c.block();
      c.get(this.#ea).i64(base).op('i64_ge_u').brIf(begins);
      const from = (buffer: { readonly base: bigint } | undefined, length: number, kind: number, userPages: boolean): void => {
        if (buffer === undefined) return;
        c.get(this.#ea).i64(buffer.base).op('i64_sub').i64(length).op('i64_lt_u').i32(0).load('i32', EXIT.KIND).i32(kind).op('i32_eq').op('i32_and');
        // With AC clear the fault is the buffer's own page's.
        if (userPages && smap && !user) c.i32(0).load('i32', STATE.SYSTEM_FLAGS).i32(FLAG.AC).op('i32_and').i32(0).op('i32_ne').op('i32_and');
        c.brIf(begins);
      };
      from(plan.poison, plan.poison?.size ?? 0, ACCESS.READ, poisonUser);
      from(plan.judged, judgedSize, ACCESS.WRITE, judgedUser);
      c.br(other);
      c.end();
      c.i32(PF).set(this.#vector);
      if (isUserHalf(base) && smap) {
        // The kernel does not look at its table for these.
        c.i32(0).load('i32', STATE.SYSTEM_FLAGS).i32(FLAG.AC).op('i32_and').op('i32_eqz').if();
        this.#recordFault();
        end(OUTCOME.UNHANDLED);
        c.end();
      }
      c.br(fault);
      c.end();
    }
  }

  /** Vector and, for the first, the place of a fault at rip. */
  #recordFault(): void {
    const c = this.#c;
    const { control } = this.#layout;
    c.i32(0).get(this.#vector).store('i32', control + CONTROL.VECTOR);
    c.i32(0).load('i32', control + CONTROL.FAULTS).op('i32_eqz').if();
    c.i32(0).i32(0).load('i64', STATE.RIP).store('i64', control + CONTROL.FIRST_FAULT);
    c.end();
  }

  /** Accesses to the buffer that may hold poison. */
  #poisonBuffer(run: Label, fault: Label, leave: Label): void {
    const c = this.#c;
    const { plan, poisonHost, poisonUser, smap, user, piece } = this.#layout;
    const { base, size } = plan.poison!;
    const firstPage = base & ~0xfffn;
    const end = base + BigInt(size);
    // Only plain accesses inside one page of the buffer are settled here.
    const outside = c.block();
    c.get(this.#ea).i64(firstPage).op('i64_lt_u').brIf(outside);
    c.get(this.#ea).i64((end + 0xfffn) & ~0xfffn).op('i64_ge_u').brIf(outside);
    // A plain write does not meet poison.
    if (piece.vector === MC) c.i32(0).load('i32', EXIT.KIND).i32(ACCESS.READ).op('i32_and').op('i32_eqz').brIf(outside);
    // What another access opens, it opens as a whole.
    c.i32(0).load('i32', EXIT.KIND).i32(piece.access).op('i32_ne').if();
    this.#ask(CONTROL.SLOW, leave);
    c.end();
    if (poisonUser && smap && !user) {
      c.i32(0).load('i32', STATE.SYSTEM_FLAGS).i32(FLAG.AC).op('i32_and').op('i32_eqz').if();
      this.#ask(CONTROL.SLOW, leave);
      c.end();
    }
    const page = c.local('i64'), host = c.local('i32'), entry = c.local('i32');
    c.get(this.#ea).i64(-4096).op('i64_and').set(page);
    const crossing = (): Code => c.get(this.#end).get(page).op('i64_sub').i64(4096).op('i64_gt_u');
    // Across the border of the buffer's last page: what is behind decides first.
    crossing().get(this.#end).i64((end + 0xfffn) & ~0xfffn).op('i64_gt_u').op('i32_and').brIf(outside);
    c.get(this.#ea).get(this.#poisonTo).op('i64_lt_u').get(this.#end).get(this.#poisonFrom).op('i64_gt_u').op('i32_and').if();
    // Between two pieces: no window can express it.
    c.get(this.#ea).get(this.#case).load('i64_32s', CASE.GAP_FROM).i64(base).op('i64_add').op('i64_ge_u');
    c.get(this.#end).get(this.#case).load('i64_32s', CASE.GAP_TO).i64(base).op('i64_add').op('i64_le_u').op('i32_and').if();
    this.#ask(CONTROL.SLOW, leave);
    c.end();
    c.i32(piece.vector).set(this.#vector).br(fault);
    c.end();
    crossing().brIf(outside);
    c.get(page).i64(base).op('i64_sub').op('i32_wrap_i64').i32(poisonHost).op('i32_add').set(host);
    c.get(this.#ea).op('i32_wrap_i64').i32(8).op('i32_shr_u').i32(0xff0).op('i32_and').i32(piece.access === ACCESS.READ ? WINDOWS.READ : WINDOWS.WRITE).op('i32_add').set(entry);
    const remember = (): void => {
      if (!poisonUser || user) return;
      // Opened by AC: the list that clac closes. A full list is TypeScript's business.
      const count = c.local('i32');
      c.i32(0).load('i32', USER_WINDOWS.COUNT).tee(count).i32(USER_WINDOWS.MAX).op('i32_ge_u').if();
      this.#ask(CONTROL.SERVICE, leave);
      c.end();
      c.get(count).i32(2).op('i32_shl').get(entry).store('i32', USER_WINDOWS.ENTRIES);
      c.i32(0).get(count).i32(1).op('i32_add').store('i32', USER_WINDOWS.COUNT);
    };
    // Nothing poisoned in this page: all of it.
    c.get(page).get(this.#poisonTo).op('i64_ge_u').get(page).i64(4096).op('i64_add').get(this.#poisonFrom).op('i64_le_u').op('i32_or').if();
    remember();
    c.get(entry).get(page).store('i64').get(entry).get(host).store('i32', 8).br(run);
    c.end();
    // Below the poison: up to it.
    c.get(this.#end).get(this.#poisonFrom).op('i64_le_u').if();
    remember();
    c.get(entry).get(this.#poisonFrom).i64(4096).op('i64_sub').store('i64');
    c.get(entry).get(this.#poisonFrom).i64(4096).op('i64_sub').get(page).op('i64_sub').op('i32_wrap_i64').get(host).op('i32_add').store('i32', 8);
    c.br(run);
    c.end();
    // Above it: an exact window to the page's end.
    if (poisonUser || piece.access !== ACCESS.READ) this.#ask(CONTROL.SLOW, leave);
    else {
      c.i32(0).load('i32', EXTRA.COUNT).if();
      this.#ask(CONTROL.SLOW, leave);
      c.end();
      c.i32(0).get(this.#poisonTo).store('i64', EXTRA.ENTRIES);
      c.i32(0).get(page).i64(4096).op('i64_add').store('i64', EXTRA.ENTRIES + 8);
      c.i32(0).get(this.#poisonTo).get(page).op('i64_sub').op('i32_wrap_i64').get(host).op('i32_add').store('i32', EXTRA.ENTRIES + 16);
      c.i32(0).i32(1).store('i32', EXTRA.ENTRIES + 20);
      c.i32(0).i32(1).store('i32', EXTRA.COUNT);
      c.br(run);
    }
    c.end();
  }

  /** A fault with `vector` at rip: exact binary search, effect, resume. */
  #handle(run: Label, end: (outcome: number) => void): void {
    const c = this.#c;
    const { control, table, entries } = this.#layout;
    const low = c.local('i32'), high = c.local('i32'), rip = c.local('i64'), entry = this.#entry;
    this.#recordFault();
    c.i32(0).load('i64', STATE.RIP).set(rip);
    c.i32(0).set(low).i32(entries).set(high);
    const searched = c.block();
    const search = c.loop();
    c.get(low).get(high).op('i32_ge_u').brIf(searched);
    const middle = c.local('i32');
    c.get(low).get(high).op('i32_add').i32(1).op('i32_shr_u').tee(middle).i32(TABLE_ENTRY.SIZE).op('i32_mul').i32(table).op('i32_add').set(entry);
    c.get(entry).load('i64', TABLE_ENTRY.INSN).get(rip).op('i64_lt_u').if();
    c.get(middle).i32(1).op('i32_add').set(low);
    c.else();
    c.get(middle).set(high);
    c.end();
    c.br(search).end().end();
    c.get(low).i32(TABLE_ENTRY.SIZE).op('i32_mul').i32(table).op('i32_add').set(entry);
    const found = c.block();
    const missing = c.block();
    c.get(low).i32(entries).op('i32_ge_u').brIf(missing);
    c.get(entry).load('i64', TABLE_ENTRY.INSN).get(rip).op('i64_ne').brIf(missing);
    c.get(entry).load('i32', TABLE_ENTRY.VECTORS).get(this.#vector).op('i32_shr_u').i32(1).op('i32_and').brIf(found);
    c.end();
    end(OUTCOME.UNHANDLED);
    c.end();
    c.get(entry).get(entry).load('i32', TABLE_ENTRY.HITS).i32(1).op('i32_add').store('i32', TABLE_ENTRY.HITS);
    c.i32(0).i32(0).load('i32', control + CONTROL.FAULTS).i32(1).op('i32_add').store('i32', control + CONTROL.FAULTS);
    c.i32(0).i32(0).load('i32', control + CONTROL.MACHINE_CHECKS).get(this.#vector).i32(MC).op('i32_eq').op('i32_add').store('i32', control + CONTROL.MACHINE_CHECKS);
    c.i32(0).load('i32', control + CONTROL.FAULTS).i32(this.#layout.plan.maxFaults).op('i32_gt_u').if();
    end(OUTCOME.NO_PROGRESS);
    c.end();
    const effect = (bit: number, write: () => void): void => {
      c.get(entry).load('i32', TABLE_ENTRY.EFFECT).i32(bit).op('i32_and').if();
      write();
      c.end();
    };
    effect(ENTRY_EFFECT.VECTOR_IN_AX, () => { c.i32(0).get(this.#vector).op('i64_extend_i32_u').store('i64', STATE.GENERAL); });
    effect(ENTRY_EFFECT.SET, () => { c.get(entry).load('i32', TABLE_ENTRY.REGISTER).get(entry).load('i64', TABLE_ENTRY.VALUE).store('i64'); });
    effect(ENTRY_EFFECT.CLEAR_AX, () => { c.i32(0).i64(0).store('i64', STATE.GENERAL); });
    effect(ENTRY_EFFECT.CLEAR_DX, () => { c.i32(0).i64(0).store('i64', STATE.GENERAL + 16); });
    c.i32(0).get(entry).load('i64', TABLE_ENTRY.FIXUP).store('i64', STATE.RIP);
    c.i32(0).i32(0).store('i32', STATE.PENDING_NT);
    c.br(run);
  }

  /** Writes the case's result, puts memory back, and goes to the next case. */
  #finish(): void {
    const c = this.#c;
    const { control, results, judged, judgedSize, expected, plan } = this.#layout;
    const result = c.local('i32'), checks = c.local('i32'), done = c.local('i32'), at = c.local('i32');
    c.i32(0).load('i32', control + CONTROL.INDEX).i32(RESULT.SIZE).op('i32_mul').i32(results).op('i32_add').set(result);
    c.get(result).i32(0).load('i64', STATE.GENERAL + 8 * (plan.returns ?? 0)).store('i64', RESULT.RAX);
    c.get(result).i32(0).load('i64', control + CONTROL.FIRST_FAULT).store('i64', RESULT.FIRST_FAULT);
    c.get(result).get(this.#outcome).store('i32', RESULT.OUTCOME);
    c.get(result).i32(plan.budget).get(this.#left).op('i32_sub').store('i32', RESULT.INSTRUCTIONS);
    c.get(result).i32(0).load('i32', control + CONTROL.FAULTS).store('i32', RESULT.FAULTS);
    c.get(result).i32(0).load('i32', control + CONTROL.VECTOR).store('i32', RESULT.VECTOR);
    this.#checkState(checks);
    if (judgedSize > 0) {
      c.get(this.#case).load('i32', CASE.JUDGED_AT).i32(judged).op('i32_add').tee(at);
      c.get(this.#case).load('i32', CASE.JUDGED_FROM).i32(expected).op('i32_add').get(this.#case).load('i32', CASE.JUDGED_SIZE).call(EQUAL).set(done);
    }
    this.#closePoisoned();
    this.#restorePages(at, done, checks);
    c.get(result).get(done).store('i32', RESULT.DONE);
    if (plan.verdict !== undefined) new VerdictWriter(c, this.#layout, { one: this.#case, outcome: this.#outcome }).write(plan.verdict, done, checks);
    c.get(result).get(checks).store('i32', RESULT.CHECKS);
    c.i32(0).i32(0).load('i32', control + CONTROL.INDEX).i32(1).op('i32_add').store('i32', control + CONTROL.INDEX);
  }

  /** Registers and flags that a call has to leave as they were. */
  #checkState(checks: Local): void {
    const c = this.#c;
    const { snapshot, calleeSaved } = this.#layout;
    c.i32(1);
    const was = (address: number): number => snapshot + address - STATE.BASE;
    for (const register of calleeSaved) {
      const address = STATE.GENERAL + 8 * register;
      c.i32(0).load('i64', address).i32(0).load('i64', was(address)).op('i64_eq').op('i32_and');
    }
    const rsp = STATE.GENERAL + 8 * RSP;
    c.i32(0).load('i64', rsp).i32(0).load('i64', was(rsp)).op('i64_sub').i64(8).op('i64_eq').op('i32_and');
    c.i32(0).load('i32', STATE.SYSTEM_FLAGS).i32(0).load('i32', was(STATE.SYSTEM_FLAGS)).op('i32_xor').i32(FLAG.DF | FLAG.AC).op('i32_and').op('i32_eqz').op('i32_and');
    c.i32(Math.log2(RESULT.KEPT)).op('i32_shl').i32(0).load('i32', STATE.PENDING_NT).i32(Math.log2(RESULT.PENDING_NT)).op('i32_shl').op('i32_or');
    c.i32(RESULT.UNTOUCHED).op('i32_or').set(checks);
  }

  /** Puts back each page that was written; those of the judged buffer are compared outside the `done` bytes at `at`, and most often only these differ. */
  #restorePages(at: Local, done: Local, checks: Local): void {
    const c = this.#c;
    const { control, judged, judgedSize } = this.#layout;
    const item = c.local('i32'), end = c.local('i32'), page = c.local('i32'), copy = c.local('i32'), from = c.local('i32'), to = c.local('i32');
    c.i32(control + CONTROL.DIRTY_LIST).tee(item).i32(0).load('i32', control + CONTROL.DIRTY).i32(3).op('i32_shl').op('i32_add').set(end);
    const finished = c.block();
    const again = c.loop();
    c.get(item).get(end).op('i32_ge_u').brIf(finished);
    c.get(item).load('i32').set(page).get(item).load('i32', 4).set(copy);
    c.get(item).i32(8).op('i32_add').set(item);
    if (judgedSize > 0) {
      const differs = c.block();
      // The buffer's pages have frames in a row.
      c.get(page).i32(judged & ~0xfff).op('i32_sub').i32((judged & 0xfff) + judgedSize).op('i32_ge_u').brIf(differs);
      const clamp = (value: () => Code, local: Local): void => {
        value().set(local);
        c.get(local).get(page).get(local).get(page).op('i32_gt_u').op('select').set(local);
        c.get(local).get(page).i32(4096).op('i32_add').get(local).get(page).i32(4096).op('i32_add').op('i32_lt_u').op('select').set(local);
      };
      clamp(() => c.get(at), from);
      clamp(() => c.get(at).get(done).op('i32_add'), to);
      const front = (): Code => c.get(from).get(page).op('i32_sub');
      c.get(page).get(copy);
      front().call(EQUAL);
      front().op('i32_ne');
      const rest = (): Code => c.get(page).i32(4096).op('i32_add').get(to).op('i32_sub');
      c.get(to).get(copy).get(to).get(page).op('i32_sub').op('i32_add');
      rest().call(EQUAL);
      rest().op('i32_ne').op('i32_or').if();
      c.get(checks).i32(~RESULT.UNTOUCHED).op('i32_and').set(checks).br(differs);
      c.end();
      c.get(from).get(copy);
      front().op('i32_add').get(to).get(from).op('i32_sub').memoryCopy();
      c.br(again);
      c.end();
    }
    c.get(page).get(copy).i32(4096).memoryCopy();
    c.br(again).end().end();
  }
}
