import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExpressionError } from '../../debug-adapter/expressions/expression.ts';
import { evaluate } from '../../debug-adapter/expressions/evaluate.ts';
import { parseExpression } from '../../debug-adapter/expressions/parse.ts';
import type { Machine } from '../../machine/machine.ts';

/** Registers and memory are all an expression looks at. */
function machineWith(values: Readonly<Record<number, bigint>>, bytes: readonly number[] = []): Machine {
  const general = new Map(Object.entries(values).map(([number, value]) => [Number(number), value]));
  const registers = {
    get: (number: number) => general.get(number) ?? 0n,
    set: (number: number, value: bigint) => { general.set(number, value); },
    rip: 0x1000n, rflags: 0x43n,
  };
  const memory = {
    read: (address: bigint, size: number) => Uint8Array.from(bytes.slice(Number(address), Number(address) + size)),
    write: (address: bigint, written: Uint8Array) => {
      const target = bytes as number[];
      written.forEach((byte, index) => { target[Number(address) + index] = byte; });
      return written.length;
    },
  };
  return {
    registers, memory, scenario: { buffers: [{ name: 'src', address: 0x40n, size: 64 }] },
    image: { symbols: [{ name: 'copy_mc', address: 0x1000n }], labels: [{ name: '.Lfaulted', address: 0x1040n }] },
    describe: (address: bigint) => `0x${address.toString(16)}`,
  } as unknown as Machine;
}

const value = (text: string, machine = machineWith({})): bigint => evaluate(text, machine, true).value;

describe('expressions of the debugger', () => {
  it('are unsigned 64-bit arithmetic with the precedences of C', () => {
    expect(value('1 + 2 * 3')).toBe(7n);
    expect(value('(1 + 2) * 3')).toBe(9n);
    expect(value('1 << 4 | 1')).toBe(17n);
    expect(value('0 - 1')).toBe(0xffff_ffff_ffff_ffffn);
    expect(value('0xffffffffffffffff + 2')).toBe(1n);
    expect(value('-1 > 1')).toBe(1n);
    expect(value('10 - 3 - 2')).toBe(5n);
    expect(value('7 % 4')).toBe(3n);
    expect(value('1 ? 2 : 1 / 0')).toBe(2n);
    expect(value('0 && 1 / 0')).toBe(0n);
    expect(value('~0 == -1')).toBe(1n);
  });

  it('name registers of every width, as either syntax writes them', () => {
    const machine = machineWith({ 0: 0x1122_3344_5566_7788n });
    expect(value('rax', machine)).toBe(0x1122_3344_5566_7788n);
    expect(value('%eax', machine)).toBe(0x5566_7788n);
    expect(value('$ax', machine)).toBe(0x7788n);
    expect(value('al + ah', machine)).toBe(0xffn);
    expect(value('ZF')).toBe(1n);
    expect(value('rip == copy_mc')).toBe(1n);
    expect(value('.Lfaulted - copy_mc')).toBe(0x40n);
  });

  it('read memory in brackets or as the instruction under the mouse writes it', () => {
    const machine = machineWith({ 6: 2n, 1: 1n }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(value('byte [rsi]', machine)).toBe(3n);
    expect(value('word [rsi + 1]', machine)).toBe(0x0504n);
    expect(value('[0]', machine)).toBe(0x0807_0605_0403_0201n);
    expect(value('(%rsi)', machine)).toBe(0x0a09_0807_0605_0403n);
    expect(value('1(%rsi,%rcx,1)', machine)).toBe(0x0c0b_0a09_0807_0605n);
    expect(() => value('[100]', machine)).toThrow('not mapped');
  });

  it('assign to registers and memory where that is allowed', () => {
    const machine = machineWith({ 0: -1n & 0xffff_ffff_ffff_ffffn }, [0, 0, 0, 0, 0, 0, 0, 0]);
    expect(value('al = 0x100', machine)).toBe(0n);
    expect(value('rax', machine)).toBe(0xffff_ffff_ffff_ff00n);
    expect(value('eax = 5', machine)).toBe(5n);
    expect(value('rax', machine)).toBe(5n);
    expect(value('word [2] = 0xabcd', machine)).toBe(0xabcdn);
    expect(value('[0]', machine)).toBe(0xabcd_0000n);
    expect(() => evaluate('rax = 1', machine)).toThrow('not possible here');
    expect(() => value('src = 1', machine)).toThrow('cannot be assigned');
  });

  it('say what is wrong with them', () => {
    const messages = ['', '1 +', '(1', '1 / 0', 'nobody', '0x', '12ab', '[1', '1 2', '1 = 2', '#', '8(%rsi,%rcx,%rax)']
      .map((text) => { try { return `${text} -> ${String(value(text))}`; } catch (error) { return `${text} -> ${(error as Error).message}`; } });
    expect(messages).toMatchInlineSnapshot(`
      [
        " -> an expression is missing",
        "1 + -> the expression ends too early",
        "(1 -> ")" expected at the end",
        "1 / 0 -> division by zero",
        "nobody -> "nobody" is no register, flag, buffer or symbol",
        "0x -> "0x" is not a number",
        "12ab -> "12a" is not a number",
        "[1 -> "]" expected at the end",
        "1 2 -> unexpected "2"",
        "1 = 2 -> only registers, flags and memory can be assigned to",
        "# -> unexpected "#"",
        "8(%rsi,%rcx,%rax) -> unexpected "%rax"",
      ]
    `);
  });

  it('never exhaust the stack or fail otherwise, whatever is typed', () => {
    expect(() => parseExpression('('.repeat(5000))).toThrow(ExpressionError);
    expect(() => parseExpression('-'.repeat(5000))).toThrow(ExpressionError);
    expect(() => parseExpression('1'.repeat(20_000))).toThrow(ExpressionError);
    const pieces = fc.constantFrom('rax', '%', '$', '(', ')', '[', ']', '1', '0x', '+', '-', '=', '==', '?', ':', ',', '%rsi', 'byte', ' ', '"', 'é', '<<', '!', '*', "'a'");
    fc.assert(fc.property(fc.array(pieces, { maxLength: 40 }), (words) => {
      try {
        expect(typeof value(words.join(''))).toBe('bigint');
      } catch (error) {
        expect(error).toBeInstanceOf(ExpressionError);
      }
    }), { numRuns: 3000 });
  });
});
