.text
jmp a
call a
je a
jmp b
call b+2
.section .t2,"ax"
nop
a: nop
.globl b
b: nop
jmp .text
call .text+5
