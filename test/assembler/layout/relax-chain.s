a0: jmp b0
.skip 60
b0: jmp c0
.skip 63
jmp a0
.balign 16
c0: jne a0
.skip 100
jmp b0
.balign 64
jmp d0
.skip 125
.balign 4
d0:
