/**
 * Entries: on the instruction that was meant, of the type that goes with the access, and one for an access that has none.
 */
import { nearestUncovered } from '../checks/entry-cannot-fault.ts';
import { mostSimilar } from '../../assembly/assembler/encoding/mnemonic-names.ts';
import { EX_TYPE } from '../../fault-model/ex-type.ts';
import type { Analysis, EntrySite, InstructionSite } from '../analysis/analysis.ts';
import type { Label } from '../analysis/labels.ts';
import { visitOccurrences } from '../analysis/occurrences.ts';
import { lineOf } from '../ranges.ts';
import type { SourceRange } from '../../assembly/source.ts';
import type { Edit, Fix, Fixer } from './fix.ts';
import { insert, insertAfter, isPlain, removeLine, replace, useAt } from './text.ts';
import type { Use } from './text.ts';

function entryAt(range: SourceRange, analysis: Analysis): EntrySite | undefined {
  return analysis.entries.find((entry) => entry.range.start.line === range.start.line && entry.range.start.column === range.start.column && entry.range.start.file === range.start.file);
}

/** The label stands in front of the wrong instruction. */
export const labelFixes: Fixer = {
  codes: ['entry-cannot-fault', 'entry-off-by-one'],
  fixes({ range }, analysis): readonly Fix[] {
    const entry = entryAt(range, analysis);
    const site = entry?.insn === undefined ? undefined : analysis.instructionAt(entry.insn);
    const meant = site === undefined ? undefined : nearestUncoveredOf(site, analysis);
    const label = site === undefined ? undefined : analysis.labels.at(site).find(({ written }) => written === entry!.insnName);
    if (meant === undefined || label === undefined || !isPlain(analysis, label.range) || !isPlain(analysis, meant.statement.range)) return [];
    const edits = moved(label, meant, range, analysis);
    return edits === undefined ? [] : [{ title: `Move ${label.written} to \`${meant.instruction.text}\``, edits, preferred: true }];
  },
};

function moved(label: Label, meant: InstructionSite, entry: SourceRange, analysis: Analysis): readonly Edit[] | undefined {
  const from = label.range.start.line;
  const to = meant.statement.range.start.line;
  const mentions: SourceRange[] = [];
  visitOccurrences(analysis.unit, (name, range, role) => { if (name === label.name && role !== 'definition') mentions.push(range); });
  // Only the entry may mean it, and for `1b` and `1f` nothing else of that name may stand on the way, nor the entry itself.
  if (mentions.some(({ start }) => start.line !== entry.start.line)) return undefined;
  const between = (line: number): boolean => line >= Math.min(from, to) && line <= Math.max(from, to);
  if (/^\d/.test(label.written) && (between(entry.start.line) || analysis.labels.all.some((other) => other !== label && other.written === label.written && between(other.range.start.line)))) return undefined;
  const text = lineOf(analysis.text, from);
  const start = label.range.start.column;
  const colon = text.indexOf(':', start + label.written.length - 2);
  const alone = text.slice(0, start - 1).trim() === '' && text.slice(colon + 1).trim() === '';
  const target = lineOf(analysis.text, to);
  const column = meant.statement.range.start.column;
  const removal = alone ? removeLine(from) : replace(from, start, colon + 2, '');
  if (target.slice(0, column - 1).trim() !== '') return [removal, insert(to, column, `${label.written}: `)];
  return [removal, alone ? insert(to, 1, `${text.trimEnd()}\n`) : insert(to, 1, `${label.written}:`)];
}

/** A load whose entry is not safe, or a store whose entry promises what cannot happen. */
export const typeFixes: Fixer = {
  codes: ['load-not-mce-safe', 'store-marked-mce-safe'],
  fixes({ code, range }, analysis): readonly Fix[] {
    const entry = entryAt(range, analysis);
    const use = useAt(analysis, range);
    if (entry === undefined || use === undefined) return [];
    const fault = [EX_TYPE.FAULT, EX_TYPE.FAULT_MCE_SAFE].some((type) => type === entry.type);
    const type = `EX_TYPE_${fault ? 'FAULT' : 'DEFAULT'}${code === 'load-not-mce-safe' ? '_MCE_SAFE' : ''}`;
    const { text: written, line, column, endColumn } = use;
    const named = /\bEX_TYPE_(?:DEFAULT|FAULT)(?:_MCE_SAFE)?\b/.exec(written);
    const plain = /^(_ASM_EXTABLE(?:_FAULT)?)\((.*)\)$/.exec(written);
    const text = named !== null ? written.replace(named[0], type) : plain !== null ? `_ASM_EXTABLE_TYPE(${plain[2]!}, ${type})` : undefined;
    return text === undefined ? [] : [{ title: `Make it ${type}`, edits: [replace(line, column, endColumn, text)], preferred: true }];
  },
};

/** An access without an entry, where the routine shows what its entries look like. */
export const coverFixes: Fixer = {
  codes: ['uncovered-load'],
  fixes({ range }, analysis): readonly Fix[] {
    const site = analysis.instructions.find(({ statement }) => statement.range.start.line === range.start.line && statement.range.start.column === range.start.column && statement.range.start.file === range.start.file);
    const fix = site === undefined ? undefined : coverLikeOthers(site, analysis);
    return fix === undefined ? [] : [fix];
  },
};

/** A label, and an entry like that of the nearest access of the same kind; undefined where none of the routine can serve as a model. */
export function coverLikeOthers(site: InstructionSite, analysis: Analysis): Fix | undefined {
  if (!isPlain(analysis, site.statement.range)) return undefined;
  const reads = ({ instruction }: InstructionSite): boolean => instruction.accesses.some(({ kind, implicit }) => kind !== 'write' && !implicit);
  const distance = (other: InstructionSite): number => Math.abs(other.offset - site.offset) + (reads(other) === reads(site) ? 0 : 1e6);
  const model = analysis.instructions
    .filter((other) => other.routine === site.routine)
    .sort((a, b) => distance(a) - distance(b))
    .flatMap(({ entries }) => entries.flatMap((entry) => modelOf(entry, analysis) ?? []))[0];
  if (model === undefined) return undefined;
  const existing = analysis.labels.at(site).find(({ written }) => !/^\d/.test(written) && written !== site.routine?.name);
  const name = existing?.written ?? freeName(analysis, site);
  const { line, column } = site.statement.range.start;
  const own = lineOf(analysis.text, line);
  const label = own.slice(0, column - 1).trim() === '' ? insert(line, 1, `${name}:\n`) : insert(line, column, `${name}: `);
  const { entry, use, reference } = model;
  const added = insertAfter(analysis, use.line, `${/^\s*/.exec(lineOf(analysis.text, use.line))![0]}${use.text.replace(reference, name)}`);
  if (added === undefined) return undefined;
  return { title: `Add an entry like that of ${entry.insnName} (see that the landing pad counts right for it)`, edits: [...(existing === undefined ? [label] : []), added] };
}

/** An entry that names its fault site in its own text, on a line of its own: a copy with another name is one for another site. */
function modelOf(entry: EntrySite, analysis: Analysis): { readonly entry: EntrySite; readonly use: Use; readonly reference: string } | undefined {
  const use = useAt(analysis, entry.range);
  if (use?.alone !== true) return undefined;
  const name = entry.insnName.replace(/[.$]/g, '\\$&');
  const reference = new RegExp(`(?<![\\w.$])${name}${/^\d/.test(entry.insnName) ? '[bf]' : ''}(?![\\w.$])`).exec(use.text)?.[0];
  return reference === undefined ? undefined : { entry, use, reference };
}

/** A label's name that the file does not have, after the routine and what the instruction does. */
export function freeName(analysis: Analysis, { routine, instruction }: InstructionSite): string {
  const stem = `.L${routine?.name ?? 'file'}_${instruction.accesses.some(({ kind }) => kind !== 'write') ? 'load' : 'store'}`;
  const taken = new Set(analysis.labels.all.map(({ name }) => name));
  for (let number = 1; ; number++) if (!taken.has(`${stem}${String(number)}`)) return `${stem}${String(number)}`;
}

/** Names that are nearly those of labels. */
export const nameFixes: Fixer = {
  codes: ['fixup-undefined', 'site-undefined', 'undefined-symbol'],
  fixes({ code, range, message }, analysis): readonly Fix[] {
    const entry = code === 'undefined-symbol' ? undefined : entryAt(range, analysis);
    const name = entry === undefined ? /^(\.L\S+) is not defined/.exec(message)?.[1] : code === 'fixup-undefined' ? entry.fixupName : entry.insnName;
    const similar = name === undefined ? undefined : mostSimilar(name, analysis.labels.all.map((label) => label.written).filter((one) => one.startsWith('.L')));
    const use = useAt(analysis, range);
    if (name === undefined || similar === undefined || use === undefined) return [];
    const at = use.text.indexOf(name);
    const column = use.column + at;
    return at < 0 ? [] : [{ title: `Change it to ${similar}`, edits: [replace(use.line, column, column + name.length, similar)] }];
  },
};

/** The second of two entries that say the same. */
export const duplicateFixes: Fixer = {
  codes: ['duplicate-entry'],
  fixes({ range }, analysis): readonly Fix[] {
    if (useAt(analysis, range)?.alone !== true) return [];
    const entry = entryAt(range, analysis);
    const first = analysis.entries.find((other) => other !== entry && other.insn?.section === entry?.insn?.section && other.insn?.offset === entry?.insn?.offset && other.table === entry?.table);
    const same = first !== undefined && entry !== undefined && first.type === entry.type && first.fixup?.offset === entry.fixup?.offset && first.fixup?.section === entry.fixup?.section && first.immediate === entry.immediate && first.register === entry.register;
    return [{ title: same ? 'Remove the second entry: it says the same' : 'Remove this entry', edits: [removeLine(range.start.line)], ...(same ? { preferred: true as const } : {}) }];
  },
};

/** The instruction that an entry of `site` was probably meant for. */
function nearestUncoveredOf(site: InstructionSite, { instructions }: Analysis): InstructionSite | undefined {
  const own = instructions.filter(({ section, routine }) => section === site.section && routine === site.routine);
  return nearestUncovered(own, own.indexOf(site));
}
