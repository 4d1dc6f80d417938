import { Code, CodeExt, Instruction, Mnemonic, RflagsBits } from 'iced-x86';
import { expect, test } from 'vitest';
import { FLAG } from '../../machine/cpu/cpu.ts';
import { systemInstruction } from '../../machine/cpu/system/index.ts';
import { liftOf } from '../../machine/cpu/lift/index.ts';
import { UNDEFINED_FLAGS } from '../../machine/cpu/undefined-flags.ts';

const BITS = (['OF', 'SF', 'ZF', 'AF', 'CF', 'PF'] as const).map((name) => [RflagsBits[name], FLAG[name]] as const);

/** By mnemonic: the flags that any form of it leaves undefined, as iced-x86 has them from the manuals. */
function undefinedByMnemonic(): Map<string, number> {
  const found = new Map<string, number>();
  const instruction = new Instruction();
  for (const code of Object.values(Code)) {
    if (typeof code !== 'number') continue;
    instruction.code = code;
    const mnemonic = Mnemonic[instruction.mnemonic]!.toLowerCase();
    const info = CodeExt.opCode(code);
    const modelled = info.isInstruction && info.mode64 && !info.mustBeCpl0 && liftOf(mnemonic) !== undefined && systemInstruction(instruction) === undefined;
    info.free();
    if (!modelled) continue;
    let bits = 0;
    for (const [theirs, ours] of BITS) if (instruction.rflagsUndefined & theirs) bits |= ours;
    if (bits !== 0) found.set(mnemonic, (found.get(mnemonic) ?? 0) | bits);
  }
  instruction.free();
  return found;
}

test('every flag that a lifted instruction leaves undefined is in the table, with what the emulator does', () => {
  const table = new Map(UNDEFINED_FLAGS.flatMap((row) => row.mnemonics.map((mnemonic) => [mnemonic, row] as const)));
  for (const [mnemonic, bits] of undefinedByMnemonic()) {
    expect.soft((table.get(mnemonic)?.undefined.intel ?? 0) | (table.get(mnemonic)?.undefined.amd ?? 0), mnemonic).toBe(bits);
  }
});

test('nothing is claimed of a flag that the manual defines', () => {
  for (const { mnemonics, undefined: masks, claims } of UNDEFINED_FLAGS) {
    for (const vendor of ['intel', 'amd'] as const) expect((claims[vendor] ?? 0) & ~masks[vendor], mnemonics.join(' ')).toBe(0);
  }
});
