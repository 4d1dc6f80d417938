	.globl chosen
	.type chosen, @gnu_indirect_function
	.type resolver, @function
resolver:	ret
	.set chosen, resolver
	call chosen
