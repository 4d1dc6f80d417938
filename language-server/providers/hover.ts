/**
 * Hover: what this is, what happens if it faults, and why.
 */
import type { Hover } from 'vscode-languageserver-types';
import { handlerType, EX_TYPE } from '../../fault-model/handler-types.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { MacroDefinition } from '../../assembly/gas/statement.ts';
import type { Analysis, EntrySite, InstructionSite } from '../analysis/analysis.ts';
import { bytesText, canMachineCheck, entryLine, faultLines, placeText, recoverabilityOf } from '../analysis/describe.ts';
import type { Label } from '../analysis/labels.ts';
import type { Provider } from '../provider.ts';
import { fromPosition, holds, toRange, wordAt } from '../ranges.ts';
import type { SourceRange } from '../../assembly/source.ts';

export const hover: Provider = {
  capabilities: { hoverProvider: true },
  register(connection, workspace) {
    connection.onHover(({ textDocument, position }) => {
      const analysis = workspace.analysis(textDocument.uri);
      if (analysis === undefined) return null;
      const { line, column } = fromPosition(analysis.file, position);
      return hoverAt(analysis, line, column) ?? null;
    });
  },
};

/** The hover for a 1-based place of the analysed file. */
export function hoverAt(analysis: Analysis, line: number, column: number): Hover | undefined {
  const found = wordAt(analysis.text, analysis.file, line, column);
  const use = analysis.macroUseAt(line, column);
  if (use !== undefined && found?.word === use.definition.name) {
    const made = analysis.entries.filter((entry) => entry.range.start.line === line && entry.range.start.file === analysis.file);
    return markdown([...made.flatMap((entry) => describeEntry(entry, analysis)), ...describeMacro(use.definition)], use.range);
  }
  const type = found === undefined ? undefined : describeType(found.word);
  if (type !== undefined) return markdown(type, found!.range);
  const label = found === undefined ? undefined : labelNamed(found.word, line, column, analysis);
  if (label !== undefined) return markdown(describeLabel(label, analysis), found!.range);
  const sites = analysis.instructionsOnLine(line).filter((site) => coversColumn(site, line, column, analysis.file));
  const [first] = sites;
  if (first === undefined) return undefined;
  return markdown(describeInstruction(first, sites.length, analysis), rangeOf(first, line, analysis.file));
}

/** An instruction of a macro is shown at its use only where the line holds no other instruction. */
function coversColumn(site: InstructionSite, line: number, column: number, file: string): boolean {
  const { range } = site.statement;
  if (range.start.file === file && range.start.line === line) return holds(range, line, column);
  return writtenPosition(range.start).line === line;
}

function rangeOf(site: InstructionSite, line: number, file: string): SourceRange | undefined {
  const { range } = site.statement;
  return range.start.file === file && range.start.line === line ? range : undefined;
}

function markdown(lines: readonly string[], range: SourceRange | undefined): Hover {
  return { contents: { kind: 'markdown', value: lines.join('\n\n') }, ...(range === undefined ? {} : { range: toRange(range) }) };
}

/** Everything about one instruction; `copies` is how many instructions the same line became. */
export function describeInstruction(site: InstructionSite, copies: number, analysis: Analysis): readonly string[] {
  const { instruction } = site;
  const lines = [`\`${instruction.text}\` — ${placeText(analysis, site)}, \`${bytesText(instruction.bytes.subarray(0, instruction.length))}\``];
  if (copies > 1) lines.push(`One of ${String(copies)} instructions made from this line.`);
  for (const access of instruction.accesses) {
    const verb = { read: 'Reads', write: 'Writes', 'read-write': 'Reads and writes' }[access.kind];
    const size = access.size === 0 ? '' : ` ${String(access.size)} ${access.size === 1 ? 'byte' : 'bytes'}`;
    lines.push(`${verb}${size} at \`${access.text}\`.`);
  }
  const effects = [
    ['reads', instruction.registersRead.join(' ')], ['writes', instruction.registersWritten.join(' ')],
    ['flags read', instruction.flagsRead], ['flags written', instruction.flagsWritten], ['flags left undefined', instruction.flagsUndefined],
  ].filter(([, what]) => what !== '').map(([verb, what]) => `${verb!} ${what!}`);
  if (effects.length > 0) lines.push(`${effects.join('; ')}.`);
  const faults = faultLines(instruction);
  lines.push(faults.length === 0 ? 'Cannot fault.' : `**Can fault:**\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
  if (faults.length > 0) lines.push(...describeCover(site, analysis));
  return lines;
}

function describeCover(site: InstructionSite, analysis: Analysis): readonly string[] {
  if (site.entries.length === 0) return ['**No exception-table entry:** a fault here is an oops, a machine check a panic.'];
  return site.entries.flatMap((entry) => {
    const lines = [`**Entry:** ${entryLine(entry, analysis)}.`];
    if (canMachineCheck(site.instruction)) lines.push(machineCheckLine(site, entry, analysis));
    else lines.push('**Machine check here:** impossible, the instruction reads no memory.');
    return lines;
  });
}

function machineCheckLine(site: InstructionSite, entry: EntrySite, analysis: Analysis): string {
  const { recoverable, because } = recoverabilityOf(site, entry, analysis);
  const answer = { yes: 'recoverable', no: 'not recoverable', 'if the address is a user address': 'recoverable if the address is a user address' }[recoverable];
  return `**Machine check here** (kernel ${analysis.generation.id}): ${answer}, because ${because}.`;
}

function describeEntry(entry: EntrySite, analysis: Analysis): readonly string[] {
  const site = entry.insn === undefined ? undefined : analysis.instructionAt(entry.insn);
  const covered = entry.insn === undefined ? `\`${entry.insnName}\`, which is not defined here` : site === undefined
    ? `${placeText(analysis, entry.insn)}, where no instruction begins`
    : `\`${site.instruction.text}\` (${placeText(analysis, site)}, line ${String(writtenPosition(site.statement.range.start).line)})`;
  const lines = [`**Entry:** ${entryLine(entry, analysis)}.`, `Covers ${covered}.`];
  if (site !== undefined && canMachineCheck(site.instruction)) lines.push(machineCheckLine(site, entry, analysis));
  return lines;
}

function describeMacro(definition: MacroDefinition): readonly string[] {
  const head = definition.kind === 'cpp' ? `#define ${definition.name}` : `.macro ${definition.name}`;
  const parameters = definition.parameters.length === 0 ? '' : definition.kind === 'cpp' ? `(${definition.parameters.join(', ')})` : ` ${definition.parameters.join(', ')}`;
  const body = definition.body.trim().split('\n').slice(0, 12).join('\n');
  const { file, line } = definition.range.start;
  return [`\`\`\`gas\n${head}${parameters}${definition.kind === 'cpp' ? ` ${body}` : `\n${body}\n.endm`}\n\`\`\``, `Defined at ${file}:${String(line)}.`];
}

function describeType(word: string): readonly string[] | undefined {
  const name = /^EX_TYPE_(\w+)$/.exec(word)?.[1];
  if (name === undefined || !Object.hasOwn(EX_TYPE, name)) return undefined;
  const number = EX_TYPE[name as keyof typeof EX_TYPE];
  const type = handlerType(number);
  if (type === undefined) return [`\`${word}\` = ${String(number)}`];
  return [`\`${word}\` = ${String(number)}: ${type.summary}.`, `Writes rip${type.writes.map((register) => `, ${register}`).join('')}.`];
}

function labelNamed(word: string, line: number, column: number, analysis: Analysis): Label | undefined {
  const plain = word.replace(/^\$/, '');
  const here = analysis.labels.all.find((label) => holds(label.range, line, column) && label.range.start.file === analysis.file && label.written === plain);
  return here ?? analysis.labels.byName(plain);
}

function describeLabel(label: Label, analysis: Analysis): readonly string[] {
  const line = writtenPosition(label.range.start).line;
  const lines = [`\`${label.written}\` — ${placeText(analysis, label)}, line ${String(line)}`];
  const routine = analysis.routines.find((one) => one.name === label.name);
  if (routine !== undefined) lines.push(describeRoutine(routine.name, routine.end - routine.start, analysis));
  const landings = analysis.entries.filter((entry) => entry.fixup?.section === label.section && entry.fixup.offset === label.offset);
  if (landings.length > 0) {
    const list = landings.map((entry) => `- \`${entry.insnName}\`, ${entryLine(entry, analysis)}`);
    lines.push(`**Landing pad** of ${String(landings.length)} ${landings.length === 1 ? 'entry' : 'entries'}:\n${list.join('\n')}`);
  }
  const site = analysis.instructionAt(label);
  if (site !== undefined && site.entries.length > 0) lines.push(...describeInstruction(site, 1, analysis));
  return lines;
}

function describeRoutine(name: string, size: number, analysis: Analysis): string {
  const inside = analysis.instructions.filter((site) => site.routine?.name === name);
  const accesses = inside.filter((site) => site.instruction.accesses.some((access) => !access.implicit));
  const covered = accesses.filter((site) => site.entries.length > 0);
  return `${String(size)} bytes, ${String(inside.length)} instructions; ${String(covered.length)} of ${String(accesses.length)} memory accesses have an exception-table entry.`;
}
