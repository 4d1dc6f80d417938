.code32
jmp ext
call ext
mov ext, %eax
push %eax
mov $ext, %eax
jmp 1f
.p2align 4
1: nop
.code64
mov ext,%eax
