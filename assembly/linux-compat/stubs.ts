/**
 * Stand-ins for functions that the kernel's routines call and a program does not define, as assembly of our own.
 * Only functions whose described behaviour needs nothing of a running kernel have one; calls to others stop the run by name.
 */

import { compatGeneration } from './generation.ts';
import type { CompatGeneration } from './generation.ts';

interface Stub {
  /** Names it stands for. */
  readonly names: RegExp;
  /** Shown to people: what it does here in place of what the kernel does. */
  readonly description: string;
  /** Instructions and entries for the function called `name`. */
  readonly body: (name: string, generation: CompatGeneration) => string;
}

const RET = '\tret';

/** An entry that is taken at machine checks too, where the kernel has such entries. */
function mceSafeEntry(from: string, to: string, { entry }: CompatGeneration): string {
  if (entry === 'type') return `\t_ASM_EXTABLE_TYPE(${from}, ${to}, EX_TYPE_DEFAULT_MCE_SAFE)`;
  return entry === 'handler' ? `\t_ASM_EXTABLE_FAULT(${from}, ${to})` : `\t_ASM_EXTABLE(${from}, ${to})`;
}

const STUBS: readonly Stub[] = [
  {
    names: /^(__x86_return_thunk|zen_untrain_ret|its_return_thunk)$/,
    description: 'returns to the caller: the kernel patches it to a plain ret or a mitigation',
    body: () => RET,
  },
  {
    names: /^__x86_indirect_(thunk|its_thunk|jump_thunk)_(r\w+)$/,
    description: 'jumps to the address in the register of its name: the kernel patches it to a plain indirect jump or a retpoline',
    body: (name) => `\tjmp *%${name.slice(name.lastIndexOf('_') + 1)}`,
  },
  {
    names: /^(copy_mc_fragile|mcsafe)_handle_tail$/,
    description: 'copies a byte at a time until one cannot be read or written, and returns the bytes not copied (the kernel does this in C, with one call of the copy routine a byte)',
    body: (name, generation) => `	testl	%edx, %edx
	jz	.L${name}_done
.L${name}_read:
	movb	(%rsi), %cl
.L${name}_write:
	movb	%cl, (%rdi)
	incq	%rsi
	incq	%rdi
	decl	%edx
	jnz	.L${name}_read
.L${name}_done:
	movl	%edx, %eax
${RET}
${mceSafeEntry(`.L${name}_read`, `.L${name}_done`, generation)}
	_ASM_EXTABLE(.L${name}_write, .L${name}_done)`,
  },
  {
    names: /^handle_interrupted_saferet$/,
    description: 'returns to the caller: the kernel repairs an interrupted return thunk here, which the model has none of',
    body: () => RET,
  },
  {
    names: /^(mcount|__fentry__)$/,
    description: 'returns to the caller: the kernel traces functions here',
    body: () => RET,
  },
];

function stub(name: string): Stub | undefined {
  return STUBS.find(({ names }) => names.test(name));
}

/** Assembly source of the stand-in for the function `name`; undefined if there is none. */
export function stubSource(name: string, generation: string): string | undefined {
  const found = stub(name);
  if (found === undefined) return undefined;
  return `/* ${name}: ${found.description}. */
#include <asm/asm.h>
	.text
	.globl	${name}
	.type	${name}, @function
${name}:
${found.body(name, compatGeneration(generation))}
	.size	${name}, . - ${name}
`;
}

/** What the stand-in for `name` does, one sentence without its subject; undefined if there is none. */
export function stubDescription(name: string): string | undefined {
  return stub(name)?.description;
}
