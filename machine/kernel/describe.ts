/**
 * An exception in words.
 */
import { pageFaultText, vectorFacts } from '../../fault-model/vectors.ts';
import { VECTOR } from '../cpu/cpu.ts';
import type { CpuExit } from '../cpu/cpu.ts';
import type { RaisedException } from './delivery.ts';

type ExceptionExit = Extract<CpuExit, { kind: 'exception' }>;

/** What the CPU raised, with a sentence for people; `describe` names addresses. */
export function describeException(exit: ExceptionExit, ip: bigint, describe: (address: bigint) => string): RaisedException {
  const facts = vectorFacts(exit.vector);
  return {
    vector: exit.vector,
    mnemonic: facts.mnemonic,
    ip,
    summary: `${facts.name}${whatHappened(exit, describe)}`,
    ...(exit.errorCode === undefined ? {} : { errorCode: exit.errorCode }),
    ...(exit.address === undefined ? {} : { address: exit.address }),
    ...(exit.access === undefined ? {} : { access: exit.access }),
    ...(exit.software === true ? { software: true } : {}),
  };
}

function whatHappened(exit: ExceptionExit, describe: (address: bigint) => string): string {
  const { access } = exit;
  if (access === undefined) return '';
  const verb = { read: 'reading', write: 'writing', fetch: 'fetching' }[access.kind];
  const what = access.kind === 'fetch' ? 'an instruction' : `${String(access.size)} ${access.size === 1 ? 'byte' : 'bytes'}`;
  const where = `${verb} ${what} at ${describe(access.address)}`;
  if (exit.vector === VECTOR.PF) {
    const at = exit.address !== undefined && exit.address !== access.address ? `, fault at ${describe(exit.address)}` : '';
    return ` ${where}${at} (${pageFaultText(exit.errorCode ?? 0)})`;
  }
  if (exit.vector === VECTOR.MC) return ` ${where}: poisoned memory`;
  return ` ${where}`;
}
