/** The WebAssembly side of short runs: the loop over the cases of a batch, written for one plan, its constants in the code. */
import { EXIT, EXTRA, STATE, STATUS } from '../../memory/layout.ts';
import type { Code, Label } from '../wasm/code.ts';
import { encodeModule } from '../wasm/module.ts';
import { DriverCode } from './driver-code.ts';
import { equalBytes } from './equal-bytes.ts';
import { writeGuards, writeHandling, writePoisonBuffer } from './faults.ts';
import { writeFinish } from './finish.ts';
import { CASE, CONTROL, OUTCOME } from './layout.ts';
import type { DriverLayout } from './layout.ts';

/** State that is reset before each run: general registers to system flags and the pending mark. */
const RESET_SIZE = STATE.CPL - STATE.BASE;

/** The module that exports `drive`; its second function is the one that compares bytes. */
export function driverModule(layout: DriverLayout): Uint8Array {
  return encodeModule({
    types: [{ parameters: ['i32'], results: [] }, { parameters: ['i32', 'i32', 'i32'], results: ['i32'] }], table: true,
    functions: [{ type: 0, code: writeLoop(layout), export: 'drive' }, { type: 1, code: equalBytes() }],
  });
}

/** (resume): runs cases from the one in hand, which was begun already if `resume` is 1, until all are done or something is asked. */
function writeLoop(layout: DriverLayout): Code {
  const driver = new DriverCode(layout);
  const c = driver.c;
  const { control } = layout;
  const leave = c.block();
  const nextCase = c.loop();
  c.i32(0).load('i32', control + CONTROL.INDEX).i32(CASE.SIZE).op('i32_mul').i32(layout.cases).op('i32_add').set(driver.one);
  readPoison(driver);
  c.get(0).if();
  c.i32(0).load('i32', control + CONTROL.LEFT).set(driver.left);
  c.else();
  c.i32(0).load('i32', control + CONTROL.INDEX).i32(0).load('i32', control + CONTROL.COUNT).op('i32_ge_u').if();
  driver.say(CONTROL.DONE);
  c.br(leave);
  c.end();
  reset(driver);
  c.end();
  c.i32(0).set(0);
  const finish = c.block();
  const run = c.loop();
  c.get(driver.left).i32(layout.runIndex).callIndirect(0);
  c.i32(0).load('i32', EXIT.REMAINING).set(driver.left);
  answer(driver, run, finish, leave);
  c.end();
  c.end();
  writeFinish(driver);
  c.br(nextCase);
  c.end();
  c.end();
  return c;
}

function readPoison(driver: DriverCode): void {
  const c = driver.c;
  const base = driver.layout.plan.poison?.base ?? 0n;
  c.get(driver.one).load('i32', CASE.POISON_TO).i32(0).op('i32_lt_s').if();
  c.i64(0).set(driver.poisonFrom).i64(0).set(driver.poisonTo);
  c.else();
  c.get(driver.one).load('i64_32s', CASE.POISON_FROM).i64(base).op('i64_add').set(driver.poisonFrom);
  c.get(driver.one).load('i64_32s', CASE.POISON_TO).i64(base).op('i64_add').set(driver.poisonTo);
  c.end();
}

function reset(driver: DriverCode): void {
  const c = driver.c;
  const { control, snapshot, plan } = driver.layout;
  c.i32(STATE.BASE).i32(snapshot).i32(RESET_SIZE).memoryCopy();
  c.i32(0).i64(plan.entry).store('i64', STATE.RIP);
  plan.varied.forEach(({ register, base }, i) => {
    c.i32(0).get(driver.one).load('i64_32s', 4 * i).i64(base).op('i64_add').store('i64', STATE.GENERAL + 8 * register);
  });
  c.i32(0).i32(0).store('i32', EXTRA.COUNT);
  c.i32(0).i32(0).store('i32', control + CONTROL.FAULTS);
  c.i32(0).i32(0).store('i32', control + CONTROL.VECTOR);
  c.i32(0).i32(0).store('i32', control + CONTROL.MACHINE_CHECKS);
  c.i32(0).i64(0).store('i64', control + CONTROL.FIRST_FAULT);
  c.i32(plan.budget).set(driver.left);
  driver.closePoisoned();
}

/** After `run`: finishes the case, handles its fault, opens what is missing, or asks. */
function answer(driver: DriverCode, run: Label, finish: Label, leave: Label): void {
  const c = driver.c;
  const { plan } = driver.layout;
  const status = (): Code => c.i32(0).load('i32', EXIT.STATUS);
  const atStop = (): Code => c.i32(0).load('i64', STATE.RIP).i64(plan.stop).op('i64_eq');
  const end = (outcome: number): void => { c.i32(outcome).set(driver.outcome).br(finish); };
  atStop().if();
  end(OUTCOME.RETURNED);
  c.end();
  const fault = c.block();
  const missed = c.block();
  status().i32(STATUS.MISS).op('i32_eq').brIf(missed);
  status().i32(STATUS.LOOKUP).op('i32_eq').if();
  driver.ask(CONTROL.SERVICE, leave);
  c.end();
  status().op('i32_eqz').get(driver.left).op('i32_eqz').op('i32_and').if();
  end(OUTCOME.BUDGET);
  c.end();
  driver.ask(CONTROL.SLOW, leave);
  c.end();
  c.i32(0).load('i64', EXIT.ADDRESS).tee(driver.ea).i32(0).load('i64_32u', EXIT.SIZE).op('i64_add').set(driver.end);
  writeGuards(driver, fault, end);
  if (plan.poison !== undefined) writePoisonBuffer(driver, run, fault, leave);
  driver.ask(CONTROL.SERVICE, leave);
  c.end();
  writeHandling(driver, run, end);
}
