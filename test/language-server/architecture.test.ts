import { describe, expect, it } from 'vitest';
import { analyze } from '../../language-server/analysis/analysis.ts';

const foreign = (file: string, text: string): string | undefined => analyze(file, text, { provider: { read: () => undefined } }).foreign;

const X86_64 = `
copy:
	movq (%rsi), %rax
	movq %rax, (%rdi)
	ret
`;
const ARM64 = `
copy:
	ldp x6, x7, [x1], #16
	stp x6, x7, [x0], #16
	subs x2, x2, #16
	b.hi copy
	ret
`;
const I386 = `
copy:
	pushl %esi
	movl 8(%esp), %esi
	movl (%esi), %eax
	popl %esi
	ret
`;
const S390 = `
copy:
	lg %r5, 0(%r3)
	stg %r5, 0(%r2)
	la %r3, 8(%r3)
	brctg %r4, copy
	br %r14
`;
const WRAPPER = `
#include "missing.h"
ENTRY (copy)
	PROLOGUE (0)
	copy_loop (REP, 8)
	EPILOGUE
hidden_def (copy)
`;
const GO = `
#include "textflag.h"
TEXT ·Copy(SB), NOSPLIT, $0-16
	MOVQ src+8(FP), SI
	MOVQ dst+0(FP), DI
	RET
`;

describe('a file for another machine', () => {
  it.each([
    ['/x/copy.S', ARM64, 'another machine'],
    ['/x/arm64/copy.S', ARM64, 'AArch64'],
    ['/x/copy_arm64.s', ARM64, 'AArch64'],
    ['/linux/arch/arm64/lib/copy.S', ARM64, 'AArch64'],
    ['/x/s390x/copy.S', S390, 's390'],
    ['/x/copy.S', S390, 'another machine'],
    ['/x/power/copy.S', '\tfmr FIRST, SECOND\n\tblr\n', 'PowerPC'],
    ['/x/copy.S', I386, 'i386'],
    ['/x/i386/push.s', 'push:\n\tpushl %eax\n\tint $0x80\n', 'i386'],
    ['/linux/arch/x86/lib/checksum_32.S', I386, 'i386'],
    ['/go/copy_amd64.s', GO, "Go's assembler"],
    ['/x/copy.S', `#include "missing.h"\n${ARM64}`, 'another machine'],
    ['/x/x64/push.S', 'public push_all\n.code\npush_all proc\n\tframe all\n\tmove all to there\npush_all endp\nend\n', 'another assembler'],
  ])('%s is told', (file, text, name) => {
    expect(foreign(file, text)).toBe(`assembly for ${name}`);
  });
});

it('a linker script is told', () => {
  expect(foreign('/x/vmlinux.lds.S', 'OUTPUT_ARCH(i386:x86-64)\nSECTIONS { . = 0; }\n')).toBe('a linker script');
});

describe('a file for x86-64', () => {
  it.each([
    ['in a folder named after another machine', '/x/arm/copy.S', X86_64],
    ['under an old kernel\'s folder', '/klibc/arch/x86_64/copy.S', X86_64],
    ['in Intel syntax', '/x/copy.S', '.intel_syntax noprefix\ncopy:\n\tmov rax, [rsi]\n\tmov [rdi], rax\n\tret\n\tfoo\n\tbar\n\tbaz\n\tqux\n'],
    ['that is broken nearly everywhere', '/x/copy.S', `${X86_64}\n\tfoo %1\n\tbar )\n\tbaz (\n\tqux [\n\tquux ]\n\tcorge {\n`],
    ['that is a wrapper of macros in a missing header', '/x/x86_64/wrapper.S', WRAPPER],
    ['that is such a wrapper, wherever it lies', '/x/wrapper.S', WRAPPER],
    ['with vector registers and nothing wider', '/x/multiply.s', '.intel_syntax noprefix\n\tpaddd xmm1, xmm2\n\tvnew1 xmm1, xmm2\n\tvnew2 xmm1, xmm2\n\tvnew3 xmm1, xmm2\n\tvnew4 xmm1, xmm2\n'],
    ['with a wrong instruction or two, and nothing else yet', '/x/copy.S', 'copy:\n\tpushl %eax\n\tfrobnicate\n'],
    ['with code for 32 bits', '/x/head.S', `.code32\nstart:\n\tpushl %eax\n\tpopl %ebx\n\tmovl %eax, %ebx\n\tmovl %ecx, %ebx\n.code64\n\tfoo\n${X86_64}`],
  ])('%s is kept', (_, file, text) => {
    expect(foreign(file, text)).toBeUndefined();
  });
});
