/**
 * Whether a run has certainly kept what its plan's verdict asks for, judged inside WebAssembly.
 */
import { STATE } from '../../memory/layout.ts';
import type { Code, Label, Local } from '../wasm/code.ts';
import type { DriverCode } from './driver-code.ts';
import { CASE, CONTROL, RESULT } from './layout.ts';
import type { ShortRunVerdict } from './plan.ts';

const MC = 18;

/** Code that sets {@link RESULT.ALL} in `checks` if the run kept all that the verdict asks for; `done` bytes are as expected. */
export function writeVerdict(driver: DriverCode, { work, answer, maxFaults, maxMachineChecks, trap, machineCheckBit }: ShortRunVerdict, done: Local, checks: Local): void {
  const c = driver.c;
  const { control, plan } = driver.layout;
  const left = c.local('i64'), claimed = c.local('i64');
  const faults = (): Code => c.i32(0).load('i32', control + CONTROL.FAULTS);
  const machineChecks = (): Code => c.i32(0).load('i32', control + CONTROL.MACHINE_CHECKS);
  const broken = c.block();
  const must = (): void => { c.op('i32_eqz').brIf(broken); };
  c.get(driver.outcome).op('i32_eqz');
  must();
  c.get(checks).i32(RESULT.UNTOUCHED | RESULT.KEPT).op('i32_eq');
  must();
  faults().i32(maxFaults).op('i32_le_u');
  must();
  machineChecks().i32(maxMachineChecks).op('i32_le_u');
  must();
  c.i32(0).load('i64', STATE.GENERAL + 8 * (plan.returns ?? 0)).set(left);
  if (trap !== undefined) {
    c.i32(0).load('i64', STATE.GENERAL + 8 * trap).i32(0).load('i32', control + CONTROL.VECTOR).op('i64_extend_i32_u').op('i64_eq');
    must();
  }
  if (machineCheckBit !== undefined) {
    const bit = 1n << BigInt(machineCheckBit);
    c.get(left).i64(bit).op('i64_and').op('i64_eqz').i32(0).load('i32', control + CONTROL.VECTOR).i32(MC).op('i32_eq').op('i32_ne');
    must();
    c.get(left).i64(~bit).op('i64_and').set(left);
  }
  if (work === 'sum') sumKept(driver, left, done, broken, must);
  else {
    const said = c.block();
    if (answer !== undefined) answered(driver, answer, { value: left, done }, said, broken);
    c.get(left).get(driver.one).load('i64', CASE.LENGTH).op('i64_le_u');
    must();
    c.get(driver.one).load('i64', CASE.LENGTH).get(left).op('i64_sub').tee(claimed);
    c.get(done).op('i64_extend_i32_u').op(work === 'exact' ? 'i64_eq' : 'i64_le_s');
    must();
    faults().if('i32');
    c.get(claimed).get(driver.one).load('i64_32s', CASE.LEAST).op('i64_ge_s');
    c.else();
    c.get(left).op('i64_eqz');
    c.end();
    must();
    c.end();
  }
  c.get(checks).i32(RESULT.ALL).op('i32_or').set(checks);
  c.end();
}

/** Makes an answer the bytes left. An error after a fault has `said` all, if enough is done; without one it is `broken`. */
function answered(driver: DriverCode, answer: 'done' | 'error', { value, done }: { readonly value: Local; readonly done: Local }, said: Label, broken: Label): void {
  const c = driver.c;
  const low = (): Code => c.get(value).op('i32_wrap_i64');
  if (answer === 'error') low();
  else {
    const narrow = (): Code => low().i32(-4095).op('i32_ge_u').get(value).i64(0xffff_ffffn).op('i64_le_u').op('i32_and');
    narrow();
    c.get(value).i64(-4095).op('i64_ge_u').op('i32_or');
  }
  c.if();
  c.get(done).get(driver.one).load('i32', CASE.LEAST).op('i32_lt_s').brIf(broken);
  c.i32(0).load('i32', driver.layout.control + CONTROL.FAULTS).brIf(said).br(broken);
  c.end();
  if (answer === 'error') c.i64(0).set(value);
  else {
    // More than all would become less than nothing.
    c.get(value).get(driver.one).load('i64', CASE.LENGTH).op('i64_gt_u').brIf(broken);
    c.get(driver.one).load('i64', CASE.LENGTH).get(value).op('i64_sub').set(value);
  }
}

/** A checksum is 0 in its lower half after a fault; else everything is copied and the sum folds to what the case expects. */
function sumKept(driver: DriverCode, sum: Local, done: Local, broken: Label, must: () => void): void {
  const c = driver.c;
  const folded = c.local('i32');
  c.i32(0).load('i32', driver.layout.control + CONTROL.FAULTS).if();
  c.get(sum).op('i32_wrap_i64').brIf(broken);
  c.else();
  c.get(done).op('i64_extend_i32_u').get(driver.one).load('i64', CASE.LENGTH).op('i64_ge_u');
  must();
  c.get(sum).op('i32_wrap_i64').set(folded);
  for (let i = 0; i < 2; i++) c.get(folded).i32(0xffff).op('i32_and').get(folded).i32(16).op('i32_shr_u').op('i32_add').set(folded);
  // 0xffff and 0 are the same sum.
  c.get(folded).i32(0).get(folded).i32(0xffff).op('i32_ne').op('select').set(folded);
  c.get(driver.one).load('i32', CASE.LEAST).i32(0).op('i32_lt_s').get(folded).get(driver.one).load('i32', CASE.LEAST).op('i32_eq').op('i32_or');
  must();
  c.end();
}
