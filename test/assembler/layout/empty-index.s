# %riz and %eiz: a SIB byte without an index.
	.allow_index_reg
	mov (%rax,%riz), %eax
	mov (,%riz,4), %eax
	mov 8(%rsp,%riz,8), %rax
	mov -30(,%eiz,2), %ebx
	mov (%eax,%eiz), %ebx
	mov foo(%r13,%riz,2), %r9
	add $0x1234, 8(%rbp,%riz)
	addl $foo, (%rbp,%riz)
	vblendvpd %xmm1, 16(%rax,%riz), %xmm2, %xmm3
	vblendvpd %xmm1, (%rax,%riz), %xmm2, %xmm3
	vaddps 64(%rax,%riz), %zmm1, %zmm2
