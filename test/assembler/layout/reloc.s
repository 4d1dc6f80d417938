# Relocations as they are written.
	nop
foo:	.reloc 0, R_X86_64_NONE, foo
	.reloc foo + 1, R_X86_64_PC32, bar + 4
	nop
	.reloc ., R_X86_64_64, 5
	.reloc 1f, BFD_RELOC_32, bar
1:	.skip 8
	.data
	.reloc 4, BFD_RELOC_64, foo
	.quad 0, bar
