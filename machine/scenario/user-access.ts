/**
 * Who opens access to user memory: some routines do it themselves (stac … clac), others leave it to their caller, as the kernel's
 * `rep_movs_alternative` leaves it to `user_access_begin()`. The instructions tell.
 */
import type { Image } from '../../assembly/elf/image.ts';
import { decodeAll } from '../../assembly/x86/decode.ts';
import type { Instruction } from '../../assembly/x86/instruction.ts';
import { bootPatches } from '../kernel/alternatives.ts';
import type { CpuProfile } from '../cpu/cpu.ts';

const known = new WeakMap<Image, Map<string, boolean>>();
/** Instructions looked at; a routine that goes on for longer is taken to open access somewhere. */
const MAX_INSTRUCTIONS = 20_000;
const MAX_LENGTH = 15;

/** Whether an instruction that can be reached from `entry` by falling through, direct jumps and calls is a `stac`, on a CPU of `profile`. */
export function opensUserAccess(image: Image, entry: bigint, profile: CpuProfile, generation: string): boolean {
  const key = `${entry.toString(16)} ${profile.name} ${profile.features.join()} ${generation}`;
  let answers = known.get(image);
  if (answers === undefined) known.set(image, answers = new Map());
  let answer = answers.get(key);
  if (answer === undefined) answers.set(key, answer = search(image, entry, bootPatches(image, profile, generation).patches));
  return answer;
}

function search(image: Image, entry: bigint, patches: readonly { readonly address: bigint; readonly bytes: Uint8Array }[]): boolean {
  const patched = new Map(patches.flatMap(({ address, bytes }) => [...bytes].map((byte, i) => [address + BigInt(i), byte] as const)));
  const decode = (address: bigint): Instruction | undefined => {
    const bytes = Uint8Array.from(image.read(address, MAX_LENGTH), (byte, i) => patched.get(address + BigInt(i)) ?? byte);
    return decodeAll(bytes, address)[Symbol.iterator]().next().value;
  };
  const waiting = [entry];
  const seen = new Set<bigint>();
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen.has(at)) continue;
    if (seen.add(at).size > MAX_INSTRUCTIONS) return true;
    const instruction = decode(at);
    if (instruction === undefined) continue;
    if (instruction.mnemonic === 'stac') return true;
    const { flow, target, length } = instruction;
    if (target !== undefined) waiting.push(target);
    if (flow !== 'jump' && flow !== 'return' && flow !== 'indirect-jump' && flow !== 'exception' && instruction.mnemonic !== '(bad)') waiting.push(at + BigInt(length));
  }
  return false;
}
