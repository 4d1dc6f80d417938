/**
 * Units that are switched off, or have an exception waiting, in CR0, CR4, XCR0 and the x87 status word.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import { cpuProfile } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { runText } from './assembled.ts';

const { UD, NM, MF } = VECTOR;
const DATA = 0xffff_c900_0000_0000n;
const TS = 8n, EM = 4n, MP = 2n, OSFXSR = 1n << 9n, OSXSAVE = 1n << 18n;
const RDI = 7;
/** fxrstor's area: an invalid operation has happened and is not masked. */
const WAITING = { control: 0x37e, status: 0x8081 };

let cpu: WasmCpu;

beforeEach(() => {
  cpu = createCpu({ profile: cpuProfile('intel-server')!, granule: 'line' });
  cpu.memory.map(DATA, 0x1000, { read: true, write: true, execute: false, user: false });
  cpu.registers.setSegment(1, 0x10);
  cpu.registers.set(RDI, DATA);
});

/** The vector that ends `text`; `halt` if nothing does. */
function run(text: string): number | 'halt' {
  const exit = runText(cpu, text);
  return exit.kind === 'exception' ? exit.vector : exit.kind === 'halt' ? 'halt' : -1;
}

const SETTINGS = {
  all: () => undefined,
  TS: () => { cpu.registers.setControl(0, cpu.registers.getControl(0) | TS); },
  'TS without MP': () => { cpu.registers.setControl(0, (cpu.registers.getControl(0) | TS) & ~MP); },
  EM: () => { cpu.registers.setControl(0, cpu.registers.getControl(0) | EM); },
  'no OSFXSR': () => { cpu.registers.setControl(4, cpu.registers.getControl(4) & ~OSFXSR); },
  'no OSXSAVE': () => { cpu.registers.setControl(4, cpu.registers.getControl(4) & ~OSXSAVE); },
  'XCR0 without AVX': () => { cpu.registers.xcr0 = 3n; },
  'an exception waits': () => { cpu.registers.x87 = { ...cpu.registers.x87, ...WAITING }; },
} as const;

/** Per instruction what each setting makes of it (SDM 3A 2.5, SDM 2A 2.4); where nothing is said, it runs. */
const TABLE: readonly (readonly [string, Partial<Record<keyof typeof SETTINGS, number>>])[] = [
  ['movdqu (%rdi), %xmm0', { TS: NM, 'TS without MP': NM, EM: UD, 'no OSFXSR': UD }],
  ['pxor %xmm0, %xmm0', { TS: NM, 'TS without MP': NM, EM: UD, 'no OSFXSR': UD }],
  ['movq %mm0, (%rdi)', { TS: NM, 'TS without MP': NM, EM: UD, 'an exception waits': MF }],
  ['emms', { TS: NM, 'TS without MP': NM, EM: UD, 'an exception waits': MF }],
  ['vmovdqu (%rdi), %ymm0', { TS: NM, 'TS without MP': NM, 'no OSXSAVE': UD, 'XCR0 without AVX': UD }],
  ['vzeroupper', { TS: NM, 'TS without MP': NM, 'no OSXSAVE': UD, 'XCR0 without AVX': UD }],
  ['wait', { TS: NM, 'an exception waits': MF }],
  ['fldcw (%rdi)', { TS: NM, 'TS without MP': NM, EM: NM, 'an exception waits': MF }],
  ['fnstcw (%rdi)', { TS: NM, 'TS without MP': NM, EM: NM }],
  ['fninit', { TS: NM, 'TS without MP': NM, EM: NM }],
  ['fxsave (%rdi)', { TS: NM, 'TS without MP': NM, EM: NM }],
  ['xsave (%rdi)', { TS: NM, 'TS without MP': NM, 'no OSXSAVE': UD }],
  ['stmxcsr (%rdi)', { TS: NM, 'TS without MP': NM, EM: UD, 'no OSFXSR': UD }],
  ['movnti %eax, (%rdi)', {}],
  ['andn %rax, %rcx, %rdx', {}],
  ['sfence; prefetcht0 (%rdi); crc32l %eax, %ecx', {}],
];

describe.each(TABLE)('%s', (text, raises) => {
  test('runs or faults as the units stand', () => {
    for (const [name, set] of Object.entries(SETTINGS)) {
      const before = cpu.registers.save();
      set();
      expect(run(text), name).toBe(raises[name as keyof typeof SETTINGS] ?? 'halt');
      cpu.registers.restore(before);
    }
  });
});

test('an exception waits from the fxrstor that loads it to the fninit that forgets it', () => {
  const area = new Uint8Array(512);
  const view = new DataView(area.buffer);
  view.setUint16(0, WAITING.control, true);
  view.setUint16(2, 1, true);
  view.setUint32(24, 0x1f80, true);
  cpu.memory.write(DATA, area);
  expect(run('fxrstor (%rdi); nop')).toBe('halt');
  expect(run('emms')).toBe(MF);
  expect(run('fninit; emms')).toBe('halt');
});

test('clts makes units usable again', () => {
  SETTINGS.TS();
  expect(run('pxor %xmm0, %xmm0')).toBe(NM);
  expect(run('clts; pxor %xmm0, %xmm0')).toBe('halt');
});
