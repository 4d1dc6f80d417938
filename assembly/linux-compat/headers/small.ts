/**
 * The small headers: numbers and names, and annotations that mean something only to objtool and so stand for nothing here.
 */
import type { CompatGeneration } from '../generation.ts';

function guarded(name: string, body: string): string {
  const guard = `MCSAFE_${name.toUpperCase().replace(/\W/g, '_')}`;
  return `\n#ifndef ${guard}\n#define ${guard}\n${body.trim()}\n#endif\n`;
}

function numbers(prefix: string, values: Readonly<Record<string, number | string>>): string {
  return Object.entries(values).map(([name, value]) => `#define ${prefix}${name} ${String(value)}`).join('\n');
}

/** include/uapi/asm-generic/errno-base.h: the numbers every Unix knows. */
const ERRNO = {
  PERM: 1, NOENT: 2, INTR: 4, IO: 5, NXIO: 6, BADF: 9, AGAIN: 11, NOMEM: 12, ACCES: 13, FAULT: 14, BUSY: 16, EXIST: 17, NODEV: 19, INVAL: 22,
  NOSPC: 28, RANGE: 34, NOSYS: 38, HWPOISON: 133,
};

const TRAPS = {
  DE: 0, DB: 1, NMI: 2, BP: 3, OF: 4, BR: 5, UD: 6, NM: 7, DF: 8, OLD_MF: 9, TS: 10, NP: 11, SS: 12, GP: 13, PF: 14, SPURIOUS: 15, MF: 16, AC: 17,
  MC: 18, XF: 19, VE: 20, CP: 21, VC: 29, IRET: 32,
};

const EFLAGS = { CF: 0, PF: 2, AF: 4, ZF: 6, SF: 7, TF: 8, IF: 9, DF: 10, OF: 11, NT: 14, RF: 16, VM: 17, AC: 18, VIF: 19, VIP: 20, ID: 21 };

/** `struct pt_regs` in the order it lies in memory, 8 bytes each. */
const PT_REGS = ['R15', 'R14', 'R13', 'R12', 'RBP', 'RBX', 'R11', 'R10', 'R9', 'R8', 'RAX', 'RCX', 'RDX', 'RSI', 'RDI', 'ORIG_RAX', 'RIP', 'CS', 'EFLAGS', 'RSP', 'SS'];

const NOPS = ['0x90', '0x66,0x90', '0x0f,0x1f,0x00', '0x0f,0x1f,0x40,0x00', '0x0f,0x1f,0x44,0x00,0x00', '0x66,0x0f,0x1f,0x44,0x00,0x00',
  '0x0f,0x1f,0x80,0x00,0x00,0x00,0x00', '0x0f,0x1f,0x84,0x00,0x00,0x00,0x00,0x00'];

const REGISTERS = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];

const KCONFIG = `
#define MCSAFE_SET_1 skipped,
#define MCSAFE_SECOND_(first, second, ...) second
#define MCSAFE_SECOND(...) MCSAFE_SECOND_(__VA_ARGS__)
#define MCSAFE_IS_ONE_(value) MCSAFE_SECOND(MCSAFE_SET_##value 1, 0, 0)
#define MCSAFE_IS_ONE(value) MCSAFE_IS_ONE_(value)
#define IS_ENABLED(option) MCSAFE_IS_ONE(option)
#define IS_BUILTIN(option) MCSAFE_IS_ONE(option)
#define IS_MODULE(option) 0
`;

const NOSPEC = String.raw`
#include <asm/alternative.h>
#include <asm/unwind_hints.h>
#include <asm/percpu.h>
#define RETPOLINE_THUNK_SIZE 32
.macro CALL_NOSPEC reg
	call __x86_indirect_thunk_\reg
.endm
.macro JMP_NOSPEC reg
	jmp __x86_indirect_thunk_\reg
.endm
.macro ANNOTATE_RETPOLINE_SAFE
.endm
#define ANNOTATE_UNRET_SAFE ANNOTATE_RETPOLINE_SAFE
`;

const OBJTOOL = `
.macro UNWIND_HINT_EMPTY
.endm
.macro UNWIND_HINT_UNDEFINED
.endm
.macro UNWIND_HINT_FUNC
.endm
.macro UNWIND_HINT_SAVE
.endm
.macro UNWIND_HINT_RESTORE
.endm
.macro ANNOTATE_NOENDBR
.endm
.macro REACHABLE
.endm
.macro STACK_FRAME_NON_STANDARD func:req
.endm
#define ANNOTATE_INTRA_FUNCTION_CALL
#define ASM_REACHABLE
`;

const RUNTIME_CONST = String.raw`
/* A constant known only at boot: the placeholder is patched at every place that the section runtime_ptr_<name> lists. */
.macro RUNTIME_CONST_PTR sym reg
	movq $0x0123456789abcdef, %\reg
7708:	.pushsection runtime_ptr_\sym,"a"
	.long 7708b - 8 - .
	.popsection
.endm
`;

/** Path under the include folder, and text. */
export function smallHeaders({ endbr, percpuRip }: CompatGeneration): ReadonlyMap<string, string> {
  const headers: Record<string, string> = {
    'linux/kconfig.h': KCONFIG,
    'linux/stringify.h': '#include <linux/kconfig.h>\n#define __stringify_1(...) #__VA_ARGS__\n#define __stringify(...) __stringify_1(__VA_ARGS__)',
    'linux/compiler.h': '',
    'linux/compiler_types.h': '',
    'linux/types.h': '',
    'linux/const.h': '#define _AC(value, suffix) value\n#define _AT(type, value) value\n#define _UL(value) value\n#define _ULL(value) value\n#define UL(value) value\n#define BIT(number) (1 << (number))',
    'linux/bits.h': '#include <linux/const.h>',
    'linux/init.h': '#define __INIT .section ".init.text","ax"\n#define __INITDATA .section ".init.data","aw",@progbits\n#define __FINIT .previous\n#define __HEAD .section ".head.text","ax"',
    'linux/errno.h': '#include <asm/errno.h>',
    'asm/errno.h': numbers('E', ERRNO),
    'asm/export.h': '#include <linux/export.h>',
    'linux/cfi_types.h': '#include <linux/linkage.h>\n#define SYM_TYPED_FUNC_START(name) SYM_FUNC_START(name)',
    'asm/cfi.h': '',
    'asm/linkage.h': '#include <linux/linkage.h>',
    'asm/ibt.h': endbr ? '#define ENDBR endbr64' : '#define ENDBR',
    'asm/trapnr.h': numbers('X86_TRAP_', TRAPS),
    'asm/processor-flags.h': `${Object.entries(EFLAGS).map(([name, bit]) => `#define X86_EFLAGS_${name}_BIT ${String(bit)}\n#define X86_EFLAGS_${name} (1 << ${String(bit)})`).join('\n')}\n#define X86_EFLAGS_FIXED 2`,
    'asm/page_types.h': '#include <linux/const.h>\n#define PAGE_SHIFT 12\n#define PAGE_SIZE (1 << PAGE_SHIFT)\n#define PAGE_MASK (~(PAGE_SIZE - 1))',
    'asm/page.h': '#include <asm/page_types.h>',
    'asm/ptrace-abi.h': `${PT_REGS.map((name, index) => `#define ${name} ${String(8 * index)}`).join('\n')}\n#define SS_SIZE 8\n#define FRAME_SIZE ${String(8 * PT_REGS.length)}`,
    'asm/segment.h': '#define __KERNEL_CS 0x10\n#define __KERNEL_DS 0x18\n#define __USER_DS 0x2b\n#define __USER_CS 0x33',
    'asm/nops.h': NOPS.map((bytes, index) => `#define ASM_NOP${String(index + 1)} .byte ${bytes}`).join('\n'),
    'asm/percpu.h': `${percpuRip ? '#define PER_CPU_VAR(var) %gs:(var)(%rip)' : '#define PER_CPU_VAR(var) %gs:var'}\n#define __percpu %gs:`,
    'asm/current.h': '',
    'asm/thread_info.h': '#include <asm/page_types.h>\n#include <asm/percpu.h>',
    'asm/asm-offsets.h': '',
    'asm/frame.h': '#include <asm/asm.h>\n#define FRAME_BEGIN\n#define FRAME_END\n#define FRAME_OFFSET 0',
    'asm/msr.h': '#include <asm/msr-index.h>\n#include <asm/asm.h>\n#include <asm/errno.h>',
    'asm/msr-index.h': '#define MSR_EFER 0xc0000080',
    'asm/dwarf2.h': '',
    'asm/unwind_hints.h': '#include <linux/objtool.h>',
    'linux/objtool.h': OBJTOOL,
    'asm/nospec-branch.h': NOSPEC,
    'asm/runtime-const.h': RUNTIME_CONST,
    'asm/GEN-for-each-reg.h': '',
  };
  return new Map(Object.entries(headers)
    .map(([path, body]): [string, string] => [path, path === 'asm/GEN-for-each-reg.h' ? `\n${REGISTERS.map((name) => `GEN(${name})`).join('\n')}\n` : guarded(path, body)]));
}
