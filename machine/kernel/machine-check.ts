/**
 * What the CPU reports in its banks for a machine check, and what the kernel remembers of earlier ones.
 */
import { describedBank } from '../../fault-model/error-description.ts';
import type { ErrorDescription } from '../../fault-model/error-description.ts';
import { MCG_STATUS, MCI_STATUS, poisonConsumed } from '../../fault-model/machine-check.ts';
import type { MachineCheckBank } from '../../fault-model/machine-check.ts';
import { opcodeOf } from '../../fault-model/memory-operand.ts';
import type { CpuProfile } from '../cpu/cpu.ts';
import type { PagedMemory } from '../memory/memory.ts';
import type { RaisedException } from './delivery.ts';

const REP = 0xf3;
const MOVS: readonly (number | undefined)[] = [0xa4, 0xa5];

/** The bank and MCG_STATUS for poison read by `exception`; `description` has the last word. */
export function reportedBank(exception: RaisedException, memory: PagedMemory, profile: CpuProfile, description: ErrorDescription | undefined): MachineCheckBank {
  const linear = exception.address ?? exception.ip;
  const bank = poisonConsumed(exception.access?.kind === 'fetch' ? 'instruction' : 'data', memory.physical(linear) ?? 0n);
  let { mcgStatus } = bank;
  // Some CPUs cannot restart a fast-string copy that was interrupted in the middle (domain facts: 3376136300a0).
  if (profile.quirks?.includes('rep-movs-no-ripv') === true && isRepMovs(memory.read(exception.ip, 15))) mcgStatus &= ~MCG_STATUS.RIPV;
  if (profile.features.includes('lmce') && profile.quirks?.includes('broadcast') !== true) mcgStatus |= MCG_STATUS.LMCES;
  const reported = { ...bank, mcgStatus };
  return description === undefined ? reported : describedBank(reported, description);
}

function isRepMovs(bytes: Uint8Array): boolean {
  return bytes.includes(REP) && bytes.indexOf(REP) < 4 && MOVS.includes(opcodeOf(bytes));
}

/** A software-recoverable data error of this CPU alone, as the kernel's answer to the `rep movs` erratum wants it (kernel 6.12 quirk_skylake_repmov). */
export function isRecoverableDataError({ bank, status, mcgStatus }: MachineCheckBank): boolean {
  const { VAL, OVER, UC, EN, ADDRV, MISCV, PCC, AR, S } = MCI_STATUS;
  const wanted = VAL | UC | EN | ADDRV | MISCV | AR | S;
  return bank === 1 && (mcgStatus & MCG_STATUS.LMCES) !== 0n && (status & (wanted | OVER | PCC)) === wanted;
}

/** For {@link PendingPages.restore}. */
export interface PendingPagesState {
  readonly page: bigint | undefined;
  readonly count: number;
}

/**
 * The page a copy from user memory hit poison in: it is taken from the process before it runs on. Until then, machine checks in a
 * second page, or too many in the same, are fatal (kernel 6.12 queue_task_work).
 */
export class PendingPages {
  #page: bigint | undefined;
  #count = 0;

  clear(): void {
    this.#page = undefined;
    this.#count = 0;
  }

  save(): PendingPagesState {
    return { page: this.#page, count: this.#count };
  }

  restore({ page, count }: PendingPagesState): void {
    this.#page = page;
    this.#count = count;
  }

  /** Notes a machine check at a physical address; why it is fatal, if it is. */
  takeAway(address: bigint): string | undefined {
    const page = address >> 12n;
    this.#page ??= page;
    this.#count++;
    if (this.#count > 10) return 'Too many consecutive machine checks while accessing user data';
    return this.#page === page ? undefined : 'Consecutive machine checks to different user pages';
  }
}
