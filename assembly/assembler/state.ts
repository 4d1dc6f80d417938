/**
 * Everything one run of the assembler knows between two statements, and the few ways to add to it.
 */
import type { Expression, SourceProvider } from '../gas/statement.ts';
import type { Problem, Severity, SourcePosition, SourceRange } from '../source.ts';
import { SHF, SHT } from '../elf/object.ts';
import { AssemblyError } from './assembly-error.ts';
import { Frames } from './cfi/frames.ts';
import { SectionBuilder } from './fragments.ts';
import type { Fragment, Place, SectionAttributes, Subsection, Tail } from './fragments.ts';
import { SymbolTable } from './symbol-table.ts';
import type { AssemblySymbol } from './symbol-table.ts';

/** A field whose value is worked out after layout: written into the bytes, or turned into a relocation. */
export interface Fixup {
  readonly fragment: Fragment;
  /** Offset of the field in the fragment's settled bytes. */
  readonly offset: number;
  readonly size: number;
  readonly kind: 'data' | 'displacement' | 'immediate' | 'branch';
  /** Bound (see {@link SymbolTable.bind}). */
  readonly expression: Expression;
  /** The value counts from `end` bytes behind the field's start, as addresses relative to rip do. */
  readonly relative: boolean;
  readonly end: number;
  readonly signed: boolean;
  /** A branch in 64-bit code, which may go through the PLT of another object. */
  readonly mayUsePlt: boolean;
  /** Offset in the fragment at which the instruction begins, for a field of an instruction. */
  readonly start?: number;
  readonly range: SourceRange;
}

/** A `.reloc`. A place that is a number counts from the section's start. */
export interface WrittenRelocation {
  readonly section: SectionBuilder;
  readonly offset: Expression;
  readonly type: number;
  readonly value: Expression | undefined;
  readonly range: SourceRange;
}

/** The last row of the line table that a `.loc` has made in a subsection. */
export interface LineView {
  readonly place: Place;
  /** Its view, bound. */
  readonly view: Expression;
}

/** What has a place in the source; ranges of what macros made are worked out when somebody asks. */
interface Placed {
  readonly range: SourceRange;
}

/** Where the assembler is writing. */
interface Spot {
  readonly section: SectionBuilder;
  readonly subsection: number;
}

export interface AssembleOptions {
  /** Reads the files of `.incbin`. */
  readonly provider?: SourceProvider;
  /** Searched for the files of `.incbin` after the path as written. */
  readonly includePaths?: readonly string[];
  /** The object's name; default: the unit's file. */
  readonly name?: string;
}

/** Deeper than this, `.pushsection` is refused. */
const MAX_SECTION_STACK = 1000;
/** So many problems are enough: the rest of a file that is no assembly at all is left unsaid. */
/** The name of a numeric label that makes it different from others of its number. */
const INTERNAL_NUMBER = /(\d+)\p{Cc}\d+/gu;
const MAX_PROBLEMS = 10_000;

export class AssemblyState {
  readonly options: AssembleOptions;
  readonly symbols = new SymbolTable();
  /** Index 0 is the null section. */
  readonly sections: SectionBuilder[] = [new SectionBuilder(0, '', -1, { type: SHT.NULL, flags: 0, entrySize: 0 })];
  readonly problems: Problem[] = [];
  readonly fixups: Fixup[] = [];
  /** What `.reloc` asked for. */
  readonly relocations: WrittenRelocation[] = [];
  /** Where each instruction is, and what it was made of: apart, for there are many. */
  readonly lines = { fragments: [] as Fragment[], offsets: [] as number[], statements: [] as Placed[] };
  readonly localLabels: { readonly name: string; readonly place: Place; readonly position: SourcePosition }[] = [];
  readonly frames = new Frames();
  /** The last `.loc` of each subsection. */
  readonly lineViews = new Map<Subsection, LineView>();
  /** Name of the source as `.file` gives it. */
  fileName: string | undefined;
  /** What `.symver` asked for. */
  readonly versions: { readonly symbol: AssemblySymbol; readonly written: string; readonly remove: boolean }[] = [];
  /** The code size in force, for padding. */
  bits: 16 | 32 | 64 = 64;
  /** The offset behind `.struct`, where nothing is written and labels are numbers; undefined in a section. */
  absolute: bigint | undefined;
  /** `.allow_index_reg` is in force. */
  emptyIndexAllowed = false;
  /** True once `.abort` or `.end` has been read: nothing behind it counts. */
  stopped = false;
  section: SectionBuilder;
  part: Subsection;
  /** The statement at work, for problems that have no better place. */
  statement: Placed;
  private readonly byName = new Map<string, SectionBuilder[]>();
  private previousSpot: Spot | undefined;
  private readonly stack: { readonly spot: Spot; readonly previous: Spot | undefined }[] = [];

  constructor(options: AssembleOptions, range: SourceRange) {
    this.options = options;
    this.statement = { range };
    // GNU as begins every ELF object with these three.
    this.section = this.addSection('.text', { type: SHT.PROGBITS, flags: SHF.ALLOC | SHF.EXECINSTR, entrySize: 0 });
    this.addSection('.data', { type: SHT.PROGBITS, flags: SHF.ALLOC | SHF.WRITE, entrySize: 0 });
    this.addSection('.bss', { type: SHT.NOBITS, flags: SHF.ALLOC | SHF.WRITE, entrySize: 0 });
    this.part = this.section.subsection(0);
  }

  /** Range of the statement at work. */
  get range(): SourceRange {
    return this.statement.range;
  }

  /** Notes that the instruction of `statement` comes next. */
  addLine(statement: Placed): void {
    const { fragments, offsets, statements } = this.lines;
    fragments.push(this.part.current);
    offsets.push(this.part.current.length);
    statements.push(statement);
  }

  /** Notes a problem at `range`, or at the statement at work. */
  report(severity: Severity, code: string, message: string, range: SourceRange = this.range): void {
    // A numeric label has a name of its own for each definition, which people never wrote.
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ severity, code, message: message.replace(INTERNAL_NUMBER, '$1'), range });
  }

  addSection(name: string, attributes: SectionAttributes): SectionBuilder {
    const section = new SectionBuilder(this.sections.length, name, this.symbols.nextOrder(), attributes);
    this.sections.push(section);
    const named = this.byName.get(name);
    if (named === undefined) this.byName.set(name, [section]);
    else named.push(section);
    return section;
  }

  /** In the order they were begun: sections of one name may differ in their group, in what they are linked to, or by `unique`. */
  sectionsNamed(name: string): readonly SectionBuilder[] {
    return this.byName.get(name) ?? [];
  }

  /** The first section called `name`. */
  findSection(name: string): SectionBuilder | undefined {
    return this.sectionsNamed(name)[0];
  }

  /** Goes on in `subsection` of `section`; `.previous` comes back. */
  enter(section: SectionBuilder, subsection: number): void {
    this.previousSpot = { section: this.section, subsection: this.part.number };
    this.absolute = undefined;
    this.section = section;
    this.part = section.subsection(subsection);
  }

  push(): void {
    if (this.stack.length >= MAX_SECTION_STACK) throw new AssemblyError('size-limit', `.pushsection is nested more than ${String(MAX_SECTION_STACK)} deep`);
    this.stack.push({ spot: { section: this.section, subsection: this.part.number }, previous: this.previousSpot });
  }

  pop(): void {
    const top = this.stack.pop();
    if (top === undefined) {
      this.report('warning', 'bad-section', '.popsection has no .pushsection to undo, and does nothing');
      return;
    }
    this.enter(top.spot.section, top.spot.subsection);
    this.previousSpot = top.previous;
  }

  previous(): void {
    if (this.previousSpot === undefined) {
      this.report('warning', 'bad-section', '.previous has no section to go back to, and does nothing');
      return;
    }
    this.enter(this.previousSpot.section, this.previousSpot.subsection);
  }

  here(): Place {
    return this.part.here();
  }

  /** `expression` with its names fixed to what they mean at this statement, to be kept. */
  bind(expression: Expression): Expression {
    if (expression.kind === 'number') return expression;
    const bound = this.bindForNow(expression);
    this.symbols.hold(bound);
    return bound;
  }

  /** As {@link bind}, for a value that is worked out at once. */
  bindForNow(expression: Expression): Expression {
    if (expression.kind === 'number') return expression;
    return this.symbols.bind(this.absolute === undefined ? expression : withOffset(expression, this.absolute), () => this.here());
  }

  /** The value of `expression` if it is known by now. */
  known(expression: Expression): bigint | undefined {
    return expression.kind === 'number' ? BigInt.asIntN(64, expression.value) : this.symbols.settled(this.bindForNow(expression));
  }

  append(bytes: Uint8Array): void {
    this.refuseContents(bytes);
    this.part.append(bytes);
  }

  close(tail: Tail): void {
    this.part.close(tail);
  }

  /** Defines the label `symbol` here. */
  define(symbol: AssemblySymbol, range: SourceRange): void {
    // What was assigned to a name holds for the uses up to here.
    const target = symbol.redefinable && symbol.definition?.kind === 'value' ? this.symbols.replace(symbol) : symbol;
    if (target.isDefined) throw new AssemblyError('symbol-redefined', `symbol ${symbol.name} is defined already`, range);
    target.redefinable = false;
    target.definedBy = { range };
    if (this.absolute !== undefined) {
      target.definition = { kind: 'value', expression: { kind: 'number', value: this.absolute } };
      return;
    }
    target.definition = { kind: 'label', place: this.here() };
    if ((this.section.flags & SHF.TLS) !== 0) target.type = 'tls';
  }

  /** A section without contents takes zeros only. */
  private refuseContents(bytes: Uint8Array): void {
    if (this.section.hasContents || !bytes.some((byte) => byte !== 0)) return;
    throw new AssemblyError('bad-section', `section ${this.section.name} has no contents in the file: it takes zeros only`);
  }
}

/** `expression` with the offset `at` for `.`. */
function withOffset(expression: Expression, at: bigint): Expression {
  switch (expression.kind) {
    case 'number': return expression;
    case 'symbol': return expression.name === '.' ? { kind: 'number', value: at } : expression;
    case 'unary': return { ...expression, operand: withOffset(expression.operand, at) };
    case 'binary': return { ...expression, left: withOffset(expression.left, at), right: withOffset(expression.right, at) };
  }
}
