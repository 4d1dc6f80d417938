/**
 * Routines as other people write them: nothing beside them says what they promise, and their names are not the kernel's.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { prepare, sweep as sweepCommand } from '../../cli/commands/sweep.ts';
import { nodeHost } from '../../host/node/host.ts';
import type { Contract } from '../../machine/scenario/scenario.ts';
import { placeOf } from '../../sweep/coverage.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-sweep-'));

async function sweep(name: string, body: string): Promise<{ readonly contract: string; readonly classes: readonly string[] }> {
  const file = join(folder, `${name}.S`);
  writeFileSync(file, `#include <linux/linkage.h>\n#include <asm/asm.h>\n\t.text\nSYM_FUNC_START(${name})\n${body}\nSYM_FUNC_END(${name})\n`);
  const campaign = await prepare(file, { n: '0..9', srcOffsets: '0,1', dstOffsets: '0' }, nodeHost());
  campaign.run(campaign.total);
  const { contract } = campaign.request.promises;
  return {
    contract: `${contract.kind} ${Object.entries(contract.arguments).map(([role, register]) => `${role}=${register}`).join(' ')} returns=${contract.returns ?? ''}`,
    classes: campaign.failures.classes.map(({ clause, at, smallest }) => `${clause}: ${placeOf(campaign.references[smallest.target]!.target.image, at).text}`).sort(),
  };
}

const COPY = (left: string): string => `
	movq %rdx, %rcx
1:	rep movsb
	xorl %eax, %eax
	ret
2:	${left}
	ret
	_ASM_EXTABLE(1b, 2b)`;

describe('a routine that nobody described', () => {
  test('is taken for what its name and its registers suggest, and passes if it is right', async () => {
    expect(await sweep('my_memcpy', COPY('movq %rcx, %rax'))).toEqual({ contract: 'copy dst=rdi src=rsi n=rdx returns=rax', classes: [] });
  });

  test('shows what is wrong with it', async () => {
    expect((await sweep('my_memcpy', COPY('leaq -1(%rcx), %rax'))).classes).toContain('over-claim: rep movsb %ds:(%rsi),%es:(%rdi)');
  });

  test('may take its length in another register than the kernel\'s routine of that name', async () => {
    expect(await sweep('clear_user_simple', `
	stac
	xorl %eax, %eax
	movq %rsi, %rcx
1:	rep stosb
2:	movq %rcx, %rax
	clac
	ret
	_ASM_EXTABLE(1b, 2b)`)).toEqual({ contract: 'clear dst=rdi n=rsi returns=rax', classes: [] });
  });

  test('copies, if it goes round with a length, although its name speaks of reading', async () => {
    expect(await sweep('safe_read', `
	movq %rdx, %rax
	testq %rax, %rax
	jz 9f
1:	movb (%rsi), %cl
2:	movb %cl, (%rdi)
	incq %rsi
	incq %rdi
	decq %rax
	jnz 1b
9:	ret
	_ASM_EXTABLE(1b, 9b)
	_ASM_EXTABLE(2b, 9b)`)).toEqual({ contract: 'copy dst=rdi src=rsi n=rdx returns=rax', classes: [] });
  });

  test('may leave stac to its caller', async () => {
    expect((await sweep('copy_user_inner', `${COPY('movq %rcx, %rax')}`)).classes).toEqual([]);
  });

  test('may land in a section for fixups that belongs to no function', async () => {
    expect((await sweep('copy_with_fixup', `
	movq %rdx, %rcx
1:	rep movsb
2:	movq %rcx, %rax
	ret
	.section .fixup, "ax"
3:	jmp 2b
	.previous
	_ASM_EXTABLE(1b, 3b)`)).classes).toEqual([]);
  });
});

describe('how a routine that nobody described answers is seen in some runs', () => {
  const answers = async (name: string, left: string, done = 'xorl %eax, %eax'): Promise<{ readonly contract: Contract; readonly classes: readonly string[] }> => {
    const file = join(folder, `${name}.S`);
    writeFileSync(file, `#include <linux/linkage.h>\n#include <asm/asm.h>\n\t.text\nSYM_FUNC_START(${name})\n${COPY(left).replace('xorl %eax, %eax', done)}\nSYM_FUNC_END(${name})\n`);
    const campaign = await prepare(file, { n: '0..5', srcOffsets: '0', dstOffsets: '0', faults: 'none,pf-read' }, nodeHost());
    campaign.run(campaign.total);
    return { contract: campaign.request.promises.contract, classes: campaign.failures.classes.map(({ clause }) => clause) };
  };

  test.each<readonly [string, string, string, object]>([
    ['an error', 'movq $-14, %rax', 'xorl %eax, %eax', { answer: 'error' }],
    ['one for failed', 'movl $1, %eax', 'xorl %eax, %eax', { answer: 'error' }],
    ['bytes done', 'subq %rcx, %rdx\n\tmovq %rdx, %rax', 'movq %rdx, %rax', { answer: 'done' }],
    ['the end', 'movq %rdi, %rax', 'movq %rdi, %rax', { answer: 'end' }],
    ['the exception beside the count', 'movl $14, %eax', 'xorl %eax, %eax', { trap: 'rax', returns: 'rcx' }],
  ])('%s', async (title, left, done, expected) => {
    const { contract, classes } = await answers(`my_copy_${title.replaceAll(' ', '_')}`, left, done);
    expect(contract).toMatchObject(expected);
    expect(contract.origin).toMatch(/guessed.*how it answers, by some runs$/);
    expect(classes).toEqual([]);
  });

  test.each([['nothing is left, whatever happens', 'xorl %eax, %eax'], ['one byte less than is left', 'leaq -1(%rcx), %rax'], ['all of it is left', 'movq %rdx, %rax']])('a wrong count stays one: %s', async (title, left) => {
    const { contract, classes } = await answers(`my_copy_wrong_${String(title.length)}`, left);
    expect(contract).not.toHaveProperty('answer');
    expect(contract).not.toHaveProperty('trap');
    expect(classes.length).toBeGreaterThan(0);
  });
});

test('a source for headers of another kernel is told which', async () => {
  const file = join(folder, 'of_2015.S');
  writeFileSync(file, '#include <asm/asm.h>\n\t.text\n\t.globl f\n\t.type f, @function\nf:\n1:\tmovb (%rsi), %al\n2:\tret\n\t.size f, . - f\n\t_ASM_MCEXTABLE(1b, 2b)\n');
  await expect(prepare(file, {}, nodeHost())).rejects.toThrow(/It assembles for kernel 4\.4: --kernel 4\.4/);
});

describe('a file of several routines', () => {
  const routine = (name: string, body: string): string => `SYM_FUNC_START(${name})\n${body}\nSYM_FUNC_END(${name})\n`;
  const file = join(folder, 'several.S');
  writeFileSync(file, `#include <linux/linkage.h>\n#include <asm/asm.h>\n\t.text\n${routine('my_memcpy', COPY('movq %rcx, %rax'))}${routine('my_other_copy', COPY('leaq -1(%rcx), %rax').replaceAll(/\b1([b:])/g, '3$1').replaceAll(/\b2([b:])/g, '4$1'))}`);

  async function printed(argument: string): Promise<{ readonly status: number; readonly text: string }> {
    let text = '';
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => { text += String(chunk); return true; });
    try {
      return { status: await sweepCommand(argument, { n: '0..4', srcOffsets: '0', dstOffsets: '0' }), text };
    } finally {
      spy.mockRestore();
    }
  }

  test('is swept routine by routine, and one that is wrong is enough', async () => {
    const { status, text } = await printed(file);
    expect(text).toMatch(/^my_memcpy in [^]*no violation[^]*^my_other_copy in [^]*over-claim/m);
    expect(status).toBe(1);
  });

  test('is swept in part where a routine is named', async () => {
    const { status, text } = await printed(`${file}:my_memcpy`);
    expect(text).not.toContain('my_other_copy');
    expect(status).toBe(0);
  });
});
