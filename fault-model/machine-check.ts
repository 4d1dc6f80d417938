/**
 * Machine-check banks: the bits, the errors hardware reports, and the words people use for them (mce-inject's vocabulary).
 * Sources: SDM 3B 16.3-16.9; kernel 6.12 arch/x86/include/asm/mce.h.
 */

/** MCi_STATUS bits. */
export const MCI_STATUS = {
  VAL: 1n << 63n, OVER: 1n << 62n, UC: 1n << 61n, EN: 1n << 60n, MISCV: 1n << 59n, ADDRV: 1n << 58n, PCC: 1n << 57n, S: 1n << 56n, AR: 1n << 55n,
  /** AMD only. */
  TCC: 1n << 55n, SYNDV: 1n << 53n, DEFERRED: 1n << 44n, POISON: 1n << 43n, SCRUB: 1n << 40n,
} as const;

/** MCG_STATUS bits. */
export const MCG_STATUS = { RIPV: 1n, EIPV: 2n, MCIP: 4n, LMCES: 8n, SEAM_NR: 1n << 12n } as const;

/** MCA error codes (MCi_STATUS bits 15:0), and the mask that skips the filtering bit. */
export const MCACOD = { MASK: 0xefffn, SCRUB: 0x00c0n, SCRUB_MASK: 0xeff0n, L3_WRITEBACK: 0x017an, DATA: 0x0134n, INSTRUCTION: 0x0150n } as const;

/** One bank's registers at the time of the exception, with MCG_STATUS beside them. */
export interface MachineCheckBank {
  readonly bank: number;
  readonly status: bigint;
  /** Physical address, valid if ADDRV. */
  readonly address: bigint;
  /** MISC: bits 5:0 the least significant valid bit of `address`, bits 8:6 the address mode (2 = physical). */
  readonly misc: bigint;
  readonly mcgStatus: bigint;
}

/** What a CPU reports when it consumes poison: SRAR, action required, by a data load or an instruction fetch (SDM 3B 16.9.3.2). */
export function poisonConsumed(access: 'data' | 'instruction', physicalAddress: bigint): MachineCheckBank {
  const { VAL, UC, EN, MISCV, ADDRV, S, AR } = MCI_STATUS;
  return {
    bank: access === 'data' ? 1 : 0,
    status: VAL | UC | EN | MISCV | ADDRV | S | AR | (access === 'data' ? MCACOD.DATA : MCACOD.INSTRUCTION),
    // The low 6 bits of the address are not valid: hardware reports a line.
    address: physicalAddress & ~0x3fn,
    misc: (2n << 6n) | 6n,
    mcgStatus: MCG_STATUS.RIPV | MCG_STATUS.EIPV | MCG_STATUS.MCIP,
  };
}

const STATUS_WORDS: readonly (readonly [string, bigint])[] = [
  ['val', MCI_STATUS.VAL], ['over', MCI_STATUS.OVER], ['uc', MCI_STATUS.UC], ['en', MCI_STATUS.EN], ['miscv', MCI_STATUS.MISCV],
  ['addrv', MCI_STATUS.ADDRV], ['pcc', MCI_STATUS.PCC], ['s', MCI_STATUS.S], ['ar', MCI_STATUS.AR],
];
const MCG_WORDS: readonly (readonly [string, bigint])[] = [
  ['ripv', MCG_STATUS.RIPV], ['eipv', MCG_STATUS.EIPV], ['mcip', MCG_STATUS.MCIP], ['lmces', MCG_STATUS.LMCES], ['seam_nr', MCG_STATUS.SEAM_NR],
];

function words(value: bigint, table: readonly (readonly [string, bigint])[]): string[] {
  return table.filter(([, bit]) => (value & bit) !== 0n).map(([word]) => word);
}

/** The MCA error code in words: `data load (0x134)`. */
export function mcaErrorText(status: bigint): string {
  const code = status & MCACOD.MASK;
  const hex = `0x${code.toString(16)}`;
  if (code === MCACOD.DATA) return `data load (${hex})`;
  if (code === MCACOD.INSTRUCTION) return `instruction fetch (${hex})`;
  if (code === MCACOD.L3_WRITEBACK) return `last-level cache writeback (${hex})`;
  if ((code & MCACOD.SCRUB_MASK) === MCACOD.SCRUB) return `memory scrubbing (${hex})`;
  return `MCA error ${hex}`;
}

/** MCi_STATUS as mce-inject writes it, with the error code: `val,uc,en,miscv,addrv,s,ar, data load (0x134)`. */
export function statusText(status: bigint): string {
  return `${words(status, STATUS_WORDS).join(',')}, ${mcaErrorText(status)}`;
}

/** MCG_STATUS: `ripv,eipv,mcip`. */
export function mcgStatusText(mcgStatus: bigint): string {
  return words(mcgStatus, MCG_WORDS).join(',') || 'none';
}
