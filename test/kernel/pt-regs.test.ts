import { expect, test } from 'vitest';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import { cpuProfile } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import { frameBytes, frameField, loadFrame } from '../../machine/kernel/pt-regs.ts';

const RF = 0x1_0000n;

test('faults push flags with RF set, traps, int n and machine checks without; going back leaves it clear', () => {
  const cpu = createCpu({ profile: cpuProfile('default')!, granule: 'line' });
  cpu.registers.rflags = 0x246n;
  const pushed = (vector: number, software = false): bigint => frameField(frameBytes(cpu, vector, software), 'rflags');
  for (const vector of [VECTOR.PF, VECTOR.GP, VECTOR.UD, VECTOR.AC]) expect(pushed(vector)).toBe(0x246n | RF);
  for (const vector of [VECTOR.MC, VECTOR.BP, VECTOR.DB, VECTOR.NMI]) expect(pushed(vector)).toBe(0x246n);
  expect(pushed(VECTOR.GP, true)).toBe(0x246n);
  loadFrame(cpu, frameBytes(cpu, VECTOR.PF, false), true);
  expect(cpu.registers.rflags).toBe(0x246n);
});
