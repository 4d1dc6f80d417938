.comm a, 10
.comm b, 100, 32
.common c, 4, 4
.lcomm d, 5
.local f
.comm f, 16, 8
.comm g, 1
.comm h, 3
mov a(%rip),%eax
mov d(%rip),%eax
mov f(%rip),%eax
.tls_common t, 4, 4
