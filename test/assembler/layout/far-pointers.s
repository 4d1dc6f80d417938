	retf
	retfq
	retfl
	retfw $4
	.code32
	jmp $0x33, $1f
	call $0x33, $1f
1:	retf $8
	.code16
	jmp $0x33, $1b
