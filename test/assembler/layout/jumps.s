1: jmp 1b
jmp 1f
je 1f
.skip 124
1: jmp 1b
jmp 2f
je 2f
.skip 130
2: call 2b
jne 1b
jmp ext
jne ext
jmp ext+3
call ext-3
loop 2b
jrcxz 3f
3: jecxz 3b
xbegin 3b
xbegin ext
.globl gl
gl: jmp gl
jmp wk
.weak wk
wk: jmp gl
call gl
call loc
loc: call loc
jmp loc+2
