/**
 * Reading again after a change gives what reading all of it gives: random edits of a source that has everything.
 */
import { describe, expect, it } from 'vitest';
import { createReadCache, readGas } from '../../assembly/gas/read.ts';
import type { GasUnit, ReadOptions } from '../../assembly/gas/statement.ts';
import { aimedEdit } from './aimed-edits.ts';
import { checkEdits, plain, random } from './rereading.ts';

const HEADERS = new Map([
  ['own.h', '#ifndef OWN\n#define OWN\n#define TWICE(x) x; x\n#define LIMIT 3\n.macro fromheader reg\n\tincq \\reg\n.endm\n#endif\n'],
]);
const SOURCE = `#include "own.h"
/* a comment
   over lines */
#define LOCAL_VALUE 5
	.text
.macro copy from, to=%rax
	movq \\from, \\to
.Ldone_\\@:
.endm
first:
	movq %rax, %rbx
1:	copy %rcx
	jmp 1b
	TWICE(incq %rdx)
	.set counter, 0
	.rept 3
	.set counter, counter + 1
	.byte counter
	.endr
#if LIMIT > 2
	addq $LOCAL_VALUE, %rax
#else
	subq $1, %rax
#endif
	.if counter == 3
	nop
	.else
	hlt
	.endif
	jmp 2f
	fromheader %rsi
2:	ret
	.pushsection .data
value:	.quad first, __COUNTER__
	.popsection
	.irp r, rax, rbx, rcx
	pushq %\\r
	.endr
	.ifdef value
	.byte 1
	.endif
	leaq value(%rip), %rdi # a comment
	.intel_syntax noprefix
	mov rax, rbx
	.att_syntax
second:
	copy %rdx, %rsi
	ret
`;

/** Long enough that what is behind a change is joined again, not read. */
const LONG = `${SOURCE}${Array.from({ length: 60 }, (_, index) => `local_${String(index)}:\n\tmovq ${String(index)}(%rsi), %rax\n3:\tjnz 3b\n\tjz 3f\n`).join('')}3:\n${SOURCE.slice(SOURCE.indexOf('first:')).replaceAll(/first|value|second|counter/g, '$&_again')}`;

/** Macros that use one another, and stretches between their uses that do not. */
const MACROS = `#define FIRST %rax
#define WIDE(x) x, x
.macro inner reg
	addq $1, \\reg
.Linner_\\@:
.endm
.macro outer reg, count=2
	.rept \\count
	inner \\reg
	.endr
	.set made, made + 1
	.irp other, FIRST, %rcx
	movq \\reg, \\other
	.endr
.endm
.macro apart
	nop
	.byte __LINE__
.endm
	.set made, 0
${Array.from({ length: 40 }, (_, index) => `routine_${String(index)}:
	${index % 4 === 0 ? 'outer %rbx' : index % 4 === 1 ? 'apart' : index % 4 === 2 ? 'inner FIRST' : 'movq WIDE(%rdx)'}
1:	jnz 1b
	jz 1f
1:	.if made > 3
	.byte made
	.endif
	.if . - routine_${String(index)} > 3
	hlt
	.endif
	.long __LINE__
	.quad routine_${String(index)}
`).join('')}`;

const options = (): ReadOptions => ({ provider: { read: (path) => HEADERS.get(path.replace(/^.*\//, '')) }, cache: createReadCache(), incremental: true });

describe('reading again after a change', () => {
  for (let seed = 1; seed <= 6; seed++) {
    it(`gives what reading all gives, seed ${String(seed)}`, () => { checkEdits('/work/source.S', LONG, options(), random(seed), 15); });
  }

  for (let seed = 1; seed <= 4; seed++) {
    it(`gives it for edits in macros, definitions and lines, seed ${String(seed)}`, () => { checkEdits('/work/source.S', MACROS, options(), random(seed), 25, aimedEdit); });
  }

  it('reads few lines of a long source', () => {
    const lines = Array.from({ length: 1000 }, (_, index) => (index % 10 === 0 ? `label_${String(index)}:` : '\tmovq 8(%rsi), %rax'));
    const first = readGas('/work/long.S', lines.join('\n'), options());
    lines[501] = '\tmovq 16(%rsi), %rax';
    const second = readGas('/work/long.S', lines.join('\n'), { ...options(), previous: first });
    const kept = new Set(first.statements);
    const fresh = second.statements.filter((statement) => !kept.has(statement)).length;
    expect(fresh).toBeGreaterThan(0);
    expect(fresh).toBeLessThan(100);
    expect(plain(second)).toEqual(plain(readGas('/work/long.S', lines.join('\n'), options())));
  });

  /** The reading of `lines` after that of `before`, and how many of its statements are new. */
  const after = (before: readonly string[], lines: readonly string[]): { readonly first: GasUnit; readonly second: GasUnit; readonly fresh: number } => {
    const first = readGas('/work/long.S', before.join('\n'), options());
    for (const { range } of first.statements) expect(range.start.line).toBeGreaterThan(0);
    const kept = new Set(first.statements);
    const second = readGas('/work/long.S', lines.join('\n'), { ...options(), previous: first });
    expect(plain(second)).toEqual(plain(readGas('/work/long.S', lines.join('\n'), options())));
    return { first, second, fresh: second.statements.filter((statement) => !kept.has(statement)).length };
  };

  it('keeps what stands behind a line that comes or goes, and moves it', () => {
    const lines = Array.from({ length: 1000 }, (_, index) => (index % 10 === 0 ? `label_${String(index)}:` : '\tmovq 8(%rsi), %rax'));
    const longer = [...lines.slice(0, 501), '\tnop', ...lines.slice(501)];
    const { second, fresh } = after(lines, longer);
    expect(fresh).toBeLessThan(100);
    expect(second.statements.at(-1)!.range.start.line).toBe(1001);
    expect(after(longer, lines).fresh).toBeLessThan(100);
  });

  it('reads again where a macro is used whose body has changed, and what uses it in turn, and nothing else', () => {
    const plainLines = Array.from({ length: 100 }, () => '\tmovq 8(%rsi), %rax');
    const source = (body: string): string[] => [
      '.macro inner', body, '.endm', '.macro outer', '\tinner', '\tinner', '.endm', '.macro other', ...plainLines.slice(0, 60), '.endm',
      ...plainLines, '\tother', ...plainLines, '\tinner', ...plainLines, '\touter', ...plainLines, '\tother',
    ];
    const { fresh } = after(source('\tnop'), source('\thlt'));
    expect(fresh).toBeGreaterThanOrEqual(3);
    expect(fresh).toBeLessThan(120);
  });

  it('keeps what follows a changed value that nothing asks for', () => {
    const lines = ['\t.set one, 1', '\t.set two, 2', ...Array.from({ length: 200 }, () => '\tmovq 8(%rsi), %rax'), '\t.if one == 1', '\tnop', '\t.endif', ...Array.from({ length: 200 }, () => '\tret')];
    expect(after(lines, lines.with(1, '\t.set two, 3')).fresh).toBeLessThan(60);
    expect(after(lines, lines.with(0, '\t.set one, 2')).second.statements.some((statement) => statement.kind === 'instruction' && statement.mnemonic === 'nop')).toBe(false);
  });

  it('serves once: a second change of the same reading is read whole', () => {
    const first = readGas('/work/source.S', SOURCE, options());
    const texts = [SOURCE.replace('%rbx', '%rcx'), SOURCE.replace('nop', 'hlt')];
    const units: GasUnit[] = texts.map((text) => readGas('/work/source.S', text, { ...options(), previous: first }));
    units.forEach((unit, index) => { expect(plain(unit)).toEqual(plain(readGas('/work/source.S', texts[index]!, options()))); });
  });

  it('sees that a header has changed', () => {
    const headers = new Map(HEADERS);
    const shared: ReadOptions = { provider: { read: (path) => headers.get(path.replace(/^.*\//, '')) }, cache: createReadCache(), incremental: true };
    const first = readGas('/work/source.S', SOURCE, shared);
    headers.set('own.h', headers.get('own.h')!.replace('LIMIT 3', 'LIMIT 1'));
    const text = SOURCE.replace('%rbx', '%rcx');
    const second = readGas('/work/source.S', text, { ...shared, previous: first });
    expect(second.statements.some((statement) => statement.kind === 'instruction' && statement.mnemonic === 'subq')).toBe(true);
  });
});
