.bss
a: .zero 4
.long 0
b: .skip 100000
.section .mybss,"aw",@nobits
.byte 0
