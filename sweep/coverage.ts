/** What a campaign reached: instructions executed, accesses that faulted, entries that were used, landing pads that ran. */
import type { Image, ImageSymbol } from '../assembly/elf/image.ts';
import type { ImageTable } from '../assembly/extable/search.ts';
import { decodeAll } from '../assembly/x86/decode.ts';
import type { Instruction } from '../assembly/x86/instruction.ts';
import { writtenPosition } from '../assembly/source.ts';
import type { Delivery } from '../machine/kernel/delivery.ts';
import { reachableCode } from './reachable.ts';

/** An instruction as reports name it. */
export interface Place {
  /** Hexadecimal, `0x…`. */
  readonly address: string;
  /** `copy_mc+0x13` */
  readonly name: string;
  readonly text: string;
  readonly file?: string;
  readonly line?: number;
}

export interface CoveredInstruction extends Place {
  readonly executed: boolean;
  /** Whether it makes an access that can fault. */
  readonly access: boolean;
  readonly entry: boolean;
  /** Runs in which it faulted, by vector. */
  readonly faults: Readonly<Record<string, number>>;
  /** Set where a fault can be shown to be impossible. */
  readonly unreachable?: string;
}

/** A row of the severity table that graded a machine check; 0 stands for rules that are no table. */
export interface SeverityRowReached {
  readonly row: number;
  readonly severity: string;
  readonly message: string;
}

export interface CoverageReport {
  readonly instructions: readonly CoveredInstruction[];
  /** Instructions of the routine executed, and all of them. */
  readonly executed: number;
  readonly total: number;
  readonly entriesReached: number;
  readonly entries: number;
  readonly accessesFaulted: number;
  readonly accesses: number;
  readonly severityRows: readonly SeverityRowReached[];
}

export class Coverage {
  readonly #instructions: readonly Instruction[];
  readonly #image: Image;
  readonly #table: ImageTable;
  /** Undefined where jumps go that only runs can tell. */
  readonly #reachable: ReadonlySet<bigint> | undefined;
  readonly #rows = new Map<number, SeverityRowReached>();
  readonly #entries: ReadonlySet<bigint>;
  readonly #executed = new Set<bigint>();
  readonly #faults = new Map<bigint, Map<number, number>>();

  constructor(image: Image, table: ImageTable, entry: bigint, generation: string) {
    this.#image = image;
    this.#table = table;
    this.#entries = new Set(table.entries.map(({ insn }) => insn));
    const { instructions, complete } = reachableCode(image, entry, table, generation);
    if (complete) this.#reachable = instructions;
    this.#instructions = withLandingPads(image, table, routineInstructions(image, entry));
  }

  /** The rows by which machine checks of a run were graded. */
  graded(deliveries: readonly Delivery[]): void {
    for (const { phases } of deliveries) {
      for (const phase of phases) if (phase.phase === 'graded') this.#rows.set(phase.grade.row, { row: phase.grade.row, severity: phase.grade.severity, message: phase.grade.message });
    }
  }

  readonly execute = (address: bigint): void => {
    this.#executed.add(address);
  };

  fault(address: bigint, vector: number, count = 1): void {
    let byVector = this.#faults.get(address);
    if (byVector === undefined) this.#faults.set(address, byVector = new Map());
    byVector.set(vector, (byVector.get(vector) ?? 0) + count);
  }

  report(): CoverageReport {
    const instructions = this.#instructions.map((instruction): CoveredInstruction => {
      const { address } = instruction;
      const access = canFault(instruction);
      const faults = this.#faults.get(address);
      const reason = whyNot(instruction) ?? this.#whyNotRun(address);
      return {
        ...placeOf(this.#image, address, instruction),
        executed: this.#executed.has(address), access, entry: this.#entries.has(address),
        faults: Object.fromEntries([...faults ?? []].map(([vector, count]) => [String(vector), count])),
        ...(reason === undefined ? {} : { unreachable: reason }),
      };
    });
    const entries = instructions.filter(({ entry }) => entry);
    const accesses = instructions.filter(({ access }) => access);
    const faulted = ({ faults }: CoveredInstruction): boolean => Object.keys(faults).length > 0;
    return {
      instructions, executed: instructions.filter(({ executed }) => executed).length, total: instructions.length,
      entriesReached: entries.filter(faulted).length, entries: entries.length,
      accessesFaulted: accesses.filter(faulted).length, accesses: accesses.length,
      severityRows: [...this.#rows.values()].sort((a, b) => a.row - b.row),
    };
  }

  /** Why an instruction has not run, where that can be shown. */
  #whyNotRun(address: bigint): string | undefined {
    if (this.#executed.has(address)) return undefined;
    if (this.#reachable?.has(address) === false) return 'nothing leads here: dead code, or a landing pad without an entry';
    const from = this.#table.entries.filter(({ fixup }) => fixup === address).map(({ insn }) => insn);
    return from.length > 0 && from.every((insn) => !this.#faults.has(insn)) ? `landing pad of ${placeOf(this.#image, from[0]!).name}${from.length === 1 ? '' : ` and ${String(from.length - 1)} more`}, which never faulted` : undefined;
  }
}

/** With the landing pads that lie outside of the routine, as in `.fixup` sections. */
function withLandingPads(image: Image, { entries }: ImageTable, routine: readonly Instruction[]): readonly Instruction[] {
  const inside = new Set(routine.map(({ address }) => address));
  const pads = new Map<bigint, Instruction>();
  for (const { insn, fixup } of entries) {
    if (!inside.has(insn)) continue;
    const symbol = image.symbolAt(fixup);
    // The pads of another function are its own.
    if (symbol !== undefined && symbol.symbol.type === 'func' && symbol.offset < symbol.symbol.size) continue;
    for (const instruction of decodeAll(image.read(fixup, MAX_PAD), fixup)) {
      if (inside.has(instruction.address) || pads.has(instruction.address)) break;
      if (!isPadding(instruction)) pads.set(instruction.address, instruction);
      if (['jump', 'return', 'indirect-jump', 'exception'].includes(instruction.flow)) break;
    }
  }
  return [...routine, ...[...pads.values()].sort((a, b) => (a.address < b.address ? -1 : 1))];
}
/** Bytes of a landing pad that are looked at. */
const MAX_PAD = 256;

/** The instructions of the routine at `entry`, padding left out. */
export function routineInstructions(image: Image, entry: bigint): readonly Instruction[] {
  const symbol = image.symbolAt(entry)?.symbol;
  const size = symbol === undefined || symbol.size === 0n ? nextSymbol(image, entry) - entry : symbol.address + symbol.size - entry;
  return [...decodeAll(image.read(entry, Number(size < MAX_ROUTINE ? size : MAX_ROUTINE)), entry)].filter((instruction) => !isPadding(instruction));
}

/** Between routines, or room that an alternative has. */
function isPadding({ mnemonic }: Instruction): boolean {
  return mnemonic === 'int3' || mnemonic === 'nop';
}

const MAX_ROUTINE = 0x1_0000n;

function nextSymbol(image: Image, entry: bigint): bigint {
  // Local labels without a type are places in the routine, unless it is one itself.
  const isLabel = ({ type, binding }: ImageSymbol): boolean => type === 'notype' && binding === 'local';
  const labels = image.symbols.some((symbol) => symbol.address === entry && isLabel(symbol)) && !image.symbols.some((symbol) => symbol.address === entry && !isLabel(symbol));
  const next = image.symbols.find((symbol) => symbol.address > entry && (symbol.type === 'func' || (symbol.type === 'notype' && (labels || !isLabel(symbol)))));
  const section = image.sections.find(({ address, size }) => entry >= address && entry < address + BigInt(size));
  const end = section === undefined ? entry : section.address + BigInt(section.size);
  return next === undefined || next.address > end ? end : next.address;
}

/** Whether it makes an access that can fault, of those that a routine is written to survive. */
export function canFault({ accesses, mnemonic, repeat }: Instruction): boolean {
  return !mnemonic.startsWith('prefetch') && accesses.some(({ implicit }) => !implicit || repeat !== 'none');
}

function whyNot({ mnemonic, accesses }: Instruction): string | undefined {
  if (mnemonic.startsWith('prefetch')) return 'a prefetch never faults';
  const explicit = accesses.filter(({ implicit }) => !implicit);
  if (explicit.length > 0 && explicit.every(({ base }) => base === undefined || base === 'rip')) return 'the program\'s own data, which is always there';
  return explicit.length > 0 && explicit.every(({ base }) => base === 'rsp' || base === 'rbp') ? 'the stack, which is always there' : undefined;
}

/** `copy_mc+0x13`; hexadecimal where no symbol is. */
export function symbolText(image: Image, address: bigint): string {
  const symbol = image.symbolAt(address);
  if (symbol === undefined) return `0x${address.toString(16)}`;
  return `${symbol.name}${symbol.offset === 0n ? '' : `+0x${symbol.offset.toString(16)}`}`;
}

export function placeOf(image: Image, address: bigint, instruction?: Instruction): Place {
  const line = image.lineAt(address);
  const written = line === undefined ? undefined : writtenPosition(line);
  const decoded = instruction ?? [...decodeAll(image.read(address, 15), address)][0];
  return {
    address: `0x${address.toString(16)}`,
    name: symbolText(image, address),
    text: decoded?.text ?? '(no code)',
    ...(written === undefined ? {} : { file: written.file, line: written.line }),
  };
}
