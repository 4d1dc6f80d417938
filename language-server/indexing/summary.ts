/**
 * What the index keeps of one assembler source: names that other files can mean, and where they stand.
 */
import type { GasUnit, Statement } from '../../assembly/gas/statement.ts';
import type { SourceRange } from '../../assembly/source.ts';
import { visitOccurrences, isFileLocal } from '../analysis/occurrences.ts';
import type { Role } from '../analysis/occurrences.ts';

/** A stretch of one line of a file: 1-based, the end exclusive. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
}

export interface Mention extends Place {
  readonly role: Role;
  /** The symbol's name stands here as it is; else a macro made it from something else, used here. */
  readonly spelled: boolean;
}

export interface SymbolSummary {
  readonly name: string;
  /** Visible to other files: declared with `.globl` or `.weak`, or not defined here. */
  readonly global: boolean;
  readonly defined: boolean;
  readonly kind: 'function' | 'data' | 'constant';
  /** Each place once, in order; of a symbol that is not global the first definition alone. */
  readonly mentions: readonly Mention[];
}

export interface MacroSummary extends Place {
  readonly name: string;
  readonly kind: 'gas' | 'cpp';
}

export interface FileSummary {
  readonly file: string;
  /** By name; numeric labels and `.L` names, which stay in their file, are left out. */
  readonly symbols: ReadonlyMap<string, SymbolSummary>;
  /** Macros defined by this file and what it includes. */
  readonly macros: readonly MacroSummary[];
  /** Files it includes, resolved. */
  readonly includes: readonly string[];
  /** It makes exception-table entries. */
  readonly hasEntries: boolean;
}

interface Draft {
  global: boolean;
  defined: boolean;
  kind: SymbolSummary['kind'];
  readonly mentions: Map<string, Mention>;
}

const EXPORTING = new Set(['.globl', '.global', '.weak', '.comm']);

const TABLE = /^\.(?:push)?section\s+"?__(?:ex|mcex)_table\b/;

/**
 * Sums `unit` up. Of a symbol that stays in its file only the first definition is noted: macros name such symbols a thousand times, and
 * working out where costs more than reading.
 */
export function summarize(unit: GasUnit): FileSummary {
  const drafts = new Map<string, Draft>();
  visitOccurrences(unit, (name, range, role, statement) => {
    if (isFileLocal(name)) return;
    let draft = drafts.get(name);
    if (draft === undefined) drafts.set(name, draft = { global: false, defined: false, kind: 'data', mentions: new Map() });
    note(draft, role, statement);
    if (role === 'definition' && draft.mentions.size === 0) addMention(draft, mentionOf(name, range, role));
  });
  const open = new Set<string>();
  for (const [name, { global, defined }] of drafts) if (global || !defined) open.add(name);
  if (open.size > 0) visitOccurrences(unit, (name, range, role) => { if (open.has(name)) addMention(drafts.get(name)!, mentionOf(name, range, role)); });
  const symbols = new Map<string, SymbolSummary>();
  for (const [name, { global, defined, kind, mentions }] of drafts) {
    const list = [...mentions.values()];
    if (open.has(name)) list.sort((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : 0));
    symbols.set(name, { name, global: global || !defined, defined, kind, mentions: list });
  }
  return {
    file: unit.file, symbols,
    macros: unit.macros.map((macro) => ({ name: macro.name, kind: macro.kind, ...placeOf(macro.range) })),
    hasEntries: unit.statements.some((statement) => statement.kind === 'directive' && TABLE.test(statement.text)),
    includes: [...new Set(unit.includes.flatMap(({ resolved }) => resolved ?? []))],
  };
}

function addMention({ mentions }: Draft, mention: Mention): void {
  const key = `${mention.file}\n${String(mention.line)}:${String(mention.column)}`;
  const before = mentions.get(key);
  if (before === undefined || (mention.role === 'definition' && before.role !== 'definition')) mentions.set(key, mention);
}

function note(draft: Draft, role: Role, statement: Statement): void {
  if (role === 'definition') {
    draft.defined = true;
    if (statement.kind === 'assignment' && draft.kind === 'data') draft.kind = 'constant';
  }
  if (statement.kind !== 'directive') return;
  if (EXPORTING.has(statement.name)) draft.global = true;
  if (statement.name === '.type' && /func/i.test(statement.arguments[1]?.text ?? statement.arguments[0]!.text)) draft.kind = 'function';
}

/** An occurrence as a place in a file; one that a macro made is shown at the outermost use. */
export function mentionOf(name: string, range: SourceRange, role: Role): Mention {
  const place = placeOf(range);
  const spelled = place.endColumn - place.column === name.length;
  const frame = range.start.expansion?.at(-1);
  if (spelled || frame === undefined) return { ...place, role, spelled };
  const { invokedAt } = frame;
  return { file: invokedAt.file, line: invokedAt.line, column: invokedAt.column, endColumn: invokedAt.column + frame.name.length, role, spelled: false };
}

export function placeOf({ start, endColumn }: SourceRange): Place {
  return { file: start.file, line: start.line, column: start.column, endColumn };
}
