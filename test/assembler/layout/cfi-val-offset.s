	.globl before
	.cfi_startproc
	nop
	.cfi_val_offset %rbx, -16
	.cfi_val_offset 3, 24
	.cfi_label before
	.cfi_escape 0
	nop
	.cfi_label .Linside
	.cfi_escape 0, 0
	ret
	.cfi_endproc
	.data
	.quad before, .Linside
