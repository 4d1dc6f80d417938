import type { CompatGeneration, EntryForm } from '../generation.ts';

const OPEN: Readonly<Record<EntryForm, string>> = {
  relative: '.pushsection "__ex_table","a" ; .balign 8 ;',
  handler: '.pushsection "__ex_table","a" ; .balign 4 ;',
  type: '.pushsection "__ex_table","a" ; .balign 4 ;',
};

/** The macros that make one exception-table entry each, for use in `.S` files. */
export function entryMacros(generation: CompatGeneration): string {
  const { entry } = generation;
  const has = (macro: CompatGeneration['entryMacros'][number]): boolean => generation.entryMacros.includes(macro);
  const lines: string[] = [];
  const define = (name: string, parameters: string, body: string): void => { lines.push(`#define ${name}(${parameters}) ${body}`); };
  const record = (third?: string): string => `${OPEN[entry]} .long (from) - . ; .long (to) - . ;${third === undefined ? '' : ` .long ${third} ;`} .popsection`;

  if (entry === 'type') {
    define('_ASM_EXTABLE_TYPE', 'from, to, type', record('type'));
    define('_ASM_EXTABLE', 'from, to', '_ASM_EXTABLE_TYPE(from, to, EX_TYPE_DEFAULT)');
    define('_ASM_EXTABLE_FAULT', 'from, to', '_ASM_EXTABLE_TYPE(from, to, EX_TYPE_FAULT)');
    define('_ASM_EXTABLE_UA', 'from, to', '_ASM_EXTABLE_TYPE(from, to, EX_TYPE_UACCESS)');
    if (has('CPY')) define('_ASM_EXTABLE_CPY', 'from, to', '_ASM_EXTABLE_TYPE(from, to, EX_TYPE_COPY)');
  } else if (entry === 'handler') {
    define('_ASM_EXTABLE_HANDLE', 'from, to, handler', record('(handler) - .'));
    define('_ASM_EXTABLE', 'from, to', '_ASM_EXTABLE_HANDLE(from, to, ex_handler_default)');
    define('_ASM_EXTABLE_FAULT', 'from, to', '_ASM_EXTABLE_HANDLE(from, to, ex_handler_fault)');
    define('_ASM_EXTABLE_REFCOUNT', 'from, to', '_ASM_EXTABLE_HANDLE(from, to, ex_handler_refcount)');
    if (has('EX')) define('_ASM_EXTABLE_EX', 'from, to', '_ASM_EXTABLE_HANDLE(from, to, ex_handler_ext)');
    if (has('UA')) define('_ASM_EXTABLE_UA', 'from, to', '_ASM_EXTABLE_HANDLE(from, to, ex_handler_uaccess)');
    if (has('CPY')) define('_ASM_EXTABLE_CPY', 'from, to', '_ASM_EXTABLE_HANDLE(from, to, ex_handler_copy)');
  } else {
    define('_ASM_EXTABLE', 'from, to', record());
    // The landing pad's distance carries the tag "report a user-access error": what is 2 GiB too far is one.
    define('_ASM_EXTABLE_EX', 'from, to', `${OPEN.relative} .long (from) - . ; .long (to) - . + 0x7ffffff0 ; .popsection`);
    // The 2015 patches kept a second table, searched for machine checks only.
    if (has('MCEX')) define('_ASM_MCEXTABLE', 'from, to', `.pushsection "__mcex_table","a" ; .balign 8 ; .long (from) - . ; .long (to) - . ; .popsection`);
  }
  lines.push('#define _ASM_NOKPROBE(entry) .pushsection "_kprobe_blacklist","aw" ; .balign 8 ; .quad (entry) ; .popsection');
  return lines.join('\n');
}

/** Types 7 and up were renumbered when the third word became a data word. */
const NUMBERS_5_16: readonly (readonly [string, number])[] = [
  ['WRMSR', 7], ['RDMSR', 8], ['BPF', 9], ['WRMSR_IN_MCE', 10], ['RDMSR_IN_MCE', 11], ['DEFAULT_MCE_SAFE', 12], ['FAULT_MCE_SAFE', 13],
];
const NUMBERS_5_17: readonly (readonly [string, number])[] = [
  ['BPF', 7], ['WRMSR', 8], ['RDMSR', 9], ['WRMSR_SAFE', 10], ['RDMSR_SAFE', 11], ['WRMSR_IN_MCE', 12], ['RDMSR_IN_MCE', 13], ['DEFAULT_MCE_SAFE', 14], ['FAULT_MCE_SAFE', 15],
];

/** `asm/extable_fixup_types.h`: the numbers of the third word (5.16 and later; kernel 6.1 and 6.12, observed). */
export function extableFixupTypesHeader({ entry, dataWord, hasCopyType, hasEretuType }: CompatGeneration): string {
  if (entry !== 'type') return '\n';
  const types: (readonly [string, number | string])[] = [
    ['NONE', 0], ['DEFAULT', 1], ['FAULT', 2], ['UACCESS', 3], ...(hasCopyType ? [['COPY', 4] as const] : []), ['CLEAR_FS', 5], ['FPU_RESTORE', 6],
    ...(dataWord ? NUMBERS_5_17 : NUMBERS_5_16),
  ];
  if (dataWord) {
    types.push(
      ['POP_REG', 16], ['POP_ZERO', '(EX_TYPE_POP_REG | EX_DATA_IMM(0))'], ['IMM_REG', 17], ['EFAULT_REG', '(EX_TYPE_IMM_REG | EX_DATA_IMM(-14))'],
      ['ZERO_REG', '(EX_TYPE_IMM_REG | EX_DATA_IMM(0))'], ['ONE_REG', '(EX_TYPE_IMM_REG | EX_DATA_IMM(1))'], ['FAULT_SGX', 18], ['UCOPY_LEN', 19],
      ['UCOPY_LEN1', '(EX_TYPE_UCOPY_LEN | EX_DATA_IMM(1))'], ['UCOPY_LEN4', '(EX_TYPE_UCOPY_LEN | EX_DATA_IMM(4))'],
      ['UCOPY_LEN8', '(EX_TYPE_UCOPY_LEN | EX_DATA_IMM(8))'], ['ZEROPAD', 20],
    );
  }
  if (hasEretuType) types.push(['ERETU', 21]);
  // An entry whose handler is a descriptor beside the routine: outside the kernel's own numbers.
  types.push(['HANDLER', 128]);
  return `
#ifndef MCSAFE_ASM_EXTABLE_FIXUP_TYPES_H
#define MCSAFE_ASM_EXTABLE_FIXUP_TYPES_H
${dataWord ? DATA_WORD : ''}
${types.map(([name, value]) => `#define EX_TYPE_${name} ${String(value)}`).join('\n')}
#endif
`;
}

/** Fields of the data word: type in bits 7:0, register 11:8, flags 15:12, signed immediate 31:16. */
const DATA_WORD = `
#define EX_DATA_TYPE_MASK 0x000000ff
#define EX_DATA_REG_MASK 0x00000f00
#define EX_DATA_FLAG_MASK 0x0000f000
#define EX_DATA_IMM_MASK 0xffff0000
#define EX_DATA_REG_SHIFT 8
#define EX_DATA_FLAG_SHIFT 12
#define EX_DATA_IMM_SHIFT 16
#define EX_DATA_REG(reg) ((reg) << EX_DATA_REG_SHIFT)
#define EX_DATA_FLAG(flag) ((flag) << EX_DATA_FLAG_SHIFT)
#define EX_DATA_IMM(imm) ((imm) << EX_DATA_IMM_SHIFT)
#define EX_REG_DS EX_DATA_REG(8)
#define EX_REG_ES EX_DATA_REG(9)
#define EX_REG_FS EX_DATA_REG(10)
#define EX_REG_GS EX_DATA_REG(11)
#define EX_FLAG_CLEAR_AX EX_DATA_FLAG(1)
#define EX_FLAG_CLEAR_DX EX_DATA_FLAG(2)
#define EX_FLAG_CLEAR_AX_DX EX_DATA_FLAG(3)
`;
