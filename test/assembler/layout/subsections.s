.text 2
.byte 2
.text 1
.byte 1
.text
.byte 0
.subsection 3
.byte 3
.previous
.byte 0
.data 1
.byte 11
.data
.byte 10
.section foo,"a"
.byte 1
.previous
.byte 12
.pushsection bar,"aw"
.byte 1
.pushsection bar, 1
.byte 2
.popsection
.byte 3
.popsection
.byte 13
