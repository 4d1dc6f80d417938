/**
 * Hover of names: labels, symbols, sections, handler types, registers.
 */
import { SHF } from '../../assembly/elf/object.ts';
import { writtenPosition } from '../../assembly/source.ts';
import { handlerPrototype } from '../../fault-model/handler-prototypes.ts';
import { handlerType, EX_TYPE } from '../../fault-model/handler-types.ts';
import { KERNEL_GENERATIONS } from '../../fault-model/kernel-generation.ts';
import type { Analysis, InstructionSite } from '../analysis/analysis.ts';
import { coverageOf } from '../analysis/coverage.ts';
import { entryLine, placeText } from '../analysis/describe.ts';
import type { Label } from '../analysis/labels.ts';
import { lastWriters } from '../analysis/last-writers.ts';
import { registerText } from '../facts/registers.ts';
import { fullRegister } from '../registers.ts';
import { describeInstruction } from './instruction.ts';

export function describeLabel(label: Label, analysis: Analysis): readonly string[] {
  const line = writtenPosition(label.range.start).line;
  const lines = [`\`${label.written}\` — ${placeText(analysis, label)}, line ${String(line)}`];
  const routine = analysis.routines.find((one) => one.name === label.name);
  if (routine !== undefined) {
    const { covered, uncovered } = coverageOf(routine, analysis);
    const inside = analysis.instructions.filter((site) => site.routine === routine).length;
    lines.push(`${String(routine.end - routine.start)} bytes, ${String(inside)} instructions; ${String(covered.length)} of ${String(covered.length + uncovered.length)} memory accesses have an exception-table entry.`);
  }
  const landings = analysis.entries.filter((entry) => entry.fixup?.section === label.section && entry.fixup.offset === label.offset);
  if (landings.length > 0) {
    const list = landings.map((entry) => `- \`${entry.insnName}\`, ${entryLine(entry, analysis)}`);
    lines.push(`**Landing pad** of ${String(landings.length)} ${landings.length === 1 ? 'entry' : 'entries'}:\n${list.join('\n')}`);
  }
  const site = analysis.instructionAt(label);
  if (site !== undefined && site.entries.length > 0) lines.push(...describeInstruction(site, 1, analysis));
  return lines;
}

/** A symbol that is no label: assigned, common, or of another file. `elsewhere`: where the workspace defines it. */
export function describeSymbol(name: string, analysis: Analysis, elsewhere: readonly string[]): readonly string[] | undefined {
  const assigned = analysis.unit.statements.findLast((statement) => statement.kind === 'assignment' && statement.name === name);
  const symbol = analysis.object.symbols.find((one) => one.name === name);
  if (assigned !== undefined) {
    const value = symbol?.section === 'absolute' ? ` = ${String(symbol.value)} (0x${symbol.value.toString(16)})` : '';
    return [`\`${name}\`${value} — assigned in line ${String(writtenPosition(assigned.range.start).line)}`];
  }
  if (symbol?.section === 'common') return [`\`${name}\` — common symbol, ${String(symbol.size)} bytes`];
  if (symbol?.section !== 'undefined') return undefined;
  return [`\`${name}\` — not defined in this file${elsewhere.length === 0 ? '' : `, but in ${elsewhere.join(', ')}`}`];
}

export function describeSection(name: string, analysis: Analysis): readonly string[] | undefined {
  const index = analysis.object.sections.findIndex((section) => section.name === name);
  const section = analysis.object.sections[index];
  if (section === undefined) return undefined;
  const flags = [[SHF.ALLOC, 'loaded'], [SHF.WRITE, 'writable'], [SHF.EXECINSTR, 'executable']] as const;
  const properties = flags.filter(([flag]) => (section.flags & flag) !== 0).map(([, word]) => word);
  const routines = analysis.routines.filter((routine) => routine.section === index);
  const entries = analysis.entries.filter((entry) => entry.table === name);
  return [
    `Section \`${name}\` — ${String(section.size)} bytes, ${properties.length === 0 ? 'not loaded' : properties.join(', ')}, aligned to ${String(section.align)}.`,
    ...(routines.length === 0 ? [] : [`Routines: ${routines.map((routine) => `\`${routine.name}\``).slice(0, 20).join(', ')}.`]),
    ...(entries.length === 0 ? [] : [`${String(entries.length)} exception-table ${entries.length === 1 ? 'entry' : 'entries'}, layout \`${entries[0]!.layout}\`.`]),
  ];
}

/** `EX_TYPE_*` with its number in the kernel that is assumed. */
export function describeType(word: string, { generation }: Analysis): readonly string[] | undefined {
  const name = /^EX_TYPE_(\w+)$/.exec(word)?.[1];
  if (name === undefined || !Object.hasOwn(EX_TYPE, name)) return undefined;
  const number = EX_TYPE[name as keyof typeof EX_TYPE];
  const inTable = [...generation.typeNumbers].find(([, type]) => type === number)?.[0];
  const head = inTable === undefined ? `\`${word}\` — kernel ${generation.id} has no such type` : `\`${word}\` = ${String(inTable)} in kernel ${generation.id}`;
  const kernels = KERNEL_GENERATIONS.filter(({ typeNumbers }) => [...typeNumbers.values()].includes(number)).map(({ id }) => id);
  const type = handlerType(number);
  const prototype = handlerPrototype(number, generation);
  return [
    type === undefined ? head : `${head}: ${type.summary}.`,
    ...(type === undefined ? [] : [`Writes rip${type.writes.map((register) => `, ${register === 'reg' ? 'the entry\'s register' : register}`).join('')}.`]),
    ...(prototype === undefined ? [] : [`Handler: \`${prototype}\`.`]),
    ...(kernels.length === 0 ? [] : [`In kernels ${kernels.join(', ')}.`]),
  ];
}

const MOST_WRITERS = 5;

/** A register, and which instruction gave it the value it has at `site`. */
export function describeRegister(name: string, site: InstructionSite | undefined, analysis: Analysis): readonly string[] | undefined {
  const text = registerText(name.toLowerCase());
  if (text === undefined) return undefined;
  const head = `\`%${name}\`${text === '' ? '' : ` — ${text}`}`;
  const full = fullRegister(name)?.full;
  const writers = site === undefined || full === undefined ? undefined : lastWriters(site, full, analysis);
  if (writers === undefined) return [head];
  const sources = [
    ...writers.instructions.map(({ instruction, statement }) => `- \`${instruction.text}\`, line ${String(writtenPosition(statement.range.start).line)}`),
    ...writers.entries.map((entry) => `- the handler of the entry at line ${String(writtenPosition(entry.range.start).line)}, after a fault`),
    ...(writers.caller ? ['- the caller'] : []),
  ];
  if (sources.length === 0) return [head];
  const more = sources.length > MOST_WRITERS ? [`- and ${String(sources.length - MOST_WRITERS)} more`] : [];
  return [head, `**Last written** in front of this instruction by${sources.length === 1 ? '' : ' one of'}:\n${[...sources.slice(0, MOST_WRITERS), ...more].join('\n')}`];
}
