/** The faults of a short run: what an access that was not possible meets, and what the exception table makes of it. */
import { ACCESS, EXIT, EXTRA, STATE, USER_WINDOWS, WINDOWS } from '../../memory/layout.ts';
import { FLAG } from '../cpu.ts';
import type { Code, Label } from '../wasm/code.ts';
import type { DriverCode } from './driver-code.ts';
import { CASE, CONTROL, ENTRY_EFFECT, isUserHalf, OUTCOME, TABLE_ENTRY } from './layout.ts';

const MC = 18, PF = 14;

/** A page fault if the access meets a guard, and begins there or in a buffer that is known to allow it. */
export function writeGuards(driver: DriverCode, fault: Label, end: (outcome: number) => void): void {
  const c = driver.c;
  const { plan, smap, user, poisonUser, judgedUser, judgedSize } = driver.layout;
  for (const { base, size } of plan.guards) {
    const other = c.block();
    c.get(driver.ea).i64(base + BigInt(size)).op('i64_ge_u').brIf(other);
    c.get(driver.end).i64(base).op('i64_le_u').brIf(other);
    const begins = c.block();
    c.get(driver.ea).i64(base).op('i64_ge_u').brIf(begins);
    const from = (buffer: { readonly base: bigint } | undefined, length: number, kind: number, userPages: boolean): void => {
      if (buffer === undefined) return;
      c.get(driver.ea).i64(buffer.base).op('i64_sub').i64(length).op('i64_lt_u').i32(0).load('i32', EXIT.KIND).i32(kind).op('i32_eq').op('i32_and');
      // With AC clear the fault is the buffer's own page's.
      if (userPages && smap && !user) c.i32(0).load('i32', STATE.SYSTEM_FLAGS).i32(FLAG.AC).op('i32_and').i32(0).op('i32_ne').op('i32_and');
      c.brIf(begins);
    };
    from(plan.poison, plan.poison?.size ?? 0, ACCESS.READ, poisonUser);
    from(plan.judged, judgedSize, ACCESS.WRITE, judgedUser);
    c.br(other);
    c.end();
    c.i32(PF).set(driver.vector);
    if (isUserHalf(base) && smap) {
      // The kernel does not look at its table for these.
      c.i32(0).load('i32', STATE.SYSTEM_FLAGS).i32(FLAG.AC).op('i32_and').op('i32_eqz').if();
      recordFault(driver);
      end(OUTCOME.UNHANDLED);
      c.end();
    }
    c.br(fault);
    c.end();
  }
}

/** Accesses to the buffer that may hold poison. */
export function writePoisonBuffer(driver: DriverCode, run: Label, fault: Label, leave: Label): void {
  const c = driver.c;
  const { plan, poisonHost, poisonUser, smap, user, piece } = driver.layout;
  const { base, size } = plan.poison!;
  const firstPage = base & ~0xfffn;
  const end = base + BigInt(size);
  // Only plain accesses inside one page of the buffer are settled here.
  const outside = c.block();
  c.get(driver.ea).i64(firstPage).op('i64_lt_u').brIf(outside);
  c.get(driver.ea).i64((end + 0xfffn) & ~0xfffn).op('i64_ge_u').brIf(outside);
  // A plain write does not meet poison.
  if (piece.vector === MC) c.i32(0).load('i32', EXIT.KIND).i32(ACCESS.READ).op('i32_and').op('i32_eqz').brIf(outside);
  // What another access opens, it opens as a whole.
  c.i32(0).load('i32', EXIT.KIND).i32(piece.access).op('i32_ne').if();
  driver.ask(CONTROL.SLOW, leave);
  c.end();
  if (poisonUser && smap && !user) {
    c.i32(0).load('i32', STATE.SYSTEM_FLAGS).i32(FLAG.AC).op('i32_and').op('i32_eqz').if();
    driver.ask(CONTROL.SLOW, leave);
    c.end();
  }
  const page = c.local('i64'), host = c.local('i32'), entry = c.local('i32');
  c.get(driver.ea).i64(-4096).op('i64_and').set(page);
  const crossing = (): Code => c.get(driver.end).get(page).op('i64_sub').i64(4096).op('i64_gt_u');
  // Across the border of the buffer's last page: what is behind decides first.
  crossing().get(driver.end).i64((end + 0xfffn) & ~0xfffn).op('i64_gt_u').op('i32_and').brIf(outside);
  c.get(driver.ea).get(driver.poisonTo).op('i64_lt_u').get(driver.end).get(driver.poisonFrom).op('i64_gt_u').op('i32_and').if();
  // Between two pieces: no window can express it.
  c.get(driver.ea).get(driver.one).load('i64_32s', CASE.GAP_FROM).i64(base).op('i64_add').op('i64_ge_u');
  c.get(driver.end).get(driver.one).load('i64_32s', CASE.GAP_TO).i64(base).op('i64_add').op('i64_le_u').op('i32_and').if();
  driver.ask(CONTROL.SLOW, leave);
  c.end();
  c.i32(piece.vector).set(driver.vector).br(fault);
  c.end();
  crossing().brIf(outside);
  c.get(page).i64(base).op('i64_sub').op('i32_wrap_i64').i32(poisonHost).op('i32_add').set(host);
  c.get(driver.ea).op('i32_wrap_i64').i32(8).op('i32_shr_u').i32(0xff0).op('i32_and').i32(piece.access === ACCESS.READ ? WINDOWS.READ : WINDOWS.WRITE).op('i32_add').set(entry);
  const remember = (): void => {
    if (!poisonUser || user) return;
    // Opened by AC: the list that clac closes. A full list is TypeScript's business.
    const count = c.local('i32');
    c.i32(0).load('i32', USER_WINDOWS.COUNT).tee(count).i32(USER_WINDOWS.MAX).op('i32_ge_u').if();
    driver.ask(CONTROL.SERVICE, leave);
    c.end();
    c.get(count).i32(2).op('i32_shl').get(entry).store('i32', USER_WINDOWS.ENTRIES);
    c.i32(0).get(count).i32(1).op('i32_add').store('i32', USER_WINDOWS.COUNT);
  };
  // Nothing poisoned in this page: all of it.
  c.get(page).get(driver.poisonTo).op('i64_ge_u').get(page).i64(4096).op('i64_add').get(driver.poisonFrom).op('i64_le_u').op('i32_or').if();
  remember();
  c.get(entry).get(page).store('i64').get(entry).get(host).store('i32', 8).br(run);
  c.end();
  // Below the poison: up to it.
  c.get(driver.end).get(driver.poisonFrom).op('i64_le_u').if();
  remember();
  c.get(entry).get(driver.poisonFrom).i64(4096).op('i64_sub').store('i64');
  c.get(entry).get(driver.poisonFrom).i64(4096).op('i64_sub').get(page).op('i64_sub').op('i32_wrap_i64').get(host).op('i32_add').store('i32', 8);
  c.br(run);
  c.end();
  // Above it: an exact window to the page's end.
  if (poisonUser || piece.access !== ACCESS.READ) driver.ask(CONTROL.SLOW, leave);
  else {
    c.i32(0).load('i32', EXTRA.COUNT).if();
    driver.ask(CONTROL.SLOW, leave);
    c.end();
    c.i32(0).get(driver.poisonTo).store('i64', EXTRA.ENTRIES);
    c.i32(0).get(page).i64(4096).op('i64_add').store('i64', EXTRA.ENTRIES + 8);
    c.i32(0).get(driver.poisonTo).get(page).op('i64_sub').op('i32_wrap_i64').get(host).op('i32_add').store('i32', EXTRA.ENTRIES + 16);
    c.i32(0).i32(1).store('i32', EXTRA.ENTRIES + 20);
    c.i32(0).i32(1).store('i32', EXTRA.COUNT);
    c.br(run);
  }
  c.end();
}

/** A fault with `vector` at rip: exact binary search, effect, resume. */
export function writeHandling(driver: DriverCode, run: Label, end: (outcome: number) => void): void {
  const c = driver.c;
  const { control, table, entries } = driver.layout;
  const low = c.local('i32'), high = c.local('i32'), rip = c.local('i64'), entry = driver.entry;
  recordFault(driver);
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
  c.get(entry).load('i32', TABLE_ENTRY.VECTORS).get(driver.vector).op('i32_shr_u').i32(1).op('i32_and').brIf(found);
  c.end();
  end(OUTCOME.UNHANDLED);
  c.end();
  c.get(entry).get(entry).load('i32', TABLE_ENTRY.HITS).i32(1).op('i32_add').store('i32', TABLE_ENTRY.HITS);
  c.i32(0).i32(0).load('i32', control + CONTROL.FAULTS).i32(1).op('i32_add').store('i32', control + CONTROL.FAULTS);
  c.i32(0).i32(0).load('i32', control + CONTROL.MACHINE_CHECKS).get(driver.vector).i32(MC).op('i32_eq').op('i32_add').store('i32', control + CONTROL.MACHINE_CHECKS);
  c.i32(0).load('i32', control + CONTROL.FAULTS).i32(driver.layout.plan.maxFaults).op('i32_gt_u').if();
  end(OUTCOME.NO_PROGRESS);
  c.end();
  const effect = (bit: number, write: () => void): void => {
    c.get(entry).load('i32', TABLE_ENTRY.EFFECT).i32(bit).op('i32_and').if();
    write();
    c.end();
  };
  effect(ENTRY_EFFECT.VECTOR_IN_AX, () => { c.i32(0).get(driver.vector).op('i64_extend_i32_u').store('i64', STATE.GENERAL); });
  effect(ENTRY_EFFECT.SET, () => { c.get(entry).load('i32', TABLE_ENTRY.REGISTER).get(entry).load('i64', TABLE_ENTRY.VALUE).store('i64'); });
  effect(ENTRY_EFFECT.CLEAR_AX, () => { c.i32(0).i64(0).store('i64', STATE.GENERAL); });
  effect(ENTRY_EFFECT.CLEAR_DX, () => { c.i32(0).i64(0).store('i64', STATE.GENERAL + 16); });
  c.i32(0).get(entry).load('i64', TABLE_ENTRY.FIXUP).store('i64', STATE.RIP);
  c.i32(0).i32(0).store('i32', STATE.PENDING_NT);
  c.br(run);
}

/** Vector and, for the first, the place of a fault at rip. */
function recordFault(driver: DriverCode): void {
  const c = driver.c;
  const { control } = driver.layout;
  c.i32(0).get(driver.vector).store('i32', control + CONTROL.VECTOR);
  c.i32(0).load('i32', control + CONTROL.FAULTS).op('i32_eqz').if();
  c.i32(0).i32(0).load('i64', STATE.RIP).store('i64', control + CONTROL.FIRST_FAULT);
  c.end();
}
