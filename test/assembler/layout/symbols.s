.globl a, b
.global c
.weak d
.local e
.hidden f
.protected g
.internal h
.type a,@function
.type b,%object
.type c,STT_FUNC
.type d,"function"
.type e STT_OBJECT
.type f,@notype
.type g,@tls_object
.type h,@object
.type i,@gnu_indirect_function
.type j,@gnu_unique_object
a: nop
.size a, .-a
b: nop
.size b, 4
c: nop
d: nop
e: nop
f: nop
g: nop
i: nop
j: nop
.size c, d-c
.long h
