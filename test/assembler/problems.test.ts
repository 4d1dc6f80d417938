/**
 * A statement that is wrong costs that statement; nothing hangs, and no size is believed before it is checked.
 */
import { describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import type { Assembled } from '../../assembly/assembler/assemble.ts';
import { read } from './reader.ts';

function run(source: string): Assembled {
  return assemble(read(source));
}

/** `line severity code: message`, one each. */
function problems(source: string): string[] {
  return run(source).problems.map(({ severity, code, message, range }) => `${String(range.start.line)} ${severity} ${code}: ${message}`);
}

function text({ object }: Assembled): string {
  return Buffer.from(object.sections.find(({ name }) => name === '.text')!.bytes).toString('hex');
}

it('a text that macros repeat is encoded by what its symbols are at each place', () => {
  expect(text(run('.macro step\nadd $x, %eax\n.endm\nstep\nstep\nx = 1\nstep\nx = 1000\nstep\nstep\n'))).toBe(`${'0501000000'.repeat(2)}83c001${'05e8030000'.repeat(2)}`);
});

describe('a statement that is wrong', () => {
  it('is left out, and the rest assembled', () => {
    const result = run('nop\nmov %eax\n.byte 1\n.bogus 3\n.fill x, 1\nret');
    expect(text(result)).toBe('9001c3');
    expect(result.problems.map(({ range }) => range.start.line)).toEqual([2, 4, 5]);
  });

  it('is reported once, at its range', () => {
    const [problem] = run('  nop\n  mov %eax, %rbx\n').problems;
    expect(problem).toMatchObject({ code: 'operand-mismatch', range: { start: { line: 2 } } });
  });

  it('is reported each time that macros make it', () => {
    const source = '.macro wrong\nbogus %rax\nmov %eax, %rbx\n.endm\nwrong\nwrong\nnop';
    expect(text(run(source))).toBe('90');
    expect(problems(source).map((line) => line.slice(0, line.indexOf(':')))).toEqual(['2 error unknown-mnemonic', '3 error operand-mismatch', '2 error unknown-mnemonic', '3 error operand-mismatch']);
  });

  it('is refused though the same text was taken where the source allowed it', () => {
    const source = '.macro load\nmov (%rax,%riz),%eax\n.endm\n.allow_index_reg\nload\nload\n.disallow_index_reg\nload\n';
    expect(text(run(source))).toBe('8b04208b0420');
    expect(problems(source)).toEqual(['2 error unknown-register: there is no register %riz: it stands for no index, and only after `.allow_index_reg`']);
  });

  it('may be a symbol defined twice', () => {
    expect(problems('a: nop\na: nop\n.equiv b, 1\nb: nop\nc = 1\nc = 2\nc: nop')).toMatchInlineSnapshot(`
      [
        "2 error symbol-redefined: symbol a is defined already",
        "4 error symbol-redefined: symbol b is defined already",
      ]
    `);
  });

  it('may be a symbol defined by itself', () => {
    expect(problems('a = b\nb = a\n.long a\nc = c + 1\n.quad c')).toMatchInlineSnapshot(`
      [
        "1 error bad-expression: symbol a is defined by itself",
        "4 error bad-expression: symbol c is defined by itself",
      ]
    `);
  });

  it('may name a section type of another assembler, which is a warning', () => {
    expect(problems('.section .parts, "", @llvm_sympart\n.byte 1')).toEqual(["1 warning bad-section: there is no section type `@llvm_sympart`, so the type goes by the section's name"]);
  });

  it('may add up symbols that double with each line, which does not hang', () => {
    const doubling = Array.from({ length: 60 }, (_, index) => `a${String(index + 1)} = a${String(index)} + a${String(index)}`);
    expect(problems(['a0 = x + y', ...doubling, '.quad a60'].join('\n')).filter((problem) => problem.startsWith('62'))).toEqual([
      '62 error bad-expression: the expression is too complex: it adds up too many symbols',
    ]);
  });

  it('may come to nothing by a long way round, which does not hang', () => {
    const halving = Array.from({ length: 60 }, (_, index) => `a${String(index + 1)} = a${String(index)} - a${String(index)}`);
    expect(problems(['a0 = x', ...halving, '.quad a60'].join('\n'))).toEqual([]);
  });

  it('may name a difference that no relocation holds', () => {
    expect(problems('.data\na: .byte 0\n.text\n.long x - a, x - y')).toMatchInlineSnapshot(`
      [
        "4 error bad-relocation: x - a is not known here, and no relocation can hold the difference of two symbols unless the second is in the field's own section",
        "4 error bad-relocation: x - y is not known here, and no relocation can hold the difference of two symbols unless the second is in the field's own section",
      ]
    `);
  });

  it('may be a value that does not fit', () => {
    expect(problems('.byte 256\n.byte -129\n.word 0x12345\nx: .skip 300\ny: .byte y - x\nmov y - x(%rax), %al')).toMatchInlineSnapshot(`
      [
        "1 warning value-out-of-range: the value 0x100 is cut off to 1 bytes",
        "3 warning value-out-of-range: the value 0x12345 is cut off to 2 bytes",
        "5 warning value-out-of-range: the value 0x12c is cut off to 1 bytes",
      ]
    `);
  });

  it('may be a value that turns out too large when all is laid out', () => {
    expect(problems('.byte y - x, 255 + z\nx: .skip 300\ny: .set z, 1\n.word -w, -v\n.set w, 0xffff\n.set v, 0x10000')).toMatchInlineSnapshot(`
      [
        "1 error value-out-of-range: the value 300 does not fit in 8 bits",
        "1 error value-out-of-range: the value 256 does not fit in 8 bits",
        "4 error value-out-of-range: the value -65536 does not fit in 16 bits",
      ]
    `);
  });

  it('may stand in a section that has no contents', () => {
    expect(problems('.bss\n.byte 0\n.byte 1\nnop\n.skip 4, 1')).toMatchInlineSnapshot(`
      [
        "3 error bad-section: section .bss has no contents in the file: it takes zeros only",
        "4 error bad-section: section .bss has no contents in the file, so no instructions either",
        "5 error bad-section: section .bss has no contents in the file: it takes zeros only",
      ]
    `);
  });

  it('name numeric labels as they are written', () => {
    expect(problems('1: nop\n.data\n.long 1b - foo')).toEqual(['3 error bad-relocation: 1 - foo is not known here, and no relocation can hold the difference of two symbols unless the second is in the field\'s own section']);
  });

  it('may undo what was not done', () => {
    expect(problems('.popsection\n.previous\n.cfi_endproc\n.cfi_offset 3, 4\n.cfi_startproc\n.cfi_restore_state')).toMatchInlineSnapshot(`
      [
        "1 warning bad-section: .popsection has no .pushsection to undo, and does nothing",
        "2 warning bad-section: .previous has no section to go back to, and does nothing",
        "3 error cfi: a CFI directive stands between .cfi_startproc and .cfi_endproc",
        "4 error cfi: a CFI directive stands between .cfi_startproc and .cfi_endproc",
        "6 error cfi: .cfi_restore_state has no .cfi_remember_state to go back to",
        "6 error cfi: a .cfi_startproc has no .cfi_endproc",
      ]
    `);
  });
});

describe('what the source itself says', () => {
  it('.error, .warning and .print are passed on; .abort ends the assembly', () => {
    const unit = read('.warning "mind this"\n.print "seen"\n.error "not so"\nnop\n.abort\nnop');
    const result = assemble(unit);
    const all = [...unit.problems, ...result.problems].sort((a, b) => a.range.start.line - b.range.start.line);
    expect(all.map(({ severity, message }) => `${severity} ${message}`)).toMatchInlineSnapshot(`
      [
        "warning mind this",
        "information seen",
        "error not so",
        "error .abort stops the assembly here",
      ]
    `);
    expect(text(result)).toBe('90');
  });
});

describe('sizes', () => {
  it.each([
    '.fill 0x7fffffffffffffff, 8, 0', '.skip 1 << 40', '.skip x - y\ny: .skip 0x7fffffff\n.skip 0x7fffffff\nx:', '.org 1 << 40',
    '.balign 1 << 40', '.p2align 60', '.zero 0xfffffffffff', '.nops 1 << 40', '.lcomm a, 1 << 40', '.section a,"aM",@progbits,-1', '.text 100000',
    `${'.fill 0xfffffff, 1, 0\n'.repeat(40)}`, `${Array.from({ length: 40 }, (_, index) => `.section s${String(index)},"a"\n.skip 0xfffffff`).join('\n')}`,
    '.bss\n.skip 0xffffffffff',
  ])('%j is refused without taking the memory', (source) => {
    const { object, problems: found } = run(source);
    expect(found.some(({ severity }) => severity === 'error')).toBe(true);
    expect(object.sections.reduce((sum, section) => sum + section.bytes.length, 0)).toBeLessThan(2 ** 30);
  });

  it('that depend on one another in a circle are reported', () => {
    const source = 'a: .skip 1 - (b - a == 1)\nb: nop';
    expect(problems(source).length).toBeGreaterThan(0);
  });

  it.each([
    ['undefined', 'x - y', 40], ['registers', '%eax', 500], ['labels', 'l', 150],
  ])('of long chains of assignments to %s take no time', (_name, first, count) => {
    const chain = Array.from({ length: count }, (_, index) => `a${String(index + 1)} = a${String(index)}`);
    const source = [`l: nop`, `a0 = ${first}`, ...chain].join('\n');
    const { object } = run(source);
    expect(object.sections[1]!.bytes).toEqual(Uint8Array.of(0x90));
  });

  it('a chain that is too long is reported', () => {
    const chain = Array.from({ length: 1000 }, (_, index) => `a${String(index + 1)} = a${String(index)} + 1`);
    expect(problems(['l: nop', 'a0 = l', ...chain].join('\n')).length).toBeGreaterThan(0);
  });

  it('of a long chain of branches settle', () => {
    const count = 3000;
    const lines = Array.from({ length: count }, (_, index) => `l${String(index)}: jmp l${String((index * 7919) % count)}`);
    const { object } = run(lines.join('\n'));
    expect(object.sections[1]!.bytes.length).toBeGreaterThan(count * 4);
  });
});

describe('what else an object tells', () => {
  it('has a line for each instruction, and the local labels', () => {
    const { object } = run('nop\n.Lfix: ret\n1: nop\n.section .x,"ax"\nglobal_name: nop');
    expect(object.lines.map(({ section, offset, position }) => [object.sections[section]!.name, offset, position.line])).toEqual([
      ['.text', 0, 1], ['.text', 1, 2], ['.text', 2, 3], ['.x', 0, 5],
    ]);
    expect(object.localLabels.map(({ name, offset }) => [name, offset])).toEqual([['.Lfix', 1], ['1', 2]]);
    expect(object.symbols.slice(1).map(({ name }) => name)).toEqual(['global_name']);
  });
});
