/**
 * What the index keeps of a source: read for its names alone, it has to be what reading all of it gives.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReadCache, readGas } from '../../assembly/gas/read.ts';
import type { ReadOptions } from '../../assembly/gas/statement.ts';
import { nodeHost } from '../../host/node/host.ts';
import { projectOptions } from '../../language-server/analysis/project-options.ts';
import { summarize, summarizeReading } from '../../language-server/indexing/summary.ts';
import type { FileSummary } from '../../language-server/indexing/summary.ts';

const OPTIONS: ReadOptions = { provider: { read: () => undefined } };

/** The summary as plain data, of a reading for the names and of a whole one. */
function bothOf(file: string, text: string, options: ReadOptions): { readonly names: unknown; readonly whole: unknown; readonly readings: number } {
  let readings = 0;
  const names = summarizeReading((see) => {
    readings++;
    return readGas(file, text, { ...options, namesOnly: see });
  });
  return { names: plain(names), whole: plain(summarize(readGas(file, text, options))), readings };
}

function plain({ symbols, ...rest }: FileSummary): unknown {
  return { ...rest, symbols: [...symbols.values()] };
}

describe('reading for the names alone', () => {
  it.each<[string, string]>([
    ['names in every sort of operand', 'one:\tmovq two(%rip), %rax\n\tcall three\n\tjmp *four(,%rcx,8)\n\tmovl $five, %eax\n\tpushq $-six + 1\n\tjmp 1f\n1:\tjnz .Lend\n\tmovq %fs:seven, %rdx\n.Lend:\tret\n'],
    ['what looks like a register behind an operator', '\tmovl $(16 % count), %eax\n\tmovl $16 %count, %eax\n\tmovl 8(%rax) , % ecx\n'],
    ['a dollar inside of an expression', '\tjecxz 3+$there\n\tjecxz 2+$\n\tpushq 4+$26\n\tmovl $$here, %eax\n\tpushq $ 5\n'],
    ['prefixes, pseudo prefixes and masks', '\trep movsb\n\tlock incl counter\n\t{vex3} vaddps %ymm0, %ymm1, %ymm2\n\tvaddps table{1to8}, %ymm1, %ymm2{%k1}{z}\n\tnotrack jmp *where\n'],
    ['strings and characters', "\tmovb $'a, %al\n\tmovb $';, %al; call after\n\tcall \"quoted name\"\n"],
    ['names that macros make', '.macro entry name, target=first\n\\name\\()_entry:\n\tmovq \\target\\()_data(%rip), %rax\n.L\\@:\tjmp .L\\@\n\tret\n.endm\n\tentry alpha\n\tentry beta, second\n\tentry name=gamma\n.irp which, a, b\n\tcall call_\\which\n.endr\n'],
    ['names that .altmacro makes', '.altmacro\n.macro loop name\nLOCAL again\nagain:\tcall name&_body\n\tjnz again\n\tret\n.endm\n\tloop one\n\tloop two\n'],
    ['symbols that stand for registers and numbers', 'base = %rdi\nstep = 8\n\tmovq step(base), %rax\nstep = step + 8\n\tmovq step(base), %rax\nstep = 3\n\tmovq $step, %rax\n'],
    ['distances between labels', 'a:\n\t.long 1, 2\n.Lmiddle:\nvalue = 1\nvalue = 2\nb:\n.if b - a == 8\n\tcall eight\n.else\n\tcall other\n.endif\n'],
    ['Intel syntax', '\t.intel_syntax noprefix\n\tmov rax, counter\n\tlea rdx, [rip + table]\n\t.att_syntax\n\tmovq counter, %rax\n'],
    ['entries of a table', '1:\tmovb (%rsi), %al\n\t.pushsection __ex_table, "a"\n\t.long 1b - ., fixup - ., 0\n\t.popsection\n'],
  ])('gives what reading everything gives: %s', (_, text) => {
    const { names, whole } = bothOf('case.S', text, OPTIONS);
    expect(names).toEqual(whole);
  });

  it('reads a second time where a symbol turns out to be global behind its uses', () => {
    const late = bothOf('late.S', 'f:\tcall f\n\tcall g\ng:\tjmp f\n\t.globl f\n', OPTIONS);
    expect(late.names).toEqual(late.whole);
    expect(late.readings).toBe(2);
    const early = bothOf('early.S', '\t.globl f\nf:\tcall f\n\tcall g\ng:\tjmp f\n', OPTIONS);
    expect(early.names).toEqual(early.whole);
    expect(early.readings).toBe(1);
  });

  it('gives every place of a symbol that is named more often than places are put off', () => {
    const { names, whole } = bothOf('often.S', `${'\tcall elsewhere\n'.repeat(100)}${'\tcall here\n'.repeat(100)}here:\tret\n`, OPTIONS);
    expect(names).toEqual(whole);
  });

  it('gives what reading everything gives of the samples', () => {
    const host = nodeHost({ trusted: false });
    const cache = createReadCache();
    const files = readdirSync('samples', { recursive: true, encoding: 'utf8' }).filter((name) => /\.[sS]$/.test(name)).map((name) => resolve(join('samples', name)));
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const { names, whole } = bothOf(file, readFileSync(file, 'utf8'), { ...projectOptions(file, host), cache });
      expect(names, file).toEqual(whole);
    }
  });
});
