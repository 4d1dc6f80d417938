/**
 * Instructions that are executed in TypeScript: privileged or with much state, and not worth generated code.
 *
 * ## How to add one
 * Find its group's file here or add one, export a `Record<mnemonic, SystemInstruction>` (iced-x86 mnemonics in lower case), name it in
 * `GROUPS`. The function gets the processor and iced's decoded instruction (valid during the call only). `rip` already points behind the
 * instruction. To fault, throw {@link SystemFault} before anything is changed; `cpu.load` and `cpu.store` throw their faults by themselves.
 */
import type { SystemInstruction } from './context.ts';
import { msrInstructions } from './msr.ts';

export { SystemFault } from './context.ts';
export type { SystemContext, SystemInstruction } from './context.ts';

const GROUPS: readonly Record<string, SystemInstruction>[] = [msrInstructions];

const instructions = new Map<string, SystemInstruction>();
for (const group of GROUPS) {
  for (const [mnemonic, run] of Object.entries(group)) {
    if (instructions.has(mnemonic)) throw new Error(`${mnemonic} is defined twice`);
    instructions.set(mnemonic, run);
  }
}

export function isSystemInstruction(mnemonic: string): boolean {
  return instructions.has(mnemonic);
}

export function systemInstruction(mnemonic: string): SystemInstruction | undefined {
  return instructions.get(mnemonic);
}
