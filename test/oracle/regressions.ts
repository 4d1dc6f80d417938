/**
 * Cases that once came out differently on the emulator and on the real CPU, as the oracle printed them, each with what was wrong.
 */
export interface Regression {
  readonly about: string;
  /** As `formatCase` writes it. */
  readonly state: string;
}

export const REGRESSIONS: readonly Regression[] = [
  { about: 'the byte registers r8b to r15b and spl to dil are not ah to bh', state: 'code=4400c0 rip=20000018 rax=7 r8=1109' },
  { about: 'the rip saved by a trap is behind it', state: 'code=90 rip=20000018' },
  { about: 'a return to an address that is not canonical fails on the return', state: 'code=c3 rip=20000018 rsp=30006100 [30006100]=aaaaaaaaaaaaaaaa' },
  { about: 'so does an indirect jump', state: 'code=ffe0 rip=20000018 rax=982d10087e7162cc' },
  { about: 'an indirect call finds a stack it cannot write before a target that is not canonical', state: 'code=ffd0 rip=20000018 rax=982d10087e7162cc rsp=30005003' },
  { about: 'a bit string based on rbp that leaves canonical space is a stack fault', state: 'code=480fa34500 rip=20000018 rax=7fffffffffffffff rbp=30001000' },
  { about: 'the address of a bit string is cut to the address size', state: 'code=670fab03 rip=20000018 rax=7fffffff rbx=f0001000' },
  { about: 'the register form of 0f 0d is no hint on AMD processors', state: 'code=0f0dc0 rip=20000018' },
  { about: 'a shift sets AF', state: 'code=48d3e0 rip=20000018 rax=1 rcx=4' },
  { about: 'a double shift of 16 bits by more than 16 goes on with the second operand', state: 'code=660fa5d8 rip=20000018 rax=1234 rbx=89ab rcx=15' },
  { about: 'div leaves AF set and the flags of the result clear', state: 'code=f7f3 rip=20000018 rflags=8c7 rax=64 rbx=7' },
  { about: 'bsf of zero keeps the destination and sets PF', state: 'code=0fbcc3 rip=20000018 rax=7' },
  { about: 'iret looks at its target before it looks at its stack segment', state: 'code=48cf rip=20000018 rsp=300063e0 [300063e0]=53761508708edad9330000000000000000800000000000008cdef74b331100008b00000000000000' },
  { about: 'from 16 on the OF of a 16-bit shld is its CF', state: 'code=660fa5d8 rip=20000018 rax=40 rbx=f0f0 rcx=10' },
  { about: 'an access may run over the end of the address space', state: 'code=58 rip=20000018 rsp=fffffffffffffffc' },
  { about: 'pop addresses memory with esp already moved, too', state: 'code=66678f442499 rip=20000018 rsp=30006578 [30006578]=f763' },
  { about: 'the destination of movdir64b is no stack access, whatever its source is based on', state: 'code=66460f38f84500 rip=20000018 r8=800000000000 rbp=30006430' },
  { about: 'a far call with REX.W pushes slots of 8 bytes although AMD processors read a pointer of 6', state: 'code=48ff597a rip=20017a58 rcx=30002386 rsp=30006190 [30002400]=c61b032033000000' },
  { about: 'an operand-size prefix cuts branch targets to 16 bits on AMD processors', state: 'code=6674f0 rip=20000018 rflags=242' },
  { about: 'and what a near call pushes', state: 'code=66e81000 rip=20000018 rsp=30006190' },
  { about: 'fxrstor works out the x87 summary bits itself', state: 'code=480fae09 rip=20000018 rcx=30001800 [30001800]=40034700 [30001818]=801f0000' },
  { about: 'an x87 register that is not zero is state in use for xsave, whatever the tags say', state: 'code=0fae21 rip=20000018 rax=7 rcx=30001800 mm3=00000000000000800000' },
  { about: 'with AC set in ring 3 a misaligned access is an alignment check, even where nothing is mapped', state: 'code=488b03 rip=20000018 rflags=40202 rbx=30003001' },
  { about: 'alignment checks want no more than 16 bytes', state: 'code=c5fc1003 rip=20000018 rflags=40202 rbx=30001110' },
  { about: 'they begin with the popf that sets AC', state: 'code=9d488b03 rip=20000018 rbx=30001104 rsp=30006100 [30006100]=0202040000000000' },
  { about: 'fxsave finds 4 bytes misaligned before it wants 16', state: 'code=0fae03 rip=20000018 rflags=40202 rbx=30001102' },
  { about: 'a masked store into the last page of user memory faults on that page before the addresses behind it', state: 'code=c44179f7cc rip=20034118 rdi=7ffffffffff8' },
  { about: 'the 8-byte form is not cut there', state: 'code=0ff7ff rip=20034118 rdi=7ffffffffffa mm7=ffffffffffffffffffff' },
  { about: 'a misaligned masked store is an alignment check before its page is looked at', state: 'code=660ff7fd rip=20032e58 rflags=40247 rdi=30004ffc' },
  { about: 'a repeat prefix turns loopne into loope on AMD processors', state: 'code=f326e064 rip=2003f698 rflags=a86 rcx=20' },
  { about: 'and the last of several counts', state: 'code=26f2f366e006 rip=2000ddd8 rflags=282 rcx=ac1fb1f' },
  { about: 'a prefix of ss makes no stack access', state: 'code=36410f458d00200200 rip=200313d8 rflags=2d2 r13=7ffffffddffe' },
  { about: 'nor does one of es take a stack access away', state: 'code=268b4504 rip=200313d8 rbp=800000000000' },
  { about: 'an instruction of more than 15 bytes is a protection fault', state: 'code=402636676293fd081784017fffffff rip=200286d8' },
  { about: 'also where lock would be wrong with it', state: 'code=f026262626262626262626262626262690 rip=200286d8' },
  { about: 'clzero takes no repeat prefix', state: 'code=f30f01fc rip=20000dd8 rax=30001512' },
  { about: 'rep nop with REX.B is an exchange, no pause', state: 'code=f34590 rip=20036f98 rax=1122334455667788 r8=ff' },
  { about: 'a VEX instruction is too long before its prefixes are wrong', state: 'code=4c412e8f4a209eb80020000050e8d6 rip=2003abd8' },
  { about: 'the REX prefix of a far call is the one in front of its opcode', state: 'code=40f3f248ff9b78573412 rip=20034858 rbx=1dcbeb58 rsp=30006168 [300047d0]=978847002033000000' },
  { about: 'but not before its map', state: 'code=674141c46a058e870020000054196b rip=20006258' },
  { about: 'nor before a REX prefix in front of it', state: 'code=6441488fea98120d192b0010030000 rip=2001fc58' },
  { about: 'an opcode that does not exist is too long all the same', state: 'code=4f403e6466410f3afc848d78563412 rip=20031c58' },
  { about: 'a single-step trap waits for the instruction behind a mov to ss', state: 'code=8ed390 rip=20000018 rflags=302 rbx=2b' },
  { about: 'and again where that is another one', state: 'code=8ed38ed390 rip=20000018 rflags=302 rbx=2b' },
  { about: 'but not behind other loads of segment registers', state: 'code=8edb90 rip=20000018 rflags=302 rbx=2b' },
  { about: 'rdsspq leaves its register alone where there is no shadow stack', state: 'code=f3480f1ec9 rip=20000018 rcx=9' },
];
