/**
 * How bad is a machine check? The kernel's decision table, first match wins, with the rows passed over and why.
 * Sources: kernel 6.1.192 and 6.12.117 arch/x86/kernel/cpu/mce/severity.c (mce_severity_intel, mce_severity_amd).
 */
import type { ErrorContext } from './error-context.ts';
import type { KernelGeneration } from './kernel-generation.ts';
import { MCACOD, MCG_STATUS, MCI_STATUS } from './machine-check.ts';
import type { MachineCheckBank } from './machine-check.ts';

/** In ascending order of severity, as in the kernel's enum. DEFERRED is called UCNA by Intel and is the same level. */
export const SEVERITIES = ['NO', 'DEFERRED', 'KEEP', 'SOME', 'AO', 'UC', 'AR', 'PANIC'] as const;
export type SeverityName = (typeof SEVERITIES)[number];

/** One row: every condition that is present must hold. */
export interface SeverityRow {
  /** Number in this table, from 1; the same for every generation. */
  readonly row: number;
  readonly severity: SeverityName;
  /** The kernel's message, in our words where it has none. */
  readonly message: string;
  /** (STATUS & mask) == value */
  readonly status?: { readonly mask: bigint; readonly value: bigint };
  /** (MCG_STATUS & mask) == value */
  readonly mcg?: { readonly mask: bigint; readonly value: bigint };
  /** MCG_CAP.SER_P must be set (true) or clear (false). */
  readonly ser?: boolean;
  /** Only in a #MC handler (true) or only when polling (false). */
  readonly inException?: boolean;
  readonly context?: ErrorContext['context'];
  /** CPU model the row is limited to, and the banks. */
  readonly model?: { readonly name: 'skylake-x'; readonly minStepping: number; readonly banks: readonly [number, number] };
  /** Present only in kernels for which this says so. */
  readonly when?: (generation: KernelGeneration) => boolean;
}

const { VAL, OVER, UC, EN, MISCV, ADDRV, PCC, S, AR } = MCI_STATUS;
const { RIPV, EIPV, MCIP, SEAM_NR } = MCG_STATUS;
const UC_S_AR = UC | S | AR;
const CONTINUABLE = OVER | UC_S_AR | ADDRV | MISCV;
const ACTION_REQUIRED = UC_S_AR | ADDRV | MISCV;

function bits(mask: bigint, value: bigint): { mask: bigint; value: bigint } {
  return { mask, value };
}

/** The rows for Intel CPUs (and Zhaoxin), in the order they are tried. */
export const INTEL_SEVERITY_ROWS: readonly SeverityRow[] = [
  { row: 1, severity: 'NO', message: 'Invalid', status: bits(VAL, 0n) },
  { row: 2, severity: 'NO', message: 'Not enabled', inException: true, status: bits(EN, 0n) },
  { row: 3, severity: 'PANIC', message: 'Processor context corrupt', status: bits(PCC, PCC) },
  { row: 4, severity: 'PANIC', message: 'MCIP not set in MCA handler', inException: true, mcg: bits(MCIP, 0n) },
  { row: 5, severity: 'PANIC', message: 'Neither restart nor error IP', inException: true, mcg: bits(RIPV | EIPV, 0n) },
  { row: 6, severity: 'PANIC', message: 'In kernel and no restart IP', inException: true, context: 'KERNEL', mcg: bits(RIPV, 0n) },
  { row: 7, severity: 'PANIC', message: 'In kernel and no restart IP', inException: true, context: 'KERNEL_RECOV', mcg: bits(RIPV, 0n) },
  { row: 8, severity: 'KEEP', message: 'Corrected error', ser: false, status: bits(UC, 0n) },
  { row: 9, severity: 'AO', message: 'Action optional: memory scrubbing error', ser: true, status: bits(UC | AR | MCACOD.SCRUB_MASK, UC | MCACOD.SCRUB) },
  { row: 10, severity: 'AO', message: 'Action optional: last level cache writeback error', ser: true, status: bits(UC | AR | MCACOD.MASK, UC | MCACOD.L3_WRITEBACK) },
  {
    row: 11, severity: 'AO', message: 'Uncorrected Patrol Scrub Error', ser: true,
    status: bits(UC | ADDRV | MISCV | 0xffffeff0n, ADDRV | MISCV | 0x001000c0n), model: { name: 'skylake-x', minStepping: 4, banks: [13, 18] },
  },
  { row: 12, severity: 'DEFERRED', message: 'Uncorrected no action required', ser: true, status: bits(UC_S_AR, UC) },
  { row: 13, severity: 'PANIC', message: 'Illegal combination (UCNA with AR=1)', ser: true, status: bits(OVER | UC_S_AR, UC | AR) },
  { row: 14, severity: 'KEEP', message: 'Non signaled machine check', ser: true, status: bits(S, 0n) },
  { row: 15, severity: 'PANIC', message: 'Action required with lost events', ser: true, status: bits(OVER | UC_S_AR, OVER | UC_S_AR) },
  {
    row: 16, severity: 'KEEP', message: 'Action required but unaffected thread is continuable', ser: true,
    status: bits(CONTINUABLE, ACTION_REQUIRED), mcg: bits(RIPV | EIPV, RIPV),
  },
  {
    row: 17, severity: 'AR', message: 'Action required: data load in error recoverable area of kernel', ser: true, context: 'KERNEL_RECOV',
    status: bits(CONTINUABLE | MCACOD.MASK, ACTION_REQUIRED | MCACOD.DATA),
  },
  {
    row: 18, severity: 'AR', message: 'Action required: data load error in a user process', ser: true, context: 'USER',
    status: bits(CONTINUABLE | MCACOD.MASK, ACTION_REQUIRED | MCACOD.DATA),
  },
  {
    row: 19, severity: 'AR', message: 'Action required: instruction fetch error in a user process', ser: true, context: 'USER',
    status: bits(CONTINUABLE | MCACOD.MASK, ACTION_REQUIRED | MCACOD.INSTRUCTION),
  },
  {
    row: 20, severity: 'AR', message: 'Data load error in SEAM non-root mode', ser: true, context: 'KERNEL', when: (generation) => generation.seamRows,
    status: bits(CONTINUABLE | MCACOD.MASK, ACTION_REQUIRED | MCACOD.DATA), mcg: bits(SEAM_NR, SEAM_NR),
  },
  {
    row: 21, severity: 'AR', message: 'Instruction fetch error in SEAM non-root mode', ser: true, context: 'KERNEL', when: (generation) => generation.seamRows,
    status: bits(CONTINUABLE | MCACOD.MASK, ACTION_REQUIRED | MCACOD.INSTRUCTION), mcg: bits(SEAM_NR, SEAM_NR),
  },
  {
    row: 22, severity: 'PANIC', message: 'Data load in unrecoverable area of kernel', ser: true, context: 'KERNEL',
    status: bits(CONTINUABLE | MCACOD.MASK, ACTION_REQUIRED | MCACOD.DATA),
  },
  {
    row: 23, severity: 'PANIC', message: 'Instruction fetch error in kernel', ser: true, context: 'KERNEL',
    status: bits(CONTINUABLE | MCACOD.MASK, ACTION_REQUIRED | MCACOD.INSTRUCTION),
  },
  { row: 24, severity: 'PANIC', message: 'Action required: unknown MCACOD', ser: true, status: bits(OVER | UC_S_AR, UC_S_AR) },
  { row: 25, severity: 'SOME', message: 'Action optional: unknown MCACOD', ser: true, status: bits(OVER | UC_S_AR, UC | S) },
  { row: 26, severity: 'SOME', message: 'Action optional with lost events', ser: true, status: bits(OVER | UC_S_AR, OVER | UC | S) },
  { row: 27, severity: 'PANIC', message: 'Overflowed uncorrected', status: bits(OVER | UC, OVER | UC) },
  {
    row: 28, severity: 'PANIC', message: 'Uncorrected in kernel', context: 'KERNEL', status: bits(UC, UC),
    when: (generation) => generation.uncorrectedInKernelRow,
  },
  { row: 29, severity: 'UC', message: 'Uncorrected', status: bits(UC, UC) },
  { row: 30, severity: 'SOME', message: 'No match' },
];

/** The CPU and situation a machine check is graded in. */
export interface GradingSituation {
  readonly generation: KernelGeneration;
  readonly vendor: 'intel' | 'amd';
  /** MCG_CAP.SER_P (Intel): the CPU can report recoverable errors. */
  readonly ser: boolean;
  /** In the #MC handler, as opposed to polling the banks. */
  readonly inException: boolean;
  readonly model?: { readonly name: 'skylake-x'; readonly stepping: number };
  /** AMD: MCA overflow recovery and software uncorrectable error containment. */
  readonly overflowRecovery?: boolean;
  readonly succor?: boolean;
}

/** The row that hit, and every row before it with the condition that failed. */
export interface SeverityGrade {
  readonly severity: SeverityName;
  /** Row number (Intel table), or 0 for AMD's rules, which are not a table. */
  readonly row: number;
  readonly message: string;
  readonly passedOver: readonly { readonly row: number; readonly message: string; readonly because: string }[];
}

function bitNames(value: bigint, names: Readonly<Record<string, bigint>>): string {
  return Object.entries(names).filter(([, bit]) => (value & bit) !== 0n).map(([name]) => name).join(' ');
}

const STATUS_NAMES = { VAL, OVER, UC, EN, MISCV, ADDRV, PCC, S, AR };
const MCG_NAMES = { RIPV, EIPV, MCIP, SEAM_NR };

function maskDifference(what: string, actual: bigint, condition: { mask: bigint; value: bigint }, names: Readonly<Record<string, bigint>>): string {
  const differing = (actual & condition.mask) ^ condition.value;
  const set = bitNames(differing & actual, names);
  const clear = bitNames(differing & ~actual, names);
  const parts: string[] = [];
  if (set !== '') parts.push(`${set} set`);
  if (clear !== '') parts.push(`${clear} clear`);
  if (parts.length === 0) parts.push(`error code 0x${(actual & MCACOD.MASK).toString(16)} is not 0x${(condition.value & MCACOD.MASK).toString(16)}`);
  return `${what}: ${parts.join(', ')}`;
}

/** Why `row` does not match; undefined if it does. */
function whyNot(row: SeverityRow, bank: MachineCheckBank, context: ErrorContext, situation: GradingSituation): string | undefined {
  if (row.ser !== undefined && row.ser !== situation.ser) {
    return situation.ser ? 'only for CPUs without recoverable errors (SER_P clear)' : 'only for CPUs with recoverable errors (SER_P set)';
  }
  if (row.inException !== undefined && row.inException !== situation.inException) return row.inException ? 'only in the #MC handler' : 'only when polling';
  if (row.context !== undefined && row.context !== context.context) return `context is ${context.context}, not ${row.context}`;
  if (row.status !== undefined && (bank.status & row.status.mask) !== row.status.value) return maskDifference('STATUS', bank.status, row.status, STATUS_NAMES);
  if (row.mcg !== undefined && (bank.mcgStatus & row.mcg.mask) !== row.mcg.value) return maskDifference('MCG_STATUS', bank.mcgStatus, row.mcg, MCG_NAMES);
  if (row.model !== undefined) {
    const { model } = situation;
    if (model === undefined || model.name !== row.model.name || model.stepping < row.model.minStepping) return `only on ${row.model.name}`;
    if (bank.bank < row.model.banks[0] || bank.bank > row.model.banks[1]) return `only in banks ${row.model.banks.join('-')}`;
  }
  return undefined;
}

function gradeIntel(bank: MachineCheckBank, context: ErrorContext, situation: GradingSituation): SeverityGrade {
  const passedOver: { row: number; message: string; because: string }[] = [];
  for (const row of INTEL_SEVERITY_ROWS) {
    if (row.when !== undefined && !row.when(situation.generation)) continue;
    const because = whyNot(row, bank, context, situation);
    if (because !== undefined) {
      passedOver.push({ row: row.row, message: row.message, because });
      continue;
    }
    const uncorrected = SEVERITIES.indexOf(row.severity) >= SEVERITIES.indexOf('UC');
    // Kernels without row 28 raise any such result in kernel context to PANIC after the table (6.1 severity.c, end of mce_severity_intel).
    if (!situation.generation.uncorrectedInKernelRow && uncorrected && context.context === 'KERNEL') {
      return { severity: 'PANIC', row: row.row, message: row.message, passedOver };
    }
    return { severity: row.severity, row: row.row, message: row.message, passedOver };
  }
  throw new Error('the last severity row matches everything');
}

/** One of AMD's rules: a test in code where Intel has a row of a table. */
export interface AmdSeverityRule {
  readonly severity: SeverityName;
  readonly message: string;
  readonly applies: (bank: MachineCheckBank, context: ErrorContext, situation: GradingSituation) => boolean;
  /** Why it does not apply, where it does not. */
  readonly because: (context: ErrorContext) => string;
}

/** The rules for AMD and Hygon CPUs, in the order they are tried (mce_severity_amd). */
export const AMD_SEVERITY_RULES: readonly AmdSeverityRule[] = [
  { severity: 'PANIC', message: 'Processor context corrupt', applies: ({ status }) => (status & PCC) !== 0n, because: () => 'PCC clear' },
  { severity: 'DEFERRED', message: 'Deferred error', applies: ({ status }) => (status & MCI_STATUS.DEFERRED) !== 0n, because: () => 'DEFERRED clear' },
  { severity: 'KEEP', message: 'Corrected error', applies: ({ status }) => (status & UC) === 0n, because: () => 'UC set' },
  {
    severity: 'PANIC', message: 'Overflowed and the CPU cannot recover from overflow',
    applies: ({ status }, _, { overflowRecovery }) => (status & OVER) !== 0n && overflowRecovery !== true, because: () => 'OVER clear, or overflow recovery present',
  },
  { severity: 'PANIC', message: 'The CPU does not contain uncorrected errors (SUCCOR)', applies: (_, __, { succor }) => succor !== true, because: () => 'SUCCOR present' },
  {
    severity: 'PANIC', message: 'Uncorrected in unrecoverable area of kernel',
    applies: (_, { context }) => context === 'KERNEL', because: ({ context }) => `context is ${context}`,
  },
  { severity: 'AR', message: 'Action required: contained error in a recoverable context', applies: () => true, because: () => '' },
];

/** AMD's chain, told in the same words as Intel's table. */
function gradeAmd(bank: MachineCheckBank, context: ErrorContext, situation: GradingSituation): SeverityGrade {
  const passedOver: { row: number; message: string; because: string }[] = [];
  for (const { severity, message, applies, because } of AMD_SEVERITY_RULES) {
    if (applies(bank, context, situation)) return { severity, row: 0, message, passedOver };
    passedOver.push({ row: 0, message, because: because(context) });
  }
  throw new Error('the last rule applies to everything');
}

/** Grades one bank as the kernel of `situation.generation` does. */
export function gradeMachineCheck(bank: MachineCheckBank, context: ErrorContext, situation: GradingSituation): SeverityGrade {
  return situation.vendor === 'amd' ? gradeAmd(bank, context, situation) : gradeIntel(bank, context, situation);
}
