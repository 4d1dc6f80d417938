/**
 * Attributes that a section has by its name when the source gives none (bfd/elf.c `special_sections`, binutils 2.40).
 */
import { SHF, SHT } from '../elf/object.ts';

interface Row {
  readonly name: string;
  /** Also for names that go on behind it: with a dot, or with anything. */
  readonly also: 'nothing' | 'dot' | 'anything';
  readonly type: number;
  readonly flags: number;
}

const { ALLOC: A, WRITE: W, EXECINSTR: X, TLS: T } = SHF;

/** Tables of addresses. */
const POINTERS: readonly number[] = [SHT.INIT_ARRAY, SHT.FINI_ARRAY, SHT.PREINIT_ARRAY];

const ROWS: readonly Row[] = [
  { name: '.bss', also: 'dot', type: SHT.NOBITS, flags: A | W },
  { name: '.comment', also: 'nothing', type: SHT.PROGBITS, flags: 0 },
  { name: '.data', also: 'dot', type: SHT.PROGBITS, flags: A | W },
  { name: '.data1', also: 'nothing', type: SHT.PROGBITS, flags: A | W },
  { name: '.debug', also: 'anything', type: SHT.PROGBITS, flags: 0 },
  { name: '.fini', also: 'nothing', type: SHT.PROGBITS, flags: A | X },
  { name: '.fini_array', also: 'dot', type: SHT.FINI_ARRAY, flags: A | W },
  { name: '.gnu.linkonce.b', also: 'dot', type: SHT.NOBITS, flags: A | W },
  { name: '.init', also: 'nothing', type: SHT.PROGBITS, flags: A | X },
  { name: '.init_array', also: 'dot', type: SHT.INIT_ARRAY, flags: A | W },
  { name: '.gnu.linkonce.n', also: 'dot', type: SHT.NOBITS, flags: A | W },
  { name: '.gnu.linkonce.p', also: 'dot', type: SHT.PROGBITS, flags: A | W },
  { name: '.gnu.lto_', also: 'anything', type: SHT.PROGBITS, flags: 0x80000000 },
  { name: '.noinit', also: 'dot', type: SHT.NOBITS, flags: A | W },
  { name: '.persistent.bss', also: 'dot', type: SHT.NOBITS, flags: A | W },
  { name: '.persistent', also: 'dot', type: SHT.PROGBITS, flags: A | W },
  { name: '.note.GNU-stack', also: 'nothing', type: SHT.PROGBITS, flags: 0 },
  { name: '.note', also: 'anything', type: SHT.NOTE, flags: 0 },
  { name: '.preinit_array', also: 'dot', type: SHT.PREINIT_ARRAY, flags: A | W },
  { name: '.rodata', also: 'dot', type: SHT.PROGBITS, flags: A },
  { name: '.rodata1', also: 'nothing', type: SHT.PROGBITS, flags: A },
  { name: '.tbss', also: 'dot', type: SHT.NOBITS, flags: A | W | T },
  { name: '.tdata', also: 'dot', type: SHT.PROGBITS, flags: A | W | T },
  { name: '.text', also: 'dot', type: SHT.PROGBITS, flags: A | X },
  { name: '.lbss', also: 'dot', type: SHT.NOBITS, flags: A | W | 0x10000000 },
  { name: '.ldata', also: 'dot', type: SHT.PROGBITS, flags: A | W | 0x10000000 },
  { name: '.lrodata', also: 'dot', type: SHT.PROGBITS, flags: A | 0x10000000 },
  { name: '.eh_frame', also: 'nothing', type: SHT.PROGBITS, flags: A },
];

/** Type and flags of a section by its name; those of plain data that is not loaded if the name is not special. */
export function attributesByName(name: string): { readonly type: number; readonly flags: number; readonly entrySize: number; readonly special: boolean } {
  const row = ROWS.find((each) => {
    if (name === each.name) return true;
    if (!name.startsWith(each.name) || each.also === 'nothing') return false;
    return each.also === 'anything' || name[each.name.length] === '.';
  });
  if (row === undefined) return { type: SHT.PROGBITS, flags: 0, entrySize: 0, special: false };
  return { type: row.type, flags: row.flags, entrySize: POINTERS.includes(row.type) ? 8 : 0, special: true };
}
