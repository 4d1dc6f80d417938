/**
 * After layout: the bytes of each section, with all tails written out. Fields still hold zeros.
 */
import type { Fragment, SectionBuilder, Tail } from './fragments.ts';
import { leb128 } from './leb128.ts';
import { codePadding, nops } from './nops.ts';
import type { AssemblyState } from './state.ts';

/** The size of the section that `chain` makes up. */
export function sizeOf(chain: readonly Fragment[]): number {
  const last = chain.at(-1);
  return last === undefined ? 0 : last.address + last.length + last.tailSize;
}

/** The bytes of `section`; a section without contents has none. */
export function writeContents(state: AssemblyState, section: SectionBuilder, chain: readonly Fragment[]): Uint8Array {
  if (!section.hasContents) return new Uint8Array(0);
  const bytes = new Uint8Array(sizeOf(chain));
  for (const fragment of chain) {
    fragment.subsection.copyTo(bytes, fragment.address, fragment);
    if (fragment.tail !== undefined && fragment.tailSize > 0) writeTail(state, bytes, fragment, fragment.tail);
  }
  return bytes;
}

function writeTail(state: AssemblyState, bytes: Uint8Array, fragment: Fragment, tail: Tail): void {
  const at = fragment.address + fragment.length;
  const size = fragment.tailSize;
  if (tail.kind === 'branch') {
    if (tail.long) writeLongOpcode(bytes, at - 1);
    return;
  }
  const target = bytes.subarray(at, at + size);
  switch (tail.kind) {
    case 'align':
      if (tail.fill === undefined) target.set(codePadding(size, tail.bits));
      else repeat(target, tail.fill);
      return;
    case 'fill':
      repeat(target, tail.pattern);
      return;
    case 'space':
      if (tail.nops === undefined) repeat(target, tail.pattern);
      else target.set(nops(size, tail.nops.bits, tail.nops.limit));
      return;
    case 'origin':
      target.fill(tail.fill);
      return;
    case 'leb128':
      writeLeb128(target, leb128(state.symbols.number(tail.value) ?? 0n, tail.signed), tail.signed);
  }
}

/** `bytes`, made as long as the room that layout has left: by bytes that add nothing. */
function writeLeb128(target: Uint8Array, bytes: Uint8Array, signed: boolean): void {
  const short = bytes.length;
  target.set(bytes.subarray(0, target.length));
  if (short >= target.length) return;
  const negative = signed && ((bytes[short - 1] ?? 0) & 0x40) !== 0;
  target[short - 1] = (target[short - 1] ?? 0) | 0x80;
  target.fill(negative ? 0xff : 0x80, short, target.length - 1);
  target[target.length - 1] = negative ? 0x7f : 0;
}

/** EB becomes E9, 7x becomes 0F 8x; the displacement behind it is a fixup. */
function writeLongOpcode(bytes: Uint8Array, at: number): void {
  const short = bytes[at]!;
  if (short === 0xeb) bytes[at] = 0xe9;
  else {
    bytes[at] = 0x0f;
    bytes[at + 1] = short + 0x10;
  }
}

function repeat(target: Uint8Array, pattern: Uint8Array): void {
  if (pattern.length === 1) target.fill(pattern[0]!);
  else for (let at = 0; at < target.length; at++) target[at] = pattern[at % pattern.length]!;
}
