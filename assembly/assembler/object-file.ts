/**
 * The finished object: sections with their bytes and relocations, the symbol table in gas's order, lines and local labels.
 */
import type { LineRow, ObjectFile, ObjectSymbol, Relocation, Section } from '../elf/object.ts';
import { SHF, SHT } from '../elf/object.ts';
import { AssemblyError } from './assembly-error.ts';
import { writeContents, sizeOf } from './contents.ts';
import { addressOf, SectionBuilder } from './fragments.ts';
import type { Fragment } from './fragments.ts';
import type { Chains } from './layout.ts';
import { resolveField, writtenRelocation } from './resolve.ts';
import type { Field, PendingRelocation } from './resolve.ts';
import type { AssemblyState } from './state.ts';
import type { AssemblySymbol } from './symbol-table.ts';

/** Writes out what layout has settled. Problems go to the state. */
export function buildObject(state: AssemblyState, chains: Chains, name: string): ObjectFile {
  const contents = allContents(state, chains);
  const pending = resolveAll(state, chains, contents);
  for (const list of pending) for (const { target } of list) if (target !== undefined && !(target instanceof SectionBuilder)) target.needed = true;
  const groups = findGroups(state);
  // A group's header comes before its members (gABI 4): all groups stand behind the null section.
  const numbers = ({ index }: SectionBuilder): number => (index === 0 ? 0 : index + groups.length);
  const table = new SymbolWriter(state, pending, groups.map((group) => group.signature), numbers);
  const [none, ...sections] = state.sections.map((section, index): Section => {
    const bytes = contents[index]!;
    const relocations = pending[index]!.map(({ offset, type, target, addend }): Relocation => ({
      offset, type, addend: BigInt.asIntN(64, addend), symbol: table.indexOf(target),
    }));
    return {
      name: section.name, type: section.type, flags: section.flags, align: section.align, entrySize: section.entrySize,
      bytes, size: section.hasContents ? bytes.length : sizeOf(chains[index]!), relocations, address: 0n,
      ...linkOf(state, section, numbers),
    };
  });
  let rows: LineRow[] | undefined;
  return {
    name, kind: 'relocatable', entry: 0n, symbols: table.symbols,
    // Worked out when somebody looks: the places of what macros made cost more than its bytes.
    get lines() { return (rows ??= lineRows(state, numbers)); },
    localLabels: labels(state, numbers),
    sections: [none!, ...groups.map((group) => groupSection(group, table.signature(group.signature), numbers)), ...sections],
  };
}

/** No object of a person's is as large as this. */
const MAX_OBJECT_BYTES = 1 << 29;

/** The bytes of every section; empty for those that would make the object too large. */
function allContents(state: AssemblyState, chains: Chains): Uint8Array[] {
  let total = 0;
  return state.sections.map((section, index) => {
    const chain = chains[index]!;
    const size = section.hasContents ? sizeOf(chain) : 0;
    if (total + size > MAX_OBJECT_BYTES) {
      state.report('error', 'size-limit', `section ${section.name} of ${String(size)} bytes makes the object larger than the assembler takes, and is left out`);
      return new Uint8Array(0);
    }
    total += size;
    return writeContents(state, section, chain);
  });
}

type Numbers = (section: SectionBuilder) => number;

/** The section of the symbol that the `o` flag names, or the section of that name. */
function linkedSection(state: AssemblyState, { name, linkedTo }: SectionBuilder): SectionBuilder | undefined {
  if (linkedTo === undefined || linkedTo === '') return undefined;
  const symbol = state.symbols.find(linkedTo);
  const located = symbol?.isDefined === true ? state.symbols.locate(symbol) : undefined;
  const found = located?.kind === 'section' ? located.section : state.findSection(linkedTo);
  if (found === undefined) state.report('error', 'bad-section', `section ${name} is to be linked to ${linkedTo}, which is defined in no section here`);
  return found;
}

function linkOf(state: AssemblyState, section: SectionBuilder, numbers: Numbers): { link?: number; info?: number } {
  const info = section.info === undefined ? {} : { info: section.info };
  if ((section.flags & SHF.LINK_ORDER) === 0) return info;
  const linked = linkedSection(state, section);
  return { link: linked === undefined ? 0 : numbers(linked), ...info };
}

interface Group {
  readonly signature: string;
  comdat: boolean;
  readonly members: SectionBuilder[];
}

/** The groups of sections (gABI 4, "Section Groups"), in the order of their first member. */
function findGroups(state: AssemblyState): Group[] {
  const groups = new Map<string, Group>();
  for (const section of state.sections) {
    const { group } = section;
    if (group === undefined) continue;
    let row = groups.get(group.signature);
    if (row === undefined) groups.set(group.signature, row = { signature: group.signature, comdat: false, members: [] });
    row.comdat ||= group.comdat;
    row.members.push(section);
  }
  return [...groups.values()];
}

function groupSection({ comdat, members }: Group, symbol: number, numbers: Numbers): Section {
  const bytes = new Uint8Array(4 + members.length * 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, comdat ? 1 : 0, true);
  members.forEach((member, index) => { view.setUint32(4 + index * 4, numbers(member), true); });
  return { name: '.group', type: SHT.GROUP, flags: 0, align: 4, entrySize: 4, bytes, size: bytes.length, relocations: [], address: 0n, info: symbol };
}

function resolveAll(state: AssemblyState, chains: Chains, contents: readonly Uint8Array[]): PendingRelocation[][] {
  const pending: PendingRelocation[][] = chains.map(() => []);
  const resolve = (field: Field): void => {
    // A section that was left out.
    if (contents[field.section.index]!.length < field.offset + field.size) return;
    try {
      const relocation = resolveField(state, field, contents[field.section.index]!);
      if (relocation !== undefined) pending[field.section.index]!.push(relocation);
    } catch (error) {
      if (!(error instanceof AssemblyError)) throw error;
      state.report('error', error.code, error.message, error.range ?? field.range);
    }
  };
  for (const { fragment, offset, size, kind, expression, relative, end, signed, mayUsePlt, start, range } of state.fixups) {
    const base = fragment.address;
    resolve({ section: fragment.section, offset: base + offset, size, kind, expression, relative, end, signed, mayUsePlt, start: start === undefined ? undefined : base + start, range });
  }
  // In the order of the section, not of the source, which subsections change.
  for (const list of pending) list.sort((a, b) => a.offset - b.offset);
  // As gas does: what becomes of a branch is known only when its size is.
  for (const chain of chains) for (const fragment of chain) resolveBranch(fragment, resolve);
  const cursors = new Map<readonly PendingRelocation[], number>();
  for (const written of state.relocations) {
    try {
      const { section, relocation } = writtenRelocation(state, written);
      insertWritten(pending[section.index]!, relocation, cursors);
    } catch (error) {
      if (!(error instanceof AssemblyError)) throw error;
      state.report('error', error.code, error.message, written.range);
    }
  }
  return pending;
}

/** gas puts those of `.reloc`, in the order of the source, in front of the first other one that lies behind them. */
function insertWritten(list: PendingRelocation[], relocation: PendingRelocation, cursors: Map<readonly PendingRelocation[], number>): void {
  let at = cursors.get(list) ?? 0;
  while (at < list.length && list[at]!.offset < relocation.offset) at++;
  list.splice(at, 0, relocation);
  cursors.set(list, at + 1);
}

function resolveBranch(fragment: Fragment, resolve: (field: Field) => void): void {
  const { tail } = fragment;
  if (tail?.kind !== 'branch') return;
  const size = tail.long ? tail.fieldSize : 1;
  const offset = fragment.address + fragment.length + fragment.tailSize - size;
  resolve({
    section: fragment.section, offset, size, kind: 'branch', expression: tail.target, relative: true, end: size, signed: true, sized: true, start: undefined, range: tail.range, mayUsePlt: tail.mayUsePlt,
  });
}

/** Chooses, orders and numbers the symbols: locals first, each kind in the order of first mention. */
class SymbolWriter {
  readonly symbols: ObjectSymbol[] = [];
  private readonly state: AssemblyState;
  private readonly numbers: Numbers;
  private readonly indices = new Map<AssemblySymbol | SectionBuilder, number>();

  constructor(state: AssemblyState, pending: readonly (readonly PendingRelocation[])[], groups: readonly string[], numbers: Numbers) {
    this.state = state;
    this.numbers = numbers;
    const usedSections = new Set<SectionBuilder>();
    for (const list of pending) for (const { target } of list) if (target instanceof SectionBuilder) usedSections.add(target);
    // gas counts the place of a .reloc, where it is a number, from the section's own symbol.
    for (const { section, offset } of state.relocations) if (state.symbols.fold(offset).kind === 'absolute') usedSections.add(section);
    this.symbols.push(NULL_SYMBOL);
    if (state.fileName !== undefined) this.symbols.push({ ...NULL_SYMBOL, name: state.fileName, section: 'absolute', type: 'file' });
    const symbols = [...state.symbols.all()].filter((symbol) => this.isWritten(symbol));
    const locals = [...usedSections, ...symbols.filter((symbol) => this.bindingOf(symbol) === 'local')].sort((a, b) => a.order - b.order);
    for (const one of locals) this.add(one);
    groups.forEach((signature, index) => {
      if (symbols.some((symbol) => symbol.name === signature)) return;
      this.symbols.push({ ...NULL_SYMBOL, name: signature, section: 1 + index });
    });
    for (const symbol of symbols) if (this.bindingOf(symbol) !== 'local') this.add(symbol);
    this.addVersions();
  }

  /** A defined symbol gets its versioned name beside its own; an undefined one is known by that name only. */
  private addVersions(): void {
    for (const { symbol, written, remove } of this.state.versions) {
      const index = this.indices.get(symbol);
      const own = index === undefined ? undefined : this.symbols[index];
      if (index === undefined || own === undefined) continue;
      const name = written.replace('@@@', symbol.isDefined ? '@@' : '@');
      if (!symbol.isDefined || remove || written.includes('@@@')) this.symbols[index] = { ...own, name };
      else this.symbols.push({ ...own, name });
    }
  }

  indexOf(target: AssemblySymbol | SectionBuilder | undefined): number {
    return target === undefined ? 0 : this.indices.get(target) ?? 0;
  }

  /** The index of the symbol that names a group. */
  signature(name: string): number {
    return this.symbols.findIndex((symbol) => symbol.name === name && symbol.type !== 'section' && symbol.type !== 'file');
  }

  private isWritten(symbol: AssemblySymbol): boolean {
    if (symbol.isSection) return false;
    if (symbol.anonymous) return symbol.needed;
    // An earlier value of a name that was assigned anew.
    if (this.state.symbols.find(symbol.name) !== symbol) return symbol.needed;
    if (symbol.isLocalName) return symbol.needed || symbol.binding !== 'local';
    if (symbol.definition?.kind === 'value') return this.state.symbols.locate(symbol).kind !== 'expression' && !this.isAlias(symbol);
    return symbol.isDefined || symbol.needed || symbol.binding !== 'weak';
  }

  /** Assigned to an undefined symbol: whoever uses it names that one. */
  private isAlias(symbol: AssemblySymbol): boolean {
    return this.state.symbols.locate(symbol).kind === 'other';
  }

  private bindingOf(symbol: AssemblySymbol): ObjectSymbol['binding'] {
    if (symbol.binding !== 'local') return symbol.binding;
    if (symbol.isDefined) return 'local';
    return symbol.weaklyReferenced && !symbol.referenced ? 'weak' : 'global';
  }

  private add(symbol: AssemblySymbol | SectionBuilder): void {
    this.indices.set(symbol, this.symbols.length);
    this.symbols.push(symbol instanceof SectionBuilder
      ? { ...NULL_SYMBOL, name: symbol.name, section: this.numbers(symbol), type: 'section' }
      : {
          name: symbol.name, ...this.place(symbol), size: this.sizeOf(symbol), type: this.typeOf(symbol),
          binding: this.bindingOf(symbol), visibility: symbol.visibility,
        });
  }

  private place(symbol: AssemblySymbol): { section: ObjectSymbol['section']; value: bigint } {
    if (symbol.definition?.kind === 'common') return { section: 'common', value: symbol.definition.align };
    const located = this.state.symbols.locate(symbol);
    switch (located.kind) {
      case 'section': return { section: this.numbers(located.section), value: BigInt.asUintN(64, located.offset) };
      case 'absolute': return { section: 'absolute', value: BigInt.asUintN(64, located.value) };
      default: return { section: 'undefined', value: 0n };
    }
  }

  /** The symbol that `symbol` was assigned, whose type and size it takes over. */
  private original({ definition }: AssemblySymbol): AssemblySymbol | undefined {
    if (definition?.kind !== 'value') return undefined;
    const folded = this.state.symbols.fold(definition.expression);
    return folded.kind === 'symbol' && folded.symbol.modifier === undefined ? this.state.symbols.keyed(folded.symbol.name) : undefined;
  }

  private typeOf(symbol: AssemblySymbol): ObjectSymbol['type'] {
    // The other way round: a function that a resolver chooses stays one, whatever the resolver is.
    if (symbol.type === 'ifunc') return 'ifunc';
    const original = this.original(symbol);
    const type = original === undefined ? 'notype' : this.typeOf(original);
    return type === 'notype' ? symbol.type : type;
  }

  private sizeOf(symbol: AssemblySymbol): bigint {
    if (symbol.size === undefined) {
      const original = this.original(symbol);
      if (original !== undefined) return this.sizeOf(original);
      return symbol.definition?.kind === 'common' ? symbol.definition.size : 0n;
    }
    const value = this.state.symbols.number(symbol.size.expression);
    if (value === undefined) {
      this.state.report('error', 'bad-expression', `the .size of ${symbol.name} must come to a number`, symbol.size.range);
      return 0n;
    }
    return BigInt.asUintN(64, value);
  }
}

const NULL_SYMBOL: ObjectSymbol = { name: '', section: 'undefined', value: 0n, size: 0n, type: 'notype', binding: 'local', visibility: 'default' };

function lineRows(state: AssemblyState, numbers: Numbers): LineRow[] {
  const { fragments, offsets, statements } = state.lines;
  return statements
    .map(({ range }, index): LineRow => ({ section: numbers(fragments[index]!.section), offset: fragments[index]!.address + offsets[index]!, position: range.start }))
    .sort((a, b) => a.section - b.section || a.offset - b.offset);
}

function labels(state: AssemblyState, numbers: Numbers): ObjectFile['localLabels'] {
  return state.localLabels.map(({ name, place, position }) => ({ name, section: numbers(place.fragment.section), offset: addressOf(place), position }));
}
