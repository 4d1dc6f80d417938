/**
 * One machine check for each row of the severity tables: the case that only this row grades so.
 */
import type { ErrorContext } from '../../fault-model/error-context.ts';
import { kernelGeneration } from '../../fault-model/kernel-generation.ts';
import { MCACOD, MCG_STATUS, MCI_STATUS } from '../../fault-model/machine-check.ts';
import type { MachineCheckBank } from '../../fault-model/machine-check.ts';
import type { GradingSituation, SeverityName } from '../../fault-model/severity.ts';

export interface SeverityCase {
  /** Row of Intel's table, or the message of AMD's rule. */
  readonly row: number | string;
  readonly severity: SeverityName;
  readonly status: bigint;
  readonly mcg?: bigint;
  readonly bank?: number;
  readonly context?: ErrorContext['context'];
  readonly generation?: string;
  readonly situation?: Partial<GradingSituation>;
}

const { VAL, OVER, UC, EN, MISCV, ADDRV, PCC, S, AR, DEFERRED } = MCI_STATUS;
const { RIPV, EIPV, MCIP, SEAM_NR } = MCG_STATUS;
const ERROR = VAL | EN | UC;
const SRAR = ERROR | S | AR | ADDRV | MISCV;
const SKYLAKE = { model: { name: 'skylake-x', stepping: 4 } } as const;

export const INTEL_CASES: readonly SeverityCase[] = [
  { row: 1, severity: 'NO', status: 0n },
  { row: 2, severity: 'NO', status: VAL | UC },
  { row: 3, severity: 'PANIC', status: SRAR | PCC },
  { row: 4, severity: 'PANIC', status: SRAR, mcg: RIPV | EIPV },
  { row: 5, severity: 'PANIC', status: SRAR, mcg: MCIP },
  { row: 6, severity: 'PANIC', status: SRAR, mcg: MCIP | EIPV },
  // No kernel comes to it: the context is only recoverable with RIPV set.
  { row: 7, severity: 'PANIC', status: SRAR, mcg: MCIP | EIPV, context: 'KERNEL_RECOV' },
  { row: 8, severity: 'KEEP', status: VAL | EN, situation: { ser: false } },
  { row: 9, severity: 'AO', status: ERROR | S | MCACOD.SCRUB | 3n, context: 'USER' },
  { row: 10, severity: 'AO', status: ERROR | S | MCACOD.L3_WRITEBACK, context: 'USER' },
  { row: 11, severity: 'AO', status: VAL | EN | ADDRV | MISCV | 0x001000c5n, bank: 14, situation: SKYLAKE },
  { row: 12, severity: 'DEFERRED', status: ERROR },
  { row: 13, severity: 'PANIC', status: ERROR | AR, context: 'USER' },
  { row: 14, severity: 'KEEP', status: VAL | EN },
  { row: 15, severity: 'PANIC', status: SRAR | OVER, context: 'USER' },
  { row: 16, severity: 'KEEP', status: SRAR | MCACOD.DATA, mcg: MCIP | RIPV },
  { row: 17, severity: 'AR', status: SRAR | MCACOD.DATA, context: 'KERNEL_RECOV' },
  { row: 18, severity: 'AR', status: SRAR | MCACOD.DATA, context: 'USER' },
  { row: 19, severity: 'AR', status: SRAR | MCACOD.INSTRUCTION, context: 'USER' },
  { row: 20, severity: 'AR', status: SRAR | MCACOD.DATA, mcg: MCIP | RIPV | EIPV | SEAM_NR },
  { row: 21, severity: 'AR', status: SRAR | MCACOD.INSTRUCTION, mcg: MCIP | RIPV | EIPV | SEAM_NR },
  { row: 22, severity: 'PANIC', status: SRAR | MCACOD.DATA },
  { row: 23, severity: 'PANIC', status: SRAR | MCACOD.INSTRUCTION },
  { row: 24, severity: 'PANIC', status: SRAR | 0x999n, context: 'USER' },
  { row: 25, severity: 'SOME', status: ERROR | S | 0x999n },
  { row: 26, severity: 'SOME', status: ERROR | S | OVER },
  { row: 27, severity: 'PANIC', status: ERROR | OVER, context: 'USER', situation: { ser: false } },
  { row: 28, severity: 'PANIC', status: ERROR, situation: { ser: false } },
  { row: 29, severity: 'UC', status: ERROR, context: 'USER', situation: { ser: false } },
  // Before row 28 code behind the table did what it does.
  { row: 29, severity: 'PANIC', status: ERROR, generation: '6.1', situation: { ser: false } },
  { row: 22, severity: 'PANIC', status: SRAR | MCACOD.DATA, mcg: MCIP | RIPV | EIPV | SEAM_NR, generation: '6.1' },
  { row: 30, severity: 'SOME', status: VAL | EN | S },
];

const CONTAINED = { overflowRecovery: true, succor: true } as const;

export const AMD_CASES: readonly SeverityCase[] = [
  { row: 'Processor context corrupt', severity: 'PANIC', status: ERROR | PCC, situation: CONTAINED },
  { row: 'Deferred error', severity: 'DEFERRED', status: VAL | EN | DEFERRED, situation: CONTAINED },
  { row: 'Corrected error', severity: 'KEEP', status: VAL | EN, situation: CONTAINED },
  { row: 'Overflowed and the CPU cannot recover from overflow', severity: 'PANIC', status: ERROR | OVER, situation: { succor: true } },
  { row: 'The CPU does not contain uncorrected errors (SUCCOR)', severity: 'PANIC', status: ERROR | OVER, situation: { overflowRecovery: true } },
  { row: 'Uncorrected in unrecoverable area of kernel', severity: 'PANIC', status: ERROR | OVER, situation: CONTAINED },
  { row: 'Action required: contained error in a recoverable context', severity: 'AR', status: ERROR, context: 'KERNEL_RECOV', situation: CONTAINED },
  { row: 'Action required: contained error in a recoverable context', severity: 'AR', status: ERROR, context: 'USER', situation: CONTAINED },
];

export function bankOf({ status, mcg = MCIP | RIPV | EIPV, bank = 1 }: SeverityCase): MachineCheckBank {
  return { bank, status, address: 0x1000n, misc: 0x86n, mcgStatus: mcg };
}

export function contextOf({ context = 'KERNEL' }: SeverityCase): ErrorContext {
  return { context, copyin: false, because: 'the case says so' };
}

export function situationOf({ generation = '6.12', situation }: SeverityCase, vendor: 'intel' | 'amd'): GradingSituation {
  return { generation: kernelGeneration(generation)!, vendor, ser: vendor === 'intel', inException: true, ...situation };
}
