mov $ext, %eax
mov $ext, %rax
movl $ext, (%rax)
movq $ext, (%rax)
movw $ext, (%rax)
movb $ext, (%rax)
add $ext, %eax
add $ext, %rax
add $ext, %al
add $ext, %ax
push $ext
pushw $ext
movabs $ext, %rax
movabs ext, %rax
movabs %al, ext
mov ext, %eax
mov ext(%rip), %eax
mov ext(,%rax,8), %eax
mov ext(%rax), %eax
mov ext(%eax), %eax
mov %fs:ext, %eax
lea ext+8(%rbx,%rcx,2), %rdx
imul $ext, %eax, %ebx
test $ext, %eax
cmpl $ext, ext+4(%rip)
cmpb $1, ext(%rip)
movl $1, ext(%rip)
shrl $5, ext(%rip)
int $ext
enter $ext, $1
ret $ext
out %al, $ext
.byte ext, ext+1
.short ext
addr32 mov ext, %eax
