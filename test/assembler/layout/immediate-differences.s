a: nop
b: add $b-a, %eax
add $(b-a), %rax
add $d-c, %eax
mov b-a(%rax), %ebx
mov d-c(%rax), %ebx
movb $d-c, (%rax)
c: nop
jmp ext
d: add $d-c, %eax
mov $d-c, %rax
sub $(d - c), %rsp
enter $d-c, $0
shl $b-a, %eax
pushq $b-a
pushq $d-c
