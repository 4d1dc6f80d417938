/**
 * Machine checks in the words of mce-inject: `STATUS uc,ar,s,pcc MCGSTATUS ripv BANK 4`. What is named replaces what the CPU would
 * have reported for the poison it read.
 * Source: mce-inject's manual page (keywords), SDM 3B 16.3 (bits).
 */
import { MCG_STATUS, MCI_STATUS } from './machine-check.ts';
import type { MachineCheckBank } from './machine-check.ts';

export interface ErrorDescription {
  /** MCi_STATUS bits to set and to clear; the error code (bits 31:0) only if one was given. */
  readonly status?: { readonly bits: bigint; readonly without: bigint; readonly code?: bigint };
  readonly mcgStatus?: bigint;
  readonly address?: bigint;
  readonly misc?: bigint;
  readonly bank?: number;
}

export type ErrorDescriptionResult = { readonly ok: true; readonly description: ErrorDescription } | { readonly ok: false; readonly message: string };

const { VAL, OVER, UC, EN, MISCV, ADDRV, PCC, S, AR } = MCI_STATUS;
const STATUS_BITS: Readonly<Record<string, bigint>> = {
  val: VAL, over: OVER, uc: UC, en: EN, miscv: MISCV, addrv: ADDRV, pcc: PCC, s: S, ar: AR,
  tcc: MCI_STATUS.TCC, synd: MCI_STATUS.SYNDV, deferred: MCI_STATUS.DEFERRED, poison: MCI_STATUS.POISON, scrub: MCI_STATUS.SCRUB,
  // Kinds of errors, SDM 3B 16.6.3.
  corrected: 0n, ucna: UC, srao: UC | S, srar: UC | S | AR, uncorrected: UC, fatal: UC | PCC,
};
/** Bits that stay as the CPU set them unless a description takes them away: the report is valid, enabled, and says where. */
const KEPT = VAL | EN | ADDRV | MISCV;
const MCG_BITS: Readonly<Record<string, bigint>> = { ripv: MCG_STATUS.RIPV, eipv: MCG_STATUS.EIPV, mcip: MCG_STATUS.MCIP, lmces: MCG_STATUS.LMCES, lmce: MCG_STATUS.LMCES, seam_nr: MCG_STATUS.SEAM_NR };
const KEYWORDS = ['STATUS', 'MCGSTATUS', 'ADDR', 'MISC', 'BANK'];
const MOST_BANKS = 64;

/** Reads a description. Keywords may be in any order, and in lower case; words are separated by commas or bars. */
export function parseErrorDescription(text: string): ErrorDescriptionResult {
  const words = text.trim().split(/\s+/);
  let description: ErrorDescription = {};
  for (let at = 0; at < words.length; at += 2) {
    const keyword = words[at]!.toUpperCase();
    const value = words[at + 1];
    if (!KEYWORDS.includes(keyword)) return { ok: false, message: `"${words[at]!}" is none of ${KEYWORDS.join(', ')}` };
    if (value === undefined) return { ok: false, message: `${keyword} wants a value` };
    const read = readValue(keyword, value);
    if (typeof read === 'string') return { ok: false, message: read };
    description = { ...description, ...read };
  }
  return { ok: true, description };
}

function readValue(keyword: string, value: string): ErrorDescription | string {
  if (keyword === 'STATUS') return readStatus(value);
  if (keyword === 'MCGSTATUS') return readMcgStatus(value);
  const number = readNumber(value);
  if (number === undefined) return `${keyword} wants a number, not "${value}"`;
  if (keyword === 'ADDR') return { address: number };
  if (keyword === 'MISC') return { misc: number };
  return number < MOST_BANKS ? { bank: Number(number) } : `BANK is 0 to ${String(MOST_BANKS - 1)}`;
}

function readNumber(text: string): bigint | undefined {
  return /^(0x[0-9a-f]{1,16}|[0-9]{1,19})$/i.test(text) ? BigInt.asUintN(64, BigInt(text)) : undefined;
}

function readStatus(value: string): ErrorDescription | string {
  const whole = readNumber(value);
  // A number alone is the register as it is, to the bit.
  if (whole !== undefined) return { status: { bits: whole & ~0xffff_ffffn, without: KEPT & ~whole, code: whole & 0xffff_ffffn } };
  let bits = 0n, without = 0n;
  let code: bigint | undefined;
  for (const word of value.toLowerCase().split(/[,|]/)) {
    const number = readNumber(word);
    const name = word.replace(/^[-!]/, '');
    if (number !== undefined) {
      bits |= number & ~0xffff_ffffn;
      if ((number & 0xffff_ffffn) !== 0n) code = (code ?? 0n) | (number & 0xffff_ffffn);
    } else if (STATUS_BITS[name] === undefined) return `"${word}" is no bit of MCi_STATUS; known are ${Object.keys(STATUS_BITS).join(', ')}, and numbers`;
    else if (name === word) bits |= STATUS_BITS[name];
    else without |= STATUS_BITS[name];
  }
  return { status: { bits, without, ...(code === undefined ? {} : { code }) } };
}

function readMcgStatus(value: string): ErrorDescription | string {
  let bits = 0n;
  for (const word of value.toLowerCase().split(/[,|]/)) {
    const number = word === 'none' ? 0n : readNumber(word) ?? MCG_BITS[word];
    if (number === undefined) return `"${word}" is no bit of MCG_STATUS; known are ${Object.keys(MCG_BITS).join(', ')}, none, and numbers`;
    bits |= number;
  }
  return { mcgStatus: bits };
}

/** `bank` as the description has it. MCIP stays set, as the CPU always sets it. */
export function describedBank(bank: MachineCheckBank, { status, mcgStatus, address, misc, bank: number }: ErrorDescription): MachineCheckBank {
  const code = status?.code ?? bank.status & 0xffff_ffffn;
  return {
    bank: number ?? bank.bank,
    status: status === undefined ? bank.status : ((bank.status & KEPT) | status.bits | code) & ~status.without,
    address: address ?? bank.address,
    misc: misc ?? bank.misc,
    mcgStatus: mcgStatus === undefined ? bank.mcgStatus : mcgStatus | (bank.mcgStatus & MCG_STATUS.MCIP),
  };
}

