.type f,@gnu_indirect_function
f: ret
call f
jmp f
.globl g
.type g,@gnu_indirect_function
g: ret
call g
jmp g
.quad f, g
lea f(%rip), %rax
call f@PLT
jmp f@PLT
call g@PLT
