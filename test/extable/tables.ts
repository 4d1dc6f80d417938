/**
 * Programs with an exception table in each layout, written the way the kernels of their time did.
 */
import type { ExtableLayout } from '../../assembly/extable/entry.ts';

/** Two loads, a store and a landing pad for each; `table` makes the entries. */
export function program(table: string, extra = ''): string {
  return `
  .text
  .globl routine
  .type routine, @function
routine:
load:  mov (%rsi), %rax
load2: mov 8(%rsi), %rcx
store: mov %rax, (%rdi)
  xor %eax, %eax
  ret
pad:   mov $1, %eax
  ret
pad2:  mov $2, %eax
  ret
  .size routine, . - routine
  .section .text.other, "ax"
  .globl other
  .type other, @function
other: mov (%rdx), %rdx
  ret
  .size other, . - other
${extra}
  .section __ex_table, "a"
  .balign 8
${table}
`;
}

const pair = (from: string, to: string): string => `.long ${from} - ., ${to} - .`;

/** The text of three entries (load -> pad, load2 -> pad2, store -> pad) and of one in another section, per layout. */
export const TABLES: Readonly<Record<Exclude<ExtableLayout, 'mcex' | 'vdso'>, string>> = {
  absolute: '.quad load, pad\n.quad store, pad\n.quad load2, pad2\n.quad other, 3',
  relative: `${pair('load', 'pad')}\n${pair('store', 'pad')}\n.long load2 - ., pad2 - . + 0x7ffffff0\n${pair('other', 'pad')}`,
  class: '.long load - ., pad - . + 0x20000000\n.long store - ., pad - . + 0x60000000\n.long load2 - ., pad2 - . - 0x60000000\n.long other - ., descriptor - . - 0x20000000',
  index: `${pair('load', 'pad')}, 0\n${pair('store', 'pad')}, 0\n${pair('load2', 'pad2')}, 1\n${pair('other', 'pad')}, 2`,
  handler: `${pair('load', 'pad')}, ex_handler_default - .\n${pair('store', 'pad')}, ex_handler_default - .\n${pair('load2', 'pad2')}, ex_handler_fault - .\n${pair('other', 'pad')}, ex_handler_ext - .`,
  type: `${pair('load', 'pad')}, 1\n${pair('store', 'pad')}, 1\n${pair('load2', 'pad2')}, 2\n${pair('other', 'pad')}, 3`,
  data: `${pair('load', 'pad')}, 1\n${pair('store', 'pad')}, 0xe\n${pair('load2', 'pad2')}, 0xfff2a011\n${pair('other', 'pad')}, 0x1303`,
};

/** A handler and its descriptor: vectors 13, 14 and 18. */
export const DESCRIPTOR = `
  .text
  .globl fix_it
  .type fix_it, @function
fix_it: mov $1, %eax
  ret
  .size fix_it, . - fix_it
  .section .rodata, "a"
  .balign 8
descriptor: .quad fix_it
  .long (1 << 13) | (1 << 14) | (1 << 18), 0
`;

export const HANDLERS = `
  .text
  .globl ex_handler_default, ex_handler_fault, ex_handler_ext
ex_handler_default: ret
ex_handler_fault: ret
ex_handler_ext: ret
`;

/** A program whose second table is the one of the first patches. */
export const MCEX = program('.long load - ., pad - .', '.section __mcex_table,"a"\n.long load - ., pad2 - .\n.long load2 - ., pad2 - .');

/** How a table of each layout comes to run: in which kernel, by which fault, and what the landing pad then leaves in eax. */
export interface LayoutRun {
  readonly layout: ExtableLayout;
  readonly generation: string;
  readonly source: string;
  readonly fault: 'page fault' | 'machine check';
  readonly eax: number;
}

export const LAYOUT_RUNS: readonly LayoutRun[] = [
  { layout: 'absolute', generation: '4.4', source: program(TABLES.absolute), fault: 'page fault', eax: 1 },
  { layout: 'relative', generation: '4.4', source: program(TABLES.relative), fault: 'page fault', eax: 1 },
  { layout: 'mcex', generation: '4.4', source: MCEX, fault: 'page fault', eax: 1 },
  { layout: 'mcex', generation: '4.4', source: MCEX, fault: 'machine check', eax: 2 },
  { layout: 'index', generation: '4.6', source: program(TABLES.index), fault: 'page fault', eax: 1 },
  { layout: 'handler', generation: '5.10', source: program(TABLES.handler, HANDLERS), fault: 'page fault', eax: 1 },
  { layout: 'type', generation: '5.16', source: program(TABLES.type), fault: 'page fault', eax: 1 },
  { layout: 'data', generation: '6.1', source: program(TABLES.data), fault: 'page fault', eax: 1 },
  { layout: 'class', generation: '6.12', source: program(TABLES.class, DESCRIPTOR), fault: 'page fault', eax: 1 },
];
