.fill 3,2,0x12345678
.fill 2,8,0x1122334455667788
.fill 4
.fill 0,1,1
.skip 3, 0xff
.space 5
.zero 4
.nops 9
.nops 13, 3
.ds.b 3
.ds.w 2
.ds.l 2
.dc.b 1
.dc.w 2
.dc.l 3
.dc.a 4
.dcb.b 3, 7
.dcb.w 2, 0x1234
.dcb.l 2, 0x12345678
.dc.s 1.5
.dc.d 2.5
