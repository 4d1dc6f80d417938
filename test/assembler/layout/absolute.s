.set abs, 0x1000
jmp abs
call abs
je abs
mov abs, %eax
mov abs(%rip), %eax
lea abs(%rip), %rax
.long abs - .
.quad abs
.globl abs
