# Values that are worked out where they are used.
	.data
x:	.long 0
	.eqv .Lhere, . - x
	.Llater == one * 4
	.equ one, 1
	.long .Lhere, .Llater
	.equ one, -1
	.long .Lhere, .Llater
	.octa -347510587133311339321256747728896, ~0x112233445566778899aabbcc0000
	.set sym, x
	.long sym
	.set sym, 5
	.long sym
sym:	.long sym
	.if one < 0
	.long 9
	.endc
	.quad .startof.(.text), .sizeof.(.text)
