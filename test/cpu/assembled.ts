/** Assembly text to bytes in a CPU's memory, through the product's own front end. */
import { assemble } from '../../assembly/assembler/assemble.ts';
import { linkObjects } from '../../assembly/elf/link/link.ts';
import type { Image } from '../../assembly/elf/image.ts';
import { readGas } from '../../assembly/gas/read.ts';
import type { CpuExit } from '../../machine/cpu/cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { PagedMemory } from '../../machine/memory/memory.ts';

export interface Assembled {
  readonly image: Image;
  readonly at: (label: string) => bigint;
}

/** Assembles and links `text`, GNU as syntax without the C preprocessor. */
export function assembled(text: string): Assembled {
  const unit = readGas('test.s', text, { provider: { read: () => undefined } });
  const { object, problems } = assemble(unit);
  const linked = linkObjects([object]);
  const errors = [...unit.problems, ...problems, ...linked.problems].filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'));
  return {
    image: linked.image,
    at: (label) => {
      const symbol = [...linked.image.symbols, ...linked.image.labels].find(({ name }) => name === label);
      if (symbol === undefined) throw new Error(`no symbol ${label}`);
      return symbol.address;
    },
  };
}

export function load(memory: PagedMemory, image: Image): void {
  for (const { address, size, bytes, read, write, execute } of image.segments) {
    if (size === 0) continue;
    memory.map(address, size, { read, write, execute, user: false });
    memory.write(address, bytes);
  }
}

/** Runs `text`, with a `hlt` behind it, from its first instruction to whatever ends it. */
export function runText(cpu: WasmCpu, text: string): CpuExit {
  const { image, at } = assembled(`.globl start\nstart:\n${text}\nhlt\n`);
  load(cpu.memory, image);
  cpu.registers.rip = at('start');
  return cpu.run(1000);
}

/** Writes numbers of 8 bytes in a row. */
export function writeQuads(memory: PagedMemory, address: bigint, values: readonly bigint[]): void {
  memory.write(address, new Uint8Array(BigUint64Array.from(values, (value) => BigInt.asUintN(64, value)).buffer));
}

export function readQuad(memory: PagedMemory, address: bigint): bigint {
  const bytes = memory.read(address, 8);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
}
