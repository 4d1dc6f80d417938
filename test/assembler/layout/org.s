nop
.org 16
nop
.org 32, 0x90
x: nop
.org x+10
.data
.org 5, 1
.byte 2
.org 5+2+1
