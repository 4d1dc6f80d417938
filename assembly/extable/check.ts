/**
 * What is wrong with the tables of a file. A check that cannot prove its point says nothing.
 */
import type { Severity } from '../source.ts';
import { checkRanges } from './check-ranges.ts';
import type { CheckedFile } from './checked-file.ts';
import { EX_TYPE_HANDLER } from './entry.ts';
import type { ExRange, ExtableEntry, ExtableTable } from './entry.ts';
import type { Finding } from './finding.ts';

/** All findings about the tables and ranges of a file, tables first. */
export function checkTables(checked: CheckedFile, tables: readonly ExtableTable[], ranges: readonly ExRange[]): Finding[] {
  return [...tables.flatMap((table) => checkTable(checked, table)), ...checkRanges(checked, ranges)];
}

function checkTable(checked: CheckedFile, table: ExtableTable): Finding[] {
  const findings: Finding[] = [];
  const { section, stride, leftOver, entries } = table;
  const note = (severity: Severity, code: string, message: string, entry?: ExtableEntry): void => {
    findings.push({ severity, code, message, table: section, ...(entry === undefined ? {} : { index: entry.index }) });
  };
  if (leftOver > 0) note('error', 'table-size', `${section} ends with ${String(leftOver)} bytes that make no entry of ${String(stride)} bytes (layout ${table.layout})`);
  if (checked.file.kind === 'relocatable') {
    const size = checked.file.sections.find(({ name }) => name === section)?.size ?? 0;
    const missing = Math.floor(size / stride) - entries.length;
    if (missing > 0) note('error', 'entry-without-relocation', `${missing === 1 ? 'an entry' : `${String(missing)} entries`} of ${section} ${missing === 1 ? 'lacks' : 'lack'} the relocations that would say what ${missing === 1 ? 'it covers' : 'they cover'}`);
  } else {
    const unsorted = entries.findIndex((entry, index) => index > 0 && entries[index - 1]!.insn > entry.insn);
    if (unsorted > 0) note('warning', 'unsorted', `${section} is not sorted: entry ${String(unsorted)} lies below the one before it, so a binary search can miss entries; mcsafe table --fix sorts it`, entries[unsorted]);
  }
  const seen = new Map<string, ExtableEntry>();
  for (const entry of entries) {
    const key = `${entry.insnExternal ?? entry.insnSection ?? ''} ${String(entry.insn)}`;
    const before = seen.get(key);
    if (before === undefined) seen.set(key, entry);
    else note('error', 'duplicate-entry', `${checked.places.describe(entry.insn, entry.insnSection, entry.insnExternal)} has entry ${String(before.index)} already; which one the search finds is chance`, entry);
    checkEntry(checked, table, entry, note);
  }
  checkMachineCheckSafety(checked, entries, note);
  checkSizes(checked, entries, note);
  return findings;
}

type Note = (severity: Severity, code: string, message: string, entry?: ExtableEntry) => void;

/** EX_TYPE_BPF's second word is no landing pad, EX_TYPE_FUNC_REWIND has none. */
const NO_LANDING_PAD: readonly number[] = [7, 22];

function checkEntry(checked: CheckedFile, table: ExtableTable, entry: ExtableEntry, note: Note): void {
  const { places } = checked;
  const site = places.describe(entry.insn, entry.insnSection, entry.insnExternal);
  const isTyped = table.layout === 'data' || table.layout === 'type';
  if (entry.insnExternal === undefined && !places.isCode(entry.insn, entry.insnSection)) note('error', 'site-outside-code', `entry ${String(entry.index)} covers ${site}, which is no code`, entry);
  else checkSite(checked, entry, site, note);
  // What another object defines can be judged in the linked file.
  if (entry.fixupExternal !== undefined) return;
  if (entry.class === 'handler' || (isTyped && entry.type === EX_TYPE_HANDLER)) {
    const why = checked.whyNoDescriptor(entry.fixup, entry.fixupSection);
    if (why !== undefined) note('error', 'no-descriptor', `the handler of ${site} should be described at ${places.describe(entry.fixup, entry.fixupSection)}, but ${why}`, entry);
  } else if (!(isTyped && NO_LANDING_PAD.includes(entry.type)) && !places.isCode(entry.fixup, entry.fixupSection)) {
    note('error', 'target-outside-code', `the landing pad of ${site} is ${places.describe(entry.fixup, entry.fixupSection)}, which is no code`, entry);
  }
}

function checkSite(checked: CheckedFile, entry: ExtableEntry, site: string, note: Note): void {
  if (checked.isBoundary(entry.insn, entry.insnSection) === false) {
    note('error', 'inside-instruction', `entry ${String(entry.index)} covers ${site}, which is in the middle of an instruction`, entry);
    return;
  }
  const instruction = checked.instructionAt(entry.insn, entry.insnSection);
  if (instruction === undefined || instruction.mnemonic === '(bad)' || checked.patched(entry.insn, entry.insnSection)) return;
  if (instruction.mnemonic.startsWith('prefetch')) {
    note('information', 'cannot-fault', `entry ${String(entry.index)} covers ${site}: ${instruction.text}, which never faults and needs no entry`, entry);
  } else if (instruction.faults.length === 0) {
    note('error', 'cannot-fault', `entry ${String(entry.index)} covers ${site}: ${instruction.text}, which cannot fault; is the label one instruction off?`, entry);
  }
}

const MCE_SAFE: readonly number[] = [14, 15];

/** A routine that survives machine checks at some loads should survive them at the others it has entries for. */
function checkMachineCheckSafety(checked: CheckedFile, entries: readonly ExtableEntry[], note: Note): void {
  const routines = new Map<string, { safe: number; readonly others: ExtableEntry[] }>();
  for (const entry of entries) {
    const place = checked.places.at(entry.insn, entry.insnSection);
    const routine = place === undefined ? undefined : checked.places.symbolAt(place);
    if (place === undefined || routine === undefined) continue;
    const reads = checked.instructionAt(entry.insn, entry.insnSection)?.accesses.some(({ kind, implicit }) => kind !== 'write' && !implicit) === true;
    if (!reads) continue;
    const key = `${String(place.index)} ${String(routine.start)}`;
    let known = routines.get(key);
    if (known === undefined) routines.set(key, known = { safe: 0, others: [] });
    // Of the classes, the one with the trap number is safe; what a descriptor takes is its own affair.
    const { class: kind, type } = entry;
    if (kind === undefined ? MCE_SAFE.includes(type) : kind === 'trap-number') known.safe++;
    else if (kind === undefined ? type === 1 || type === 2 : kind === 'plain') known.others.push(entry);
  }
  for (const { safe, others } of routines.values()) {
    if (safe === 0) continue;
    for (const entry of others) {
      note('warning', 'machine-check-not-recoverable', `a machine check at ${checked.places.describe(entry.insn, entry.insnSection)} is not recoverable, though ${safe === 1 ? 'another load' : `${String(safe)} other loads`} of the routine ${safe === 1 ? 'has' : 'have'} a machine-check-safe entry`, entry);
    }
  }
}

/** Without a size, a routine ends nowhere: reports, ranges and searches by routine cannot hold what is in it. */
function checkSizes(checked: CheckedFile, entries: readonly ExtableEntry[], note: Note): void {
  const reported = new Set<string>();
  for (const entry of entries) {
    const place = checked.places.at(entry.insn, entry.insnSection);
    const routine = place === undefined ? undefined : checked.places.symbolAt(place)?.symbol;
    if (routine?.type !== 'func' || routine.size !== 0n || reported.has(routine.name)) continue;
    reported.add(routine.name);
    note('warning', 'no-symbol-size', `function ${routine.name} has no size: end it with .size ${routine.name}, . - ${routine.name}`, entry);
  }
}
