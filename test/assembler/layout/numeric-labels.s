1: nop
1: jmp 1b
jmp 1f
2: jmp 2b
1: nop
.long 1b, 2b
