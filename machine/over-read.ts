/**
 * CPUs on which `rep movs` may consume poison in the line behind what it copies: the machine check then hits the instruction after it
 * (kernel commit 8ca97812c3c8).
 */
import type { Image } from '../assembly/elf/image.ts';
import { SHF } from '../assembly/elf/object.ts';
import { decodeAll } from '../assembly/x86/decode.ts';
import { VECTOR } from './cpu/cpu.ts';
import type { Cpu, CpuExit } from './cpu/cpu.ts';
import { LINE_SIZE } from './memory/memory.ts';

const RCX = 1, RSI = 6;
const LINE = BigInt(LINE_SIZE);
/** MOVSB, MOVSW, MOVSD, MOVSQ. */
const MOVS = /^movs[bwdlq]?$/i;

/** Watches the `rep movs` instructions of a program. The machine stops at {@link places} and asks. */
export class OverRead {
  /** Address of each `rep movs` to the address behind it. */
  readonly #after = new Map<bigint, bigint>();
  #started: { readonly after: bigint; readonly rsi: bigint } | undefined;

  constructor(image: Image, code: (address: bigint, size: number) => Uint8Array) {
    for (const { address, size, flags } of image.sections) {
      if ((flags & SHF.EXECINSTR) === 0) continue;
      for (const instruction of decodeAll(code(address, size), address)) {
        if (instruction.repeat === 'rep' && MOVS.test(instruction.mnemonic)) this.#after.set(instruction.address, instruction.address + BigInt(instruction.length));
      }
    }
  }

  /** Where the machine must stop and call {@link arrived}. */
  get places(): readonly bigint[] {
    return [...this.#after].flat();
  }

  /** True while no `rep movs` that may over-read is under way. */
  get idle(): boolean {
    return this.#started === undefined;
  }

  reset(): void {
    this.#started = undefined;
  }

  /** The machine stands at one of the places: the machine check of an over-read that has just ended here, if there was one. */
  arrived(cpu: Cpu): Extract<CpuExit, { kind: 'exception' }> | undefined {
    const { registers, memory } = cpu;
    const { rip } = registers;
    const started = this.#started;
    this.#started = undefined;
    const after = this.#after.get(rip);
    if (after !== undefined && registers.get(RCX) !== 0n) this.#started = { after, rsi: registers.get(RSI) };
    if (started === undefined || started.after !== rip || registers.get(RCX) !== 0n) return undefined;
    const end = registers.get(RSI);
    if (end <= started.rsi) return undefined;
    const line = ((end - 1n) & ~(LINE - 1n)) + LINE;
    if (!memory.poisoned.some(({ address, size }) => address < line + LINE && line < address + BigInt(size))) return undefined;
    return { kind: 'exception', vector: VECTOR.MC, address: line, access: { kind: 'read', address: line, size: LINE_SIZE } };
  }
}
