# The second procedure begins with more than the first one: it shares its CIE all the same.
first:	.cfi_startproc
	.cfi_personality 0x9b, personality
	nop
	.cfi_def_cfa_offset 16
	nop
	.cfi_endproc
	.section .text.unlikely, "ax", @progbits
cold:	.cfi_startproc
	.cfi_personality 0x9b, personality
	.cfi_def_cfa_offset 80
	.cfi_offset 3, -56
	nop
	.cfi_endproc
