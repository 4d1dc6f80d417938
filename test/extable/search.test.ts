import { describe, expect, it } from 'vitest';
import { linkObjects } from '../../assembly/elf/link/link.ts';
import type { Image } from '../../assembly/elf/image.ts';
import { findImageTable, searchEntries } from '../../assembly/extable/search.ts';
import type { ImageTable } from '../../assembly/extable/search.ts';
import { missing } from '../corpus/corpus.ts';
import { compile, readObject, scratchFolder } from '../elf/binutils.ts';
import { program, TABLES } from './tables.ts';

const skip = missing('searching exception tables', { commands: ['gcc'] });
const folder = scratchFolder();

function link(name: string, ...texts: readonly string[]): { readonly image: Image; readonly table: ImageTable; readonly at: (symbol: string) => bigint } {
  const { image, problems } = linkObjects(texts.map((text, index) => readObject(compile(folder, `${name}${String(index)}.S`, text))));
  expect(problems).toEqual([]);
  return { image, table: findImageTable(image), at: (symbol) => image.symbols.find((candidate) => candidate.name === symbol)!.address };
}

/** Three nested functions' ranges, a refusing point entry, and descriptors that take different vectors. */
const RANGES = `
  .text
  .globl outer
  .type outer, @function
outer: mov (%rsi), %rax
point: mov 8(%rsi), %rcx
inner: mov 16(%rsi), %rdx
inner_end:
  div %rcx
  ret
  .size outer, . - outer
outer_end:
take: mov $1, %eax
  ret
  .section .rodata, "a"
  .balign 8
all: .quad take
  .long -1, 1
pf: .quad take
  .long 1 << 14, 0
mc: .quad take
  .long 1 << 18, 0
  .section __ex_table, "a"
  .long point - ., mc - . - 0x20000000
  .section __ex_range, "a"
  .long outer - ., outer_end - outer, all - ., 0
  .long inner - ., inner_end - inner, pf - ., 0
`;

describe.skipIf(skip !== undefined)('an entry is found', () => {
  it('for exactly the faulting instruction, whatever the order of the section', () => {
    const { table, at } = link('exact', program(TABLES.data));
    expect(table).toMatchObject({ layout: 'data', size: 4 });
    expect(table.find(at('load2'))).toMatchObject({ index: 2, fixup: at('pad2'), type: 17 });
    expect(table.find(at('load2') + 1n)).toBeUndefined();
    expect(table.find(at('load') - 1n)).toBeUndefined();
    for (const entry of table.entries) expect(searchEntries(table.entries, entry.insn)).toBe(entry);
  });

  it('in the tables of several objects as in one', () => {
    const second = '.text\n.globl another\nanother: mov (%rdi), %eax\nback: ret\n.section __ex_table,"a"\n.long another - ., back - ., 3\n';
    const { table, at } = link('several', program(TABLES.data), second);
    expect(table.size).toBe(5);
    expect(table.find(at('another'))).toMatchObject({ fixup: at('back'), type: 3 });
  });

  it('in tables of different layouts, each as its own object says', () => {
    const note = '.section .note.mcsafe,"a",@note\n.long 7, 8, 1\n.asciz "mcsafe"\n.balign 4\n.long 1, \'H\'\n';
    const own = `.text\nmine: mov (%rdi), %eax\nback: ret\n.section __ex_table,"a"\n.long mine - ., back - . + 0x60000000\n${note}`;
    const { table, at } = link('mixed', program(TABLES.data), own);
    expect(table.tables.map(({ layout }) => layout)).toEqual(['data', 'class']);
    expect(table.find(at('mine'))).toMatchObject({ fixup: at('back'), class: 'trap-number' });
    expect(table.find(at('load2'))).toMatchObject({ fixup: at('pad2'), type: 17 });
  });

  it('in the second table of the 2015 patches for machine checks, in the first for all else', () => {
    const { table, at } = link('mcex', program(TABLES.relative, '.section __mcex_table,"a"\n.long load - ., pad2 - .'));
    const pad = (vector: number): bigint | undefined => {
      const [taker] = table.takers(at('load'), vector);
      return taker?.kind === 'entry' ? taker.entry.fixup : undefined;
    };
    expect([pad(14), pad(18)]).toEqual([at('pad'), at('pad2')]);
    expect(table.takers(at('load2'), 18)).toEqual([]);
  });
});

describe.skipIf(skip !== undefined)('a fault is offered', () => {
  const setting = (): ReturnType<typeof link> => link('ranges', RANGES);
  const offered = ({ table, at }: ReturnType<typeof link>, ip: string, vector: number, fetch = false): string[] =>
    table.takers(at(ip), vector, fetch).map((taker) => (taker.kind === 'entry' ? 'entry' : `range ${String(taker.range.index)}`));

  it('to the entry of its ip first, if that takes the vector, then to ranges from the inside out', () => {
    const linked = setting();
    expect(linked.table.layout).toBe('class');
    expect(offered(linked, 'point', 18)).toEqual(['entry', 'range 0']);
    expect(offered(linked, 'point', 14)).toEqual(['range 0']);
    expect(offered(linked, 'inner', 14)).toEqual(['range 1', 'range 0']);
    expect(offered(linked, 'inner', 18)).toEqual(['range 0']);
  });

  it('up to the last byte of a range and no further', () => {
    const linked = setting();
    expect(offered(linked, 'inner_end', 14)).toEqual(['range 0']);
    expect(offered(linked, 'outer_end', 14)).toEqual([]);
  });

  it('never for debug exceptions, NMIs and double faults, and for fetches only where a handler asks for them', () => {
    const linked = setting();
    for (const vector of [1, 2, 3, 8]) expect(offered(linked, 'outer', vector)).toEqual([]);
    expect(offered(linked, 'inner', 14, true)).toEqual(['range 0']);
  });
});

describe.skipIf(skip !== undefined)('ranges are registered', () => {
  const registered = (name: string, ranges: string): { readonly lengths: readonly number[]; readonly said: readonly string[] } => {
    const { table } = link(name, `${RANGES.slice(0, RANGES.indexOf('  .section __ex_range'))}
  .section __ex_range, "a"
${ranges}`);
    return { lengths: table.ranges.map(({ length }) => length), said: [...table.registered.filled, ...table.registered.refusals.map(({ message }) => message)] };
  };

  it('with the size of the function where the length is left open', () => {
    const { lengths, said } = registered('open', '.long outer - ., 0, all - ., 0\n.long inner - ., inner_end - inner, pf - ., 0');
    expect(lengths).toEqual([15, 4]);
    expect(said).toEqual(['range 0 covers outer, 15 bytes: its length is left open, and that is the size of the symbol']);
  });

  it('unless nobody knows the length, two exclude each other, or there is no descriptor', () => {
    expect(registered('sizeless', '.long take - ., 0, all - ., 0').said).toEqual(['range 0 at take has length 0, and no symbol with a size is there: give the function a .size, or the range a length']);
    expect(registered('same', '.long outer - ., 4, all - ., 0\n.long outer - ., 4, pf - ., 0').said).toEqual(['range 0 (4 bytes from outer) and range 1 are the same']);
    expect(registered('crossing', '.long outer - ., 5, all - ., 0\n.long point - ., 9, pf - ., 0').said).toEqual(['range 1 (9 bytes from outer+0x3) overlaps range 0 (5 bytes from outer) only in part; ranges nest or are disjoint']);
    expect(registered('undefined', '.long outer - ., 4, nobody - ., 0').said).toEqual(['range 0 (4 bytes from outer) has its handler described at nobody, which the program does not define']);
    const many = registered('many', Array.from({ length: 30 }, () => '.long outer - ., 4, nobody - ., 0').join('\n')).said;
    expect([many.length, many.at(-1)]).toEqual([21, '39 more entries and ranges are as wrong']);
    expect(registered('undescribed', '.long outer - ., 4, 0x1000000, 0').said).toEqual([expect.stringMatching(/^range 0 \(4 bytes from outer\) has its handler described at .*, where no descriptor is$/)]);
  });
});

describe.skipIf(skip !== undefined)('entries of class tables are registered', () => {
  it('unless they lead to what is not there', () => {
    const { table } = link('nowhere', program(TABLES.class.replace('pad - . + 0x20000000', 'nobody - . + 0x20000000'), '.section .note.mcsafe,"a",@note\n.long 7, 8, 1\n.asciz "mcsafe"\n.balign 4\n.long 1, \'H\'\n.section .rodata, "a"\ndescriptor: .quad pad\n.long 1 << 14, 0\n'));
    expect(table.registered.refusals.map(({ message }) => message)).toEqual([expect.stringMatching(/^entry 0 at routine leads to 0x[0-9a-f]+, where no code is: its target is not defined, or farther away than an entry can say$/)]);
  });
});
