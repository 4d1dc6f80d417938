/**
 * Hover of an instruction: what it does, and what happens if it faults.
 */
import { operandForms } from '../../assembly/assembler/encoding/operand-forms.ts';
import type { Instruction } from '../../assembly/x86/instruction.ts';
import { writtenPosition } from '../../assembly/source.ts';
import { recoverability } from '../../fault-model/error-context.ts';
import { handlerPrototype } from '../../fault-model/handler-prototypes.ts';
import { handlerType } from '../../fault-model/handler-types.ts';
import { KERNEL_GENERATIONS } from '../../fault-model/kernel-generation.ts';
import { opcodeOf } from '../../fault-model/memory-operand.ts';
import type { Analysis, EntrySite, InstructionSite } from '../analysis/analysis.ts';
import { bytesText, canMachineCheck, entryLine, faultLines, placeText, recoverabilityOf } from '../analysis/describe.ts';
import { icedName } from '../editing/documentation.ts';
import { mnemonicSummary } from '../facts/mnemonics.ts';

/** What every x86-64 CPU has. */
const BASIC = /^(INTEL8086|INTEL8086_ONLY|INTEL186|INTEL286|INTEL386|INTEL486|X64|CPUID|FPU|FPU287|FPU387|MSR|TSC|CX8|CMOV|SSE|SSE2|FXSR|SYSCALL|MULTIBYTENOP|PAUSE|CLFSH|MMX)$/;

/** Everything about one instruction, a paragraph each; `copies` is how many instructions the same line became. */
export function describeInstruction(site: InstructionSite, copies: number, analysis: Analysis): readonly string[] {
  const { instruction } = site;
  const lines = [`\`${instruction.text}\` — ${placeText(analysis, site)}, \`${bytesText(instruction.bytes.subarray(0, instruction.length))}\``];
  if (copies > 1) lines.push(`One of ${String(copies)} instructions made from this line.`);
  const what = whatItIs(site);
  if (what !== '') lines.push(what);
  for (const access of instruction.accesses) {
    const verb = { read: 'Reads', write: 'Writes', 'read-write': 'Reads and writes' }[access.kind];
    const size = access.size === 0 ? '' : ` ${String(access.size)} ${access.size === 1 ? 'byte' : 'bytes'}`;
    lines.push(`${verb}${size} at \`${access.text}\`.`);
  }
  const effects = [
    ['reads', instruction.registersRead.join(' ')], ['writes', instruction.registersWritten.join(' ')],
    ['flags read', instruction.flagsRead], ['flags written', instruction.flagsWritten], ['flags left undefined', instruction.flagsUndefined],
  ].filter(([, text]) => text !== '').map(([verb, text]) => `${verb!} ${text!}`);
  if (effects.length > 0) lines.push(`${effects.join('; ')}.`);
  const faults = faultLines(instruction);
  lines.push(faults.length === 0 ? 'Cannot fault.' : `**Can fault:**\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
  if (faults.length > 0) lines.push(...describeCover(site, analysis));
  return lines;
}

/** What it does, its operands, and what the CPU must have. */
function whatItIs({ instruction, statement }: InstructionSite): string {
  const summary = mnemonicSummary(icedName(instruction.codeName));
  const form = operandForms(statement.mnemonic).find(({ encoding, text }) => encoding === instruction.codeName && text !== '');
  const features = instruction.features.filter((name) => !BASIC.test(name));
  return [
    ...(summary === undefined ? [] : [`${summary[0]!.toUpperCase()}${summary.slice(1)}.`]),
    ...(form === undefined ? [] : [`Operands \`${form.text}\`.`]),
    ...(features.length === 0 ? [] : [`Needs ${features.join(', ')}.`]),
    ...(instruction.privileged ? ['Privileged.'] : []),
  ].join(' ');
}

function describeCover(site: InstructionSite, analysis: Analysis): readonly string[] {
  if (site.entries.length === 0) return ['**No exception-table entry:** a fault here is an oops, a machine check a panic.'];
  return site.entries.flatMap((entry) => [`**Entry:** ${entryLine(entry, analysis)}.`, ...handlerLines(entry, analysis), ...machineCheckLines(site, entry, analysis)]);
}

/** The handler's C function, and what it writes. */
export function handlerLines(entry: EntrySite, analysis: Analysis): readonly string[] {
  if (entry.isDescriptor) return [`**Handler:** the function that \`${entry.fixupName}\` describes.`];
  const prototype = handlerPrototype(entry.type, analysis.generation);
  const type = handlerType(entry.type);
  const writes = type === undefined ? '' : `writes rip${type.writes.map((register) => `, ${register === 'reg' ? 'the entry\'s register' : register}`).join('')}`;
  if (prototype === undefined) return writes === '' ? [] : [`**Handler:** ${writes}.`];
  return [`**Handler:** \`${prototype}\`${writes === '' ? '' : `: ${writes}`}.`];
}

/** What a machine check comes to under the kernel that is assumed, and where other kernels differ. */
export function machineCheckLines(site: InstructionSite, entry: EntrySite, analysis: Analysis): readonly string[] {
  if (!canMachineCheck(site.instruction)) return ['**Machine check here:** impossible, the instruction reads no memory.'];
  const { recoverable, because } = recoverabilityOf(site, entry, analysis);
  const line = `**Machine check here** (kernel ${analysis.generation.id}): ${ANSWER[recoverable]}, because ${because}.`;
  const others = otherGenerations(site.instruction, entry, analysis).filter(([, answer]) => answer !== recoverable);
  return others.length === 0 ? [line] : [line, `Elsewhere: ${others.map(([id, answer]) => `${ANSWER[answer]} in ${id}`).join(', ')}.`];
}

const ANSWER = { yes: 'recoverable', no: 'not recoverable', 'if the address is a user address': 'recoverable if the address is a user address' } as const;

/** The answer of every other kernel that has the entry's type. */
function otherGenerations(instruction: Instruction, entry: EntrySite, analysis: Analysis): readonly (readonly [string, keyof typeof ANSWER])[] {
  return KERNEL_GENERATIONS.filter((generation) => generation !== analysis.generation && (generation.typeNumbers.size === 0 || [...generation.typeNumbers.values()].includes(entry.type)))
    .filter((generation) => generation.typeNumbers.size > 0)
    .map((generation) => [generation.id, recoverability(entry.type, opcodeOf(instruction.bytes), generation).recoverable] as const);
}

/** What an entry covers, for the macro that made it. */
export function describeEntry(entry: EntrySite, analysis: Analysis): readonly string[] {
  const site = entry.insn === undefined ? undefined : analysis.instructionAt(entry.insn);
  const covered = entry.insn === undefined ? `\`${entry.insnName}\`, which is not defined here` : site === undefined
    ? `${placeText(analysis, entry.insn)}, where no instruction begins`
    : `\`${site.instruction.text}\` (${placeText(analysis, site)}, line ${String(writtenPosition(site.statement.range.start).line)})`;
  const lines = [`**Entry:** ${entryLine(entry, analysis)}.`, `Covers ${covered}.`, ...handlerLines(entry, analysis)];
  if (site !== undefined && canMachineCheck(site.instruction)) lines.push(...machineCheckLines(site, entry, analysis));
  return lines;
}
