.long .
.long . - 4, .
jmp .
jmp . + 10
call .
lea .(%rip), %rax
mov $., %eax
x: .long .-x
