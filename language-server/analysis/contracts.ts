/**
 * What each routine promises, as far as the checks need it: `mcsafe: contract KIND KEY=REGISTER …` comments, else the kernel's names.
 */
import { knownRoutine } from '../../fault-model/known-routines.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { CommentDirective } from '../../assembly/gas/statement.ts';
import { fullRegister } from '../registers.ts';
import type { Analysis, Routine } from './analysis.ts';
import { firstIndex } from './first-index.ts';
import { pushTo } from './multimap.ts';

export interface Contract {
  readonly kind: string;
  /** 64-bit registers by role: `dst`, `src`, `n`, `returns`. */
  readonly registers: ReadonlyMap<string, string>;
}

/** Equal for contracts that say the same. */
export function contractKey(contract: Contract | undefined): string {
  return contract === undefined ? '' : `${contract.kind} ${[...contract.registers].join(' ')}`;
}

/** The contracts of one file. */
export class Contracts {
  /** By file: the comments, in the order they were read. */
  readonly #directives = new Map<string, CommentDirective[]>();
  /** By file: the lines of the routines' labels, sorted. Only of files with such comments. */
  readonly #lines = new Map<string, number[]>();
  readonly #known = new Map<Routine, Contract | undefined>();

  constructor({ directives, routines }: Analysis) {
    for (const directive of directives) if (/^contract\b/.test(directive.text)) pushTo(this.#directives, directive.range.start.file, directive);
    for (const { range } of routines) {
      const { file, line } = writtenPosition(range.start);
      if (this.#directives.has(file)) pushTo(this.#lines, file, line);
    }
    for (const lines of this.#lines.values()) lines.sort((a, b) => a - b);
  }

  /** The contract written in front of a routine, else the one that goes with its name; undefined if nobody knows. */
  of(routine: Routine): Contract | undefined {
    if (!this.#known.has(routine)) this.#known.set(routine, this.#written(routine) ?? contractOfName(routine.name));
    return this.#known.get(routine);
  }

  #written(routine: Routine): Contract | undefined {
    const { file, line } = writtenPosition(routine.range.start);
    const directives = this.#directives.get(file);
    if (directives === undefined) return undefined;
    const lines = this.#lines.get(file)!;
    const from = lines[firstIndex(lines, (other) => other >= line) - 1] ?? 0;
    const directive = directives.findLast(({ range }) => range.start.line > from && range.start.line <= line);
    return directive === undefined ? undefined : contractOfText(directive.text);
  }
}

function contractOfText(text: string): Contract {
  const [, kind = '', ...pairs] = text.split(/\s+/);
  const registers = new Map<string, string>();
  for (const pair of pairs) {
    const [key, value] = pair.split('=');
    const register = fullRegister((value ?? '').replace(/^%/, ''));
    // `n=edx`: the length is a 32-bit number, and there is nothing to lose.
    if (key !== undefined && register !== undefined && !(key === 'n' && register.bits < 64)) registers.set(key, register.full);
  }
  return { kind, registers };
}

function contractOfName(name: string): Contract | undefined {
  const known = knownRoutine(name);
  if (known === undefined) return undefined;
  // How wide the length is depends on the prototype, which differs between kernels: only a comment can say it.
  const registers = Object.entries({ ...known.arguments, returns: known.returns }).filter(([role]) => role !== 'n');
  return { kind: known.kind, registers: new Map(registers) };
}

const contracts = new WeakMap<Analysis, Contracts>();

/** The contracts of a file, worked out when somebody asks. */
export function contractsOf(analysis: Analysis): Contracts {
  let known = contracts.get(analysis);
  if (known === undefined) contracts.set(analysis, known = new Contracts(analysis));
  return known;
}
