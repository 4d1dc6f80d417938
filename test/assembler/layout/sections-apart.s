# What keeps sections of one name apart, and what may be added to one later.
	.section .bar,"a",unique,1
	.byte 1
	.pushsection .bar,2,"a",@progbits,unique,2
	.byte 2
	.popsection
	.section .bar,"a"
	.byte 3
	.section .bar,"a",unique,1
	.byte 4
	.section keep,"aR"
	.byte 5
	.section keep,"a"
	.byte 6
	.section .text,"axR",@progbits
	nop
	.section .text,"0x04000006"
	nop
	.section numbers,"a128x",%0x60000011
	.byte 7
	.section .mbind.data,"adw",@progbits,3
	.byte 8
	.section .noinit
	.zero 2
	.section .persistent.foo
	.byte 9
	.section .gnu.lto_x,"",@progbits
	.byte 10
	.section member,"aG",@progbits,grp
	.byte 11
	.section later,"a"
	.byte 12
	.attach_to_group grp
	.section linked,"ao",@progbits,place
	.byte 13
	.section .text.one,"ax"
place:	nop
