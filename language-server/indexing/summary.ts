/**
 * What the index keeps of one assembler source: names that other files can mean, and where they stand.
 */
import type { GasUnit, Statement } from '../../assembly/gas/statement.ts';
import type { SourceRange } from '../../assembly/source.ts';
import { isFileLocal, visitStatement } from '../analysis/occurrences.ts';
import type { OccurrenceVisitor, Role } from '../analysis/occurrences.ts';

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
  first: Mention | undefined;
  /** Mentions beside the first definition, by place, as long as the symbol may turn out to be global. */
  readonly others: Map<string, Mention>;
  /** Those of the others whose places nobody has worked out. */
  readonly pending: { readonly range: SourceRange; readonly role: Role }[];
  /** Mentions were left out, for the symbol was defined and not global by then. */
  dropped: boolean;
}

/** Mentions of one symbol that wait for its definition: each keeps the lines alive that it was read from. */
const MAX_PENDING = 32;
const EXPORTING = new Set(['.globl', '.global', '.weak', '.comm']);

const TABLE = /^\.(?:push)?section\s+"?__(?:ex|mcex)_table\b/;

/** Sums `unit` up. */
export function summarize(unit: GasUnit): FileSummary {
  return summarizeReading((see) => {
    unit.statements.forEach(see);
    return unit;
  });
}

/**
 * Sums up what `read` reads: it hands each statement to the function it is given, and gives the unit. It is called a second time if a symbol
 * turns out to be global after it was defined and named.
 *
 * Of a symbol that stays in its file only the first definition is noted: macros name such symbols a thousand times, and working out where
 * costs more than reading.
 */
export function summarizeReading(read: (see: (statement: Statement) => void) => GasUnit): FileSummary {
  let names = new Names(new Set());
  let unit = read((statement) => { names.see(statement); });
  if (names.isIncomplete) {
    names = new Names(names.open());
    unit = read((statement) => { names.see(statement); });
  }
  return {
    file: unit.file, symbols: names.symbols(),
    macros: unit.macros.map((macro) => ({ name: macro.name, kind: macro.kind, ...placeOf(macro.range) })),
    hasEntries: names.hasEntries,
    includes: [...new Set(unit.includes.flatMap(({ resolved }) => resolved ?? []))],
  };
}

/** The names that statements mention, as they are read. */
class Names {
  hasEntries = false;
  isIncomplete = false;
  readonly #drafts = new Map<string, Draft>();
  /** Symbols that are known to be global. */
  readonly #wanted: ReadonlySet<string>;

  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted;
  }

  see(statement: Statement): void {
    if (statement.kind === 'directive' && TABLE.test(statement.text)) this.hasEntries = true;
    visitStatement(statement, this.#visit);
  }

  /** Symbols that are global, or not defined. */
  open(): ReadonlySet<string> {
    return new Set([...this.#drafts].flatMap(([name, { global, defined }]) => (global || !defined ? [name] : [])));
  }

  symbols(): ReadonlyMap<string, SymbolSummary> {
    const symbols = new Map<string, SymbolSummary>();
    for (const [name, draft] of this.#drafts) {
      const { global, defined, kind, first, others } = draft;
      const isOpen = global || !defined;
      const mentions = new Map<string, Mention>();
      if (first !== undefined) addMention(mentions, first);
      if (isOpen) {
        settle(name, draft);
        for (const mention of others.values()) addMention(mentions, mention);
      }
      const list = [...mentions.values()];
      if (isOpen) list.sort((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : 0));
      symbols.set(name, { name, global: isOpen, defined, kind, mentions: list });
    }
    return symbols;
  }

  readonly #visit: OccurrenceVisitor = (name, range, role, statement) => {
    if (isFileLocal(name)) return;
    let draft = this.#drafts.get(name);
    if (draft === undefined) this.#drafts.set(name, draft = { global: this.#wanted.has(name), defined: false, kind: 'data', first: undefined, others: new Map(), pending: [], dropped: false });
    const wasGlobal = draft.global;
    note(draft, role, statement);
    if (draft.global && !wasGlobal && draft.dropped) this.isIncomplete = true;
    if (role === 'definition' && draft.first === undefined) {
      draft.first = mentionOf(name, range, role);
      if (draft.global) return;
      draft.dropped = draft.pending.length > 0 || draft.others.size > 0;
      draft.pending.length = 0;
      draft.others.clear();
    } else if (draft.global || !draft.defined) {
      draft.pending.push({ range, role });
      if (draft.global || draft.pending.length >= MAX_PENDING) settle(name, draft);
    } else draft.dropped = true;
  };
}

/** Works out where the pending mentions are. */
function settle(name: string, { pending, others }: Draft): void {
  for (const { range, role } of pending) addMention(others, mentionOf(name, range, role));
  pending.length = 0;
}

function addMention(mentions: Map<string, Mention>, mention: Mention): void {
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
