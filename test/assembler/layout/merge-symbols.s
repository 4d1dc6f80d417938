.section .rodata.str,"aMS",@progbits,1
.L1: .string "a"
s2: .string "b"
.text
lea .L1(%rip), %rax
lea s2(%rip), %rax
mov $.L1, %eax
mov $s2, %eax
.quad .L1, s2, .L1+1
