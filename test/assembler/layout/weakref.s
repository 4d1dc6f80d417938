.weakref al, target
.long al
call al
