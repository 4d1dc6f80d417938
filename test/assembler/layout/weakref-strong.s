.weakref al, target
.long al
.long target
