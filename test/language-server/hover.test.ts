/**
 * Hover over everything that has one.
 */
import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../host/node/host.ts';
import { analyze } from '../../language-server/analysis/analysis.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { hoverAt } from '../../language-server/providers/hover.ts';
import { marked } from './client.ts';

const FILE = '/work/hover.S';
const SOURCE = marked(`
#include <linux/linkage.h>
#include <asm/asm.h>
#define ST«cpp»EP(n) add $n, %rdi
.macro save reg
	movq %\\reg, -8(%rsp)
.endm
LIMIT = 64
	.text
SYM_FUNC_START(co«routine»py_fault)
	movl %edx, %ecx
	testq %rdi, %rdi
	jz .Lzero
	leaq 8(%rsi), %rdx
.Lzero:
	movq (%rsi,%r«register»dx), %rax
.Lload:
	movq (%rsi), %r«after»ax
	ST«use»EP(8)
	sa«gas»ve rbx
	cmpq $LI«symbol»MIT, %rcx
	call els«external»ewhere
	vmovdqu (%rsi), %y«vector»mm0
	jmp 1«local»f	# a com«comment»ment
1:	RET
.Lpad:
	movq %r«handled»ax, %rcx
	RET
	.pa«unknown»d
	.p2al«directive»ign 4
	.pushsection __ex_ta«section»ble, "a"
	.popsection
	_ASM_EXTABLE_TYPE(.Lload, .Lpad, EX_TYPE_FA«type»ULT_MCE_SAFE)
SYM_FUNC_END(copy_fault)
	mo«broken»vq %rax
`);

function analysed(kernelGeneration = '6.12'): ReturnType<typeof analyze> {
  return analyze(FILE, SOURCE.text, projectOptions(FILE, nodeHost(), { kernelGeneration }));
}

const analysis = analysed();
function hover(mark: string, of = analysis): string {
  const { line, character } = SOURCE.at(mark);
  const found = hoverAt(of, line + 1, character + 1);
  return found === undefined ? 'nothing' : (found.contents as { value: string }).value;
}

describe('hover', () => {
  it('over a register says what it is and who wrote it last on the ways that lead here', () => {
    expect(hover('register')).toMatchInlineSnapshot(`
      "\`%rdx\` — third argument, second half of the return value; changed by calls

      **Last written** in front of this instruction by one of:
      - \`lea 0x8(%rsi),%rdx\`, line 14
      - the caller"
    `);
  });

  it('over a register in a landing pad names the handler that wrote it', () => {
    expect(hover('handled')).toMatchInlineSnapshot(`
      "\`%rax\` — return value; changed by calls

      **Last written** in front of this instruction by:
      - the handler of the entry at line 33, after a fault"
    `);
  });

  it('over a vector register says what it is', () => {
    expect(hover('vector')).toMatchInlineSnapshot(`"\`%ymm0\` — 256-bit vector register"`);
  });

  it('over a macro\'s use shows its definition and what it became', () => {
    expect(hover('use')).toMatchInlineSnapshot(`
      "\`\`\`gas
      #define STEP(n) add $n, %rdi
      \`\`\`

      Defined at /work/hover.S:4.

      Here:
      \`\`\`gas
      	add $8, %rdi
      \`\`\`"
    `);
    expect(hover('gas')).toMatchInlineSnapshot(`
      "\`\`\`gas
      .macro save reg
      movq %\\reg, -8(%rsp)
      .endm
      \`\`\`

      Defined at /work/hover.S:5.

      Here:
      \`\`\`gas
      	movq %rbx, -8(%rsp)
      \`\`\`"
    `);
  });

  it('over a macro\'s definition shows it', () => {
    expect(hover('cpp')).toContain('#define STEP(n)');
  });

  it('over a symbol says its value, or that it is elsewhere', () => {
    expect(hover('symbol')).toMatchInlineSnapshot(`"\`LIMIT\` = 64 (0x40) — assigned in line 8"`);
    expect(hover('external')).toMatchInlineSnapshot(`"\`elsewhere\` — not defined in this file"`);
  });

  it('over a numeric reference is that of the label it means', () => {
    expect(hover('local')).toMatchInlineSnapshot(`"\`1\` — copy_fault+0x2e, line 25"`);
  });

  it('over a directive says what it takes and does', () => {
    expect(hover('directive')).toMatchInlineSnapshot(`
      "\`\`\`gas
      .p2align power[, fill[, most]]
      \`\`\`

      Goes on at the next multiple of 2 to the power; skips it if that would take more than \`most\` bytes."
    `);
    expect(hover('unknown')).toBe('nothing');
  });

  it('over a section says what is in it', () => {
    expect(hover('section')).toMatchInlineSnapshot(`
      "Section \`__ex_table\` — 12 bytes, loaded, aligned to 4.

      1 exception-table entry, layout \`data\`."
    `);
  });

  it('over a handler type says what it does in the kernel that is assumed', () => {
    expect(hover('type')).toMatchInlineSnapshot(`
      "\`EX_TYPE_FAULT_MCE_SAFE\` = 15 in kernel 6.12: puts the trap number into ax and goes to the landing pad; a machine check here is recoverable.

      Writes rip, rax.

      Handler: \`bool ex_handler_fault(const struct exception_table_entry *e, struct pt_regs *regs, int trapnr)\`.

      In kernels 6.12, 6.1, 5.16."
    `);
    expect(hover('type', analysed('5.16'))).toContain('in kernel 5.16');
    expect(hover('type', analysed('4.6'))).toContain('kernel 4.6 has no such type');
  });

  it('over an instruction that does not assemble shows the operands it takes', () => {
    expect(hover('broken')).toContain('movq r64, r/m64');
  });

  it('says nothing in comments', () => {
    expect(hover('comment')).toBe('nothing');
  });
});

describe('entries of kernels that number the types otherwise', () => {
  it('are of the type that was written', () => {
    expect(analysed('5.16').entries.map(({ type }) => type)).toEqual(analysis.entries.map(({ type }) => type));
  });
});
