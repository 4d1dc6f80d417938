/**
 * What GNU as refuses must be refused, for bytes that fault or mean something else are worse than an error; and the texts
 * here that it takes must come out alike.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import { missing } from '../corpus/corpus.ts';
import { compareTexts } from './compare.ts';
import { read } from './reader.ts';
import { SPELLINGS, SPELLINGS_16, SPELLINGS_32, SPELLINGS_BARE, SPELLINGS_INTEL } from './spellings.ts';

const skip = missing('spellings against GNU as', { commands: ['as'] });

describe.skipIf(skip !== undefined)('spellings of instructions', () => {
  it.each([[64, SPELLINGS], [32, SPELLINGS_32], [16, SPELLINGS_16]] as const)('%i-bit code: taken or refused as GNU as does', (bits, texts) => {
    const { differences, same, refused } = compareTexts(texts, bits);
    expect(differences).toEqual([]);
    expect(same + refused).toBe(texts.length);
  });

  it.each([['.intel_syntax noprefix', SPELLINGS_INTEL], ['.att_syntax noprefix', SPELLINGS_BARE]] as const)('%s: taken or refused as GNU as does', (directive, texts) => {
    const { differences, same, refused } = compareTexts(texts, 64, directive);
    expect(differences).toEqual([]);
    expect(same + refused).toBe(texts.length);
  });
});

describe.skipIf(skip !== undefined)('what stands behind the name of a section', () => {
  it.each([
    ['"a",@progbits', '"",%nobits', '"aM",@progbits,4', '"aG",@progbits,g,comdat', '"a",@progbits,unique,1', '"aGR",@progbits,g'],
    // More than the flags ask for, or a comma with nothing behind it.
    ['"",', '"a",', '"a",@progbits,', '"a",@progbits,4', '"a",@progbits,foo', '"aMS",@progbits,1,', '"aG",@progbits,g,comdat,foo'],
  ].flat())('%s: taken or refused as GNU as does', (text) => {
    const source = `.section a,${text}\n`;
    const { status } = spawnSync('as', ['-o', '/dev/null', '-'], { input: source });
    expect(assemble(read(source)).problems.length === 0).toBe(status === 0);
  });
});

describe('messages', () => {
  const messageOf = (text: string): string => assemble(read(text)).problems.map(({ code, message }) => `${code}: ${message}`).join('; ');

  it('say what is wrong with the instruction', () => {
    expect(messageOf('lock mov (%rax),%eax')).toMatchInlineSnapshot(`"bad-prefix: \`lock\` needs a read-modify-write instruction with a memory destination"`);
    expect(messageOf('mov (%rax,%rbx,3),%ecx')).toMatchInlineSnapshot(`"bad-scale: the scale of an index is 1, 2, 4 or 8, not 3"`);
    expect(messageOf('bswap %ax')).toMatchInlineSnapshot(`"operand-mismatch: \`bswap\` does not take these operands (%ax); it takes \`r32\` or \`r64\`"`);
    expect(messageOf('movabs $1,%eax')).toMatchInlineSnapshot(`"operand-mismatch: \`movabs\` does not take these operands ($1, %eax), or the immediate is out of range; it takes \`moffs, %al\` or \`moffs, %ax\` or \`moffs, %eax\` or \`moffs, %rax\` or \`%al, moffs\` or \`%ax, moffs\` or others"`);
    expect(messageOf('movq $0x100000000,%rax; addq $0x100000000,%rax')).toMatchInlineSnapshot(`"operand-mismatch: \`addq\` does not take these operands ($4294967296, %rax), or the immediate is out of range; it takes \`r64, r/m64\` or \`r/m64, r64\` or \`imm32, %rax\` or \`imm32, r/m64\` or \`imm8, r/m64\`"`);
    expect(messageOf('frobnicate %eax')).toMatchInlineSnapshot(`"unknown-mnemonic: there is no instruction \`frobnicate\`, and no macro of that name is defined here"`);
    expect(messageOf('mov (%rax,%rsp),%ecx')).toMatchInlineSnapshot(`"bad-address: the stack pointer cannot be an index"`);
    expect(messageOf('loop 1f; .skip 200; 1:')).toMatchInlineSnapshot(`"value-out-of-range: the target is 200 bytes away, which does not fit in 8 bits"`);
    expect(messageOf('andl $0x100000000,(%rax)')).toMatchInlineSnapshot(`"value-out-of-range: the immediate is cut off to 32 bits"`);
  });
});
