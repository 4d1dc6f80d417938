/** The end of a short run: its result is written, and memory put back. */
import { STATE } from '../../memory/layout.ts';
import { FLAG } from '../cpu.ts';
import type { Code, Local } from '../wasm/code.ts';
import type { DriverCode } from './driver-code.ts';
import { CASE, CONTROL, EQUAL, RESULT } from './layout.ts';
import { writeVerdict } from './verdict.ts';

const RSP = 4;

/** Writes the case's result, puts memory back, and goes to the next case. */
export function writeFinish(driver: DriverCode): void {
  const c = driver.c;
  const { control, results, judged, judgedSize, expected, plan } = driver.layout;
  const result = c.local('i32'), checks = c.local('i32'), done = c.local('i32'), at = c.local('i32');
  c.i32(0).load('i32', control + CONTROL.INDEX).i32(RESULT.SIZE).op('i32_mul').i32(results).op('i32_add').set(result);
  c.get(result).i32(0).load('i64', STATE.GENERAL + 8 * (plan.returns ?? 0)).store('i64', RESULT.RAX);
  c.get(result).i32(0).load('i64', control + CONTROL.FIRST_FAULT).store('i64', RESULT.FIRST_FAULT);
  c.get(result).get(driver.outcome).store('i32', RESULT.OUTCOME);
  c.get(result).i32(plan.budget).get(driver.left).op('i32_sub').store('i32', RESULT.INSTRUCTIONS);
  c.get(result).i32(0).load('i32', control + CONTROL.FAULTS).store('i32', RESULT.FAULTS);
  c.get(result).i32(0).load('i32', control + CONTROL.VECTOR).store('i32', RESULT.VECTOR);
  checkState(driver, checks);
  if (judgedSize > 0) {
    c.get(driver.one).load('i32', CASE.JUDGED_AT).i32(judged).op('i32_add').tee(at);
    c.get(driver.one).load('i32', CASE.JUDGED_FROM).i32(expected).op('i32_add').get(driver.one).load('i32', CASE.JUDGED_SIZE).call(EQUAL).set(done);
  }
  driver.closePoisoned();
  restorePages(driver, at, done, checks);
  c.get(result).get(done).store('i32', RESULT.DONE);
  if (plan.verdict !== undefined) writeVerdict(driver, plan.verdict, done, checks);
  c.get(result).get(checks).store('i32', RESULT.CHECKS);
  c.i32(0).i32(0).load('i32', control + CONTROL.INDEX).i32(1).op('i32_add').store('i32', control + CONTROL.INDEX);
}

/** Registers and flags that a call has to leave as they were. */
function checkState(driver: DriverCode, checks: Local): void {
  const c = driver.c;
  const { snapshot, calleeSaved } = driver.layout;
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
function restorePages(driver: DriverCode, at: Local, done: Local, checks: Local): void {
  const c = driver.c;
  const { control, judged, judgedSize } = driver.layout;
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
