import type { CompatGeneration } from '../generation.ts';

/** `linux/export.h` and `asm/export.h`: symbols that modules may use. */
export function exportHeader({ exportSection }: CompatGeneration): string {
  return `
#ifndef MCSAFE_LINUX_EXPORT_H
#define MCSAFE_LINUX_EXPORT_H
#include <linux/stringify.h>
${exportSection ? EXPORT_SECTION : KSYMTAB}
#endif
`;
}

const EXPORT_SECTION = `
#define MCSAFE_EXPORT(name, license) .pushsection ".export_symbol","a" ; __export_symbol_##name: ; .asciz license ; .asciz "" ; .balign 8 ; .quad name ; .popsection
#define EXPORT_SYMBOL(name) MCSAFE_EXPORT(name, "")
#define EXPORT_SYMBOL_GPL(name) MCSAFE_EXPORT(name, "GPL")
`;

const KSYMTAB = String.raw`
.macro mcsafe_export name, kind
	.pushsection "___ksymtab\kind\()+\name","a"
	.balign 4
__ksymtab_\name:
	.long \name - ., __kstrtab_\name - ., 0
	.popsection
	.pushsection "__ksymtab_strings","aMS",@progbits,1
__kstrtab_\name:
	.asciz "\name"
	.popsection
.endm
#define EXPORT_SYMBOL(name) mcsafe_export name
#define EXPORT_SYMBOL_GPL(name) mcsafe_export name, _gpl
`;
