.text
f:
.cfi_startproc
push %rbp
.cfi_def_cfa_offset 16
.cfi_offset %rbp, -16
mov %rsp,%rbp
.cfi_def_cfa_register 6
.skip 100
.cfi_remember_state
jmp 1f
.p2align 4
1:
.cfi_adjust_cfa_offset 8
.cfi_rel_offset rbx, 0
pop %rbp
.cfi_restore %rbp
.cfi_restore_state
.cfi_def_cfa rsp, 8
.skip 300
.cfi_escape 0xf,0x3,0x77,0x8,0x6
ret
.cfi_endproc
g:
.cfi_startproc
nop
.cfi_undefined rip
nop
.cfi_same_value %rbx
.cfi_register rax, rbx
.cfi_offset xmm0, 8
.cfi_def_cfa_offset -16
ret
.cfi_endproc
h:
.cfi_startproc simple
.cfi_def_cfa rsp, 16
.cfi_offset rip, -8
.cfi_signal_frame
nop
.skip 70000
.cfi_def_cfa_offset 24
ret
.cfi_endproc
.section .text.x,"ax"
i: .cfi_startproc
.cfi_personality 0x9b,DW.ref.__gxx_personality_v0
.cfi_lsda 0x1b,.LLSDA0
nop
.cfi_def_cfa_offset 24
ret
.cfi_endproc
.section .gcc_except_table,"a"
.LLSDA0: .long 1
.text
j: .cfi_startproc
.cfi_return_column rax
.cfi_def_cfa_offset 24
nop
.cfi_endproc
k: .cfi_startproc
nop
.cfi_endproc
