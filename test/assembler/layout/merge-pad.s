.section .m8,"aM",@progbits,8
.byte 1
.section .ms2,"aMS",@progbits,2
.byte 1
.section .m12,"aM",@progbits,12
.byte 1
