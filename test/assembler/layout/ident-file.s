.file "x.c"
.ident "one"
.ident "two"
nop
