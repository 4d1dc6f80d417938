/**
 * Each stand-in makes of a source what the real header makes of it: same bytes, relocations and symbols.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cpuFeatureNumbers } from '../../assembly/linux-compat/cpu-features.ts';
import { corpus, kernelAssemblyFlags, missing } from './corpus.ts';
import type { CorpusGeneration } from './corpus.ts';
import { gccObject, librarySources, sourcePath } from './objects.ts';
import { objectText } from '../linux-compat/object-text.ts';
import { gcc, standInFlags, writeStandIns } from '../linux-compat/standins.ts';

const GENERATIONS: readonly CorpusGeneration[] = ['6.1', '6.12'];
const reason = missing('stand-ins against the real headers', { commands: ['gcc', 'objdump', 'readelf'], corpora: GENERATIONS });

const BINDINGS = ['', '_LOCAL', '_WEAK', '_NOALIGN', '_LOCAL_NOALIGN', '_WEAK_NOALIGN'];

/** One source a macro family; `only` where just one generation has the macro. */
const CASES: readonly { readonly name: string; readonly includes: readonly string[]; readonly text: string; readonly only?: CorpusGeneration }[] = [
  ...BINDINGS.map((binding) => ({
    name: `SYM_FUNC_START${binding}`, includes: ['linux/linkage.h'], text: `nop\nSYM_FUNC_START${binding}(f)\nnop\nRET\nSYM_FUNC_END(f)`,
  })),
  ...['', '_LOCAL', '_NOALIGN', '_LOCAL_NOALIGN'].map((binding) => ({
    name: `SYM_CODE_START${binding}`, includes: ['linux/linkage.h'], text: `nop\nSYM_CODE_START${binding}(f)\nnop\nSYM_CODE_END(f)`,
  })),
  ...['', '_LOCAL', '_WEAK'].map((binding) => ({
    name: `SYM_FUNC_ALIAS${binding}`, includes: ['linux/linkage.h'], text: `SYM_FUNC_START(f)\nnop\nSYM_FUNC_END(f)\nSYM_FUNC_ALIAS${binding}(g, f)`,
  })),
  { name: 'SYM_FUNC_ALIAS_MEMFUNC', only: '6.12', includes: ['linux/linkage.h'], text: 'SYM_FUNC_START(f)\nnop\nSYM_FUNC_END(f)\nSYM_FUNC_ALIAS_MEMFUNC(g, f)' },
  { name: 'SYM_TYPED_FUNC_START', includes: ['linux/linkage.h', 'linux/cfi_types.h'], text: 'SYM_TYPED_FUNC_START(f)\nnop\nSYM_FUNC_END(f)' },
  {
    name: 'SYM_INNER_LABEL', includes: ['linux/linkage.h'],
    text: 'SYM_CODE_START(f)\nnop\nSYM_INNER_LABEL(a, SYM_L_GLOBAL)\nnop\nSYM_INNER_LABEL(b, SYM_L_LOCAL)\nnop\nSYM_INNER_LABEL_ALIGN(c, SYM_L_GLOBAL)\nnop\nSYM_CODE_END(f)',
  },
  {
    name: 'SYM_DATA', includes: ['linux/linkage.h'],
    text: 'SYM_DATA_START(a)\n.long 1\nSYM_DATA_END(a)\nSYM_DATA_START_LOCAL(b)\n.long 1\nSYM_DATA_END_LABEL(b, SYM_L_LOCAL, bend)\nSYM_DATA(c, .long 5)\nSYM_DATA_LOCAL(d, .long 5)',
  },
  { name: 'ALIGN', includes: ['linux/linkage.h'], text: 'nop\nALIGN\nnop\n__ALIGN\nnop' },
  ...['_ASM_EXTABLE', '_ASM_EXTABLE_UA', '_ASM_EXTABLE_FAULT'].map((macro) => ({
    name: macro, includes: ['asm/asm.h'], text: `1: movq (%rsi), %rax\n2: nop\n${macro}(1b, 2b)\n${macro}(f, f + 4)\nf: nop`,
  })),
  { name: '_ASM_EXTABLE_CPY', only: '6.1', includes: ['asm/asm.h'], text: '1: movq (%rsi), %rax\n2: nop\n_ASM_EXTABLE_CPY(1b, 2b)' },
  {
    name: '_ASM_EXTABLE_TYPE', includes: ['asm/errno.h', 'asm/asm.h'],
    text: ['NONE', 'DEFAULT', 'FAULT', 'UACCESS', 'CLEAR_FS', 'FPU_RESTORE', 'BPF', 'WRMSR', 'RDMSR', 'WRMSR_SAFE', 'RDMSR_SAFE', 'WRMSR_IN_MCE', 'RDMSR_IN_MCE', 'DEFAULT_MCE_SAFE',
      'FAULT_MCE_SAFE', 'POP_REG', 'POP_ZERO', 'IMM_REG', 'EFAULT_REG', 'ZERO_REG', 'ONE_REG', 'FAULT_SGX', 'UCOPY_LEN', 'UCOPY_LEN1', 'UCOPY_LEN4', 'UCOPY_LEN8', 'ZEROPAD',
    ].map((type) => `1: movq (%rsi), %rax\n2: nop\n_ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_${type})`).join('\n'),
  },
  {
    name: 'EX_DATA fields', includes: ['asm/asm.h'],
    text: '.long EX_DATA_REG(3) | EX_DATA_FLAG(1) | EX_DATA_IMM(-14), EX_REG_DS, EX_REG_ES, EX_REG_FS, EX_REG_GS, EX_FLAG_CLEAR_AX, EX_FLAG_CLEAR_DX, EX_FLAG_CLEAR_AX_DX\n.long EX_DATA_REG_SHIFT, EX_DATA_FLAG_SHIFT, EX_DATA_IMM_SHIFT',
  },
  { name: 'EX_TYPE_ERETU', only: '6.12', includes: ['asm/asm.h'], text: '.long EX_TYPE_ERETU' },
  { name: '_ASM_NOKPROBE', includes: ['asm/asm.h'], text: 'f: nop\n_ASM_NOKPROBE(f)' },
  {
    name: '_ASM_* names', includes: ['asm/asm.h'],
    text: '_ASM_MOV %_ASM_AX, %_ASM_BX\n_ASM_ADD (%_ASM_SI), %_ASM_DI\n_ASM_SUB $1, %_ASM_SP\n_ASM_INC %_ASM_CX\n_ASM_DEC %_ASM_DX\n_ASM_XADD %_ASM_BP, (%_ASM_ARG1)\n_ASM_MUL %_ASM_ARG2\n__ASM_SIZE(push) %__ASM_REG(ax)\n_ASM_ALIGN\n_ASM_PTR 5\nmov %_ASM_ARG3, %_ASM_ARG4\n.long __ASM_SEL(1, 2)',
  },
  { name: 'ASM_STAC, ASM_CLAC', includes: ['asm/smap.h'], text: 'ASM_STAC\nmovb (%rsi), %al\nASM_CLAC' },
  ...[['', 'stac'], ['jmp f', ''], ['nop', 'lfence'], ['movabsq $1, %rax', 'xorl %eax, %eax'], ['', 'f: jmp f'], ['cmp $64, %rdx; jb g', '']].map(([old, replacement]) => ({
    name: `ALTERNATIVE "${old!}", "${replacement!}"`, includes: ['asm/alternative.h', 'asm/cpufeatures.h'],
    text: `${replacement!.startsWith('f:') ? '' : 'f: nop'}\nALTERNATIVE "${old!}", "${replacement!}", X86_FEATURE_SMAP\nnop\ng: nop\nALTERNATIVE "call f", "nop", ALT_NOT(X86_FEATURE_LA57)`,
  })),
  ...[['jmp f', 'jmp g', 'nop'], ['nop', 'jmp g', 'movabsq $1, %rax'], ['', 'movabsq $1, %rax', 'nop'], ['movabsq $1, %rax', '', '']].map(([old, first, second]) => ({
    name: `ALTERNATIVE_2 "${old!}", "${first!}", "${second!}"`, includes: ['asm/alternative.h', 'asm/cpufeatures.h'],
    text: `f: nop\nALTERNATIVE_2 "${old!}", "${first!}", X86_FEATURE_REP_GOOD, "${second!}", X86_FEATURE_ERMS\nnop\n.skip 200, 0x90\ng: nop`,
  })),
  { name: '__stringify in ALTERNATIVE', includes: ['linux/stringify.h', 'asm/alternative.h', 'asm/cpufeatures.h'], text: 'ALTERNATIVE __stringify(mov $((1 << 47) - 4096),%rdx), __stringify(mov $((1 << 56) - 4096),%rdx), X86_FEATURE_LA57' },
  { name: 'EXPORT_SYMBOL', only: '6.12', includes: ['linux/linkage.h', 'linux/export.h'], text: 'SYM_FUNC_START(f)\nnop\nSYM_FUNC_END(f)\nEXPORT_SYMBOL(f)\nSYM_FUNC_START(g)\nnop\nSYM_FUNC_END(g)\nEXPORT_SYMBOL_GPL(g)\nnop' },
  { name: 'EXPORT_SYMBOL', only: '6.1', includes: ['linux/linkage.h', 'asm/export.h'], text: 'SYM_FUNC_START(f)\nnop\nSYM_FUNC_END(f)\nEXPORT_SYMBOL(f)\nSYM_FUNC_START(g)\nnop\nSYM_FUNC_END(g)\nEXPORT_SYMBOL_GPL(g)\nnop' },
  {
    name: 'numbers', includes: ['asm/errno.h', 'asm/trapnr.h', 'asm/processor-flags.h', 'asm/page_types.h', 'asm/ptrace-abi.h', 'asm/segment.h', 'asm/msr-index.h'],
    text: ['EPERM, ENOENT, EINTR, EIO, EAGAIN, ENOMEM, EFAULT, EBUSY, EINVAL, ERANGE, ENOSYS', 'X86_TRAP_DE, X86_TRAP_UD, X86_TRAP_DF, X86_TRAP_GP, X86_TRAP_PF, X86_TRAP_MC, X86_TRAP_VE, X86_TRAP_CP',
      'X86_EFLAGS_CF, X86_EFLAGS_ZF, X86_EFLAGS_IF, X86_EFLAGS_DF, X86_EFLAGS_AC, X86_EFLAGS_AC_BIT, X86_EFLAGS_FIXED', 'PAGE_SIZE, PAGE_SHIFT',
      'R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, ORIG_RAX, RIP, CS, EFLAGS, RSP, SS', '__KERNEL_CS, __KERNEL_DS, __USER_CS, __USER_DS', 'MSR_EFER',
    ].map((list) => `.long ${list}`).join('\n'),
  },
  { name: 'ASM_NOP', includes: ['asm/nops.h'], text: [1, 2, 3, 4, 5, 6, 7, 8].map((size) => `ASM_NOP${String(size)}`).join('\n') },
  { name: 'PER_CPU_VAR', includes: ['asm/percpu.h'], text: 'movq PER_CPU_VAR(foo), %rax\nincl PER_CPU_VAR(foo)' },
  { name: '__percpu', only: '6.12', includes: ['asm/percpu.h'], text: 'cmpq __percpu (%rsi), %rax\nmovq __percpu 8(%rsi), %rax' },
  { name: 'ENDBR', includes: ['linux/linkage.h', 'asm/ibt.h'], text: 'f: ENDBR\nnop' },
  { name: 'FRAME', includes: ['asm/frame.h'], text: 'FRAME_BEGIN\nnop\nFRAME_END' },
  { name: 'IS_ENABLED', includes: ['linux/linkage.h'], text: '.long IS_ENABLED(CONFIG_X86_64), IS_ENABLED(CONFIG_NOT_THERE)\n.if IS_ENABLED(CONFIG_X86_64)\nnop\n.endif' },
  { name: 'RUNTIME_CONST_PTR', only: '6.12', includes: ['linux/linkage.h', 'asm/runtime-const.h'], text: 'f: nop\nRUNTIME_CONST_PTR USER_PTR_MAX, rdx\nRUNTIME_CONST_PTR USER_PTR_MAX, r8' },
  { name: 'GEN-for-each-reg', includes: [], text: '#define GEN(reg) push %reg\n#include <asm/GEN-for-each-reg.h>' },
];

describe.skipIf(reason !== undefined)('a stand-in and the real header give the same object', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcsafe-compat-'));
  for (const generation of GENERATIONS) {
    const from = corpus(generation);
    if (from === undefined) continue;
    const real = kernelAssemblyFlags(from);
    const ours = standInFlags(generation, writeStandIns(generation));
    const cases = CASES.filter(({ only }) => only === undefined || only === generation);
    test.for(cases)(`${generation}: $name`, ({ name, includes, text }) => {
      const stem = join(folder, `${generation}-${String(CASES.findIndex((one) => one.name === name))}`);
      writeFileSync(`${stem}.S`, `${includes.map((path) => `#include <${path}>`).join('\n')}\n\t.text\n${text}\n`);
      gcc(real, `${stem}.S`, `${stem}-real.o`);
      gcc(ours, `${stem}.S`, `${stem}-ours.o`);
      expect(objectText(`${stem}-ours.o`)).toBe(objectText(`${stem}-real.o`));
    });

    test(`${generation}: the numbers of CPU features`, () => {
      const features = [...cpuFeatureNumbers(generation).keys()];
      const stem = join(folder, `${generation}-features`);
      writeFileSync(`${stem}.S`, `#include <asm/cpufeatures.h>\n${features.map((name) => `.long X86_FEATURE_${name.toUpperCase()}`).join('\n')}\n`);
      gcc(real, `${stem}.S`, `${stem}-real.o`);
      gcc(ours, `${stem}.S`, `${stem}-ours.o`);
      expect(objectText(`${stem}-ours.o`)).toBe(objectText(`${stem}-real.o`));
    });

    // retpoline.S is the mitigations themselves; its headers are theirs alone.
    test.for(librarySources(from).filter((name) => name !== 'retpoline.S'))(`${generation}: arch/x86/lib/%s`, (name) => {
      const object = join(folder, `${generation}-${name}.o`);
      gcc(ours, sourcePath(from, name), object);
      expect(objectText(object)).toBe(objectText(gccObject(from, name)));
    });
  }
});
