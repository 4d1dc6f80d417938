.long .Lx
jmp .Ly
