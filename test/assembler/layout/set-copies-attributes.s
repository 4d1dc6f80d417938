.set early, f
.type f,@function
.hidden f
f: nop
nop
.size f, .-f
.set a, f
.set b, f+1
c = f
.globl d
.set d, f
.type o,@object
.set o, f
.set chain, a
.size s, 7
.set s, f
