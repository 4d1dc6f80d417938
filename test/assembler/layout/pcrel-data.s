.section ex,"a"
.balign 4
.long 1f - .
.long (fix) - .
.long 2
.text
1: nop
fix: nop
.section ex,"a"
.long 1b - ., fix - . + 4
.long gl - .
.text
.globl gl
gl: nop
