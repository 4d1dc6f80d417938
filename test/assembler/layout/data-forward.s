.long a-b, b-a
.byte 1,2,,3
a: .short 0x1234, -1
b: .quad 0x1122334455667788, -1
.octa 1, -1
.word 'a', 'b'
.hword 65535
.value 70000
