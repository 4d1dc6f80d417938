.section .text.f,"axG",@progbits,f,comdat
.weak f
f: ret
.section .data.f,"awG",@progbits,f,comdat
.quad f
.section .x.g,"aG",@progbits,g
.byte 1
.section .y.g,"a?"
.byte 2
.section .text.f,"axG",@progbits,f,comdat
nop
