/**
 * Every exception-table entry of the kernels' library routines is executed: a fault exactly there reaches its landing pad, or the
 * instruction is shown to be one that cannot fault.
 */
import { describe, expect, test } from 'vitest';
import { findImageTable } from '../../assembly/extable/search.ts';
import { decodeInstruction } from '../../assembly/x86/decode.ts';
import { createMachine } from '../../machine/create.ts';
import { GENERAL_REGISTERS, VECTOR } from '../../machine/cpu/cpu.ts';
import type { Machine } from '../../machine/machine.ts';
import { corpus, missing } from './corpus.ts';
import type { CorpusGeneration } from './corpus.ts';
import { corpusImage } from './image.ts';
import { sourcesWithEntries } from './objects.ts';

const GENERATIONS: readonly CorpusGeneration[] = ['6.1', '6.12'];
const reason = missing('every entry of the library routines', { commands: ['gcc', 'objcopy'], corpora: GENERATIONS });

/** Nothing is mapped here, in the kernel half; as a selector, it is of no descriptor. */
const UNMAPPED = 0xffff_8887_0000_f000n;
const RCX = 1, RSP = 4;

/** Lets the machine fault at `insn`: every register but rsp points to unmapped memory (as an MSR number, that is one nobody has). */
function faultAt(machine: Machine, insn: bigint): string {
  machine.restart();
  GENERAL_REGISTERS.forEach((_, number) => { if (number !== RSP) machine.registers.set(number, UNMAPPED); });
  // Repeated string instructions get a count that fits.
  if (decodeInstruction(machine.memory.read(insn, 15), insn).repeat !== 'none') machine.registers.set(RCX, 8n);
  machine.registers.rip = insn;
  const stop = machine.run({ limit: 1, stopOnFixup: true });
  return stop.reason === 'fixup' ? machine.describe(stop.fixup.to) : stop.reason;
}

describe.skipIf(reason !== undefined).each(GENERATIONS)('the library routines of %s', (generation) => {
  const sources = reason === undefined ? sourcesWithEntries(corpus(generation)!).filter((name) => name !== 'retpoline.S') : [];
  const counts = { executed: 0, cannotFault: [] as string[] };

  test.for(sources)('%s: every entry is taken', (name) => {
    const image = corpusImage(corpus(generation)!, name);
    const { entries } = findImageTable(image, { generation });
    if (entries.length === 0) return;
    const result = createMachine({ config: { program: name, kernelGeneration: generation, poison: false }, image, directives: [], program: name });
    if (!result.ok) throw new Error(JSON.stringify(result));
    const { machine } = result;
    for (const { insn, fixup } of entries) {
      const instruction = decodeInstruction(machine.memory.read(insn, 15), insn);
      const where = `${machine.describe(insn)}: ${instruction.text}`;
      const vectors = instruction.faults.map(({ vector }) => vector);
      if (!vectors.includes(VECTOR.PF) && !vectors.includes(VECTOR.GP)) {
        counts.cannotFault.push(where);
        continue;
      }
      expect(faultAt(machine, insn), where).toBe(machine.describe(fixup));
      counts.executed++;
    }
  });

  test('only prefetches cannot fault', () => {
    console.log(`${generation}: ${String(counts.executed)} entries executed; cannot fault: ${counts.cannotFault.join('; ') || 'none'}`);
    expect(counts.cannotFault.every((text) => /prefetch/.test(text))).toBe(true);
    expect(counts.executed).toBeGreaterThan(80);
  });
});
