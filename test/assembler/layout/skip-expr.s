a: nop
b: .skip (d-c) - (b-a), 0x90
.pushsection .x,"ax"
c: jmp ext
nop
d:
.popsection
.skip -((3-5)>0)*(3-5),0x90
.skip -(((d-c)-(b-a)) > 0) * ((d-c)-(b-a)),0xcc
e:
