/**
 * How a routine that nobody described answers, seen in a few of its runs: what it returns if all goes well, and for faults at several
 * places. Only what leaves no doubt is taken; a wrong count stays a wrong count.
 */
import { GENERAL_REGISTERS, VECTOR } from '../machine/cpu/cpu.ts';
import type { GeneralRegister } from '../machine/cpu/cpu.ts';
import type { Contract } from '../machine/scenario/scenario.ts';
import { isError } from './judging/error-value.ts';
import type { Reference } from './reference.ts';
import type { FaultKind, SweepCase } from './space.ts';

/** Of the runs. What is left, or done, of it at the positions below is no number of a vector, and no two are equal. */
const LENGTH = 24;
const POSITIONS = [0, 8, 16];

type Convention = Partial<Pick<Contract, 'returns' | 'answer' | 'trap' | 'machineCheckBit'>>;

interface Probe {
  readonly position: number;
  /** Of the last exception; 0 if there was none. */
  readonly vector: number;
  readonly dst: bigint;
  readonly register: (name: GeneralRegister) => bigint;
}

/** What differs from the contract, which says that `returns` holds the bytes left; empty if nothing certainly does. `constants`: numbers that landing pads return. */
export function observeConvention(reference: Reference, kinds: readonly FaultKind[], constants: readonly bigint[]): Convention {
  const { contract } = reference;
  if (!['copy', 'copy-partial', 'clear'].includes(contract.kind) || contract.answer !== undefined || contract.trap !== undefined) return {};
  const [clean] = probes(reference, 'none', [0]);
  const faulted = (['pf-read', 'pf-write', 'mc-byte'] as const).filter((kind) => kinds.includes(kind)).flatMap((kind) => probes(reference, kind, POSITIONS)).filter(({ vector }) => vector !== 0);
  if (clean === undefined || faulted.length < 2) return {};
  return trapInRax(clean, faulted) ?? machineCheckBit(contract, faulted) ?? answer(contract, clean, faulted, constants) ?? {};
}

/** Runs that returned. */
function probes(reference: Reference, kind: FaultKind, positions: readonly number[]): readonly Probe[] {
  return positions.flatMap((position) => {
    const one: SweepCase = { index: 0, target: 0, kind, n: LENGTH, srcOffset: 0, dstOffset: 0, position, second: 0 };
    const machine = reference.run(one);
    if (machine.ended?.reason !== 'returned') return [];
    const values = GENERAL_REGISTERS.map((_, number) => machine.registers.get(number));
    return [{
      position, vector: machine.deliveries.at(-1)?.exception.vector ?? 0, dst: machine.scenario.buffers.find(({ name }) => name === 'dst')?.address ?? 0n,
      register: (name: GeneralRegister) => values[GENERAL_REGISTERS.indexOf(name)]!,
    }];
  });
}

/** rax has the exception's number, another register what is left. */
function trapInRax(clean: Probe, faulted: readonly Probe[]): Convention | undefined {
  if (clean.register('rax') !== 0n || faulted.some(({ register, vector }) => register('rax') !== BigInt(vector))) return undefined;
  const returns = (['rdx', 'rcx', 'r8'] as const).find((name) => clean.register(name) === 0n && faulted.every(({ register }) => register(name) <= BigInt(LENGTH)));
  return returns === undefined ? { trap: 'rax', answer: 'error', returns: 'rax' } : { trap: 'rax', returns };
}

/** The bytes left, with the highest bit set after machine checks. */
function machineCheckBit({ returns = 'rax' }: Contract, faulted: readonly Probe[]): Convention | undefined {
  const bit = 1n << 63n;
  const checks = faulted.filter(({ vector }) => vector === VECTOR.MC);
  return checks.length > 0 && checks.every(({ register }) => (register(returns) & bit) !== 0n && (register(returns) & ~bit) <= BigInt(LENGTH)) ? { machineCheckBit: 63 } : undefined;
}

function answer({ returns = 'rax' }: Contract, clean: Probe, faulted: readonly Probe[], constants: readonly bigint[]): Convention | undefined {
  const success = clean.register(returns);
  const values = faulted.map(({ register }) => register(returns));
  if (success === BigInt(LENGTH) && faulted.every(({ position }, i) => values[i]! <= BigInt(position) || isError(values[i]!))) return { answer: 'done' };
  if (success === clean.dst + BigInt(LENGTH) && faulted.every(({ dst, position }, i) => values[i]! >= dst && values[i]! <= dst + BigInt(position))) return { answer: 'end' };
  const [first] = values;
  const same = first !== undefined && first !== 0n && values.every((value) => value === first);
  return success === 0n && same && (isError(first) || constants.includes(first)) ? { answer: 'error' } : undefined;
}
