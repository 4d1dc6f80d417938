/**
 * Sources of gas's testsuite (binutils 2.40) for which this assembler does not come to what GNU as comes to, each with its reason.
 */

/** Reasons that several have in common. */
const SHARED: readonly { readonly reason: string; readonly files: readonly string[] }[] = [
  {
    reason: 'no line table is made of `.loc` and `.file`: the object model has its own lines, from the source itself',
    files: [
      'elf/dwarf-4-cu.s', 'elf/dwarf-5-cu.s', 'elf/dwarf-5-dir0.s', 'elf/dwarf-5-file0-2.s', 'elf/dwarf-5-file0-3.s', 'elf/dwarf-5-file0.s',
      'elf/dwarf-5-loc0.s', 'elf/dwarf2-11.s', 'elf/dwarf2-3.s', 'elf/group2.s', 'elf/pr25917.s', 'i386/dw2-compress-2.s', 'i386/dw2-compress-3.s',
      'i386/dwarf2-line-1.s', 'i386/dwarf2-line-3.s', 'i386/dwarf2-line-4.s', 'i386/x86-64-dw2-compress-2.s',
    ],
  },
  {
    reason: 'view numbers of `.loc` are not counted',
    files: [
      'elf/dwarf2-10.s', 'elf/dwarf2-12.s', 'elf/dwarf2-13.s', 'elf/dwarf2-14.s', 'elf/dwarf2-15.s', 'elf/dwarf2-16.s', 'elf/dwarf2-17.s',
      'elf/dwarf2-18.s', 'elf/dwarf2-19.s', 'elf/dwarf2-5.s', 'elf/dwarf2-7.s', 'elf/dwarf2-8.s', 'elf/dwarf2-9.s',
    ],
  },
  {
    reason: 'gas refuses these modifiers by the signedness of the field, this assembler by its size',
    files: [
      'i386/addend.s', 'i386/got.s', 'i386/localpic.s',
    ],
  },
  {
    reason: '`.arch` does not restrict or choose instructions here: whoever assembles for an older CPU is told nothing',
    files: [
      'i386/arch-dflt.s', 'i386/arch-stk.s', 'i386/avx-ifma-inval.s', 'i386/avx-ifma.s', 'i386/avx-vnni-inval.s', 'i386/avx-vnni.s',
      'i386/avx512f-plain.s', 'i386/avx512vl-1.s', 'i386/avx512vl-plain.s', 'i386/cet-ibt-inval.s', 'i386/cet-shstk-inval.s', 'i386/fpu.s',
      'i386/iamcu-6.s', 'i386/inval-16.s', 'i386/inval-avx512vl.s', 'i386/no87-2.s', 'i386/no87-3.s', 'i386/no87.s', 'i386/noavx-1.s',
      'i386/noavx-3.s', 'i386/noavx512-1.s', 'i386/nommx-1.s', 'i386/nop-1.s', 'i386/nop-2.s', 'i386/nops-5.s', 'i386/nops-6.s', 'i386/nosse-1.s',
      'i386/nosse-4.s', 'i386/x86-64-avx-ifma-inval.s', 'i386/x86-64-avx-vnni-inval.s', 'i386/x86-64-avx512vl-1.s', 'i386/x86-64-cet-ibt-inval.s',
      'i386/x86-64-cet-shstk-inval.s', 'i386/x86-64-inval-avx512vl.s', 'i386/x86-64-nosse2.s',
    ],
  },
  {
    reason: 'bundles are for Native Client, which is gone',
    files: [
      'i386/bundle-lock.s', 'i386/bundle.s', 'i386/x86-64-bundle.s',
    ],
  },
  {
    reason: 'names of registers are no part of expressions here, beyond a name for one',
    files: [
      'i386/equ-bad.s', 'i386/equ.s', 'i386/inval-equ-1.s',
    ],
  },
  {
    reason: 'an instruction of more than 15 bytes, which gas warns of, faults: it is refused',
    files: [
      'i386/oversized16.s', 'i386/oversized64.s',
    ],
  },
  {
    reason: 'the size written before `ptr` is not compared with what the instruction reads',
    files: [
      'i386/sg.s', 'i386/xmmword.s',
    ],
  },
];

const SINGLE: Readonly<Record<string, string>> = {
  'all/altmac2.s': '`<!>…>` strings of an `.altmacro` that was not switched on in the source (the suite gives --alternate)',
  'all/float.s': '`0f:1234`, the bits of a number behind a colon',
  'all/forward.s': 'an `.if` over a name that is assigned later decides by the value it has at that line',
  'all/local-label-overflow.s': 'numeric labels have no largest number here',
  'all/pr23938.s': 'stabs, which no debugger of this century reads',
  'all/pr27384.s': 'arguments of listing directives are not read',
  'all/quoted-sym-names.s': 'adjacent string literals as one label',
  'all/relax.s': 'a length that no size of its own number fits: gas adds padding, here the longer number is padded',
  'all/weakref1.s': 'the symbol of the section takes the place of a local target of `.weakref`',
  'cfi/cfi-common-9.s': '`.cfi_sections` that is changed inside of a procedure',
  'elf/ehopt0.s': 'advances in a hand-written `.eh_frame` are not shortened',
  'elf/equ-reloc.s': 'a relocation against a name that was assigned before its label came',
  'elf/pr14891.s': 'a symbol and a section may have one name',
  'elf/pr21661.s': 'versions of common symbols',
  'elf/pr27355.s': 'arguments of listing directives are not read',
  'elf/struct.s': 'the file is for a target whose structures are sections',
  'i386/att-regs.s': 'which words are registers does not depend on `.arch`',
  'i386/disp-imm-32.s': 'a displacement of more than 32 bits is refused, where gas cuts it off with a warning',
  'i386/evex-no-scale.s': '`.if` over a label behind `.struct`, which the reader does not count',
  'i386/fp.s': '`0x:3ffe80`, the bits of a number behind a colon',
  'i386/fsgs.s': '32-bit code with an instruction of 64-bit mode, which is #UD there: iced-x86 does not encode it',
  'i386/ifunc-3.s': 'differences with an indirect function',
  'i386/intel-expr.s': 'comparisons and shifts of Intel syntax in data bind as AT&T operators do',
  'i386/jump16.s': '`selector:offset` with a colon, in 16-bit code',
  'i386/lea64.s': '`lea` of a symbol with an empty index and a 32-bit register',
  'i386/mpx-16bit.s': 'MPX with 16-bit addresses, which no CPU ever took',
  'i386/pcrel.s': 'a branch to a symbol less an absolute one: PC32 instead of PLT32',
  'i386/quoted.s': 'a segment in front of `*`',
  'i386/reloc64.s': 'the kind of a few relocations whose use no linker accepts',
  'i386/rmpquery.s': '`rmpquery` with %eax, whose address-size prefix iced-x86 does not know',
  'i386/size-2.s': '`@SIZE` of a section symbol',
  'i386/sizing.s': '`.if` over a label behind `.struct`, which the reader does not count',
  'i386/string-ok.s': 'string operands that name other registers than the CPU takes: gas ignores them with a warning',
  'i386/suffix.s': '`sysret` without its size in Intel syntax',
  'i386/x86-64-inval-tls.s': 'which relocations of thread-local storage go with which instruction is left to the linker',
  'i386/x86-64-movd.s': '`movd` with qword ptr is movq here: the same move, by another opcode',
  'i386/x86-64-movsxd.s': 'movsxd to 16 bits, which nobody has a use for',
  'i386/x86-64-pseudos.s': '`{store}` with two x87 registers that are the same',
  'i386/x86-64-reg.s': '%axl, a name for %al that asks for a REX prefix',
  'i386/x86-64-size-5.s': '`movq $x@SIZE` as movabs',
  'i386/x86_64.s': 'test registers in 64-bit code, where no CPU has them: iced-x86 does not encode them',
  'i386/xmmhi32.s': 'xmm8 and up are symbols in 32-bit code with gas',
};

/** By file, with its folder. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(SHARED.flatMap(({ reason, files }) => files.map((file) => [file, reason] as const))),
  ...SINGLE,
};

/** Not read at all: they take longer than all others together. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  'i386/rept.s': 'more statements than the reader takes (1,000,000), of one repetition',
};
