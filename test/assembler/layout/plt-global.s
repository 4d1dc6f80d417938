.globl g
g: jmp g@PLT
je g@PLT
call g@PLT
jmp u@PLT
jmp l@PLT
.skip 200
l: jmp g@PLT
.section .o,"ax"
jmp g
jmp g@PLT
jmp l
jmp l@PLT
