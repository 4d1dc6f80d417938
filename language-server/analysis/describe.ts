/**
 * What there is to say about an instruction, an entry or a landing pad, as Markdown-ready lines. Shared by hover, inlay hints and lenses.
 */
import { entryTypeText } from '../../fault-model/entry-type.ts';
import { recoverability } from '../../fault-model/error-context.ts';
import type { Recoverability } from '../../fault-model/error-context.ts';
import { opcodeOf } from '../../fault-model/memory-operand.ts';
import { handlerType } from '../../fault-model/handler-types.ts';
import { vectorFacts } from '../../fault-model/vectors.ts';
import type { Instruction } from '../../assembly/x86/instruction.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Analysis, EntrySite, InstructionSite, ObjectPlace } from './analysis.ts';

const MACHINE_CHECK = 18;

/** A place in code by the routine that holds it: `copy_mc+0x13`. */
export function placeText(analysis: Analysis, place: ObjectPlace): string {
  const routine = analysis.routines.findLast((one) => one.section === place.section && one.start <= place.offset && place.offset < one.end);
  if (routine === undefined) return `${analysis.object.sections[place.section]?.name ?? '?'}+0x${place.offset.toString(16)}`;
  return place.offset === routine.start ? routine.name : `${routine.name}+0x${(place.offset - routine.start).toString(16)}`;
}

/** `4c 8b 06` */
export function bytesText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** `#PF (14) page fault: reads (%rsi)`, one a vector. */
export function faultLines(instruction: Instruction): readonly string[] {
  return instruction.faults.map(({ vector, reason }) => {
    const facts = vectorFacts(vector);
    return `${facts.mnemonic} (${String(vector)}) ${facts.name}: ${reason}`;
  });
}

/** True if the instruction can consume poison as data. */
export function canMachineCheck(instruction: Instruction): boolean {
  return instruction.faults.some(({ vector }) => vector === MACHINE_CHECK);
}

/** What a machine check on `site` comes to under `entry`. */
export function recoverabilityOf(site: InstructionSite, entry: EntrySite, analysis: Analysis): Recoverability {
  return recoverability(entry.type, opcodeOf(site.instruction.bytes), analysis.generation);
}

/** `_ASM_EXTABLE_UA at line 12: .Lread → .Lfixup (line 40), EX_TYPE_UACCESS: goes to the landing pad …` */
export function entryLine(entry: EntrySite, analysis: Analysis): string {
  const made = entry.macro === undefined ? 'table entry' : `\`${entry.macro}\``;
  const line = writtenPosition(entry.range.start).line;
  const landing = entry.fixup === undefined ? `\`${entry.fixupName}\` (not defined here)` : `\`${entry.fixupName}\`${landingLine(entry.fixup, analysis)}`;
  const summary = handlerType(entry.type)?.summary;
  return `${made} at line ${String(line)} → ${landing}, \`${entryTypeText(entry)}\`${summary === undefined ? '' : `: ${summary}`}`;
}

function landingLine(place: ObjectPlace, analysis: Analysis): string {
  const label = analysis.labels.at(place)[0];
  return label === undefined ? '' : ` (line ${String(writtenPosition(label.range.start).line)})`;
}
