import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkObjects } from '../../assembly/elf/link/link.ts';
import { ElfError, readElf } from '../../assembly/elf/read.ts';
import { readTables } from '../../assembly/extable/read.ts';
import { R_X86_64, SHF, SHT } from '../../assembly/elf/object.ts';
import type { ObjectFile, ObjectSymbol } from '../../assembly/elf/object.ts';
import { openElf } from '../../assembly/elf/open.ts';
import { relocationName } from '../../assembly/elf/relocations.ts';
import { missing } from '../corpus/corpus.ts';
import { compile, readObject, readelfSections, readelfSymbols, run, scratchFolder } from './binutils.ts';

const SOURCE = `
#include <stddef.h>
int counter = 3; static long table[8] = { 1, 2, 3 }; char space[100]; __thread int own;
extern int puts(const char *); extern int other[4]; __attribute__((weak)) int soft(void) { return 1; }
__attribute__((visibility("hidden"))) int quiet(int x) { return x + counter; }
__attribute__((section(".odd-name"))) int placed = 4;
int main(int argc, char **argv) { own = argc; puts("hello"); return soft() + quiet(other[argc]) + (int)table[argc] + space[argc]; }
`;

const skip = missing('reading ELF files against readelf', { commands: ['gcc', 'ld', 'readelf', 'strip'] });
const folder = scratchFolder();

describe.skipIf(skip !== undefined)('an object file is read as readelf reads it', () => {
  const SYSTEM = ['/bin/bash', '/usr/lib/x86_64-linux-gnu/libc.so.6', '/usr/bin/ld.bfd', process.execPath].filter((path) => existsSync(path));

  it('sections, with their sizes, addresses and alignment', () => {
    for (const path of [compile(folder, 'sections.c', SOURCE, '-g'), ...SYSTEM]) {
      const mine = readObject(path).sections.slice(1).map((section, index) =>
        `${String(index + 1)} ${section.name} address=${section.address.toString(16)} size=${String(section.size)} entry=${String(section.entrySize)} align=${String(section.align)}`);
      const theirs = readelfSections(path);
      expect(theirs.length, path).toBeGreaterThan(20);
      // readelf prints alignment 0 where the file says so; both mean 1.
      expect(mine, path).toEqual(theirs.map((line) => line.replace(/align=0$/, 'align=1')));
    }
  });

  it('symbols, with type, binding, size and section', () => {
    for (const path of [compile(folder, 'symbols.c', SOURCE), ...SYSTEM.filter((system) => system !== process.execPath)]) {
      const file = readObject(path);
      const table = file.sections.some(({ type }) => type === SHT.SYMTAB) ? '.symtab' : '.dynsym';
      const theirs = readelfSymbols(path, table).map(({ value, size, type, binding, section, name }) => `${value.toString(16)} ${String(size)} ${type} ${binding} ${section} ${name}`);
      expect(theirs.length).toBeGreaterThan(10);
      expect(file.symbols.map((symbol) => readelfLine(symbol))).toEqual(theirs);
    }
  }, 60_000);

  it('relocations, with their addends', () => {
    const path = compile(folder, 'relocations.c', SOURCE, '-g');
    const theirs = run('readelf', '-rW', path).split('\n').flatMap((line) => {
      const match = /^([0-9a-f]{16})\s+[0-9a-f]{16} (R_X86_64_\w+)\s+[0-9a-f]{16} (.*?)(?: ([+-]) ([0-9a-f]+))?$/.exec(line);
      return match === null ? [] : [`${Number.parseInt(match[1]!, 16)} ${match[2]!} ${match[3]!} ${match[4] === '-' ? '-' : ''}${match[5] ?? '0'}`];
    });
    const file = readObject(path);
    const mine = file.sections.flatMap(({ relocations }) => relocations.map(({ offset, type, symbol, addend }) =>
      `${String(offset)} ${relocationName(type)} ${file.symbols[symbol]!.name} ${addend < 0n ? '-' : ''}${(addend < 0n ? -addend : addend).toString(16)}`));
    expect(theirs.length).toBeGreaterThan(20);
    expect([...mine].sort()).toEqual([...theirs].sort());
  });

  it('a stripped static program, whose relocations for ifuncs name no symbol table', () => {
    const program = join(folder, 'stripped');
    run('ld', '-o', program, compile(folder, 'ifunc.S', '.globl f, _start\n.type f, @gnu_indirect_function\nf: ret\n_start: call f@plt\n'));
    run('strip', program);
    expect(run('readelf', '-rW', program)).toContain('R_X86_64_IRELATIV');
    const file = readObject(program);
    expect(file.symbols).toEqual([]);
    expect(file.sections.flatMap(({ relocations }) => relocations)).toEqual([]);
  });

  it('more sections than fit in 16 bits', () => {
    const lines = Array.from({ length: 65_400 }, (_, index) => `.section .s${String(index)}`);
    const path = compile(folder, 'many.s', `${lines.join('\n')}\n.globl last\nlast: .byte 7\n`);
    const file = readObject(path);
    expect(file.sections.length).toBeGreaterThan(65_400);
    const last = file.symbols.find(({ name }) => name === 'last')!;
    expect(file.sections[last.section as number]!.name).toBe('.s65399');
    expect(last.value).toBe(0n);
  }, 60_000);
});

function readelfLine({ name, value, size, type, binding, section }: ObjectSymbol): string {
  const types: Readonly<Record<string, string>> = { notype: 'NOTYPE', object: 'OBJECT', func: 'FUNC', section: 'SECTION', file: 'FILE', common: 'COMMON', tls: 'TLS', ifunc: 'IFUNC' };
  const sections: Readonly<Record<string, string>> = { undefined: 'UND', absolute: 'ABS', common: 'COM' };
  return `${value.toString(16)} ${String(size)} ${types[type]!} ${binding.toUpperCase()} ${typeof section === 'number' ? String(section) : sections[section]!} ${name.replace(/@.*$/, '')}`;
}

/** A small relocatable file built by hand: null, .text, .symtab, .strtab, .rela.text, .shstrtab. */
function smallFile(): { readonly bytes: Uint8Array; readonly header: (index: number) => number } {
  const bytes = new Uint8Array(1024);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true);
  view.setUint16(18, 62, true);
  view.setBigUint64(40, 512n, true);
  view.setUint16(58, 64, true);
  view.setUint16(60, 6, true);
  view.setUint16(62, 5, true);
  const names = '\0.text\0.symtab\0.strtab\0.rela.text\0.shstrtab\0f\0';
  bytes.set(new TextEncoder().encode(names), 256);
  const section = (index: number, name: string, type: number, offset: number, size: number, link = 0, info = 0): void => {
    const at = 512 + index * 64;
    view.setUint32(at, names.indexOf(`\0${name}\0`) + 1, true);
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(size), true);
    view.setUint32(at + 40, link, true);
    view.setUint32(at + 44, info, true);
    view.setBigUint64(at + 48, 1n, true);
  };
  section(1, '.text', 1, 64, 16);
  section(2, '.symtab', 2, 128, 48, 3, 1);
  section(3, '.strtab', 3, 256, names.length);
  section(4, '.rela.text', 4, 192, 24, 2, 1);
  section(5, '.shstrtab', 3, 256, names.length);
  view.setUint32(152, names.indexOf('\0f\0') + 1, true);
  view.setUint8(156, 0x12);
  view.setUint16(158, 1, true);
  view.setBigUint64(192, 4n, true);
  view.setUint32(200, R_X86_64.PC32, true);
  view.setUint32(204, 1, true);
  return { bytes, header: (index) => 512 + index * 64 };
}

describe('a malformed file', () => {
  const failure = (damage: (view: DataView, header: (index: number) => number) => void, size?: number): string => {
    const { bytes, header } = smallFile();
    damage(new DataView(bytes.buffer), header);
    try {
      readElf('bad.o', size === undefined ? bytes : bytes.subarray(0, size));
    } catch (error) {
      if (error instanceof ElfError) return error.message;
      throw error;
    }
    return 'read';
  };

  it('is read while it is sound', () => {
    const file: ObjectFile = readElf('good.o', smallFile().bytes);
    expect(file.symbols.map(({ name, section }) => [name, section])).toEqual([['', 'undefined'], ['f', 1]]);
    expect(file.sections[1]!.relocations).toEqual([{ offset: 4, type: R_X86_64.PC32, symbol: 1, addend: 0n }]);
  });

  it.each<[string, string, (view: DataView, header: (index: number) => number) => void]>([
    ['no ELF', 'this is no ELF file: it does not begin with 7f 45 4c 46 (at offset 0x0)', (view) => { view.setUint8(1, 0); }],
    ['another machine', 'the file is for AArch64; only x86-64 is read (at offset 0x12)', (view) => { view.setUint16(18, 183, true); }],
    ['a big-endian machine', 'the file is for PowerPC64; only x86-64 is read (at offset 0x12)', (view) => { view.setUint8(5, 2); view.setUint16(18, 21); }],
    ['x32', 'this is an ELF32 file (x32); only ELF64 is read (at offset 0x4)', (view) => { view.setUint8(4, 1); }],
    ['a core dump', 'this is a core dump; .o, .ko, executables and shared objects are read (at offset 0x10)', (view) => { view.setUint16(16, 4, true); }],
    ['section headers behind the end', 'the section headers begin behind the end of the file (at offset 0x28)', (view) => { view.setBigUint64(40, 4096n, true); }],
    ['an absurd offset', 'the section header offset is 0xffffffffffffffff, beyond any file (at offset 0x28)', (view) => { view.setBigUint64(40, 0xffff_ffff_ffff_ffffn, true); }],
    ['too many sections', '60 section headers do not fit in the file (at offset 0x3c)', (view) => { view.setUint16(60, 60, true); }],
    ['a section behind the end', 'section 1 (offset 0x40, 5000 bytes) reaches behind the end of the file (1024 bytes) (at offset 0x258)', (view, header) => { view.setBigUint64(header(1) + 32, 5000n, true); }],
    ['a crooked alignment', 'the alignment of section 1 is 24, which is no power of two (at offset 0x270)', (view, header) => { view.setBigUint64(header(1) + 48, 24n, true); }],
    ['a link to nowhere', 'section 2 is linked to section 77, which does not exist (at offset 0x2a8)', (view, header) => { view.setUint32(header(2) + 40, 77, true); }],
    ['a torn symbol table', 'a symbol table of 40 bytes is no multiple of 24 (at offset 0x2a0)', (view, header) => { view.setBigUint64(header(2) + 32, 40n, true); }],
    ['a symbol in no section', 'symbol 1 is in section 99, which does not exist (at offset 0x9e)', (view) => { view.setUint16(158, 99, true); }],
    ['a name outside its table', 'a name at 30000 lies outside its string table of 46 bytes (at offset 0x98)', (view) => { view.setUint32(152, 30_000, true); }],
    ['a name without end', 'a name has no end (at offset 0x12c)', (view, header) => { view.setBigUint64(header(3) + 32, 45n, true); }],
    ['a relocation of no symbol', 'a relocation names symbol 5, which does not exist (at offset 0xcc)', (view) => { view.setUint32(204, 5, true); }],
    ['a relocation outside its section', 'a relocation (R_X86_64_PC32) is at 0xd, outside its section of 16 bytes (at offset 0xc0)', (view) => { view.setBigUint64(192, 13n, true); }],
    ['a symbol table that is its own names', 'the symbol table in section 2 has no string table (at offset 0x2a8)', (view, header) => { view.setUint32(header(2) + 40, 2, true); }],
    ['a table over and over', 'symbol and relocation tables overlap (at offset 0x340)', (view, header) => {
      // Names, symbols and relocations are the same bytes, each the whole file.
      for (const index of [2, 4, 5]) {
        view.setUint32(header(index) + 4, index === 2 ? 2 : 4, true);
        view.setBigUint64(header(index) + 24, 0n, true);
        view.setBigUint64(header(index) + 32, 504n, true);
      }
      view.setUint16(62, 0, true);
    }],
    ['REL relocations', 'the file has REL relocations; x86-64 uses RELA (at offset 0x304)', (view, header) => { view.setUint32(header(4) + 4, 9, true); view.setUint32(header(4) + 44, 1, true); }],
  ])('%s is named, with the offset', (_name, message, damage) => {
    expect(failure(damage)).toBe(message);
  });

  it('may have relocations for themselves, and for each other: nothing goes round in circles', () => {
    const { bytes, header } = smallFile();
    const view = new DataView(bytes.buffer);
    view.setUint32(header(4) + 44, 4, true);
    const file = readElf('loop.o', bytes);
    expect(file.sections[4]!.relocations).toHaveLength(1);
    // Linked, they apply to nothing that is loaded.
    expect(linkObjects([file]).problems).toEqual([]);
    expect(readTables(file)).toEqual([]);
  });

  it('does not make a section of header 0, which stands for none', () => {
    const { bytes, header } = smallFile();
    const view = new DataView(bytes.buffer);
    view.setUint32(header(0) + 4, 1, true);
    view.setUint32(header(0) + 8, SHF.ALLOC | SHF.EXECINSTR, true);
    view.setBigUint64(header(0) + 24, 0x1_0000_0000_0000n, true);
    view.setBigUint64(header(0) + 32, 4096n, true);
    const none = openElf('zero.o', { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }).sections[0]!;
    expect(none).toMatchObject({ type: SHT.NULL, flags: 0, size: 0 });
    expect(none.bytes).toHaveLength(0);
  });

  it('is never believed wherever it is cut', () => {
    for (let size = 0; size < 895; size++) expect(failure(() => undefined, size), String(size)).not.toBe('read');
  });
});

describe('names', () => {
  it('that overlap without measure are refused instead of expanded', () => {
    const { bytes: small } = smallFile();
    // A string table of one long string, and symbols that each name another tail of it.
    const count = 20_000;
    const length = 200_000;
    const symbols = 1024;
    const strings = symbols + count * 24;
    const bytes = new Uint8Array(strings + length);
    bytes.set(small);
    bytes.fill(0x61, strings, strings + length - 1);
    const view = new DataView(bytes.buffer);
    for (let index = 1; index < count; index++) view.setUint32(symbols + index * 24, index, true);
    view.setBigUint64(512 + 2 * 64 + 24, BigInt(symbols), true);
    view.setBigUint64(512 + 2 * 64 + 32, BigInt(count * 24), true);
    view.setBigUint64(512 + 3 * 64 + 24, BigInt(strings), true);
    view.setBigUint64(512 + 3 * 64 + 32, BigInt(length), true);
    expect(() => readElf('names.o', bytes)).toThrow(/the names overlap/);
  });

  it('in UTF-8 are decoded', () => {
    const { bytes } = smallFile();
    bytes.set(new TextEncoder().encode('ü'), 256 + 1);
    expect(readElf('utf8.o', bytes).sections[1]!.name).toBe('üext');
  });
});

describe('this file', () => {
  it('is no ELF file', () => {
    expect(() => readElf('read.test.ts', readFileSync(new URL(import.meta.url)))).toThrow(ElfError);
  });
});
