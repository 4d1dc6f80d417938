/** What a campaign reached: instructions executed, accesses that faulted, entries that were used, landing pads that ran. */
import type { Image, ImageSymbol } from '../assembly/elf/image.ts';
import type { ImageTable } from '../assembly/extable/search.ts';
import { decodeAll } from '../assembly/x86/decode.ts';
import type { Instruction } from '../assembly/x86/instruction.ts';
import { writtenPosition } from '../assembly/source.ts';

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

export interface CoverageReport {
  readonly instructions: readonly CoveredInstruction[];
  /** Instructions of the routine executed, and all of them. */
  readonly executed: number;
  readonly total: number;
  readonly entriesReached: number;
  readonly entries: number;
  readonly accessesFaulted: number;
  readonly accesses: number;
}

export class Coverage {
  readonly #instructions: readonly Instruction[];
  readonly #image: Image;
  readonly #entries: ReadonlySet<bigint>;
  readonly #executed = new Set<bigint>();
  readonly #faults = new Map<bigint, Map<number, number>>();

  constructor(image: Image, table: ImageTable, entry: bigint) {
    this.#image = image;
    this.#entries = new Set(table.entries.map(({ insn }) => insn));
    this.#instructions = routineInstructions(image, entry);
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
      const reason = whyNot(instruction);
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
    };
  }
}

/** The instructions of the routine at `entry`, padding left out. */
export function routineInstructions(image: Image, entry: bigint): readonly Instruction[] {
  const symbol = image.symbolAt(entry)?.symbol;
  const size = symbol === undefined || symbol.size === 0n ? nextSymbol(image, entry) - entry : symbol.address + symbol.size - entry;
  return [...decodeAll(image.read(entry, Number(size < MAX_ROUTINE ? size : MAX_ROUTINE)), entry)].filter(({ mnemonic }) => mnemonic !== 'int3' && mnemonic !== 'nop');
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
