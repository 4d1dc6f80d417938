.code16
jmp ext
call ext
mov $0x1234, %ax
mov %ax, 0x10
ljmp $0x10, $ext
ljmpl $0x10, $ext
jmp 1f
je 1f
.skip 200
1: jmp 1b
.code64
