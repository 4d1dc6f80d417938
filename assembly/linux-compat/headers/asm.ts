import type { CompatGeneration } from '../generation.ts';
import { entryMacros } from './extable.ts';

const REGISTERS = ['ax', 'bx', 'cx', 'dx', 'sp', 'bp', 'si', 'di'];
const SIZED = ['inc', 'dec', 'add', 'sub', 'xadd', 'mul', 'mov'];
const ARGUMENTS = ['di', 'si', 'dx', 'cx'];

/** `asm/asm.h`: names that differ between 32 and 64 bits, and the macros for exception-table entries. */
export function asmHeader(generation: CompatGeneration): string {
  return `
#ifndef MCSAFE_ASM_ASM_H
#define MCSAFE_ASM_ASM_H
#include <linux/stringify.h>
#include <asm/extable_fixup_types.h>

#define __ASM_FORM(...) __VA_ARGS__
#define __ASM_FORM_RAW(...) __VA_ARGS__
#define __ASM_FORM_COMMA(...) __VA_ARGS__,
#define __ASM_SEL(for32, for64) for64
#define __ASM_SEL_RAW(for32, for64) for64
#define __ASM_SIZE(inst, ...) inst##q##__VA_ARGS__
#define __ASM_REG(reg) r##reg

#define _ASM_PTR .quad
#define _ASM_ALIGN .balign 8
${SIZED.map((name) => `#define _ASM_${name.toUpperCase()} ${name}q`).join('\n')}
${REGISTERS.map((name) => `#define _ASM_${name.toUpperCase()} r${name}`).join('\n')}
#define _ASM_IP rip
${ARGUMENTS.map((name, index) => `#define _ASM_ARG${String(index + 1)} r${name}\n#define _ASM_ARG${String(index + 1)}Q r${name}\n#define _ASM_ARG${String(index + 1)}L e${name}\n#define _ASM_ARG${String(index + 1)}W ${name}`).join('\n')}
#define _ASM_ARG5 r8
#define _ASM_ARG6 r9

${entryMacros(generation)}

#endif
`;
}
