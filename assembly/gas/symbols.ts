/**
 * What the reader knows of symbols while it reads: enough for `.if`, `.ifdef` and the counts of `.rept`.
 */
import { evaluate } from './evaluate.ts';
import type { Folded, SymbolValue } from './evaluate.ts';
import type { Expression, Statement } from './statement.ts';
import { distanceBetween } from './distance.ts';
import { JournaledMap } from './journal.ts';
import type { Journal } from './journal.ts';
import type { InstructionSize } from './distance.ts';

/** A label: it stands in front of the statement with this number. */
export interface LabelPlace {
  readonly kind: 'place';
  index: number;
}

type Known = bigint | Expression | LabelPlace | 'external';

export class Symbols {
  /** The first statement that was looked at for a distance, since somebody set this. */
  farthest = Infinity;
  statements: readonly Statement[];
  private readonly known: Map<string, Known>;
  private readonly registers: Map<string, string>;
  private readonly instructionSize: InstructionSize | undefined;

  constructor(statements: readonly Statement[], instructionSize: InstructionSize | undefined, journal: Journal) {
    this.known = new JournaledMap(journal);
    this.registers = new JournaledMap(journal);
    this.statements = statements;
    this.instructionSize = instructionSize;
  }

  defineLabel(name: string): void {
    this.known.set(name, { kind: 'place', index: this.statements.length });
  }

  /** `.comm` and its like: defined, at no place known here. */
  defineExternal(name: string): void {
    this.known.set(name, 'external');
  }

  assign(name: string, value: Expression, lazy: boolean): void {
    if (this.registers.size > 0) this.registers.delete(name);
    if (value.kind === 'symbol') {
      const register = value.name.startsWith('%') ? value.name.slice(1) : this.registers.get(value.name);
      if (register !== undefined) {
        this.registers.set(name, register);
        // The register, not the symbol it was taken from, which may change.
        this.known.set(name, { kind: 'symbol', name: `%${register}`, range: value.range });
        return;
      }
    }
    const folded = lazy ? undefined : this.fold(value);
    this.known.set(name, folded?.kind === 'absolute' ? folded.value : value);
  }

  isDefined(name: string): boolean {
    return this.known.has(name);
  }

  /** Some names stand for registers. */
  get hasRegisters(): boolean {
    return this.registers.size > 0;
  }

  readonly registerOf = (name: string): string | undefined => (this.registers.size === 0 ? undefined : this.registers.get(name));

  /** For {@link evaluate}: labels count as symbols of unknown value here. */
  readonly lookup = (name: string): SymbolValue | undefined => {
    const known = this.known.get(name);
    return known === undefined || known === 'external' || (typeof known === 'object' && known.kind === 'place') ? undefined : known;
  };

  /** Folds `expression`; differences of labels too, where everything between them has a known size. */
  fold(expression: Expression): Folded {
    if (expression.kind === 'number') return { kind: 'absolute', value: BigInt.asIntN(64, expression.value) };
    const folded = evaluate(expression, this.lookup);
    if (folded.kind === 'absolute' || folded.kind === 'symbol') return folded;
    // Only now look at places: that may mean to go through many statements.
    const spaces = new Map<string, SymbolValue>();
    let first: number | undefined;
    return evaluate(expression, (name) => {
      const register = name.startsWith('%') ? name.slice(1) : this.registers.get(name);
      if (register !== undefined) return { kind: 'label', space: this.registers, offset: registerNumber(register) };
      const known = name === '.' ? { kind: 'place' as const, index: this.statements.length } : this.known.get(name);
      if (typeof known !== 'object' || known.kind !== 'place') return this.lookup(name);
      const before = spaces.get(name);
      if (before !== undefined) return before;
      first ??= known.index;
      const distance = distanceBetween(this.statements, first, known.index, this.instructionSize);
      this.farthest = Math.min(this.farthest, distance.first);
      if (distance.bytes === undefined) return undefined;
      const value: SymbolValue = { kind: 'label', space: this, offset: distance.bytes };
      spaces.set(name, value);
      return value;
    });
  }
}

/** A number of its own for each register name, so that `.if %rax == %rbx` can be told. */
function registerNumber(name: string): bigint {
  let number = 0n;
  for (let at = 0; at < name.length; at++) number = number * 256n + BigInt(name.charCodeAt(at) & 0xff);
  return number;
}
