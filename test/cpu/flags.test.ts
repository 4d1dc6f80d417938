import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';

/**
 * Results and flags against definitions written with BigInt, straight from the manual; so that exactness is tested where no compiler is
 * there to build the oracle on the real CPU.
 */
const CODE = 0x40_1000n;
const RAX = 0, RCX = 1;
const CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800, ALL = 0x8d5;

const cpu = createCpu({ profile: DEFAULT_CPU_PROFILE, granule: 'line' });
cpu.memory.map(CODE, 4096, { read: true, write: true, execute: true, user: false });

interface Expected {
  readonly result: bigint;
  readonly flags: number;
  /** Flags the manual defines. */
  readonly defined: number;
}

function sized(opcode: number, size: number, rest: readonly number[]): number[] {
  return [...(size === 2 ? [0x66] : size === 8 ? [0x48] : []), size === 1 ? opcode - 1 : opcode, ...rest];
}

function run(bytes: readonly number[], a: bigint, b: bigint, flags: number): { readonly rax: bigint; readonly flags: number } {
  cpu.memory.write(CODE, Uint8Array.from([...bytes, 0xf4]));
  cpu.registers.rip = CODE;
  cpu.registers.rflags = BigInt(flags | 2);
  cpu.registers.set(RAX, a);
  cpu.registers.set(RCX, b);
  expect(cpu.run(10).kind).toBe('halt');
  return { rax: cpu.registers.get(RAX), flags: Number(cpu.registers.rflags) & ALL };
}

function parity(value: bigint): number {
  let bits = 0;
  for (let i = 0n; i < 8n; i++) bits += Number((value >> i) & 1n);
  return bits % 2 === 0 ? PF : 0;
}

function common(result: bigint, width: bigint): number {
  return (result === 0n ? ZF : 0) | ((result >> (width - 1n)) & 1n ? SF : 0) | parity(result);
}

function add(x: bigint, y: bigint, carry: bigint, width: bigint): Expected {
  const full = x + y + carry;
  const result = BigInt.asUintN(Number(width), full);
  const signed = BigInt.asIntN(Number(width), x) + BigInt.asIntN(Number(width), y) + carry;
  return {
    result, defined: ALL,
    flags: common(result, width) | (full >> width ? CF : 0) | (signed !== BigInt.asIntN(Number(width), result) ? OF : 0) | ((x & 15n) + (y & 15n) + carry > 15n ? AF : 0),
  };
}

function sub(x: bigint, y: bigint, borrow: bigint, width: bigint): Expected {
  const result = BigInt.asUintN(Number(width), x - y - borrow);
  const signed = BigInt.asIntN(Number(width), x) - BigInt.asIntN(Number(width), y) - borrow;
  return {
    result, defined: ALL,
    flags: common(result, width) | (x < y + borrow ? CF : 0) | (signed !== BigInt.asIntN(Number(width), result) ? OF : 0) | ((x & 15n) < (y & 15n) + borrow ? AF : 0),
  };
}

function logic(result: bigint, width: bigint): Expected {
  return { result, flags: common(result, width), defined: ALL & ~AF };
}

type Model = (x: bigint, y: bigint, carry: bigint, width: bigint) => Expected;
/** Opcode of `op %ecx,%eax` (register to r/m) and what it does; `cmp` gives back its first operand. */
const BINARY: readonly (readonly [string, number, Model])[] = [
  ['add', 0x01, (x, y, _c, w) => add(x, y, 0n, w)], ['or', 0x09, (x, y, _c, w) => logic(x | y, w)], ['adc', 0x11, add], ['sbb', 0x19, sub],
  ['and', 0x21, (x, y, _c, w) => logic(x & y, w)], ['sub', 0x29, (x, y, _c, w) => sub(x, y, 0n, w)], ['xor', 0x31, (x, y, _c, w) => logic(x ^ y, w)],
  ['cmp', 0x39, (x, y, _c, w) => ({ ...sub(x, y, 0n, w), result: x })],
];
/** The carry stays what it was. */
function keepingCarry(expected: Expected, carry: bigint): Expected {
  return { ...expected, flags: (expected.flags & ~CF) | Number(carry) };
}
const UNARY: readonly (readonly [string, number, number, Model])[] = [
  ['inc', 0xff, 0xc0, (x, _y, c, w) => keepingCarry(add(x, 1n, 0n, w), c)], ['dec', 0xff, 0xc8, (x, _y, c, w) => keepingCarry(sub(x, 1n, 0n, w), c)],
  ['neg', 0xf7, 0xd8, (x, _y, _c, w) => sub(0n, x, 0n, w)],
];
/** Shifts by cl, opcode d3 with a digit. OF is defined for a count of one only; a count of zero changes nothing. */
const SHIFTS: readonly (readonly [string, number, (x: bigint, count: bigint, width: bigint) => readonly [result: bigint, carry: bigint, overflow: bigint]])[] = [
  ['shl', 0xe0, (x, n, w) => {
    const result = BigInt.asUintN(Number(w), x << n);
    const carry = (x << n) >> w & 1n;
    return [result, carry, (result >> (w - 1n)) ^ carry];
  }],
  ['shr', 0xe8, (x, n, w) => [x >> n, (x >> (n - 1n)) & 1n, x >> (w - 1n)]],
  ['sar', 0xf8, (x, n, w) => {
    const signed = BigInt.asIntN(Number(w), x);
    return [BigInt.asUintN(Number(w), signed >> n), (signed >> (n - 1n)) & 1n, 0n];
  }],
];

const value = fc.oneof(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.constantFrom(0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n));
const anyFlags = fc.integer({ min: 0, max: 0xfff }).map((bits) => bits & ALL);
const anySize = fc.constantFrom(1, 2, 4, 8);

/** A result in rax: 4 bytes clear the upper half, 1 and 2 leave the rest. */
function merged(old: bigint, result: bigint, size: number): bigint {
  if (size >= 4) return result;
  const mask = (1n << BigInt(8 * size)) - 1n;
  return (old & ~mask) | result;
}

function check(actual: ReturnType<typeof run>, expected: Expected, old: bigint, size: number): void {
  expect([actual.rax.toString(16), (actual.flags & expected.defined).toString(16)]).toEqual([merged(old, expected.result, size).toString(16), (expected.flags & expected.defined).toString(16)]);
}

describe('flags and results', () => {
  test.each(BINARY)('%s', (_name, opcode, model) => {
    fc.assert(fc.property(value, value, anyFlags, anySize, (a, b, flags, size) => {
      const width = BigInt(8 * size);
      const expected = model(BigInt.asUintN(8 * size, a), BigInt.asUintN(8 * size, b), BigInt(flags & CF), width);
      // cmp writes nothing, not even the upper half.
      const actual = run(sized(opcode, size, [0xc8]), a, b, flags);
      check(actual, expected, a, opcode === 0x39 && size === 4 ? 2 : size);
    }), { numRuns: 120 });
  });

  test.each(UNARY)('%s', (_name, opcode, modrm, model) => {
    fc.assert(fc.property(value, anyFlags, anySize, (a, flags, size) => {
      check(run(sized(opcode, size, [modrm]), a, 0n, flags), model(BigInt.asUintN(8 * size, a), 0n, BigInt(flags & CF), BigInt(8 * size)), a, size);
    }), { numRuns: 120 });
  });

  test.each(SHIFTS)('%s', (_name, modrm, model) => {
    fc.assert(fc.property(value, fc.integer({ min: 0, max: 255 }), anyFlags, anySize, (a, count, flags, size) => {
      const width = 8 * size;
      const masked = count & (size === 8 ? 63 : 31);
      const actual = run(sized(0xd3, size, [modrm]), a, BigInt(count), flags);
      const x = BigInt.asUintN(width, a);
      if (masked === 0) {
        check(actual, { result: x, flags, defined: ALL }, a, size);
        return;
      }
      const [result, carry, overflow] = model(x, BigInt(masked), BigInt(width));
      // CF is undefined once more bits left than there are.
      const defined = ALL & ~AF & (masked === 1 ? ALL : ~OF) & (masked > width ? ~CF : ALL);
      check(actual, { result, flags: common(result, BigInt(width)) | (carry ? CF : 0) | (overflow ? OF : 0), defined }, a, size);
    }), { numRuns: 160 });
  });

  test('every condition agrees with the flags, set in any combination by popf', () => {
    const holds: readonly ((f: number) => boolean)[] = [
      (f) => (f & OF) !== 0, (f) => (f & CF) !== 0, (f) => (f & ZF) !== 0, (f) => (f & (CF | ZF)) !== 0, (f) => (f & SF) !== 0, (f) => (f & PF) !== 0,
      (f) => ((f & SF) !== 0) !== ((f & OF) !== 0), (f) => (f & ZF) !== 0 || ((f & SF) !== 0) !== ((f & OF) !== 0),
    ];
    for (let code = 0; code < 16; code++) {
      for (let i = 0; i < 64; i++) {
        const flags = [CF, PF, AF, ZF, SF, OF].reduce((bits, bit, k) => bits | ((i >> k) & 1 ? bit : 0), 0);
        const expected = holds[code >> 1]!(flags) !== ((code & 1) === 1);
        // setcc %al
        expect(run([0x0f, 0x90 + code, 0xc0], 0n, 0n, flags).rax).toBe(expected ? 1n : 0n);
      }
    }
  });
});
