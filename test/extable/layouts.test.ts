import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkObjects } from '../../assembly/elf/link/link.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import type { ExtableEntry, ExtableLayout } from '../../assembly/extable/entry.ts';
import { Places } from '../../assembly/extable/places.ts';
import { readImageTables, readTables } from '../../assembly/extable/read.ts';
import { missing } from '../corpus/corpus.ts';
import { compile, readObject, run, scratchFolder } from '../elf/binutils.ts';
import { DESCRIPTOR, HANDLERS, MCEX, program, TABLES } from './tables.ts';

const skip = missing('exception-table layouts', { commands: ['gcc', 'ld'] });
const folder = scratchFolder();

const extra = (layout: ExtableLayout): string => (layout === 'class' ? DESCRIPTOR : layout === 'handler' ? HANDLERS : '');

/** `load -> pad type 1` for each entry, in names that mean the same before and after linking. */
function shown(file: ObjectFile, entries: readonly ExtableEntry[]): string[] {
  const names = new Map(file.symbols.filter(({ section, name }) => typeof section === 'number' && name !== '').map(({ name, section, value }) =>
    [`${file.kind === 'relocatable' ? file.sections[section as number]!.name : ''} ${String(value)}`, name]));
  const name = (place: bigint, section: string | undefined): string => names.get(`${section ?? ''} ${String(place)}`) ?? new Places(file).describe(place, section);
  return entries.map((entry) => `${name(entry.insn, entry.insnSection)} -> ${name(entry.fixup, entry.fixupSection)} ${entry.class ?? entry.handlerName ?? ''} ${String(entry.type)}/${String(entry.register)}/${String(entry.flags)}/${String(entry.immediate)}`);
}

const EXPECTED: Readonly<Record<keyof typeof TABLES, readonly string[]>> = {
  absolute: ['routine -> pad plain 1/0/0/0', 'store -> pad plain 1/0/0/0', 'load2 -> pad2 plain 1/0/0/0', 'other -> other+0x3 user-access 1/0/0/0'],
  relative: ['routine -> pad plain 1/0/0/0', 'store -> pad plain 1/0/0/0', 'load2 -> pad2 user-access 1/0/0/0', 'other -> pad plain 1/0/0/0'],
  class: ['routine -> pad plain 1/0/0/0', 'store -> pad trap-number 2/0/0/0', 'load2 -> pad2 user-access 1/0/0/0', 'other -> descriptor handler 128/0/0/0'],
  index: ['routine -> pad plain 1/0/0/0', 'store -> pad plain 1/0/0/0', 'load2 -> pad2 trap-number 2/0/0/0', 'other -> pad user-access 1/0/0/0'],
  handler: ['routine -> pad ex_handler_default 1/0/0/0', 'store -> pad ex_handler_default 1/0/0/0', 'load2 -> pad2 ex_handler_fault 2/0/0/0', 'other -> pad ex_handler_ext 0/0/0/0'],
  type: ['routine -> pad  1/0/0/0', 'store -> pad  1/0/0/0', 'load2 -> pad2  2/0/0/0', 'other -> pad  3/0/0/0'],
  data: ['routine -> pad  1/0/0/0', 'store -> pad  14/0/0/0', 'load2 -> pad2  17/0/10/-14', 'other -> pad  3/3/1/0'],
};

describe.skipIf(skip !== undefined)('a table of each layout', () => {
  for (const layout of Object.keys(TABLES) as (keyof typeof TABLES)[]) {
    const name = `layout-${layout}`;
    // 5.16 and 5.17 tables without flags are the same bytes; only the kernel's version tells.
    const generation = layout === 'type' ? { generation: '5.16' } : {};
    const object = (): string => compile(folder, `${name}.S`, program(TABLES[layout], extra(layout)));

    it(`${layout} is recognised and read in an object, through its relocations`, () => {
      const file = readObject(object());
      const [table] = readTables(file, generation);
      expect([table!.layout, table!.leftOver]).toEqual([layout, 0]);
      expect(table!.evidence.join('; ')).toMatch(/relocations at .* of every|built for kernel/);
      expect(shown(file, table!.entries)).toEqual(EXPECTED[layout]);
    });

    it(`${layout} is recognised and read in what GNU ld links of it`, () => {
      const linked = join(folder, name);
      run('ld', '-Ttext=0xffffffff81000000', '--section-start=__ex_table=0xffffffff81800000', '--section-start=.rodata=0xffffffff81900000', '-e', 'routine', '-o', linked, object());
      const file = readObject(linked);
      const [table] = readTables(file, generation);
      expect(table!.layout).toBe(layout);
      expect(shown(file, table!.entries)).toEqual(EXPECTED[layout]);
    });

    it(`${layout} is recognised and read in an image of ours`, () => {
      const file = readObject(object());
      const { image, problems } = linkObjects([file]);
      expect(problems).toEqual([]);
      const [table] = readImageTables(image, generation);
      expect(table!.layout).toBe(layout);
      const address = (symbol: string): bigint => image.symbols.find((candidate) => candidate.name === symbol)!.address;
      expect(table!.entries.map(({ insn }) => insn)).toEqual(['load', 'store', 'load2', 'other'].map(address));
    });
  }

  it('mcex is the second table of the first patches', () => {
    const tables = readTables(readObject(compile(folder, 'mcex.S', MCEX)));
    expect(tables.map(({ section, layout, entries }) => [section, layout, entries.length])).toEqual([['__mcex_table', 'mcex', 2], ['__ex_table', 'relative', 1]]);
  });

  it('vdso counts from the start of the table', () => {
    const text = '.text\n.globl __vdso_sgx_enter_enclave\n.type __vdso_sgx_enter_enclave,@function\n__vdso_sgx_enter_enclave: nop\nenclu: .byte 0x0f,0x01,0xd7\n ret\nhandler: ret\n.size __vdso_sgx_enter_enclave, . - __vdso_sgx_enter_enclave\n'
      + '.section __ex_table,"a"\ntable: .long enclu - table, handler - table\n.long handler - table, enclu - table\n';
    const object = compile(folder, 'vdso.S', text);
    const linked = join(folder, 'vdso');
    run('ld', '-shared', '-o', linked, object);
    for (const path of [object, linked]) {
      const file = readObject(path);
      const [table] = readTables(file);
      expect(table!.layout).toBe('vdso');
      expect(shown(file, table!.entries).map((text2) => text2.replace(/ {2}.*/, ''))).toEqual(['enclu -> handler', 'handler -> enclu']);
    }
  });

  it('can be given by a note, by the kernel a module is built for, or by hand', () => {
    const note = '.section .note.mcsafe,"a",@note\n.long 7, 8, 1\n.asciz "mcsafe"\n.balign 4\n.long 1, \'H\'\n';
    const noted = readTables(readObject(compile(folder, 'noted.S', program(TABLES.class, DESCRIPTOR + note))))[0]!;
    expect([noted.layout, noted.evidence]).toEqual(['class', ['.note.mcsafe says layout H']]);
    const modinfo = '.section .modinfo,"a"\n.asciz "vermagic=5.16.3-generic SMP"\n';
    const versioned = readTables(readObject(compile(folder, 'module.S', program(TABLES.type, modinfo))))[0]!;
    expect([versioned.layout, versioned.evidence[0]]).toEqual(['type', 'built for kernel 5.16.3-generic: layout type (5.16)']);
    const forced = readTables(readObject(compile(folder, 'forced.S', program(TABLES.data))), { layout: 'index' })[0]!;
    expect([forced.layout, forced.evidence]).toEqual(['index', ['layout index: asked for']]);
  });

  it('is what its bytes say where the kernel was patched to have another', () => {
    const modinfo = '.section .modinfo,"a"\n.asciz "vermagic=6.1.0 SMP"\n';
    const [table] = readTables(readObject(compile(folder, 'patched.S', program(TABLES.handler, HANDLERS + modinfo))));
    expect(table!.layout).toBe('handler');
    expect(table!.evidence.slice(1)).toEqual([
      'against it: built for kernel 6.1.0: layout data (5.17 and later)', 'third words lead to ex_handler_default, ex_handler_fault, ex_handler_ext',
    ]);
  });

  it('keeps types and flags it does not know', () => {
    const [table] = readTables(readObject(compile(folder, 'unknown.S', program('.long load - ., pad - ., 0x1234c02d'))));
    expect(table!.entries[0]).toMatchObject({ type: 0x2d, register: 0, flags: 12, immediate: 0x1234, data: 0x1234c02d });
  });
});
