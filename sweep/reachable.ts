/** Which code some CPU may run from a routine's first instruction on, landing pads included. */
import type { Image } from '../assembly/elf/image.ts';
import type { ImageTable } from '../assembly/extable/search.ts';
import { decodeAll } from '../assembly/x86/decode.ts';
import { readAlternatives } from '../machine/kernel/alternatives.ts';

export interface ReachableCode {
  /** Addresses of instructions. */
  readonly instructions: ReadonlySet<bigint>;
  /** The same and all bytes inside them: constants that are known at boot are patched there. */
  readonly bytes: ReadonlySet<bigint>;
  /** False if a jump goes where only a run can tell: there may be more. */
  readonly complete: boolean;
}

/** Instructions looked at. */
const MAX_INSTRUCTIONS = 20_000;

/** Follows direct jumps, calls and landing pads. Instructions that are patched at boot count as they are written and as they become. */
export function reachableCode(image: Image, entry: bigint, { entries }: ImageTable, generation: string): ReachableCode {
  const fixups = new Map<bigint, bigint[]>();
  for (const { insn, fixup } of entries) fixups.set(insn, [...fixups.get(insn) ?? [], fixup]);
  const patched = new Map(readAlternatives(image, generation).records.map((record) => [record.instruction, record]));
  const seen = new Set<bigint>(), bytes = new Set<bigint>();
  let complete = true;
  const waiting = [entry];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen.has(at)) continue;
    if (seen.add(at).size >= MAX_INSTRUCTIONS) return { instructions: seen, bytes, complete: false };
    const [instruction] = decodeAll(image.read(at, 15), at);
    if (instruction === undefined) continue;
    const record = patched.get(at);
    if (record !== undefined) {
      waiting.push(at + BigInt(record.length));
      for (const { target } of decodeAll(image.read(record.replacement, record.replacementLength), record.replacement)) if (target !== undefined) waiting.push(target);
    }
    waiting.push(...fixups.get(at) ?? []);
    const { target, flow, length } = instruction;
    if (target !== undefined) waiting.push(target);
    if (flow === 'indirect-jump') complete = false;
    if (!['jump', 'return', 'indirect-jump', 'exception'].includes(flow)) waiting.push(at + BigInt(length));
    for (let byte = 0; byte < length; byte++) bytes.add(at + BigInt(byte));
  }
  return { instructions: seen, bytes, complete };
}
