.set a, 5
.long a
.set a, 6
.long a
b = a + 1
.long b
.equ c, l - m
.long c
.byte c
m: .skip 10
l:
.long d
d = 17
.set e, 3
.long e
f = .
.long f
.skip 4
g = . - f
.long g
h = l + 4
.quad h
.globl h
i = ext + 4
.quad i
.globl j
j = m
.quad j
call j
jmp j
k = j
.quad k
