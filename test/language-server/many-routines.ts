/**
 * Sources with as many exception-table entries as asked for: small routines of a few kinds, right and wrong, whose landing pads are their
 * own, in `.fixup`, or shared.
 */

const KINDS: readonly ((id: number) => string)[] = [
  (id) => `SYM_FUNC_START(get_${id})
	stac
.Lget_${id}:
	movq (%rsi), %rax
	clac
	xorl %ecx, %ecx
	RET
.Lget_pad_${id}:
	movl $-14, %ecx
	RET
	_ASM_EXTABLE_UA(.Lget_${id}, .Lget_pad_${id})
SYM_FUNC_END(get_${id})
`,
  (id) => `SYM_FUNC_START(put_${id})
	stac
1:	movq %rax, (%rdi)
2:	movq %rax, 8(%rdi)
	clac
	RET
	.pushsection .fixup, "ax"
3:	clac
	movl $${id}, %eax
	RET
	.popsection
	_ASM_EXTABLE_UA(1b, 3b)
	_ASM_EXTABLE_UA(2b, .Lshared_pad)
SYM_FUNC_END(put_${id})
`,
  (id) => `SYM_FUNC_START(copy_mc_${id})
	pushq %rbx
	movq %rdx, %rbx
.Lfirst_${id}:
	movq (%rsi), %r8
.Lsecond_${id}:
	movq 8(%rsi), %r9
	movq %r8, (%rdi)
	movq %r9, 8(%rdi)
	popq %rbx
	xorl %eax, %eax
	RET
.Lfirst_pad_${id}:
	movq %rbx, %rax
	popq %rbx
	RET
.Lsecond_pad_${id}:
	leaq -8(%rbx), %rax
	RET
	_ASM_EXTABLE_TYPE(.Lfirst_${id}, .Lfirst_pad_${id}, EX_TYPE_DEFAULT_MCE_SAFE)
	_ASM_EXTABLE_TYPE(.Lsecond_${id}, .Lsecond_pad_${id}, EX_TYPE_DEFAULT_MCE_SAFE)
SYM_FUNC_END(copy_mc_${id})
`,
  (id) => `SYM_FUNC_START(call_${id})
	stac
4:	movq (%rsi), %rax
	call get_${Math.max(0, id - (id % 4))}
	clac
	jmp put_${Math.max(1, id - 2)}
5:	call handle_${id}
	ALTERNATIVE "", "clac", 1
	RET
	_ASM_EXTABLE_FAULT(4b, 5b)
SYM_FUNC_END(call_${id})
`,
];

/** `count` routines; the headers of linkage and entries go in front. */
export function manyRoutines(count: number): string {
  const shared = `	.pushsection .fixup, "ax"
.Lshared_pad:
	clac
	movl $-14, %eax
	RET
	.popsection
`;
  return shared + Array.from({ length: count }, (_, id) => KINDS[id % KINDS.length]!(id)).join('');
}
