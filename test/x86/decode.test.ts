import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { instructionBoundaries } from '../../assembly/x86/boundaries.ts';
import { decodeAll, decodeInstruction } from '../../assembly/x86/decode.ts';
import { missing } from '../corpus/corpus.ts';
import { run } from '../elf/binutils.ts';
import { random } from '../elf/mutate.ts';

const decode = (hex: string, address = 0x1000n): ReturnType<typeof decodeInstruction> =>
  decodeInstruction(Uint8Array.from(hex.split(' ').map((byte) => Number.parseInt(byte, 16))), address);
const accesses = (hex: string): string[] => decode(hex).accesses.map(({ kind, size, text, implicit }) => `${kind} ${String(size)} ${text}${implicit ? ' implicit' : ''}`);
const vectors = (hex: string): number[] => [...new Set(decode(hex).faults.map(({ vector }) => vector))];

describe('memory accesses, in the order they are made', () => {
  it.each([
    ['mov 8(%rsi),%rax', '48 8b 46 08', ['read 8 8(%rsi)']],
    ['mov %al,(%rdi)', '88 07', ['write 1 (%rdi)']],
    ['lock xadd %rax,(%rsi)', 'f0 48 0f c1 06', ['read-write 8 (%rsi)']],
    ['rep movsb', 'f3 a4', ['read 1 (%rsi)', 'write 1 (%rdi)']],
    ['rep stosq', 'f3 48 ab', ['write 8 (%rdi)']],
    ['cmpsb', 'a6', ['read 1 (%rsi)', 'read 1 (%rdi)']],
    ['push %rax', '50', ['write 8 -8(%rsp) implicit']],
    ['push (%rsi)', 'ff 36', ['read 8 (%rsi)', 'write 8 -8(%rsp) implicit']],
    ['pop (%rdi)', '8f 07', ['read 8 (%rsp) implicit', 'write 8 (%rdi)']],
    ['mov (%rsp),%rax', '48 8b 04 24', ['read 8 (%rsp)']],
    ['ret', 'c3', ['read 8 (%rsp) implicit']],
    ['call *16(%rip)', 'ff 15 10 00 00 00', ['read 8 0x10(%rip)', 'write 8 -8(%rsp) implicit']],
    ['mov %gs:0x28,%rax', '65 48 8b 04 25 28 00 00 00', ['read 8 %gs:0x28']],
    ['lea (,%rbx,4),%rax', '48 8d 04 9d 00 00 00 00', []],
    ['prefetcht0 (%rsi)', '0f 18 0e', []],
    ['clflush (%rsi)', '0f ae 3e', []],
    ['nopl (%rax)', '0f 1f 00', []],
  ])('of %s', (_text, hex, expected) => {
    expect(accesses(hex)).toEqual(expected);
  });
});

describe('possible faults', () => {
  it.each<[string, string, number[]]>([
    ['a load can meet a machine check', '48 8b 06', [13, 14, 17, 18]],
    ['a store cannot', '48 89 07', [13, 14, 17]],
    ['a byte load needs no alignment', '8a 06', [13, 14, 18]],
    ['a non-temporal store cannot either', '48 0f c3 07', [13, 14, 17]],
    ['addresses through rsp are the stack segment\'s', '48 8b 04 24', [12, 14, 17, 18]],
    ['a read-modify-write reads', '48 01 07', [13, 14, 17, 18]],
    ['a prefetch never faults', '0f 18 0e', []],
    ['clflush translates, but reads no data', '0f ae 3e', [13, 14]],
    ['register arithmetic cannot', '48 01 d8', []],
    ['division can', '48 f7 f3', [0]],
    ['ud2 is undefined', '0f 0b', [6]],
    ['wrmsr refuses values', '0f 30', [13]],
    ['rdmsr refuses numbers', '0f 32', [13]],
    ['hlt is privileged', 'f4', [13]],
    ['iretq checks what it loads', '48 cf', [11, 12, 13, 14, 17, 18]],
    ['a segment load too', '8e e0', [11, 13]],
    ['movaps wants alignment', '0f 28 06', [7, 13, 14, 17, 18]],
    ['addsd can raise floating-point exceptions', 'f2 0f 58 c1', [7, 19]],
    ['fadd can meet a pending one', 'd8 c1', [7, 16]],
    ['a direct jump cannot', 'eb 05', []],
    ['bytes that are no instruction are undefined', '06', [6]],
  ])('%s', (_title, hex, expected) => {
    expect(vectors(hex)).toEqual(expected);
  });

  it('say why', () => {
    expect(decode('48 8b 46 08').faults.filter(({ vector }) => vector === 14 || vector === 18)).toEqual([
      { vector: 14, reason: 'reads 8(%rsi)' }, { vector: 18, reason: 'reads 8(%rsi)' },
    ]);
  });
});

describe('other facts', () => {
  it('registers by their full names, flags by letter', () => {
    expect(decode('00 e3')).toMatchObject({ text: 'add %ah,%bl', registersRead: ['rbx', 'rax'], registersWritten: ['rbx'], flagsWritten: 'OSZAPC', flagsUndefined: '' });
    expect(decode('48 ff c0')).toMatchObject({ text: 'inc %rax', flagsWritten: 'OSZAP' });
    expect(decode('74 10')).toMatchObject({ flagsRead: 'Z', flow: 'conditional', target: 0x1012n });
  });

  it('branches and prefixes', () => {
    expect(decode('e8 00 00 00 00')).toMatchObject({ flow: 'call', target: 0x1005n });
    expect(decode('ff e0')).toMatchObject({ flow: 'indirect-jump' });
    expect(decode('f3 a4')).toMatchObject({ repeat: 'rep', lock: false, text: 'rep movsb %ds:(%rsi),%es:(%rdi)' });
    expect(decode('f2 ae')).toMatchObject({ repeat: 'repne' });
    expect(decode('f0 ff 07')).toMatchObject({ lock: true, privileged: false });
    expect(decode('0f 30')).toMatchObject({ privileged: true });
  });

  it('symbols behind targets and rip-relative operands', () => {
    const symbol = (address: bigint): string => `name+0x${(address - 0x1000n).toString(16)}`;
    expect(decodeInstruction(Uint8Array.of(0xeb, 5), 0x1000n, { symbol }).text).toBe('jmp 0x1007 <name+0x7>');
    expect(decodeInstruction(Uint8Array.of(0x48, 0x8b, 0x05, 9, 0, 0, 0), 0x1000n, { symbol }).text).toBe('mov 0x9(%rip),%rax <name+0x10>');
  });

  it('bytes that end inside an instruction are no instruction, and none is empty', () => {
    expect(decode('48 8b')).toMatchObject({ mnemonic: '(bad)', text: '(bad)', length: 1 });
    expect([...decodeAll(Uint8Array.of(0x90, 0x06, 0xc3), 0n)].map(({ text }) => text)).toEqual(['nop', '(bad)', 'ret']);
  });

  it('starts of instructions end where data begins', () => {
    expect(instructionBoundaries(Uint8Array.of(0x90, 0x48, 0x8b, 0x06, 0xc3, 0x06, 0x90))).toEqual({ starts: [0, 1, 4], end: 5 });
  });
});

describe('random bytes', () => {
  it('always give an instruction of 1 to 15 bytes whose facts are consistent', () => {
    const next = random(20);
    for (let index = 0; index < 20_000; index++) {
      const bytes = Uint8Array.from({ length: 1 + Math.floor(next() * 15) }, () => Math.floor(next() * 256));
      const instruction = decodeInstruction(bytes, BigInt(index));
      expect(instruction.length).toBeGreaterThan(0);
      expect(instruction.length).toBeLessThanOrEqual(bytes.length);
      expect(instruction.bytes).toEqual(bytes.subarray(0, instruction.length));
      // Whatever reads memory can meet a machine check, and nothing else can.
      expect(instruction.faults.some(({ vector }) => vector === 18)).toBe(instruction.accesses.some(({ kind }) => kind !== 'write'));
    }
  });
});

const library = '/usr/lib/x86_64-linux-gnu/libc.so.6';
const skip = missing('instruction texts against objdump', { commands: ['objdump'] }) ?? (existsSync(library) ? undefined : 'no libc');

describe.skipIf(skip !== undefined)('the text', () => {
  it('of every tenth instruction of libc is what objdump prints', () => {
    const plain = (text: string): string => text.replace(/\s*#.*$/, '').replace(/<[^>]*>/g, '').replace(/\s+/g, ' ').trim();
    const different = new Set<string>();
    let count = 0;
    const lines = run('objdump', '-d', '-w', library).split('\n');
    for (let index = 0; index < lines.length; index += 10) {
      const match = /^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*\t(.+)$/.exec(lines[index]!);
      if (match === null || match[3]!.includes('(bad)')) continue;
      const mine = decode(match[2]!.trim(), BigInt(`0x${match[1]!}`));
      count++;
      // objdump writes branch targets without 0x.
      const text = mine.target === undefined ? mine.text : mine.text.replace(/ 0x([0-9a-f]+)$/, ' $1');
      if (plain(text) !== plain(match[3]!) || mine.length !== match[2]!.trim().split(' ').length) different.add(`${mine.text} | ${plain(match[3]!)}`);
    }
    expect([...different]).toEqual([]);
    expect(count).toBeGreaterThan(20_000);
  });
});
