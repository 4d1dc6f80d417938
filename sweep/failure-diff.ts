/** What a failure's smallest case left, beside what the contract says of it: two texts to be shown as a diff. */
import { GENERAL_REGISTERS } from '../machine/cpu/cpu.ts';
import type { Machine } from '../machine/machine.ts';
import type { Reference } from './reference.ts';
import type { SweepFailure } from './report-schema.ts';
import { caseText } from './reports/words.ts';
import { LONG } from './space.ts';

export interface FailureDiff {
  readonly expected: string;
  readonly actual: string;
}

const ROW = 16;
/** Bytes of a destination that are shown. */
const MOST_BYTES = 512;

/** Runs the case. For copies and clears the texts hold the destination as the returned count promises it, and as it is; for the rest the promise and what was seen. */
export function failureDiff(reference: Reference, { promise, message, smallest }: SweepFailure): FailureDiff {
  const head = caseText(smallest);
  const machine = reference.run(smallest);
  const memory = smallest.n >= LONG || machine.ended?.reason !== 'returned' ? undefined : destinations(machine, reference, smallest.n);
  return {
    expected: [head, promise, ...memory?.expected ?? []].join('\n'),
    actual: [head, message, ...memory?.actual ?? []].join('\n'),
  };
}

/** The destination with what was said to be done done and the rest untouched, and the destination itself. */
function destinations(machine: Machine, { contract }: Reference, n: number): { readonly expected: readonly string[]; readonly actual: readonly string[] } | undefined {
  const { kind, returns, answer } = contract;
  const dst = machine.scenario.buffers.find(({ name }) => name === 'dst');
  const src = machine.scenario.buffers.find(({ name }) => name === 'src');
  if ((kind !== 'copy' && kind !== 'copy-partial' && kind !== 'clear') || dst === undefined || returns === undefined || answer !== undefined) return undefined;
  const left = machine.registers.get(GENERAL_REGISTERS.indexOf(returns));
  if (left > BigInt(n)) return undefined;
  const done = n - Number(left);
  const wanted = dst.bytes.slice(0, MOST_BYTES);
  wanted.set((kind === 'clear' ? new Uint8Array(done) : src?.bytes.subarray(0, done) ?? new Uint8Array(0)).subarray(0, wanted.length));
  const line = `${returns} = ${String(left)}: ${String(done)} of ${String(n)} bytes are done`;
  return { expected: [line, ...dump(wanted)], actual: [line, ...dump(machine.memory.read(dst.address, wanted.length))] };
}

/** `dst+0x10: 00 01 …`, a row for each 16 bytes. */
function dump(bytes: Uint8Array): readonly string[] {
  return Array.from({ length: Math.ceil(bytes.length / ROW) }, (_, row) =>
    `dst+0x${(row * ROW).toString(16).padStart(2, '0')}: ${[...bytes.subarray(row * ROW, (row + 1) * ROW)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}`);
}
