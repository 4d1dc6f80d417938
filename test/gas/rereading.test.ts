/**
 * Reading again after a change gives what reading all of it gives: random edits of a source that has everything.
 */
import { describe, expect, it } from 'vitest';
import { createReadCache, readGas } from '../../assembly/gas/read.ts';
import type { GasUnit, ReadOptions } from '../../assembly/gas/statement.ts';
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

const options = (): ReadOptions => ({ provider: { read: (path) => HEADERS.get(path.replace(/^.*\//, '')) }, cache: createReadCache(), incremental: true });

describe('reading again after a change', () => {
  for (let seed = 1; seed <= 6; seed++) {
    it(`gives what reading all gives, seed ${String(seed)}`, () => { checkEdits('/work/source.S', LONG, options(), random(seed), 15); });
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
