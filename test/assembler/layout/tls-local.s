.section .tdata,"awT",@progbits
t: .long 1
.globl tg
tg: .long 2
.text
mov %fs:t@tpoff, %eax
lea t@tlsgd(%rip), %rdi
.quad t
mov %fs:tg@tpoff, %eax
