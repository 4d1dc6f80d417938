.set A, %eax
reg_i = %xmm3
mov A, %ebx
add $1, A
vpshufb foo(%rip), reg_i, reg_i
reg_i = %xmm4
vpaddd reg_i, reg_i, %xmm1
B = A
mov B, A
.set P, %rsi
mov (P), %rax
mov 8(P), %rax
mov (%rax,P,2), %rax
call *P
