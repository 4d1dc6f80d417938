/**
 * The kernel's own copy_mc_fragile, run in the machine: every length, every poisoned byte, every alignment.
 */
import { describe, expect, test } from 'vitest';
import { createMachine } from '../../machine/create.ts';
import type { Machine } from '../../machine/machine.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';
import { corpus, missing } from './corpus.ts';
import type { CorpusGeneration } from './corpus.ts';
import { corpusImage } from './image.ts';

const GENERATIONS: readonly CorpusGeneration[] = ['6.1', '6.12'];
const reason = missing('copy_mc_fragile in the machine', { commands: ['gcc', 'objcopy'], corpora: GENERATIONS });

const LONGEST = 128;
const RAX = 0, RDX = 2, RSI = 6, RDI = 7;

function machineFor(generation: CorpusGeneration, entry: string): Machine {
  const config: LaunchConfig = {
    program: 'copy_mc_64.S', entry, kernelGeneration: generation, n: LONGEST, poison: false, poisonGranule: 'byte',
    buffers: { src: { size: LONGEST + 8 }, dst: { size: LONGEST + 8, fill: 0xcc } },
  };
  const result = createMachine({ config, image: corpusImage(corpus(generation)!, 'copy_mc_64.S'), directives: [], program: 'copy_mc_64.S' });
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.machine;
}

/** Copies `n` bytes from `src + alignment` with the byte at `poisoned` (an offset from there) poisoned, and checks what came of it. */
function copies(machine: Machine, n: number, alignment: number, poisoned: number | undefined): string | undefined {
  const [src, dst] = ['src', 'dst'].map((name) => machine.scenario.buffers.find((buffer) => buffer.name === name)!.address) as [bigint, bigint];
  machine.restart();
  const from = src + BigInt(alignment);
  if (poisoned !== undefined) machine.memory.poison(from + BigInt(poisoned), 1);
  machine.registers.set(RDX, BigInt(n));
  machine.registers.set(RSI, from);
  machine.registers.set(RDI, dst);
  const stop = machine.run({ limit: 1 << 20 });
  if (stop.reason !== 'returned') return `ended with ${stop.reason}`;
  const left = Number(machine.registers.get(RAX));
  const done = n - left;
  const fault = poisoned !== undefined && poisoned < n;
  if (left < 0 || left > n) return `returned ${String(left)} of ${String(n)}`;
  if (!fault && left !== 0) return `returned ${String(left)} with nothing poisoned`;
  if (fault && done > poisoned) return `claims ${String(done)} bytes, but byte ${String(poisoned)} cannot be read`;
  // Source words are aligned, so at most the bytes in front of the poison in its own word are lost.
  if (fault && done < poisoned - 7) return `only ${String(done)} bytes in front of the poison at ${String(poisoned)}`;
  const copied = machine.memory.read(dst, LONGEST + 8);
  const expected = new Uint8Array(LONGEST + 8).fill(0xcc);
  expected.set(machine.memory.read(from, n).subarray(0, done));
  if (!copied.every((byte, index) => byte === expected[index])) return 'the destination does not hold the bytes claimed, or more than them';
  if (machine.deliveries.length !== Number(fault)) return `${String(machine.deliveries.length)} exceptions`;
  return undefined;
}

describe.skipIf(reason !== undefined).each(GENERATIONS)('copy_mc_fragile of %s', (generation) => {
  test(`returns exactly the bytes not copied, for lengths 0 to ${String(LONGEST)}, poison at every byte, alignments 0 to 7`, () => {
    const machine = machineFor(generation, 'copy_mc_fragile');
    let cases = 0;
    for (let n = 0; n <= LONGEST; n++) {
      for (let alignment = 0; alignment < 8; alignment++) {
        for (let poisoned = -1; poisoned < n; poisoned++) {
          const wrong = copies(machine, n, alignment, poisoned < 0 ? undefined : poisoned);
          if (wrong !== undefined) throw new Error(`n=${String(n)} alignment=${String(alignment)} poison=${String(poisoned)}: ${wrong}`);
          cases++;
        }
      }
    }
    expect(cases).toBe(8 * ((LONGEST + 1) * (LONGEST + 2)) / 2);
  });

  test('takes a poisoned line by its machine-check entry', () => {
    const machine = machineFor(generation, 'copy_mc_fragile');
    expect(copies(machine, 100, 0, 40)).toBeUndefined();
    const { phases } = machine.deliveries[0]!;
    expect(phases.map(({ phase }) => phase)).toEqual(['raised', 'graded', 'searched', 'handled', 'resumed']);
    expect(phases[1]).toMatchObject({ grade: { severity: 'AR', row: 17 }, context: { context: 'KERNEL_RECOV', copyin: false } });
    expect(phases[2]).toMatchObject({ match: { typeName: 'EX_TYPE_DEFAULT_MCE_SAFE' } });
  });
});
