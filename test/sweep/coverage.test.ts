/** What a campaign reached, and why it did not reach the rest. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepare } from '../../cli/commands/sweep.ts';
import { sweepText } from '../../cli/sweep-text.ts';
import { nodeHost } from '../../host/node/host.ts';
import { mergeReports } from '../../sweep/merge.ts';
import { campaignReport } from '../../sweep/report.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';

/** A prefetch with an entry, a landing pad in a section of its own, one for a place that never faults, and code to which nothing leads. */
const ROUTINE = `#include <linux/linkage.h>
#include <asm/asm.h>
	.text
SYM_FUNC_START(copy_bytes)
	movq %rdx, %rax
1:	prefetcht0 (%rsi)
2:	testq %rax, %rax
	jz 5f
3:	movb (%rsi), %cl
4:	movb %cl, (%rdi)
	incq %rsi
	incq %rdi
	decq %rax
	jmp 2b
5:	movq 8(%rsp), %rcx
	ret
6:	nop
	ret
7:	incq %rax
	decq %rax
	ret
SYM_FUNC_END(copy_bytes)
	.section .fixup, "ax"
8:	movl %eax, %eax
	jmp 5b
	.previous
	_ASM_EXTABLE(1b, 2b)
	_ASM_EXTABLE_TYPE(3b, 8b, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE(4b, 7b)
`;

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-coverage-'));
const file = join(folder, 'copy.S');
beforeAll(() => { writeFileSync(file, ROUTINE); });
afterAll(() => { rmSync(folder, { recursive: true }); });

async function report(shard?: string): Promise<SweepReport> {
  const campaign = await prepare(file, { n: '0..4', srcOffsets: '0', dstOffsets: '0', faults: 'none,mc-line', ...(shard === undefined ? {} : { shard }) }, nodeHost());
  campaign.run(campaign.total);
  return campaignReport(campaign);
}

test('names what was not reached, with the reason where it can be shown', async () => {
  const text = sweepText(await report(), false);
  expect(text).toMatch(/1 of 3 entries used, 1 of 3 accesses faulted/);
  expect(text).toMatch(/never faulted: copy_bytes\+\S+ {2}prefetcht0 \(%rsi\).*\(a prefetch never faults\)/);
  expect(text).toMatch(/never faulted: copy_bytes\+\S+ {2}mov 0x8\(%rsp\),%rcx.*\(the stack, which is always there\)/);
  expect(text).toMatch(/never ran: copy_bytes\+\S+ {2}ret.*\(nothing leads here: dead code, or a landing pad without an entry\)/);
  expect(text).toMatch(/never ran: copy_bytes\+\S+ {2}inc %rax.*\(landing pad of copy_bytes\+\S+, which never faulted\)/);
});

test('follows landing pads out of the routine, and lists the rows that graded machine checks', async () => {
  const { coverage: [coverage] } = await report();
  const pad = coverage!.instructions.filter(({ text }) => text === 'mov %eax,%eax');
  expect(pad).toMatchObject([{ executed: true }]);
  expect(coverage!.severityRows).toEqual([{ row: 17, severity: 'AR', message: expect.stringContaining('recoverable') as unknown }]);
});

test('does not miss the padding of an alternative in a landing pad', async () => {
  const padded = join(folder, 'padded.S');
  writeFileSync(padded, `#include <linux/linkage.h>\n#include <asm/asm.h>\n#include <asm/smap.h>\n\t.text\nSYM_FUNC_START(__get_user_8)\n\tASM_STAC\n1:\tmovq (%rax), %rdx\n\txorl %eax, %eax\n\tASM_CLAC\n\tRET\nSYM_FUNC_END(__get_user_8)
.Lbad:\n\tASM_CLAC\n\txorl %edx, %edx\n\tmovq $-14, %rax\n\tRET\n\t_ASM_EXTABLE_UA(1b, .Lbad)\n`);
  const campaign = await prepare(padded, { kernel: ['6.1'] }, nodeHost());
  campaign.run(campaign.total);
  expect(sweepText(campaignReport(campaign), false)).not.toContain('never ran');
});

test('has what a run without end executed: the instructions of its loop, and none behind it', async () => {
  const endless = join(folder, 'endless.S');
  writeFileSync(endless, ROUTINE.replace(/copy_bytes/g, 'copy_endless').replace('decq %rax\n\tjmp 2b', 'jmp 2b'));
  const campaign = await prepare(endless, { n: '1..2', srcOffsets: '0', dstOffsets: '0', faults: 'none' }, nodeHost());
  campaign.run(campaign.total);
  const found = campaignReport(campaign);
  expect(found.failures.map(({ clause }) => clause)).toContain('ends');
  const ran = (text: string): boolean | undefined => found.coverage[0]!.instructions.find((instruction) => instruction.text.startsWith(text))?.executed;
  expect([ran('inc %rsi'), ran('inc %rdi'), ran('ret')]).toEqual([true, true, false]);
});

test('tells from which length on runs take no new branch', async () => {
  const campaign = await prepare(file, { n: '0..9', srcOffsets: '0', dstOffsets: '0', faults: 'none' }, nodeHost());
  expect(campaign.period).toEqual({ from: 2, period: 1, to: 9 });
  const words = join(folder, 'words.S');
  writeFileSync(words, '\t.text\n\t.globl copy_words\n\t.type copy_words, @function\ncopy_words:\n\tmov %rdx, %rcx\n\tshr $2, %rcx\n\tjz 2f\n1:\tmovl (%rsi), %eax\n\tmovl %eax, (%rdi)\n\tadd $4, %rsi\n\tadd $4, %rdi\n\tdec %rcx\n\tjnz 1b\n2:\tmov %rdx, %rcx\n\tand $3, %rcx\n\trep movsb\n\txor %eax, %eax\n\tret\n\t.size copy_words, . - copy_words\n');
  const byWords = await prepare(`${words}:copy_words`, { n: '0..40', srcOffsets: '0', dstOffsets: '0', faults: 'none' }, nodeHost());
  byWords.run(byWords.total);
  expect(sweepText(campaignReport(byWords), false)).toContain('observed, not proved: from length 9 to 40 each takes the same branches as the one 1 less');
});

test('of parts together, a reason that one part disproves is none', async () => {
  const parts = await Promise.all([1, 2, 3].map((index) => report(`${String(index)}/3`)));
  const [merged] = mergeReports(parts.map((part, i) => ({ name: String(i), reports: [part] })));
  const whole = await report();
  expect(merged!.coverage).toEqual(whole.coverage);
});
