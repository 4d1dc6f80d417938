.long a-b
.quad a-b
.word a-b
.byte a-b
a: .skip 5
jmp ext
b:
.long a-b+4
.long (a-b)*2
.long -(a-b)
.long a-b == -10
.long b>a
.long ext-.
.quad ext-.
.long ext-a
.long a-.
.section .o,"a"
.long a-.
o: .long . - o
