import type { CompatGeneration } from '../generation.ts';

/** `linux/linkage.h`: how a routine starts and ends, and `RET`. */
export function linkageHeader({ endbr, functionPadding, returnThunk }: CompatGeneration): string {
  const padding = functionPadding === 0 ? '' : ` ; .skip ${String(functionPadding)}, 0x90`;
  const start = endbr ? ' endbr64' : '';
  return String.raw`
#ifndef MCSAFE_LINUX_LINKAGE_H
#define MCSAFE_LINUX_LINKAGE_H
#include <linux/stringify.h>
#include <linux/export.h>
#include <asm/ibt.h>

#define ASM_NL ;
#define ALIGN .balign 16, 0x90
#define __ALIGN .balign 16, 0x90
#define __ALIGN_STR ".balign 16, 0x90"
#define __FUNC_ALIGN __ALIGN${padding}
#define asmlinkage
#define __visible
#define notrace

/* Type, binding and alignment of a symbol, to be handed to the macros below. An alignment may hold commas. */
#define SYM_T_FUNC STT_FUNC
#define SYM_T_OBJECT STT_OBJECT
#define SYM_T_NONE STT_NOTYPE
#define SYM_L_GLOBAL(name) .globl name
#define SYM_L_WEAK(name) .weak name
#define SYM_L_LOCAL(name)
#define SYM_A_ALIGN ALIGN
#define SYM_A_NONE
#define SYM_F_ALIGN __FUNC_ALIGN

#define SYM_ENTRY(name, binding, ...) binding(name) ; __VA_ARGS__ ; name:
#define SYM_START(name, binding, ...) SYM_ENTRY(name, binding, __VA_ARGS__)
#define SYM_END(name, kind) .type name kind ; .set .L__sym_size_##name, . - name ; .size name, .L__sym_size_##name
#define SYM_ALIAS(alias, name, binding) binding(alias) ; .set alias, name

/* Functions: called from C. */
#define SYM_FUNC_START(name) SYM_START(name, SYM_L_GLOBAL, SYM_F_ALIGN)${start}
#define SYM_FUNC_START_LOCAL(name) SYM_START(name, SYM_L_LOCAL, SYM_F_ALIGN)${start}
#define SYM_FUNC_START_WEAK(name) SYM_START(name, SYM_L_WEAK, SYM_F_ALIGN)${start}
#define SYM_FUNC_START_NOALIGN(name) SYM_START(name, SYM_L_GLOBAL, SYM_A_NONE)${start}
#define SYM_FUNC_START_LOCAL_NOALIGN(name) SYM_START(name, SYM_L_LOCAL, SYM_A_NONE)${start}
#define SYM_FUNC_START_WEAK_NOALIGN(name) SYM_START(name, SYM_L_WEAK, SYM_A_NONE)${start}
#define SYM_FUNC_END(name) SYM_END(name, SYM_T_FUNC)
#define SYM_FUNC_ALIAS(alias, name) SYM_ALIAS(alias, name, SYM_L_GLOBAL)
#define SYM_FUNC_ALIAS_LOCAL(alias, name) SYM_ALIAS(alias, name, SYM_L_LOCAL)
#define SYM_FUNC_ALIAS_WEAK(alias, name) SYM_ALIAS(alias, name, SYM_L_WEAK)
#define SYM_FUNC_ALIAS_MEMFUNC(alias, name) SYM_ALIAS(alias, name, SYM_L_GLOBAL)

/* Code with a convention of its own. */
#define SYM_CODE_START(name) SYM_START(name, SYM_L_GLOBAL, SYM_A_ALIGN)
#define SYM_CODE_START_LOCAL(name) SYM_START(name, SYM_L_LOCAL, SYM_A_ALIGN)
#define SYM_CODE_START_NOALIGN(name) SYM_START(name, SYM_L_GLOBAL, SYM_A_NONE)
#define SYM_CODE_START_LOCAL_NOALIGN(name) SYM_START(name, SYM_L_LOCAL, SYM_A_NONE)
#define SYM_CODE_END(name) SYM_END(name, SYM_T_NONE)
#define SYM_INNER_LABEL(name, binding) .type name SYM_T_NONE ; SYM_ENTRY(name, binding, SYM_A_NONE)
#define SYM_INNER_LABEL_ALIGN(name, binding) .type name SYM_T_NONE ; SYM_ENTRY(name, binding, SYM_A_ALIGN)

/* Data. */
#define SYM_DATA_START(name) SYM_START(name, SYM_L_GLOBAL, SYM_A_NONE)
#define SYM_DATA_START_LOCAL(name) SYM_START(name, SYM_L_LOCAL, SYM_A_NONE)
#define SYM_DATA_END(name) SYM_END(name, SYM_T_OBJECT)
#define SYM_DATA_END_LABEL(name, binding, label) binding(label) ; .type label SYM_T_OBJECT ; label: SYM_END(name, SYM_T_OBJECT)
#define SYM_DATA(name, ...) SYM_DATA_START(name) ; __VA_ARGS__ ; SYM_DATA_END(name)
#define SYM_DATA_LOCAL(name, ...) SYM_DATA_START_LOCAL(name) ; __VA_ARGS__ ; SYM_DATA_END(name)

/* What the same things were called before 5.5, so that older routines still assemble. */
#define GLOBAL(name) .globl name ; name:
#define ENTRY(name) .globl name ; ALIGN ; name:
#define WEAK(name) .weak name ; ALIGN ; name:
#define END(name) .size name, . - name
#define ENDPROC(name) .type name, @function ; END(name)

#define RET ${returnThunk ? 'jmp __x86_return_thunk' : 'ret'}

#endif
`;
}
