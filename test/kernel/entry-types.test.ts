/**
 * Every handler type of every kernel, met by a fault in the machine.
 */
import { describe, expect, test } from 'vitest';
import { GENERAL_REGISTERS } from '../../machine/cpu/cpu.ts';
import { ENTRY_TYPE_CASES, configOf, sourceOf } from './entry-type-cases.ts';
import { machineOf, phaseOf } from './program.ts';

describe('an entry', () => {
  test.for(ENTRY_TYPE_CASES)('of kernel $generation with $written is handled as $type', (one) => {
    const machine = machineOf(sourceOf(one), configOf(one));
    const stop = machine.run({ limit: 1000 });
    expect(machine.deliveries).toHaveLength(1);
    const { outcome } = one.run;
    if ('dies' in outcome) {
      expect(stop.reason).toBe('died');
      expect(phaseOf(machine, 'died').death).toMatchObject({ kind: 'panic', reason: expect.stringContaining(outcome.dies) as string });
      return;
    }
    expect(stop).toEqual({ reason: 'returned' });
    const handled = phaseOf(machine, 'handled');
    expect(handled.match.typeName).toMatch(one.type === 'EXT' || one.type === 'REFCOUNT' ? one.written : new RegExp(`^EX_TYPE_${one.type}\\b`));
    expect(handled.warnings).toHaveLength(outcome.warnings ?? 0);
    const now = Object.fromEntries(Object.keys(outcome.registers).map((name) => [name, machine.registers.get((GENERAL_REGISTERS as readonly string[]).indexOf(name))]));
    expect(now).toEqual(outcome.registers);
    if (one.type === 'CLEAR_FS') expect(machine.registers.getSegment(4)).toBe(0);
    if (one.type === 'REFCOUNT') expect([...machine.memory.read(machine.scenario.buffers.find(({ name }) => name === 'dst')!.address, 4)]).toEqual([0, 0, 0, 0xc0]);
  });
});
