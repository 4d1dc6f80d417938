/**
 * Whether a call did what a routine of its kind is for, and said of it what is true.
 */
import { GENERAL_REGISTERS, VECTOR } from '../../machine/cpu/cpu.ts';
import type { Buffer } from '../../machine/scenario/scenario.ts';
import { firstFaultByte } from '../space.ts';
import { firstDifference, fromLittleEndian } from './bytes.ts';
import { checksum, foldChecksum } from './checksum.ts';
import { isError } from './error-value.ts';
import type { JudgedRun } from './judged-run.ts';

/** Adds what is wrong with the work of a call that returned: the bytes, the value or the checksum its contract is about, and what it said of them. */
export function judgeWork(run: JudgedRun): void {
  judgeExceptionSaid(run);
  switch (run.contract.kind) {
    case 'copy': case 'copy-partial': case 'clear': return judgeBytes(run);
    case 'csum': return judgeChecksum(run);
    case 'get': return judgeGet(run);
    case 'put': return judgePut(run);
    case 'probe': return judgeProbe(run);
    case 'custom': case 'none': return;
  }
}

function judgeBytes(run: JudgedRun): void {
  const { memory, deliveries } = run.machine;
  const { n } = run.one;
  const dst = run.buffer('dst');
  if (dst === undefined) return;
  const answer = answerOf(run, dst);
  if (answer === undefined) return;
  const { said, claimed, exact } = answer;
  if (claimed < 0 || claimed > n) return run.say('range', claimed > n ? `says ${sizeText(claimed)} bytes of ${sizeText(n)} are done` : `says ${String(said)} bytes are left of ${sizeText(n)}`);
  const after = memory.read(dst.address, dst.size);
  const wanted = wantedBytes(run, Math.min(n, dst.size));
  const stored = firstDifference(after.subarray(0, wanted.length), wanted);
  const prefix = stored < 0 ? wanted.length : stored;
  if (claimed > prefix) run.say('over-claim', `says ${sizeText(claimed)} bytes are done; only ${String(prefix)} are`);
  else if (exact && run.contract.kind === 'copy' && firstDifference(after.subarray(claimed), dst.bytes.subarray(claimed)) >= 0) {
    run.say('under-claim', `says ${String(claimed)} bytes are done; ${prefix > claimed ? `${String(prefix)} are` : 'others behind them were written too'}`);
  }
  if (deliveries.length === 0) {
    if (claimed < n) run.say('complete', exact ? `says ${sizeText(n - claimed)} bytes are left, but nothing faulted` : 'returns an error, but nothing faulted');
    return;
  }
  const { progress } = run.promises;
  const fault = firstFaultByte(run.one) ?? faultedByte(run);
  // An error gives no number; what counts is what was done.
  const done = exact ? claimed : prefix;
  if (progress !== undefined && fault !== undefined && done < fault - progress) {
    run.say('progress', `${exact ? `says ${String(done)} bytes are done` : `did ${String(done)} bytes`}; the fault is at byte ${String(fault)}, ${String(fault - done)} bytes on`);
  }
}

/** The byte of a buffer at which the first fault was, for a case that names none; undefined if it was elsewhere. */
function faultedByte(run: JudgedRun): number | undefined {
  const address = run.machine.deliveries[0]?.exception.address;
  if (address === undefined) return undefined;
  const buffer = run.machine.scenario.buffers.find((buffer) => address >= buffer.address && address < buffer.address + BigInt(buffer.size));
  return buffer === undefined ? undefined : Number(address - buffer.address);
}

/** The bytes said to be done. Not `exact`: the routine only says whether all are. */
function answerOf(run: JudgedRun, dst: Buffer): { readonly said: bigint; readonly claimed: number; readonly exact: boolean } | undefined {
  const { n } = run.one;
  const { answer = 'left', machineCheckBit } = run.contract;
  const value = run.returned;
  if (value === undefined) return undefined;
  const bit = machineCheckBit === undefined ? 0n : 1n << BigInt(machineCheckBit);
  const number = value & ~bit;
  switch (answer) {
    case 'left': return { said: number, claimed: n - Number(number), exact: true };
    // Bytes done, or an error in their place.
    case 'done': return isError(number) ? { said: number, claimed: 0, exact: false } : { said: number, claimed: Number(number), exact: true };
    case 'end': return { said: number, claimed: Number(BigInt.asIntN(64, number - dst.address)), exact: true };
    case 'error': return { said: number, claimed: BigInt.asUintN(32, number) === 0n ? n : 0, exact: false };
  }
}

/** What is said of the last exception beside the count. */
function judgeExceptionSaid(run: JudgedRun): void {
  const { trap, machineCheckBit } = run.contract;
  const vector = run.machine.deliveries.at(-1)?.exception.vector ?? 0;
  if (trap !== undefined) {
    const said = run.machine.registers.get(GENERAL_REGISTERS.indexOf(trap));
    if (said !== BigInt(vector)) run.say('result', `${trap} is ${String(said)}; ${vector === 0 ? 'nothing faulted' : `the last exception was number ${String(vector)}`}`);
  }
  const value = run.returned;
  if (machineCheckBit === undefined || value === undefined) return;
  const said = (value & (1n << BigInt(machineCheckBit))) !== 0n;
  if (said !== (vector === VECTOR.MC)) run.say('result', `bit ${String(machineCheckBit)} is ${said ? 'set' : 'clear'}, but the last exception was ${vector === VECTOR.MC ? 'a' : 'no'} machine check`);
}

/** What the first `size` bytes of the destination become. */
function wantedBytes(run: JudgedRun, size: number): Uint8Array {
  if (run.contract.kind === 'clear') return new Uint8Array(size);
  const src = run.buffer('src');
  return src === undefined ? new Uint8Array(0) : src.bytes.subarray(0, size);
}

function judgeChecksum(run: JudgedRun): void {
  const { memory, deliveries } = run.machine;
  const sum = run.returned;
  const src = run.buffer('src');
  if (sum === undefined || src === undefined) return;
  if (deliveries.length > 0) {
    if (BigInt.asUintN(32, sum) !== 0n) run.say('result', `returns 0x${sum.toString(16)} although the copy faulted; 0 says so`);
    return;
  }
  const { n } = run.one;
  const dst = run.buffer('dst');
  const bytes = src.bytes.subarray(0, n);
  if (dst !== undefined) {
    const copied = firstDifference(memory.read(dst.address, n), bytes);
    if (copied >= 0) run.say('complete', `only ${String(copied)} bytes of ${String(n)} are copied, and nothing faulted`);
  }
  if (n > 0 && foldChecksum(BigInt.asUintN(32, sum)) !== checksum(bytes)) run.say('result', `the checksum folds to 0x${foldChecksum(BigInt.asUintN(32, sum)).toString(16)}, not 0x${checksum(bytes).toString(16)}`);
}

function judgeGet(run: JudgedRun): void {
  const { memory, deliveries } = run.machine;
  const error = run.returned;
  const ptr = run.buffer('ptr');
  if (error === undefined || ptr === undefined) return;
  const faulted = deliveries.length > 0;
  if (faulted !== isError(error)) run.say('result', faulted ? `returns ${String(error)} although the read faulted` : 'returns an error, but nothing faulted');
  const register = run.contract.arguments['value'];
  const out = run.buffer('dst');
  if (out !== undefined && !faulted) {
    const size = run.promises.width ?? 1;
    const copied = firstDifference(memory.read(out.address, size), memory.read(ptr.address, size));
    if (copied >= 0) run.say('result', `what is handed out is not what the pointer points to, from byte ${String(copied)} on`);
  }
  if (register === undefined) return;
  const value = run.machine.registers.get(GENERAL_REGISTERS.indexOf(register));
  if (faulted) {
    if (value !== 0n) run.say('result', `${register} is 0x${value.toString(16)} after a fault; 0 is promised`);
    return;
  }
  const bytes = memory.read(ptr.address, ptr.size);
  const words = widths(run).filter((size) => size <= bytes.length).map((size) => fromLittleEndian(bytes.subarray(0, size)));
  if (!words.includes(value)) run.say('result', `${register} is 0x${value.toString(16)}, which is not what the pointer points to`);
}

function widths(run: JudgedRun): readonly number[] {
  const { width } = run.promises;
  return width === undefined ? [1, 2, 4, 8] : [width];
}

function judgePut(run: JudgedRun): void {
  const { memory, deliveries, scenario } = run.machine;
  const error = run.returned;
  const ptr = run.buffer('ptr');
  if (error === undefined || ptr === undefined) return;
  const faulted = deliveries.length > 0;
  if (faulted !== isError(error)) run.say('result', faulted ? `returns ${String(error)} although the write faulted` : 'returns an error, but nothing faulted');
  const after = memory.read(ptr.address, ptr.size);
  const written = after.findLastIndex((byte, i) => byte !== ptr.bytes[i]) + 1;
  if (faulted) {
    if (written > 0) run.say('over-claim', `${String(written)} bytes were written although the write faulted`);
    return;
  }
  const register = run.contract.arguments['value'];
  const value = register === undefined ? undefined : scenario.registers.get(register);
  if (value !== undefined && !widths(run).some((size) => size >= written && fromLittleEndian(after.subarray(0, size)) === BigInt.asUintN(8 * size, value))) {
    run.say('result', 'what is written is not the value');
  }
}

function judgeProbe(run: JudgedRun): void {
  const result = run.returned;
  if (result === undefined) return;
  const faulted = run.machine.deliveries.length > 0;
  if (faulted && result === 0n) run.say('result', 'returns 0 although the probe faulted');
}

function sizeText(n: number): string {
  return n >= 2 ** 32 ? `2^32+${String(n - 2 ** 32)}` : String(n);
}
