/**
 * Each generation's macros make entries of that kernel's layout, and every stub assembles for every generation.
 */
import { describe, expect, test } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import { linkObjects } from '../../assembly/elf/link/link.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { readImageTables } from '../../assembly/extable/read.ts';
import type { ExtableTable } from '../../assembly/extable/entry.ts';
import { readGas } from '../../assembly/gas/read.ts';
import { COMPAT_GENERATIONS } from '../../assembly/linux-compat/generation.ts';
import { linuxCompat } from '../../assembly/linux-compat/linux-compat.ts';
import { stubDescription, stubSource } from '../../assembly/linux-compat/stubs.ts';
import { KERNEL_GENERATIONS } from '../../fault-model/kernel-generation.ts';

function object(text: string, generation: string): ObjectFile {
  const { provider, includePaths, defines } = linuxCompat(generation);
  const unit = readGas('t.S', text, { provider, includePaths, defines });
  const assembled = assemble(unit);
  expect([...unit.problems, ...assembled.problems].map(({ message }) => message)).toEqual([]);
  return assembled.object;
}

function tables(entries: string, generation: string): readonly ExtableTable[] {
  return readImageTables(linkObjects([object(`#include <asm/asm.h>\n\t.text\nf:\n1:\tmovq (%rsi), %rax\n2:\tret\n${entries}\n`, generation)]).image, { generation });
}

test('the stand-ins and the fault model know the same kernels', () => {
  expect(COMPAT_GENERATIONS.map(({ id }) => id)).toEqual(KERNEL_GENERATIONS.map(({ id }) => id));
});

describe('entries', () => {
  test.for([
    ['6.12', '_ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_EFAULT_REG | EX_DATA_REG(3))', 'data', 12, { type: 17, register: 3, immediate: -14 }],
    ['6.12', '_ASM_EXTABLE_UA(1b, 2b)', 'data', 12, { type: 3 }],
    ['6.1', '_ASM_EXTABLE_CPY(1b, 2b)', 'data', 12, { type: 4 }],
    ['5.16', '_ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_FAULT_MCE_SAFE)', 'type', 12, { type: 13 }],
    ['5.10', '_ASM_EXTABLE_CPY(1b, 2b)', 'handler', 12, { handlerName: 'ex_handler_copy' }],
    ['5.10', '_ASM_EXTABLE_UA(1b, 2b)', 'handler', 12, { handlerName: 'ex_handler_uaccess' }],
    ['4.6', '_ASM_EXTABLE_FAULT(1b, 2b)', 'handler', 12, { handlerName: 'ex_handler_fault' }],
    ['4.6', '_ASM_EXTABLE_EX(1b, 2b)', 'handler', 12, { handlerName: 'ex_handler_ext' }],
    ['4.4', '_ASM_EXTABLE(1b, 2b)', 'relative', 8, { class: 'plain' }],
    ['4.4', '_ASM_EXTABLE_EX(1b, 2b)', 'relative', 8, { class: 'user-access' }],
  ] as const)('of %s: %s', ([generation, macro, layout, stride, entry]) => {
    const [table] = tables(macro, generation);
    expect(table).toMatchObject({ layout, stride });
    expect(table!.entries).toEqual([expect.objectContaining(entry)]);
    expect(table!.entries[0]!.fixup - table!.entries[0]!.insn).toBe(3n);
  });

  test('of 2015 go into two tables', () => {
    expect(tables('_ASM_EXTABLE(1b, 2b)\n_ASM_MCEXTABLE(1b, 2b)', '4.4').map(({ layout, section, entries }) => [layout, section, entries.length])).toEqual([
      ['relative', '__ex_table', 1], ['mcex', '__mcex_table', 1],
    ]);
  });
});

describe('stubs', () => {
  const NAMES = ['__x86_return_thunk', '__x86_indirect_thunk_rax', 'copy_mc_fragile_handle_tail', 'mcsafe_handle_tail', 'handle_interrupted_saferet', '__fentry__'];

  test.for(COMPAT_GENERATIONS.map(({ id }) => id))('assemble for %s', (generation) => {
    for (const name of NAMES) {
      const stub = object(stubSource(name, generation)!, generation);
      expect(stub.symbols.find((symbol) => symbol.name === name)).toMatchObject({ type: 'func', binding: 'global' });
    }
  });

  test('say what they do in place of the kernel\'s function; others have none', () => {
    expect(stubDescription('__x86_return_thunk')).toMatch(/^returns to the caller/);
    expect(stubSource('memcpy', '6.12')).toBeUndefined();
    expect(stubDescription('panic')).toBeUndefined();
  });
});
