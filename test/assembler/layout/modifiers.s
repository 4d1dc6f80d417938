mov foo@GOTPCREL(%rip), %rax
mov foo@GOTPCREL(%rip), %eax
mov foo@GOTPCREL(%rip), %r15
add foo@GOTPCREL(%rip), %rax
cmp foo@gotpcrel(%rip), %rax
test %rax, foo@GOTPCREL(%rip)
push foo@GOTPCREL(%rip)
movzbl foo@GOTPCREL(%rip), %eax
movq foo@GOTPCREL(%rip), %xmm0
call *foo@GOTPCREL(%rip)
jmp *foo@GOTPCREL(%rip)
call foo@PLT
jmp foo@PLT
call foo@PLT+4
lea foo@tlsgd(%rip), %rdi
lea foo@tlsld(%rip), %rdi
lea foo@dtpoff(%rax), %rdi
mov foo@gottpoff(%rip), %rax
add foo@gottpoff(%rip), %rax
mov %fs:foo@tpoff, %rax
movabs $foo@dtpoff, %rax
movabs $foo@tpoff, %rax
lea foo@tlsdesc(%rip), %rax
call *foo@tlscall(%rax)
movabs $foo@GOT, %rax
movabs $foo@GOTOFF, %rax
movabs $foo@PLTOFF, %rax
mov $foo@size, %eax
movabs $foo@size, %rax
.long foo@PLT, foo@GOTPCREL, foo@GOT, foo@tpoff, foo@size
.quad foo@GOT, foo@GOTOFF, foo@GOTPCREL, foo@tpoff, foo@dtpoff
