/**
 * Views: compilers number the rows of the line table at one address, and put the numbers into location lists. The line table itself is
 * made by each assembler in its own way, so only the numbers are compared with GNU as.
 */
import { describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { missing } from '../corpus/corpus.ts';
import { gas } from './objects.ts';
import { read } from './reader.ts';

const SOURCE = String.raw`	.file 1 "views.c"
	.text
1:	.section .numbers, "a", @progbits
	.uleb128 .LV1
	.long .LV1, .LV2, .LV3, .LV4, .LV5, .LV6, .LV7, .LV8
	.uleb128 .LV9, .LVa, .LVb
	.byte .LVc, .LVd
	.text
	.loc 1 1 1 view .LV1
	.loc 1 2 1 is_stmt 0 view .LV2
	nop
	.loc 1 3 view .LV3
	.p2align 0
	.loc 1 4 view .LV4
	.loc 1 5 view .LV5
	jmp 1b
	.loc 1 6 view .LV6
	.p2align 4
	.loc 1 7 view .LV7
	.loc 1 8 view -0
	.loc 1 9 view .LV8
	.skip 3f - 2f
	.loc 1 10 view .LV9
	.skip 4f - 3f
	.loc 1 11 view .LVa
	.loc 1 12 view .LVb
	nop
2:	nop
	nop
3:	.loc 1 11
4:	nop
	.section .other, "ax", @progbits
	.loc 1 13 view .LVc
	.loc 1 14 view .LVd
`;

const numbers = (object: ObjectFile): string => Buffer.from(object.sections.find(({ name }) => name === '.numbers')!.bytes).toString('hex');

describe('.loc with a view', () => {
  const skip = missing('views against GNU as', { commands: ['as'] });

  it.skipIf(skip !== undefined)('gives the symbol the number that GNU as gives it, over padding that may be none too', () => {
    const { object, problems } = assemble(read(SOURCE));
    expect(problems).toEqual([]);
    expect(numbers(object)).toBe(numbers(gas(SOURCE).object!));
  });

  it('refuses a name that is none, or that is taken', () => {
    const { problems } = assemble(read('\t.loc 1 1 view 5\n.LV1:\n\t.loc 1 2 view .LV1\n'));
    expect(problems.map(({ message }) => message)).toEqual(['a view is named by a symbol, or is 0 or -0, not `5`', 'symbol .LV1 is defined already']);
  });
});
