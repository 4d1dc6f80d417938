/**
 * The checks, each on a routine that is wrong in one way, and on the same routine put right.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../host/node/host.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { CHECKS, checkAll } from '../../language-server/checks/index.ts';
import { foundAndExpected, problemsOf } from './findings.ts';

const routine = (body: string): string => `SYM_FUNC_START(routine)\n${body}\nSYM_FUNC_END(routine)\n`;

/** Wrong in the marked places. */
const WRONG: Readonly<Record<string, string>> = {
  'a copy, by its name, that claims success after a fault': `SYM_FUNC_START(copy_mc_words)
	movq %rdx, %rcx
.Lread:
	rep movsb
	movq %rcx, %rax
	RET
.Lpad:
	xorl %eax, %eax
	RET /* !claims-success */
	_ASM_EXTABLE_TYPE(.Lread, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)
SYM_FUNC_END(copy_mc_words)
`,
  'the label on the instruction in front': routine(`
.Lread:
	movq %rdx, %rcx
	movq (%rsi), %rax
	RET
.Lpad:
	RET
	_ASM_EXTABLE(.Lread, .Lpad) /* !entry-cannot-fault */`),
  'the label on the instruction behind': routine(`
	movq (%rsi), %rax
.Lread:
	xorl %ecx, %ecx
	RET
.Lpad:
	RET
	_ASM_EXTABLE(.Lread, .Lpad) /* !entry-cannot-fault */`),
  'the label on a push behind the load': routine(`
	movq (%rsi), %rax
.Lread:
	pushq %rax
	popq %rcx
	RET
.Lpad:
	RET
	_ASM_EXTABLE(.Lread, .Lpad) /* !entry-off-by-one */`),
  'a landing pad in data': routine(`
.Lread:
	movq (%rsi), %rax
	RET
	.pushsection .data
.Lpad:
	.quad 0
	.popsection
	_ASM_EXTABLE(.Lread, .Lpad) /* !fixup-not-executable */`),
  'a landing pad inside an instruction': routine(`
.Lread:
	movq (%rsi), %rax
.Lpad:
	RET
	_ASM_EXTABLE(.Lread, .Lread + 1) /* !fixup-inside-instruction */`),
  'a numeric landing pad that is in the next function': `${routine(`
1:	movq (%rsi), %rax
	RET
	_ASM_EXTABLE(1b, 2f) /* !fixup-in-other-function */`)}
SYM_FUNC_START(next)
2:	xorl %eax, %eax
	RET
SYM_FUNC_END(next)`,
  'a store marked safe under a machine check': routine(`
.Lread:
	movq (%rsi), %rax
.Lwrite:
	movq %rax, (%rdi)
.Lpad:
	RET
	_ASM_EXTABLE_TYPE(.Lread, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE_TYPE(.Lwrite, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE) /* !store-marked-mce-safe */`),
  'a load that is not safe where others are': routine(`
.Lread:
	movq (%rsi), %rax
.Lagain:
	movq 8(%rsi), %rcx
.Lpad:
	RET
	_ASM_EXTABLE_TYPE(.Lread, .Lpad, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE(.Lagain, .Lpad) /* !load-not-mce-safe */`),
  'clac missing on the way of a fault': routine(`
	ASM_STAC
.Lread:
	movq (%rsi), %rax
	ASM_CLAC
	RET
.Lpad:
	movq $-14, %rax
	RET /* !ac-set-at-return */
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'clac missing on the way of a fault into a shared exit': routine(`
	stac
.Lread:
	movq (%rsi), %rax
	clac
.Lout:
	RET /* !ac-set-at-return */
	_ASM_EXTABLE_UA(.Lread, .Lout)`),
  'clac missing on an early way out': routine(`
	stac
	testq %rdx, %rdx
	jz .Lnothing
.Lread:
	movq (%rsi), %rax
.Lpad:
	clac
	RET
.Lnothing:
	RET /* !ac-set-at-return */
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'the direction flag left set after a fault': routine(`
	std
.Lcopy:
	rep movsb
	cld
	RET
.Lpad:
	movq %rcx, %rax
	RET /* !df-set-at-return */
	_ASM_EXTABLE_UA(.Lcopy, .Lpad)`),
  'a pushed register left on the stack after a fault': routine(`
	pushq %rbx
	movq %rsi, %rbx
.Lread:
	movq (%rbx), %rax
	popq %rbx
	RET
.Lpad:
	movq $-14, %rax
	RET /* !register-not-restored !stack-not-restored */
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'one register too many taken off the stack after a fault': routine(`
	pushq %rbx
	pushq %r12
	movq %rsi, %rbx
.Lread:
	movq (%rbx), %r12
	popq %r12
	popq %rbx
	RET
.Lpad:
	popq %rbx
	popq %r12
	RET /* !register-not-restored !register-not-restored */
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'a frame not given back after a fault': routine(`
	subq $24, %rsp
.Lread:
	movq (%rsi), %rax
	movq %rax, 8(%rsp)
	addq $24, %rsp
	RET
.Lpad:
	addq $16, %rsp
	RET /* !stack-not-restored */
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'a landing pad that uses a register of the caller': routine(`
.Lread:
	movq (%rsi), %rax
	RET
.Lpad:
	movl %edx, %ebx
	movl $-14, %eax
	RET /* !register-not-restored */
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'non-temporal stores that are never ordered': routine(`
1:	movq (%rsi), %rax
	movnti %rax, (%rdi)
	decq %rdx
	jnz 1b
	RET /* !missing-sfence */
2:	sfence
	RET
	_ASM_EXTABLE(1b, 2b)`),
  'C called from a landing pad with access open': routine(`
	stac
.Lread:
	movq (%rsi), %rax
	clac
	RET
.Lpad:
	call handle_tail /* !call-with-ac */
	clac
	RET
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'C reached by a jump from a landing pad with access open': routine(`
	stac
.Lread:
	movq (%rsi), %rax
	clac
	RET
.Lpad:
	movq %rdx, %rax
	jmp handle_tail /* !call-with-ac */
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'loads that are credited before their stores, each by its own landing pad': routine(`
.Lloop:
1:	movq (%rsi), %r8
2:	movq 8(%rsi), %r9
3:	movq 16(%rsi), %r10
	movq %r8, (%rdi)
	movq %r9, 8(%rdi)
	movq %r10, 16(%rdi)
	leaq 24(%rsi), %rsi
	leaq 24(%rdi), %rdi
	decl %ecx
	jnz .Lloop
	xorl %eax, %eax
	RET
11:	imull $24, %ecx
	addl %ecx, %edx
	jmp 20f
12:	imull $24, %ecx
	leal -8(%ecx,%edx), %edx
	jmp 20f
13:	imull $24, %ecx
	leal -16(%ecx,%edx), %edx
20:	movl %edx, %eax
	RET
	_ASM_EXTABLE_TYPE(1b, 11b, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE_TYPE(2b, 12b, EX_TYPE_DEFAULT_MCE_SAFE) /* !credited-load */
	_ASM_EXTABLE_TYPE(3b, 13b, EX_TYPE_DEFAULT_MCE_SAFE) /* !credited-load */`),
  'a count that goes down before the store': routine(`
.Lread:
	movq (%rsi), %r8
	subq $8, %rax
.Lwrite:
	movq %r8, (%rdi)
	addq $8, %rsi
	addq $8, %rdi
	testq %rax, %rax
	jnz .Lread
.Lpad:
	RET
	_ASM_EXTABLE_UA(.Lread, .Lpad)
	_ASM_EXTABLE_UA(.Lwrite, .Lpad) /* !credited-load */`),
  'a function without size and type': `
	.globl bare
bare: /* !missing-size !missing-type */
.Lread:
	movq (%rsi), %rax
.Lpad:
	RET
	_ASM_EXTABLE(.Lread, .Lpad)`,
  'an undefined symbol, an unknown mnemonic, operands that do not go together': routine(`
.Lread:
	movq (%rsi), %rax
	bogus %rax /* !unknown-mnemonic */
	movq (%rsi), (%rdi) /* !operand-mismatch */
.Lpad:
	RET
	_ASM_EXTABLE(.Lread, .Lnowhere) /* !fixup-undefined */
	_ASM_EXTABLE(.Lelsewhere, .Lpad) /* !site-undefined */`),
};

/** Nothing is wrong with these. */
const RIGHT: Readonly<Record<string, string>> = {
  'clac on every way': routine(`
	ASM_STAC
.Lread:
	movq (%rsi), %rax
	ASM_CLAC
	RET
.Lpad:
	ASM_CLAC
	RET
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'stac and clac under the same condition': routine(`
	testq %rdx, %rdx
	jz 1f
	stac
1:
.Lread:
	movq (%rsi), %rax
.Lpad:
	testq %rdx, %rdx
	jz 2f
	clac
2:	RET
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'a routine that is called with access open': routine(`
.Lread:
	movq (%rsi), %rax
.Lpad:
	RET
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'registers kept in other registers and on the stack': routine(`
	movq %rbx, %r10
	pushq %rbp
	movq %rsp, %rbp
	pushq %r12
	andq $-16, %rsp
	movq %rsi, %rbx
.Lread:
	movq (%rbx), %r12
.Lpad:
	movq %r10, %rbx
	movq -8(%rbp), %r12
	leave
	RET
	_ASM_EXTABLE_UA(.Lread, .Lpad)`),
  'non-temporal stores ordered by the exception on the way of a fault': routine(`
1:	movq (%rsi), %rax
	movnti %rax, (%rdi)
	decq %rdx
	jnz 1b
	sfence
	RET
2:	movq %rdx, %rax
	RET
	_ASM_EXTABLE_UA(1b, 2b)`),
  'loads whose stores have happened are credited': routine(`
.Lread:
	movq (%rsi), %r8
	movq %r8, (%rdi)
.Lsecond:
	movq 8(%rsi), %r9
	movq %r9, 8(%rdi)
.Lpad:
	RET
.Lsecond_pad:
	subq $8, %rax
	RET
	_ASM_EXTABLE_UA(.Lread, .Lpad)
	_ASM_EXTABLE_UA(.Lsecond, .Lsecond_pad)`),
  'a landing pad that stores what was loaded, then counts it': routine(`
.Lread:
	movq (%rsi), %r8
.Lsecond:
	movq 8(%rsi), %r9
	movq %r8, (%rdi)
	movq %r9, 8(%rdi)
.Lpad:
	RET
.Lsecond_pad:
	movq %r8, (%rdi)
	subq $8, %rax
	RET
	_ASM_EXTABLE_UA(.Lread, .Lpad)
	_ASM_EXTABLE_UA(.Lsecond, .Lsecond_pad)`),
  'a landing pad that several functions share, outside of them': `
SYM_CODE_START_LOCAL(.Lbad)
	clac
	movq $-14, %rax
	RET
SYM_CODE_END(.Lbad)
SYM_FUNC_START(one)
	stac
1:	movq (%rsi), %rdx
	clac
	RET
SYM_FUNC_END(one)
SYM_FUNC_START(two)
	stac
2:	movl (%rsi), %edx
	clac
	RET
SYM_FUNC_END(two)
	_ASM_EXTABLE_UA(1b, .Lbad)
	_ASM_EXTABLE_UA(2b, .Lbad)`,
  'a file without entries': routine('\tstac\n\tpushq %rbx\n\tmovnti %rax, (%rdi)\n\tRET'),
};

describe('a check finds', () => {
  it.each(Object.entries(WRONG))('%s', (_, source) => {
    const { found, expected } = foundAndExpected(source);
    expect(found).toEqual(expected);
  });
});

describe('nothing is found of', () => {
  it.each(Object.entries(RIGHT))('%s', (_, source) => {
    expect(foundAndExpected(source).found).toEqual([]);
  });
});

const SAMPLES = fileURLToPath(new URL('../../samples/', import.meta.url));

function lintSample(path: string): readonly string[] {
  const analysis = analyze(path, readFileSync(path, 'utf8'), projectOptions(path, nodeHost()));
  return [...analysis.problems, ...checkAll(analysis)].map(({ code }) => code);
}

describe('the samples', () => {
  it('that are wrong are found wrong by the check that names the mistake', () => {
    const found = Object.fromEntries(readdirSync(`${SAMPLES}faulty`).filter((name) => name.endsWith('.S')).sort().map((name) => [name, lintSample(`${SAMPLES}faulty/${name}`)]));
    expect(found).toMatchInlineSnapshot(`
      {
        "ac_left_open.S": [
          "ac-set-at-return",
        ],
        "clobbered_count.S": [
          "result-overwritten",
        ],
        "deferred_stores.S": [
          "credited-load",
        ],
        "missing_sfence.S": [
          "missing-sfence",
        ],
        "pretends_success.S": [
          "claims-success",
        ],
        "short_length.S": [
          "narrow-length",
        ],
        "tail_retry.S": [
          "poison-retried",
        ],
        "wrong_label.S": [
          "entry-cannot-fault",
        ],
      }
    `);
  });

  it('that are right have no findings', () => {
    const names = readdirSync(SAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.S') && !name.startsWith('faulty'));
    expect(names.length).toBeGreaterThan(5);
    expect(names.flatMap((name) => lintSample(`${SAMPLES}${name}`).map((code) => `${name} ${code}`))).toEqual([]);
  });
});

describe('a routine that is too long to be followed', () => {
  it('is told of, once', () => {
    const source = (count: number): string => `SYM_FUNC_START(long)\n.Lread:\n\tmovq (%rsi), %rax\n\t.rept ${String(count)}\n\tincq %rax\n\t.endr\n.Lpad:\n\tRET\n\t_ASM_EXTABLE(.Lread, .Lpad)\nSYM_FUNC_END(long)\n`;
    expect(problemsOf(source(50)).map(({ code }) => code)).toEqual([]);
    expect(problemsOf(source(6100)).map(({ code, severity }) => `${severity} ${code}`)).toEqual(['hint not-followed']);
  });
});

describe('codes', () => {
  it('belong to one check each', () => {
    const codes = CHECKS.flatMap((check) => check.codes);
    expect(new Set(codes).size).toBe(codes.length);
  });
});
