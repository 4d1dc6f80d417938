.section .lo1,"ao",@progbits,.text
.quad .text
.section .lo0,"ao",@progbits,0
.byte 1
.section .text.k,"ax"
k: nop
.section .lo2,"ao",@progbits,.text.k
.quad k
