import { describe, expect, test } from 'vitest';
import { Arena } from '../../machine/memory/arena.ts';
import { GuestMemory } from '../../machine/memory/guest-memory.ts';
import { ACCESS } from '../../machine/memory/layout.ts';

const RW = { read: true, write: true, execute: false, user: false };
const KERNEL = { user: false, smap: true, smep: true, writeProtect: true, addressBits: 48 };
const BASE = 0xffff_8880_0010_0000n;

function memory(granule: 'line' | 'byte' = 'line'): GuestMemory {
  return new GuestMemory(new Arena(), granule);
}

describe('the debugger\'s view of memory', () => {
  test('reads and writes across pages and stops at the first unmapped byte', () => {
    const m = memory();
    m.map(BASE, 8192, RW);
    expect(m.write(BASE + 4094n, Uint8Array.of(1, 2, 3, 4))).toBe(4);
    expect([...m.read(BASE + 4093n, 6)]).toEqual([0, 1, 2, 3, 4, 0]);
    expect(m.write(BASE + 8190n, Uint8Array.of(5, 6, 7))).toBe(2);
    expect([...m.read(BASE + 8190n, 10)]).toEqual([5, 6]);
    expect(m.read(BASE - 1n, 1)).toHaveLength(0);
  });

  test('rounds a mapping outwards to pages and gives each byte a stable physical address', () => {
    const m = memory();
    m.map(BASE + 100n, 4096, RW);
    expect(m.permissions(BASE)).toEqual(RW);
    expect(m.permissions(BASE + 8191n)).toEqual(RW);
    expect(m.permissions(BASE + 8192n)).toBeUndefined();
    const physical = m.physical(BASE + 100n);
    expect(physical! & 0xfffn).toBe(100n);
    m.unmap(BASE, 4096);
    expect(m.physical(BASE + 100n)).toBeUndefined();
    m.map(BASE, 4096, RW);
    expect(m.physical(BASE + 100n)).toBe(physical);
  });

  test('refuses sizes beyond what it can hold, by name', () => {
    expect(() => { memory().map(BASE, 2 ** 40, RW); }).toThrow(/bytes of guest memory/);
    expect(() => { memory().map(-4096n, 8192, RW); }).toThrow(/beyond the address space/);
  });
});

describe('poison', () => {
  test('covers whole lines on hardware, single bytes in the test mode', () => {
    const line = memory('line');
    line.map(BASE, 4096, RW);
    line.poison(BASE + 70n, 1);
    expect(line.poisoned).toEqual([{ address: BASE + 64n, size: 64 }]);
    const byte = memory('byte');
    byte.map(BASE, 4096, RW);
    byte.poison(BASE + 70n, 1);
    expect(byte.poisoned).toEqual([{ address: BASE + 70n, size: 1 }]);
    byte.unpoison();
    expect(byte.poisoned).toEqual([]);
  });

  test('is met by reads, with the first poisoned byte, and never by writes', () => {
    const m = memory('byte');
    m.map(BASE, 4096, RW);
    m.poison(BASE + 70n, 2);
    expect(m.check(BASE + 66n, 4, ACCESS.READ, KERNEL)).toBeUndefined();
    expect(m.check(BASE + 66n, 8, ACCESS.READ, KERNEL)).toEqual({ kind: 'poison', address: BASE + 70n });
    expect(m.check(BASE + 66n, 8, ACCESS.WRITE, KERNEL)).toBeUndefined();
    expect(m.check(BASE + 66n, 8, ACCESS.READ_WRITE, KERNEL)).toEqual({ kind: 'poison', address: BASE + 70n });
  });
});

describe('access checks', () => {
  const user = { read: true, write: true, execute: true, user: true };
  test('name the page fault: present, write, user, and where the second page begins', () => {
    const m = memory();
    m.map(BASE, 4096, { ...RW, write: false });
    expect(m.check(BASE + 4092n, 8, ACCESS.READ, KERNEL)).toEqual({ kind: 'page', address: BASE + 4096n, errorCode: 0 });
    expect(m.check(BASE + 4092n, 8, ACCESS.WRITE, KERNEL)).toEqual({ kind: 'page', address: BASE + 4092n, errorCode: 3 });
    expect(m.check(BASE, 1, ACCESS.WRITE, { ...KERNEL, writeProtect: false })).toBeUndefined();
    expect(m.check(BASE, 1, ACCESS.READ, { ...KERNEL, user: true })).toEqual({ kind: 'page', address: BASE, errorCode: 5 });
  });

  test('SMAP keeps the kernel from user pages', () => {
    const m = memory();
    m.map(0x1000n, 4096, user);
    expect(m.check(0x1000n, 1, ACCESS.READ, KERNEL)).toEqual({ kind: 'page', address: 0x1000n, errorCode: 1 });
    expect(m.check(0x1000n, 1, ACCESS.WRITE, { ...KERNEL, smap: false })).toBeUndefined();
  });

  test('addresses between the halves are not canonical', () => {
    expect(memory().check(0x8000_0000_0000n, 1, ACCESS.READ, KERNEL)).toEqual({ kind: 'non-canonical' });
    expect(memory().check(0x7fff_ffff_fffcn, 8, ACCESS.READ, KERNEL)).toEqual({ kind: 'non-canonical' });
    expect(memory().check(0x8000_0000_0000n, 1, ACCESS.READ, { ...KERNEL, addressBits: 57 })).toMatchObject({ kind: 'page' });
  });
});

describe('checkpoints', () => {
  const byteAt = (m: GuestMemory): number => m.read(BASE, 1)[0]!;
  const set = (m: GuestMemory, value: number): void => { m.write(BASE, Uint8Array.of(value)); };

  test('go back, forward again and across, whatever the order', () => {
    const m = memory();
    m.map(BASE, 8192, RW);
    set(m, 1);
    const one = m.checkpoint();
    set(m, 2);
    m.poison(BASE + 4096n, 1);
    const two = m.checkpoint();
    set(m, 3);
    expect(m.changedSince(one)).toEqual([{ address: BASE, size: 8192 }]);
    expect(m.changedSince(two)).toEqual([{ address: BASE, size: 4096 }]);
    m.restore(one);
    expect([byteAt(m), m.poisoned.length]).toEqual([1, 0]);
    m.restore(two);
    expect([byteAt(m), m.poisoned.length]).toEqual([2, 1]);
    m.restore(one);
    set(m, 9);
    const other = m.checkpoint();
    m.restore(two);
    expect(byteAt(m)).toBe(2);
    m.restore(other);
    expect(byteAt(m)).toBe(9);
  });

  test('released ones hand their pages on to those that still need them', () => {
    const m = memory();
    m.map(BASE, 4096, RW);
    set(m, 1);
    const one = m.checkpoint();
    set(m, 2);
    const two = m.checkpoint();
    set(m, 3);
    const three = m.checkpoint();
    m.release(two);
    m.restore(one);
    expect(byteAt(m)).toBe(1);
    m.restore(three);
    expect(byteAt(m)).toBe(3);
    expect(() => { m.restore(two); }).toThrow(/was released/);
  });

  test('a mapping made since is gone, one removed since is back with its bytes', () => {
    const m = memory();
    m.map(BASE, 4096, RW);
    set(m, 7);
    const before = m.checkpoint();
    m.unmap(BASE, 4096);
    m.map(BASE + 0x10000n, 4096, RW);
    m.restore(before);
    expect(byteAt(m)).toBe(7);
    expect(m.permissions(BASE + 0x10000n)).toBeUndefined();
  });
});
