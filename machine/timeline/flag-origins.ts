/**
 * Which flags hold no defined value at a moment, and because of which instruction: found by going back to the instructions that wrote them.
 */
import { decodeInstruction, MAX_INSTRUCTION_LENGTH } from '../../assembly/x86/decode.ts';
import type { Instruction } from '../../assembly/x86/instruction.ts';
import { FLAG } from '../cpu/cpu.ts';
import { undefinedFlagsOf } from '../cpu/undefined-flags.ts';
import type { Machine } from '../machine.ts';
import type { Timeline } from './timeline.ts';

/** Instructions looked back at: code that computes writes all flags every few instructions. */
const FARTHEST = 32;
const RCX = 1;
const LETTERS: Readonly<Record<string, number>> = { O: FLAG.OF, S: FLAG.SF, Z: FLAG.ZF, A: FLAG.AF, P: FLAG.PF, C: FLAG.CF };
const FLAGS = Object.values(LETTERS);
const ARITHMETIC = FLAGS.reduce((all, flag) => all | flag, 0);
const SHIFTS = new Set(['shl', 'sal', 'shr', 'sar', 'rol', 'ror', 'rcl', 'rcr', 'shld', 'shrd']);

/** A flag whose value is the processor's own choice. */
export interface UndefinedFlag {
  /** Its bit in RFLAGS. */
  readonly flag: number;
  /** The instruction that left it undefined, by the manual of the profile's vendor. */
  readonly instruction: Instruction;
}

/** RFLAGS bits that an instruction leaves as its manual says, and those it leaves undefined. */
interface FlagEffect {
  readonly defined: number;
  readonly undefined: number;
}

/**
 * The undefined flags at the present moment. A flag whose last writer lies farther back than is looked counts as defined, and so do all
 * after a fixup that wrote RFLAGS. The timeline is back where it stood afterwards; a pending delivery is then at its first phase.
 */
export function undefinedFlags(timeline: Timeline): readonly UndefinedFlag[] {
  const { machine, now } = timeline;
  const saved = machine.save();
  const found = lookBack(timeline);
  if (saved === undefined) timeline.goTo(now);
  else {
    machine.restore(saved);
    machine.release(saved);
  }
  return found;
}

function lookBack(timeline: Timeline): readonly UndefinedFlag[] {
  const { machine } = timeline;
  const found: UndefinedFlag[] = [];
  // A handler has flags of its own: when it ends, those of the interrupted code are back.
  const handlers = machine.handling.length;
  let open = ARITHMETIC;
  for (let steps = 0; open !== 0 && steps < FARTHEST; steps++) {
    const delivered = machine.delivery !== undefined;
    const fixup = machine.fixups.at(-1);
    if (!timeline.stepBack() || machine.handling.length < handlers) break;
    if (fixup !== machine.fixups.at(-1) && fixup?.changes.some(({ register }) => register === 'rflags') === true) break;
    // From a delivery the way back leads to the instruction that raised it, which did not run.
    if (delivered || machine.delivery !== undefined || machine.handling.length > handlers) continue;
    const instruction = instructionAt(machine);
    const effect = effectOf(instruction, machine);
    for (const flag of FLAGS) if ((effect.undefined & open & flag) !== 0) found.push({ flag, instruction });
    open &= ~(effect.defined | effect.undefined);
  }
  return found;
}

function instructionAt(machine: Machine): Instruction {
  const { rip } = machine.registers;
  return decodeInstruction(machine.memory.read(rip, MAX_INSTRUCTION_LENGTH), rip);
}

/** What `instruction` does to the flags when it runs on the machine's present state. */
function effectOf(instruction: Instruction, machine: Machine): FlagEffect {
  const { mnemonic, repeat } = instruction;
  const written = maskOf(instruction.flagsWritten + instruction.flagsUndefined);
  const unclear = undefinedFlagsOf(mnemonic, machine.scenario.cpu.vendor) ?? maskOf(instruction.flagsUndefined);
  if (repeat !== 'none' && machine.registers.get(RCX) === 0n) return NONE;
  // The decoder knows the count of an immediate, and what follows from it.
  if (!SHIFTS.has(mnemonic) || !instruction.codeName.endsWith('_CL')) return effect(written, unclear & maskOf(instruction.flagsUndefined));
  const wide = instruction.codeName.includes('m64');
  const count = Number(machine.registers.get(RCX) & (wide ? 63n : 31n));
  if (count === 0) return NONE;
  return effect(written, count === 1 ? unclear & ~FLAG.OF : unclear);
}

const NONE: FlagEffect = { defined: 0, undefined: 0 };

function effect(written: number, unclear: number): FlagEffect {
  return { defined: written & ~unclear, undefined: unclear };
}

function maskOf(letters: string): number {
  let mask = 0;
  for (const letter of letters) mask |= LETTERS[letter] ?? 0;
  return mask;
}
