.globl foo_1
foo_1: nop
.symver foo_1, foo@VERS_1
.globl foo_2
foo_2: nop
.symver foo_2, foo@@VERS_2
.symver bar_1, bar@VERS_1
call bar_1
