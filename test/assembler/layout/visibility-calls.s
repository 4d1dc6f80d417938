.globl h
.hidden h
h: ret
call h
jmp h
lea h(%rip),%rax
call u
.hidden u
