/**
 * Values in words.
 */
import { writtenPosition } from '../assembly/source.ts';
import type { SourcePosition } from '../assembly/source.ts';
import { FLAG } from '../machine/cpu/cpu.ts';
import type { Machine } from '../machine/machine.ts';
import type { Value } from './expressions/evaluate.ts';

export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** The name people know an address by, undefined if it has none. */
export function nameOf(machine: Machine, address: bigint): string | undefined {
  const name = machine.describe(address);
  return name.startsWith('0x') ? undefined : name;
}

/** `0xffff888000100040 <dst+0x40>`, or plain hex. */
export function pointerText(machine: Machine, value: bigint): string {
  const name = nameOf(machine, value);
  return name === undefined ? hex(value) : `${hex(value)} <${name}>`;
}

/** Hex, the name it has as an address, and small numbers in decimal too. */
export function valueText(machine: Machine, { value, bits }: Value): string {
  if (bits === 1) return value.toString();
  if (bits === 64) {
    const name = nameOf(machine, value);
    if (name !== undefined) return `${hex(value)} <${name}>`;
  }
  const signed = BigInt.asIntN(bits, value);
  return signed >= -999_999n && signed <= 999_999n && (signed < 0n || signed > 9n) ? `${hex(value)} (${signed.toString()})` : hex(value);
}

/** The names of the flags that are set: `PF ZF IF`. */
export function flagsText(rflags: bigint): string {
  const set = Object.entries(FLAG).filter(([, mask]) => (rflags & BigInt(mask)) !== 0n).map(([name]) => name);
  return set.length === 0 ? 'none' : set.join(' ');
}

/** `copy_mc.S:27`: the last part of the path is enough where a line is only mentioned. */
export function placeText(position: SourcePosition | undefined): string | undefined {
  if (position === undefined) return undefined;
  const written = writtenPosition(position);
  return `${baseName(written.file)}:${String(written.line)}`;
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** An address a client gives: decimal or hex, 64 bits; undefined if it is none. */
export function parseAddress(text: string): bigint | undefined {
  return /^(0x[0-9a-f]{1,16}|[0-9]{1,20})$/i.test(text.trim()) ? BigInt.asUintN(64, BigInt(text.trim())) : undefined;
}
