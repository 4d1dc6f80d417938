/**
 * Vector instructions that are executed in TypeScript: known answers of the cryptographic ones (FIPS 197, Intel's white papers on AES-NI and
 * PCLMULQDQ), and how masked moves and gathers fault. The real CPU is asked about all of them in the oracle; this holds where there is none.
 */
import { beforeEach, expect, test } from 'vitest';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import { cpuProfile } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import { runText } from './assembled.ts';

const DATA = 0xffff_c900_0000_0000n;
const RDI = 7;

let cpu: WasmCpu;

beforeEach(() => {
  cpu = createCpu({ profile: cpuProfile('intel-server')!, granule: 'line' });
  cpu.memory.map(DATA, 0x1000, { read: true, write: true, execute: false, user: false });
  cpu.registers.setSegment(1, 0x10);
  cpu.registers.set(RDI, DATA);
});

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.padStart(32, '0'), 'hex').reverse());
const xmm = (register: number): string => Buffer.from(cpu.registers.getXmm(register)).reverse().toString('hex');

function run(text: string, ...registers: string[]) {
  registers.forEach((hex, i) => { cpu.registers.setXmm(i, bytes(hex)); });
  return runText(cpu, text);
}

const STATE = '7b5b54657374566563746f725d53475d';
const KEY = '48692853686179295b477565726f6e5d';

test.each([
  ['aesenc %xmm1, %xmm0', 'a8311c2f9fdba3c58b104b58ded7e595'],
  ['aesenclast %xmm1, %xmm0', 'c7fb881e938c5964177ec42553fdc611'],
  ['aesdec %xmm1, %xmm0', '138ac342faea2787b58eb95eb730392a'],
  ['aesdeclast %xmm1, %xmm0', 'c5a391ef6b317f95d410637b72a593d0'],
  ['aesimc %xmm0, %xmm0', '627a6f6644b109c82b18330a81c3b3e5'],
  ['vaesenc %xmm1, %xmm0, %xmm0', 'a8311c2f9fdba3c58b104b58ded7e595'],
  ['pclmulqdq $0, %xmm1, %xmm0', '1d4d84c85c3440c0929633d5d36f0451'],
  ['pclmulqdq $0x10, %xmm1, %xmm0', '1bd17c8d556ab5a17fa540ac2a281315'],
  ['pclmulqdq $0x11, %xmm1, %xmm0', '1d1e1f2c592e7c45d66ee03e410fd4ed'],
])('%s', (text, result) => {
  expect(run(text, STATE, KEY)).toEqual({ kind: 'halt' });
  expect(xmm(0)).toBe(result);
});

test('aeskeygenassist expands the key of FIPS 197', () => {
  run('aeskeygenassist $1, %xmm1, %xmm0', '', '3c4fcf098815f7aba6d2ae2816157e2b');
  expect(xmm(0)).toBe('01eb848beb848a013424b5e524b5e434');
});

test('an inverse of an inverse is the byte itself', () => {
  // The identity matrix, either way.
  run('gf2p8affineinvqb $0, %xmm1, %xmm0; gf2p8affineinvqb $0, %xmm1, %xmm0', STATE, '01020408102040800102040810204080');
  expect(xmm(0)).toBe(STATE);
});

test('operands of SHA instructions have to be aligned on Intel\'s processors, not on AMD\'s', () => {
  expect(run('sha1nexte 1(%rdi), %xmm0')).toMatchObject({ vector: VECTOR.GP });
  cpu = createCpu({ profile: cpuProfile('amd-server')!, granule: 'line' });
  cpu.memory.map(DATA, 0x1000, { read: true, write: true, execute: false, user: false });
  cpu.registers.set(RDI, DATA);
  expect(run('sha1nexte 1(%rdi), %xmm0')).toEqual({ kind: 'halt' });
});

test('a masked move accesses only what its mask names', () => {
  cpu.memory.write(DATA + 0xff8n, new Uint8Array(8).fill(0x11));
  expect(run('lea 0xff8(%rdi), %rsi; vpmaskmovd (%rsi), %xmm1, %xmm0', '', '00000000000000008000000080000000')).toEqual({ kind: 'halt' });
  expect(xmm(0)).toBe('00000000000000001111111111111111');
  expect(run('lea 0xff8(%rdi), %rsi; vpmaskmovd (%rsi), %xmm1, %xmm0', '', '00000000800000008000000080000000')).toMatchObject({ vector: VECTOR.PF, address: DATA + 0x1000n });
  expect(run('lea 0xffc(%rdi), %rsi; vmaskmovps %xmm0, %xmm1, (%rsi)', '22222222222222222222222222222222', '00000000000000008000000080000000')).toMatchObject({ vector: VECTOR.PF });
  expect([...cpu.memory.read(DATA + 0xff8n, 8)]).toEqual(new Array<number>(8).fill(0x11));
});

test('a gather that faults keeps what it has, and goes on from there', () => {
  const page = DATA + 0x1000n;
  cpu.memory.write(DATA + 0xffcn, Uint8Array.of(1, 2, 3, 4));
  // Elements at -4 (read), 0 (not there), -4 (passed over), 4.
  expect(run('lea 0x1000(%rdi), %rsi; vpgatherdd %xmm2, (%rsi,%xmm1,4), %xmm0', 'f'.repeat(32), '00000001ffffffff00000000ffffffff', '800000000000000080000000ffffffff')).toMatchObject({ vector: VECTOR.PF, address: page });
  expect(xmm(0)).toBe('ffffffffffffffffffffffff04030201');
  expect(xmm(2)).toBe('80000000000000008000000000000000');
  cpu.memory.map(page, 0x1000, { read: true, write: true, execute: false, user: false });
  cpu.memory.write(page, Uint8Array.of(5, 6, 7, 8, 9, 10, 11, 12));
  expect(cpu.run(100)).toEqual({ kind: 'halt' });
  expect(xmm(0)).toBe('0c0b0a09ffffffff0807060504030201');
  expect(xmm(2)).toBe('0'.repeat(32));
});
