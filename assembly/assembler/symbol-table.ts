/**
 * Symbols while assembling: what each name stands for, now and at the end.
 */
import { evaluate, evaluateAbsolute } from '../gas/evaluate.ts';
import type { Folded, SymbolValue } from '../gas/evaluate.ts';
import { isNumericLabel } from '../gas/local-labels.ts';
import type { Expression } from '../gas/statement.ts';
import type { SymbolBinding, SymbolType, SymbolVisibility } from '../elf/object.ts';
import type { SourceRange } from '../source.ts';
import { AssemblyError } from './assembly-error.ts';
import { addressOf } from './fragments.ts';
import type { Place, SectionBuilder } from './fragments.ts';

/** What a symbol stands for. */
export type Definition =
  | { readonly kind: 'label'; readonly place: Place }
  /** An assignment; its expression is bound (see {@link SymbolTable.bind}). */
  | { readonly kind: 'value'; readonly expression: Expression }
  | { readonly kind: 'common'; readonly size: bigint; readonly align: bigint };

/** One symbol. A name that is assigned anew gets a new symbol, so that earlier uses keep the value they saw. */
export class AssemblySymbol {
  /** Unique among the unit's symbols; names the symbol in bound expressions. */
  readonly key: string;
  readonly name: string;
  definition: Definition | undefined;
  /** Unbound: worked out at each use, as `.eqv` asks. */
  lazy: Expression | undefined;
  /** May be assigned another value. */
  redefinable = false;
  binding: SymbolBinding = 'local';
  /** Set by `.local`, so that an undefined symbol is not made global. */
  forcedLocal = false;
  type: SymbolType = 'notype';
  visibility: SymbolVisibility = 'default';
  size: { readonly expression: Expression; readonly range: SourceRange } | undefined;
  /** The statement that defined it. */
  definedBy: { readonly range: SourceRange } | undefined;
  /** An expression names it, not only a `.weakref`. */
  referenced = false;
  /** A `.weakref` stands for it. */
  weaklyReferenced = false;
  /** It is the section of that name: the section's own symbol takes its place. */
  isSection = false;
  /** Something refers to what it stands for now, and will when the name has been assigned another value. */
  isHeld = false;
  /** A relocation names it, so it must be written even if its name is local. */
  needed = false;
  /** Stands for a place that has no name: a use of `.`. */
  readonly anonymous: boolean;
  /** Counts symbols and sections in the order of their first mention, in which gas writes them. */
  order: number;
  /** Its value is neither a number nor a place: known once it has been worked out, for addresses change nothing in it. */
  opaque = false;
  /** What an assigned symbol came to when it was last looked up, and in which piece of work: addresses may change after that. */
  located: Located | undefined;
  locatedIn = -1;
  /** Set while its value is being worked out: a guard against circles. */
  private busy = false;

  constructor(key: string, name: string, order: number, anonymous = false) {
    this.key = key;
    this.order = order;
    this.name = name;
    this.anonymous = anonymous;
  }

  /** Names that begin with `.L`, and numeric labels, are not written to the symbol table. */
  get isLocalName(): boolean {
    return this.anonymous || this.name.startsWith('.L') || isNumericLabel(this.name) || this.name.includes('\u0001');
  }

  /** Where it was defined. */
  get range(): SourceRange | undefined {
    return this.definedBy?.range;
  }

  /** Something has been said of it beside its value. */
  get hasAttributes(): boolean {
    return this.lazy !== undefined || this.size !== undefined || this.binding !== 'local' || this.forcedLocal || this.type !== 'notype' || this.visibility !== 'default' || this.weaklyReferenced;
  }

  get isDefined(): boolean {
    return this.definition !== undefined;
  }

  /** Runs `work` with a guard against a symbol that is defined by itself. */
  guarded<T>(work: () => T): T {
    if (this.busy) throw new AssemblyError('bad-expression', `symbol ${this.name} is defined by itself`);
    this.busy = true;
    try {
      return work();
    } finally {
      this.busy = false;
    }
  }
}

/** What a symbol comes to once places have addresses. */
export type Located =
  | { readonly kind: 'absolute'; readonly value: bigint }
  | { readonly kind: 'section'; readonly section: SectionBuilder; readonly offset: bigint }
  /** Another symbol, which is not defined here, and a number. */
  | { readonly kind: 'other'; readonly symbol: AssemblySymbol; readonly addend: bigint }
  | { readonly kind: 'expression'; readonly folded: Folded };

/** The linker defines it as the address of the GOT. */
export const GLOBAL_OFFSET_TABLE = '_GLOBAL_OFFSET_TABLE_';
/** Modifiers that do not bring the symbol of the GOT along, as the others do with gas. */
const WITHOUT_GOT: ReadonlySet<string> = new Set(['PLT', 'SIZE']);
/** Key of a symbol that stands for address 0, where a relocation must have a symbol to add. */
export const ABSOLUTE = '\u0004';

/** One `.eqv` symbol that stands for twice another, and so on, grows without bound. */
const MAX_LAZY_USES = 10_000;
/** Longer chains of assignments, each to the one before, are refused: they would exhaust the stack. */
const MAX_DEPTH = 200;

/** All symbols of a unit. */
export class SymbolTable {
  private readonly current = new Map<string, AssemblySymbol>();
  private readonly byKey = new Map<string, AssemblySymbol>();
  private anonymousCount = 0;
  private orderCount = 0;
  private depth = 0;
  /** Uses of `.eqv` symbols within the one that is at work. */
  private lazyUses = 0;
  /** Counts pieces of work: within one, no address changes. */
  private generation = 0;

  /** The next number of the order that symbols and sections share. */
  nextOrder(): number {
    return this.orderCount++;
  }

  /** The symbol that `name` stands for now; made, undefined, if the name is new. */
  named(name: string): AssemblySymbol {
    let symbol = this.current.get(name);
    if (symbol === undefined) {
      symbol = new AssemblySymbol(name, name, this.nextOrder());
      this.current.set(name, symbol);
      this.byKey.set(name, symbol);
    }
    return symbol;
  }

  /** As {@link named}, without making one. */
  find(name: string): AssemblySymbol | undefined {
    return this.current.get(name);
  }

  /** Gives the undefined symbols that are named like a section the place where that begins. */
  nameSections(sections: readonly SectionBuilder[]): void {
    for (const symbol of this.current.values()) {
      if (symbol.isDefined || symbol.binding !== 'local') continue;
      const section = sections.find((one) => one.index > 0 && one.name === symbol.name);
      if (section === undefined) continue;
      symbol.definition = { kind: 'label', place: { fragment: section.first, offset: 0 } };
      symbol.isSection = true;
    }
  }

  /** The symbol of a bound expression's name. */
  keyed(key: string): AssemblySymbol {
    const symbol = this.byKey.get(key);
    if (symbol === undefined) throw new AssemblyError('bad-expression', `register ${key} stands where a number or symbol must`);
    return symbol;
  }

  /** All symbols in the order of their first mention. */
  all(): Iterable<AssemblySymbol> {
    return this.byKey.values();
  }

  /** A new symbol of the same name that uses from now on mean; what the old one had been told of itself goes with it. */
  replace(old: AssemblySymbol): AssemblySymbol {
    const key = `${old.name}\u0003${String(this.byKey.size)}`;
    const symbol = new AssemblySymbol(key, old.name, this.nextOrder());
    symbol.binding = old.binding;
    symbol.type = old.type;
    symbol.visibility = old.visibility;
    symbol.redefinable = true;
    this.current.set(old.name, symbol);
    this.byKey.set(key, symbol);
    return symbol;
  }

  /** The symbol for another value of the name of `old`: a new one, or `old` itself where nothing tells the two apart. Sources count and hand registers round by assignments, thousands of times. */
  reassigned(old: AssemblySymbol): AssemblySymbol {
    const { definition, key } = old;
    const isPlain = definition?.kind === 'value' && (definition.expression.kind === 'number' || (definition.expression.kind === 'symbol' && definition.expression.name.startsWith('%')));
    if (!isPlain || old.isHeld || old.hasAttributes) return this.replace(old);
    // It takes the place of a new one.
    old.order = this.nextOrder();
    old.referenced = false;
    old.opaque = false;
    this.byKey.delete(key);
    this.byKey.set(key, old);
    return old;
  }

  /** Notes that `expression`, which is bound, is kept. */
  hold(expression: Expression): void {
    switch (expression.kind) {
      case 'number': return;
      case 'symbol': {
        const symbol = this.byKey.get(expression.name);
        if (symbol !== undefined) symbol.isHeld = true;
        return;
      }
      case 'unary':
        this.hold(expression.operand);
        return;
      case 'binary':
        this.hold(expression.left);
        this.hold(expression.right);
    }
  }

  /** A label without a name, at `place`. */
  anonymous(place: Place): AssemblySymbol {
    const key = `.\u0001${String(this.anonymousCount++)}`;
    const symbol = new AssemblySymbol(key, '.', this.nextOrder(), true);
    symbol.definition = { kind: 'label', place };
    this.byKey.set(key, symbol);
    return symbol;
  }

  /** `expression` with each name fixed to the symbol it means here and now, and `.` to `place()`. */
  bind(expression: Expression, place: () => Place): Expression {
    switch (expression.kind) {
      case 'number':
        return expression;
      case 'symbol': {
        if (expression.name.startsWith('%')) return expression;
        if (expression.modifier !== undefined && !WITHOUT_GOT.has(expression.modifier)) this.named(GLOBAL_OFFSET_TABLE);
        const later = expression.modifier === undefined ? this.current.get(expression.name) : undefined;
        if (later?.lazy !== undefined) return this.bindLazy(later, place);
        const symbol = expression.name === '.' ? this.anonymous(place()) : this.named(expression.name);
        if (!symbol.referenced) {
          symbol.referenced = true;
          // gas makes a local name a symbol when something refers to it.
          if (symbol.isLocalName) symbol.order = this.nextOrder();
        }
        return symbol.key === expression.name ? expression : { ...expression, name: symbol.key };
      }
      case 'unary': {
        const operand = this.bind(expression.operand, place);
        return operand === expression.operand ? expression : { ...expression, operand };
      }
      case 'binary': {
        const left = this.bind(expression.left, place);
        const right = this.bind(expression.right, place);
        return left === expression.left && right === expression.right ? expression : { ...expression, left, right };
      }
    }
  }

  /** What a symbol of `.eqv` stands for here. */
  private bindLazy(symbol: AssemblySymbol, place: () => Place): Expression {
    const { lazy } = symbol;
    if (++this.lazyUses > MAX_LAZY_USES) throw new AssemblyError('bad-expression', `symbol ${symbol.name} stands for an expression that grows beyond all use`);
    return symbol.guarded(() => this.deeper(() => {
      if (this.depth > MAX_DEPTH) throw new AssemblyError('bad-expression', `symbol ${symbol.name} is the end of a chain of too many assignments`);
      const bound = this.bind(lazy ?? { kind: 'number', value: 0n }, place);
      if (this.depth === 1) this.lazyUses = 0;
      return bound;
    }));
  }

  /** The value of a bound expression if it is known already while reading: distances count only within a run of settled bytes. */
  settled(expression: Expression): bigint | undefined {
    if (expression.kind === 'symbol' && this.byKey.get(expression.name)?.definition?.kind !== 'value') return undefined;
    return evaluateAbsolute(expression, this.settledLookup);
  }

  /** A bound expression folded as far as what was read up to now allows. */
  settledFold(expression: Expression): Folded {
    return evaluate(expression, this.settledLookup);
  }

  private readonly settledLookup = (key: string): SymbolValue | undefined => {
    const definition = this.byKey.get(key)?.definition;
    if (definition?.kind === 'label') {
      const { fragment, offset } = definition.place;
      return { kind: 'label', space: fragment.run, offset: BigInt(fragment.runOffset + offset) };
    }
    return definition?.kind === 'value' ? definition.expression : undefined;
  };

  /** A bound expression folded by the addresses that layout has come to. */
  fold(expression: Expression): Folded {
    // Most are the name of a label, or of something that is not defined here: nothing to work out.
    if (expression.kind === 'symbol' && (expression.modifier !== undefined || this.byKey.get(expression.name)?.definition?.kind !== 'value')) return { kind: 'symbol', symbol: expression, addend: 0n };
    if (this.depth === 0) this.generation++;
    return evaluate(expression, this.locatedLookup);
  }

  /** The number a bound expression comes to by the addresses of layout, or undefined. */
  number(expression: Expression): bigint | undefined {
    const folded = this.fold(expression);
    return folded.kind === 'absolute' ? folded.value : undefined;
  }

  private readonly locatedLookup = (key: string): SymbolValue | undefined => {
    const symbol = this.byKey.get(key);
    const definition = symbol?.definition;
    if (symbol === undefined || definition === undefined || definition.kind === 'common') return undefined;
    if (definition.kind === 'label') {
      return { kind: 'label', space: definition.place.fragment.section, offset: BigInt(addressOf(definition.place)) };
    }
    // Working it out again for each use of a use would take twice as long with every assignment in a chain.
    if (symbol.opaque) return definition.expression;
    const located = symbol.located !== undefined && symbol.locatedIn === this.generation ? symbol.located : this.locate(symbol);
    symbol.located = located;
    symbol.locatedIn = this.generation;
    if (located.kind === 'absolute') return located.value;
    if (located.kind === 'section') return { kind: 'label', space: located.section, offset: located.offset };
    symbol.opaque = true;
    return definition.expression;
  };

  /** What `symbol`, which is defined, comes to by the addresses of layout. */
  locate(symbol: AssemblySymbol): Located {
    const { definition } = symbol;
    if (definition === undefined || definition.kind === 'common') return { kind: 'other', symbol, addend: 0n };
    if (definition.kind === 'label') {
      return { kind: 'section', section: definition.place.fragment.section, offset: BigInt(addressOf(definition.place)) };
    }
    if (this.depth === 0) this.generation++;
    if (this.depth > MAX_DEPTH) throw new AssemblyError('bad-expression', `symbol ${symbol.name} is the end of a chain of too many assignments`);
    return symbol.guarded((): Located => this.deeper(() => {
      const folded = this.fold(definition.expression);
      if (folded.kind === 'absolute') return { kind: 'absolute', value: folded.value };
      if (folded.kind !== 'symbol' || folded.symbol.modifier !== undefined || folded.symbol.name.startsWith('%')) return { kind: 'expression', folded };
      const target = this.keyed(folded.symbol.name);
      // Folding has just located it.
      const base = target.definition?.kind === 'value' && target.located !== undefined && target.locatedIn === this.generation ? target.located : this.locate(target);
      switch (base.kind) {
        case 'section': return { ...base, offset: base.offset + folded.addend };
        case 'other': return { ...base, addend: base.addend + folded.addend };
        case 'absolute': return { kind: 'absolute', value: base.value + folded.addend };
        case 'expression': return base;
      }
    }));
  }

  /** Does `work` one assignment further down a chain of them. */
  private deeper<T>(work: () => T): T {
    this.depth++;
    try {
      return work();
    } finally {
      this.depth--;
    }
  }
}
