import { describe, expect, it } from 'vitest';
import { readElf } from '../../assembly/elf/read.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { linkObjects } from '../../assembly/elf/link/link.ts';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missing } from '../corpus/corpus.ts';
import { compile, readObject, run, scratchFolder } from './binutils.ts';

const C = `#include <stddef.h>
static inline size_t twice(size_t x) {
  return x * 2;
}
size_t total(const unsigned char *at, size_t n) {
  size_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += twice(at[i]);
  return sum;
}
__attribute__((section(".text.other"))) int other(int x) {
  if (x > 3)
    return x - 1;
  return x + 1;
}
int main(int argc, char **argv) { return (int)total((unsigned char *)argv[0], 3) + other(argc); }
`;
const S = `.macro twice reg
  add \\reg, \\reg
  nop
.endm
.text
.globl start
start:
  xor %eax, %eax
  twice %rax
1: mov (%rdi), %rax
  ret
.section .text.two, "ax"
  ud2
`;

const skip = missing('DWARF line tables against objdump', { commands: ['gcc', 'objdump', 'addr2line'] });
const folder = scratchFolder();

/** `address line`, each pair once, as objdump decodes the table. */
function objdumpRows(path: string): string[] {
  const rows = new Set<string>();
  for (const line of run('objdump', '--dwarf=decodedline', path).split('\n')) {
    const match = /^\S+\s+(\d+)\s+(0x[0-9a-f]+|0)(?:\[\d+\])?(?:\s+\d+)?(?:\s+x)?$/.exec(line.trim());
    if (match !== null) rows.add(`${BigInt(match[2]!).toString(16)} ${match[1]!}`);
  }
  return [...rows].sort();
}

function readerRows(file: ObjectFile): string[] {
  return [...new Set(file.lines.map(({ section, offset, position }) => `${(file.sections[section]!.address + BigInt(offset)).toString(16)} ${String(position.line)}`))].sort();
}

describe.skipIf(skip !== undefined)('line tables', () => {
  it.each(['-gdwarf-4', '-gdwarf-5', '-gdwarf-4 -O2', '-gdwarf-5 -O2', '-gdwarf-5 -gdwarf64'])('of a C program built with %s are those objdump decodes', (flags) => {
    const object = compile(folder, `program${flags.replaceAll(' ', '')}.c`, C, ...flags.split(' '));
    const program = object.replace(/\.o$/, '');
    run('gcc', '-no-pie', '-o', program, object);
    const theirs = objdumpRows(program);
    expect(theirs.length).toBeGreaterThan(10);
    expect(readerRows(readObject(program))).toEqual(theirs);
  });

  it.each(['-gdwarf-4', '-gdwarf-5'])('of an object (%s) take sections and strings from relocations', (flag) => {
    const path = compile(folder, `object${flag}.c`, C, flag, '-O1');
    const file = readObject(path);
    const lineOf = (name: string): number | undefined => {
      const symbol = file.symbols.find((candidate) => candidate.name === name)!;
      return file.lines.find(({ section, offset }) => section === symbol.section && offset === Number(symbol.value))?.position.line;
    };
    expect(file.lines.map(({ position }) => position.file)).toContain(join(folder, `object${flag}.c`));
    expect({ total: lineOf('total'), other: lineOf('other') }).toEqual({ total: 5, other: 11 });
  });

  it.each(['-Wa,-gdwarf-4', '-Wa,-gdwarf-5'])('of GNU as (%s) give a macro one row, where it is invoked', (flag) => {
    const path = compile(folder, `gas${flag}.S`, S, flag);
    const file = readObject(path);
    expect(file.lines.map(({ section, offset, position }) => `${file.sections[section]!.name}+${String(offset)} line ${String(position.line)}`)).toEqual([
      '.text+0 line 8', '.text+2 line 9', '.text+6 line 10', '.text+9 line 11', '.text.two+0 line 13',
    ]);
  });

  /** A function in a header of another folder, inlined nowhere at -O0, so it has lines of its own. */
  function withHeader(flag: string): string {
    mkdirSync(join(folder, 'include'), { recursive: true });
    writeFileSync(join(folder, 'include', 'half.h'), 'static inline int half(int x) {\n  int y = x / 2;\n  return y + 1;\n}\n');
    const source = join(folder, `header${flag}.c`);
    writeFileSync(source, '#include "half.h"\nint run(int x) {\n  int sum = 0;\n  for (int i = 0; i < x; i++)\n    sum += half(i);\n  return sum;\n}\n');
    const program = source.replace(/\.c$/, '');
    run('gcc', flag, '-O0', '-I', join(folder, 'include'), '-nostdlib', '-static', '-Wl,-e,run', '-o', program, source);
    return program;
  }

  it('say of every address what addr2line says, headers in other folders included', () => {
    const program = withHeader('-gdwarf-4');
    const { image } = linkObjects([readObject(program)]);
    const addresses = image.symbols.filter(({ type }) => type === 'func').flatMap(({ address, size }) => Array.from({ length: Number(size) }, (_, offset) => address + BigInt(offset)));
    const theirs = run('addr2line', '-e', program, ...addresses.map((address) => address.toString(16))).trim().split('\n').map((line) => line.replace(/ \(discriminator \d+\)$/, ''));
    const mine = addresses.map((address) => {
      const position = image.lineAt(address);
      return position === undefined ? '??:?' : `${position.file}:${String(position.line)}`;
    });
    expect(mine).toEqual(theirs);
    expect(new Set(mine.map((line) => line.replace(/:\d+$/, '')))).toEqual(new Set([`${program}.c`, join(folder, 'include', 'half.h')]));
  });

  it('of DWARF 5 number files as objdump does (addr2line 2.40 takes the first file for the one it begins with)', () => {
    const program = withHeader('-gdwarf-5');
    const theirs = run('objdump', '--dwarf=decodedline', program).split('\n').flatMap((line) => {
      const match = /^(\S+\.[ch])\s+(\d+)\s+(0x[0-9a-f]+)/.exec(line);
      return match === null ? [] : [`${match[1]!} ${match[2]!} ${match[3]!}`];
    });
    const file = readObject(program);
    const mine = file.lines.map(({ section, offset, position }) => `${position.file.split('/').at(-1)!} ${String(position.line)} 0x${(file.sections[section]!.address + BigInt(offset)).toString(16)}`);
    expect(new Set(mine)).toEqual(new Set(theirs));
    expect(new Set(file.lines.map(({ position }) => position.file))).toEqual(new Set([`${program}.c`, join(folder, 'include', 'half.h')]));
  });

  it('that are damaged cost no more than their rows', () => {
    const bytes = readFileSync(compile(folder, 'damaged.c', C, '-gdwarf-5'));
    const sound = readElf('damaged.o', bytes);
    const table = sound.sections.find(({ name }) => name === '.debug_line')!;
    let smaller = 0;
    for (let at = 0; at < table.bytes.length; at++) {
      const copy = Uint8Array.from(bytes);
      copy[table.bytes.byteOffset - bytes.byteOffset + at]! ^= 0xff;
      const { lines, symbols } = readElf('damaged.o', copy);
      expect(symbols).toHaveLength(sound.symbols.length);
      if (lines.length < sound.lines.length) smaller++;
    }
    expect(smaller).toBeGreaterThan(10);
  });
});
