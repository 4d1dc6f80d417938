/**
 * A table of each layout at work: found in the image, searched at a fault, its landing pad reached.
 */
import { expect, test } from 'vitest';
import { readImageTables } from '../../assembly/extable/read.ts';
import { createMachine } from '../../machine/create.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';
import { LAYOUT_RUNS } from '../extable/tables.ts';
import { link, phaseOf } from './program.ts';

test.for(LAYOUT_RUNS)('a table of layout $layout takes a $fault in kernel $generation', ({ layout, generation, source, fault, eax }) => {
  const { image } = link([{ file: 'p.S', text: source }], generation);
  expect(readImageTables(image, { generation }).map((table) => table.layout)).toContain(layout);
  const result = createMachine({
    config: {
      program: 'p.S', entry: 'routine', kernelGeneration: generation as NonNullable<LaunchConfig['kernelGeneration']>, contract: { kind: 'none', arguments: { src: 'rsi', dst: 'rdi' } },
      ...(fault === 'page fault' ? { poison: false, buffers: { src: { access: 'none' } } } : { poison: 'src' }),
    },
    image, directives: [], program: 'p.S',
  });
  if (!result.ok) throw new Error(JSON.stringify(result));
  const { machine } = result;
  expect(machine.run({ limit: 1000 })).toEqual({ reason: 'returned' });
  expect(machine.registers.get(0)).toBe(BigInt(eax));
  expect(phaseOf(machine, 'searched').match!.fixup).toBe(image.symbols.find(({ name }) => name === (eax === 1 ? 'pad' : 'pad2'))!.address);
});
