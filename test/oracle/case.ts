/**
 * One case for the oracle, what came of it, and its text form: the line that a mismatch prints and a regression test quotes.
 */
import { GENERAL_REGISTERS } from '../../machine/cpu/cpu.ts';

export interface Patch {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** The state a run starts from. */
export interface OracleCase {
  /** Bytes at `rip`; `int3` follows. */
  readonly code: Uint8Array;
  readonly rip: bigint;
  readonly rflags: bigint;
  /** By encoding number. */
  readonly gpr: readonly bigint[];
  /** ymm0-15, 32 bytes each. */
  readonly vectors: Uint8Array;
  /** The ten bytes of st0-7, which are mm0-7 too. The x87 unit is in its initial state but for them: all empty. */
  readonly x87: Uint8Array;
  readonly patches: readonly Patch[];
}

/** How a run ended. */
export type Ending =
  | { readonly kind: 'exception'; readonly vector: number; readonly error: number; readonly cr2: bigint }
  /** It ran longer than a case may. */
  | { readonly kind: 'timeout' }
  /** A system call: the host's kernel would answer it, so nothing can be compared. */
  | { readonly kind: 'system-call' }
  /** The runner did not survive it. */
  | { readonly kind: 'lost' }
  /** Emulator only. */
  | { readonly kind: 'unsupported'; readonly text: string };

export interface Outcome {
  readonly ending: Ending;
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly gpr: readonly bigint[];
  readonly vectors: Uint8Array;
  readonly x87: Uint8Array;
  /** x87 status word, and a bit for each physical register that is not empty. */
  readonly x87Status: number;
  readonly x87Tag: number;
  /** Stretches of data memory that differ from the base contents, in rising order, multiples of 8 bytes. */
  readonly changes: readonly Patch[];
}

export const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export function unhex(text: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error(`not hexadecimal bytes: ${text}`);
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** `code=4801d8 rip=20000018 rflags=202 rax=1 … ymm0=… [30001000]=…`: registers that are zero are left out. */
export function formatCase(one: OracleCase): string {
  const words = [`code=${hex(one.code)}`, `rip=${one.rip.toString(16)}`, `rflags=${one.rflags.toString(16)}`];
  one.gpr.forEach((value, i) => { if (value !== 0n) words.push(`${GENERAL_REGISTERS[i]!}=${value.toString(16)}`); });
  for (let i = 0; i < 16; i++) {
    const bytes = one.vectors.subarray(i * 32, i * 32 + 32);
    if (bytes.some((byte) => byte !== 0)) words.push(`ymm${i}=${hex(bytes)}`);
  }
  for (let i = 0; i < 8; i++) {
    const bytes = one.x87.subarray(i * 10, i * 10 + 10);
    if (bytes.some((byte) => byte !== 0)) words.push(`mm${i}=${hex(bytes)}`);
  }
  for (const patch of one.patches) words.push(`[${patch.address.toString(16)}]=${hex(patch.bytes)}`);
  return words.join(' ');
}

/** The inverse of {@link formatCase}. */
export function parseCase(text: string): OracleCase {
  const gpr = new Array<bigint>(16).fill(0n);
  const vectors = new Uint8Array(512);
  const x87 = new Uint8Array(80);
  const patches: Patch[] = [];
  let code: Uint8Array | undefined;
  let rip = 0n;
  let rflags = 0x202n;
  for (const word of text.trim().split(/\s+/)) {
    const [name, value] = word.split('=');
    if (name === undefined || value === undefined) throw new Error(`not name=value: ${word}`);
    const register = (GENERAL_REGISTERS as readonly string[]).indexOf(name);
    const vector = /^ymm(\d+)$/.exec(name);
    const mmx = /^mm([0-7])$/.exec(name);
    const memory = /^\[([0-9a-f]+)\]$/.exec(name);
    if (name === 'code') code = unhex(value);
    else if (name === 'rip') rip = BigInt(`0x${value}`);
    else if (name === 'rflags') rflags = BigInt(`0x${value}`);
    else if (register >= 0) gpr[register] = BigInt(`0x${value}`);
    else if (vector) vectors.set(unhex(value), Number(vector[1]) * 32);
    else if (mmx) x87.set(unhex(value), Number(mmx[1]) * 10);
    else if (memory) patches.push({ address: BigInt(`0x${memory[1]!}`), bytes: unhex(value) });
    else throw new Error(`unknown part of a case: ${word}`);
  }
  if (!code) throw new Error(`a case without code: ${text}`);
  return { code, rip, rflags, gpr, vectors, x87, patches };
}
