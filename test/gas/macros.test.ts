/** Macros, repetition and conditionals of the assembler, and Intel syntax: what is left of a source assembles to the same bytes with GNU as. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import { readElf } from '../../assembly/elf/read.ts';
import { expandedText } from '../../assembly/gas/expanded-text.ts';
import { readGas } from '../../assembly/gas/read.ts';
import type { GasUnit } from '../../assembly/gas/statement.ts';

const haveAs = spawnSync('as', ['--version'], { stdio: 'ignore' }).error === undefined;
if (!haveAs) {
  if (process.env['MCSAFE_REQUIRE'] === 'all') throw new Error('MCSAFE_REQUIRE=all: the reader\'s macro tests need GNU as');
  console.log('skipped: comparing macros with GNU as needs as');
}

let work = '';
beforeAll(() => { work = mkdtempSync(join(tmpdir(), 'gas-macros-')); });
afterAll(() => { rmSync(work, { recursive: true, force: true }); });

const read = (text: string, file = 'x.s'): GasUnit => readGas(file, text, { provider: { read: () => undefined } });

function bytesByAs(text: string): string {
  const [source, object] = [join(work, 'x.s'), join(work, 'x.o')];
  writeFileSync(source, text);
  execFileSync('as', ['--64', '-o', object, source], { stdio: ['ignore', 'ignore', 'pipe'] });
  const section = readElf('x.o', readFileSync(object)).sections.find(({ name }) => name === '.text');
  return Buffer.from(section!.bytes).toString('hex');
}

const CASES: Record<string, string> = {
  'defaults, names and positions': '.macro m a=1, b=2, c:vararg\n.byte \\a, \\b\n.byte \\c\n.endm\nm 3, , 7, 8\nm b=5, c=6\nm 1 2 3\n',
  'arguments split at blanks as gas splits them': '.macro m a b c d\n.ascii "<\\a><\\b><\\c><\\d>"\n.endm\nm x (%rax) y\nm a + b, c - d\nm 8 ( %rax , 3 ) , foo\nm "a b" c\n',
  '\\@, \\() and .exitm': '.macro m n\n.ifc \\n,3\n.exitm\n.endif\n.byte \\n\\()0, \\@\n.endm\nm 1\nm 3\nm 2\n',
  'the same invocation again: with its own number, and of another macro of the name': '.macro leaf\n.byte \\@\n.endm\n.macro twice a\nleaf\nleaf\n.rept 2\n.byte \\a\n.endr\n.endm\ntwice 1\ntwice 1\ntwice 2\n.purgem leaf\n.macro leaf\n.byte 99\n.endm\ntwice 1\n',
  'macros in macros': '.macro outer a\n.macro inner_\\a x\n.byte \\a, \\x\n.endm\n.endm\nouter 4\ninner_4 5\n',
  'a macro that calls itself with less': '.macro sum from, to\n.long \\from\n.if \\to-\\from\nsum "(\\from+1)", \\to\n.endif\n.endm\nsum 0, 5\n',
  'repetition': '.rept 3\n.byte 1\n.endr\n.irp r, rax, rbx, rcx\npush %\\r\n.endr\n.irpc c, 0123\n.byte \\c\n.endr\n.irp x\n.byte 0\\x\n.endr\n',
  'conditionals': 'x = 4\n.if x > 3 && x != 5\n.byte 1\n.else\n.byte 2\n.endif\n.ifdef x\n.byte 3\n.endif\n.ifndef y\n.byte 4\n.elseif 1\n.byte 5\n.endif\n.ifeqs "a","a"\n.byte 6\n.endif\n.ifb\n.byte 7\n.endif\n.ifnb z\n.byte 8\n.endif\n.if 0\n.if 1\n.byte 9\n.endif\n.else\n.byte 10\n.endif\n',
  'differences of labels in .if': 'a: .byte 1, 2, 3\nb: .ascii "xy"\nc:\n.if (c - a) == 5\n.byte 0x55\n.endif\n.if . - b < 2\n.byte 0x66\n.endif\n',
  'registers compared': '.macro m r\n.if \\r == %rsp\nnop\n.elseif \\r == %rbp\npush %rbp\n.endif\n.endm\nm %rsp\nm %rbp\nm %rax\n',
  'registers with names': '.set A, %rax\nmov A, %rbx\nB = A\n.set A, %rcx\nmov A, B\nmov (B), A\nmov 8(A,B,4), %edx\n',
  '.altmacro': '.altmacro\n.macro m a\nLOCAL l\nl: .byte a\n.long l - .\n.endm\nm <5>\n.macro p x\n.byte x\n.endm\np %(3*4)\n.noaltmacro\n',
  'numeric labels': '1: jmp 1f\njmp 1b\n1: jmp 1b\n2: loop 2b\n',
  'comments and separators': '/ a whole line\nnop # rest; nop\nnop; nop /* in\nbetween */ ; nop\n.ascii "a;b#c/*d*/"\n.byte \';\', \'#\n',
  'purging and defining anew': '.macro m\n.byte 1\n.endm\nm\n.purgem m\n.macro M\n.byte 2\n.endm\nm\n',
};

describe.skipIf(!haveAs)('a source after expansion is what GNU as makes of it', () => {
  for (const [name, text] of Object.entries(CASES)) {
    it(name, () => {
      const unit = read(text);
      expect(unit.problems).toEqual([]);
      expect(bytesByAs(expandedText(unit).text)).toBe(bytesByAs(text));
    });
  }
});

const INTEL = `
mov eax, 5
mov dword ptr [rax], 1
mov byte ptr [rax+rcx*4-8], 7
mov rax, qword ptr fs:[0x28]
mov rax, [rbx][rcx*8]
lea rdx, [rdi+rsp]
lea rdx, [8*rcx]
movzx eax, byte ptr [rsi]
movsxd rax, dword ptr [rsi]
call rax
jmp qword ptr [rax+8]
push qword ptr [rax]
shl dword ptr [rax], cl
add rax, -8[rbp]
rep movsd
cvtsi2sd xmm0, dword ptr [rax]
fld tbyte ptr [rax]
fild qword ptr [rax]
fsub st(1), st
fsubp st(1), st
enter 8, 1
cmpxchg8b qword ptr [rdi]
lock inc dword ptr [rdi]
vaddps zmm1{k1}{z}, zmm2, [rax]{1to16}
vaddps zmm1, zmm2, zmm3, {rn-sae}
vcvtpd2ps xmm1, ymmword ptr [rax]
mov eax, K*2+1
and eax, not 3
retf`.trim().split('\n');

describe.skipIf(!haveAs)('Intel syntax means what it means to GNU as', () => {
  it('for every form', () => {
    const text = `.intel_syntax noprefix\nK = 12\n${INTEL.join('\n')}\n.att_syntax\nmov %eax, %ebx\n`;
    const unit = read(text);
    const { object, problems } = assemble(unit);
    expect([...unit.problems, ...problems]).toEqual([]);
    expect(Buffer.from(object.sections.find(({ name }) => name === '.text')!.bytes).toString('hex')).toBe(bytesByAs(text));
  });
});

describe('places', () => {
  it('name the line in the macro\'s body and how the reader got there', () => {
    const unit = read('#define TWICE(x) x; x\n.macro store reg\n\tTWICE(push \\reg)\n.endm\n\tstore %rax\n', 'x.S');
    const [first] = unit.statements;
    expect(first?.kind === 'instruction' && first.text).toBe('push %rax');
    const { start } = first!.range;
    expect([start.file, start.line]).toEqual(['x.S', 1]);
    expect(start.expansion!.map(({ name, invokedAt }) => [name, invokedAt.line, invokedAt.column])).toEqual([['TWICE', 3, 2], ['store', 5, 2]]);
    expect(unit.macroUses.map(({ definition, range }) => [definition.name, range.start.line])).toEqual([['TWICE', 3], ['store', 5]]);
  });

  it('name an argument where it was written', () => {
    const unit = read('.macro load reg\n\tmov (%rsi), \\reg\n.endm\n\tload %rax\n');
    const [statement] = unit.statements;
    const target = statement?.kind === 'instruction' ? statement.operands[1] : undefined;
    expect([target!.range.start.line, target!.range.start.column, target!.range.endColumn]).toEqual([4, 7, 11]);
  });

  it('are exact behind comments and joined lines', () => {
    const unit = read('/* a\n b */ nop; \\\n  ret\n', 'x.S');
    expect(unit.statements.map(({ range }) => [range.start.line, range.start.column])).toEqual([[2, 7], [3, 3]]);
  });
});

describe('what is wrong', () => {
  const wrong = (text: string, file?: string): string[] => read(text, file).problems.map(({ code, range }) => `${code} ${String(range.start.line)}`);
  it('costs one statement and names its line', () => {
    const unit = read('nop\nmov (%rax, %rbx\nret\n');
    expect(unit.statements).toHaveLength(2);
    expect(unit.problems.map(({ code, range }) => [code, range.start.line])).toEqual([['syntax', 2]]);
  });
  it('is said of conditionals, macros and includes', () => {
    expect(wrong('.if 1\nnop\n')).toEqual(['unbalanced-conditional 1']);
    expect(wrong('.endif\n')).toEqual(['unbalanced-conditional 1']);
    expect(wrong('nop\n.macro m\nnop\n')).toEqual(['unclosed-macro 2']);
    expect(wrong('.macro m a:req\n.byte \\a\n.endm\nm\n')[0]).toBe('macro-argument 4');
    expect(wrong('#include "no.h"\n#if 1\n', 'x.S')).toEqual(['include-not-found 1', 'unbalanced-conditional 2']);
    expect(wrong('.if undefined_symbol\n.endif\n')).toEqual(['not-constant 1']);
    expect(wrong('#error no\n', 'x.S')).toEqual(['user-error 1']);
  });
});
