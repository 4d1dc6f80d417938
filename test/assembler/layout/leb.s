.uleb128 0, 127, 128, 0x123456789, -1
.sleb128 0, 63, 64, -64, -65, 0x123456789
.uleb128 b-a
a: .skip 200
b: .sleb128 a-b
.uleb128 c-b
c:
