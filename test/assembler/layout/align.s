nop
.p2align 4
nop
.p2align 4,,3
nop
.p2align 4,0xcc
nop
.balign 32,0x90,10
nop
.align 8
nop
.balign 16,,20
nop
nop
.p2alignw 3, 0x1234
.skip 3
.balign 4
.p2alignl 4, 0x11223344
nop
.data
.byte 1
.p2align 3
.byte 1
.balign 8, 0xff
.byte 1
.balignl 8
.bss
.skip 3
.p2align 4
.skip 1
