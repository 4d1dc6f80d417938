l: mov l@GOTPCREL(%rip), %rax
call l@PLT
jmp l@PLT
