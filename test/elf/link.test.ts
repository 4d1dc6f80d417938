import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { KERNEL_BASE, linkObjects } from '../../assembly/elf/link/link.ts';
import type { Image } from '../../assembly/elf/image.ts';
import { SHF } from '../../assembly/elf/object.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { missing } from '../corpus/corpus.ts';
import { compile, readObject, run, scratchFolder } from './binutils.ts';

const skip = missing('linking against GNU ld', { commands: ['gcc', 'ld'] });
const folder = scratchFolder();
const object = (name: string, text: string, ...flags: readonly string[]): ObjectFile => readObject(compile(folder, name, text, ...flags));
const addressOf = (image: Image, name: string): bigint => image.symbols.find((symbol) => symbol.name === name)!.address;
const quad = (image: Image, address: bigint): bigint => {
  const bytes = image.read(address, 8);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
};

/** Objects that use every relocation that code for one program needs. */
const FIRST = `
extern int shared; extern int helper(int); extern char message[]; static int local[4] = { 1, 2, 3, 4 };
int (*table[])(int) = { helper, helper }; int *pointer = &local[2]; const char *const text = "a text";
int tentative; int big[300];
int first(int x) { tentative += x; big[x] = local[x & 3]; return helper(shared + x) + message[0] + text[1]; }
`;
const SECOND = `
int shared = 7; char message[] = "hello"; extern int first(int); extern int tentative;
__attribute__((weak)) int helper(int x) { return x - 1; }
int second(void) { tentative = 3; return first(2); }
`;
const THIRD = `
  .text
  .globl helper, relocs
  .type helper, @function
helper: lea 1(%rdi), %eax
  ret
  .size helper, . - helper
relocs:
  call helper
  mov shared(%rip), %eax
  mov shared@GOTPCREL(%rip), %rax
  mov second@GOTPCREL(%rip), %rcx
  cmpq $0, local_word@GOTPCREL(%rip)
  mov $shared, %rax
  movabs $message, %rdx
  lea shared, %rbx
  jmp first
  .data
local_word: .quad first + 4
  .quad second - .
  .long first - .
  .word small
  .byte small
  .long end - start
  .set small, 0x7b
  .section .rodata.mine, "a"
start: .asciz "a text"
end:
`;

describe.skipIf(skip !== undefined)('linked programs', () => {
  let objects: ObjectFile[];
  beforeAll(() => {
    objects = [
      object('first.c', FIRST, '-mcmodel=kernel', '-fno-pic', '-fno-asynchronous-unwind-tables', '-fcommon'),
      object('second.c', SECOND, '-mcmodel=kernel', '-fno-pic', '-fno-asynchronous-unwind-tables', '-fcommon'),
      object('third.S', THIRD),
    ];
  });

  it('have the bytes GNU ld gives them at the same addresses', () => {
    const script = join(folder, 'kernel.lds');
    writeFileSync(script, `SECTIONS {
      . = 0xffffffff81000000;
      .text : { *(.text) }
      . = ALIGN(4096); .rodata : { *(.rodata .rodata.*) }
      . = ALIGN(4096); .data : { *(.data .data.*) }
      .got : { *(.got) }
      . = ALIGN(4096); .bss : { *(.bss) }
      COMMON : { *(COMMON) }
      /DISCARD/ : { *(.note*) *(.comment) }
    }`);
    const program = join(folder, 'kernel');
    run('ld', '--no-relax', '-O0', '-T', script, '-e', 'first', '-o', program, ...['first', 'second', 'third'].map((name) => join(folder, `${name}.o`)));
    const linked = readObject(program);
    const names = ['.text', '.rodata', '.data', 'COMMON', '.got'];
    const addresses = new Map(linked.sections.filter(({ flags }) => (flags & SHF.ALLOC) !== 0).map(({ name, address }) => [name, address]));
    const { image, problems } = linkObjects(objects, { sectionAddresses: addresses });
    expect(problems).toEqual([]);
    for (const name of ['.text', '.data', '.rodata']) {
      const theirs = linked.sections.find((section) => section.name === name)!;
      const mine = image.read(theirs.address, theirs.size);
      expect(Buffer.from(masked(mine, linked, theirs.address)).toString('hex'), name).toBe(Buffer.from(masked(theirs.bytes, linked, theirs.address)).toString('hex'));
    }
    for (const { name, value, section } of linked.symbols) {
      if (section === 'undefined' || !['first', 'second', 'helper', 'shared', 'message', 'pointer', 'relocs', 'tentative', 'big'].includes(name)) continue;
      expect(`${name} ${addressOf(image, name).toString(16)}`).toBe(`${name} ${value.toString(16)}`);
    }
    expect(names.every((name) => addresses.has(name))).toBe(true);
  });

  /** ld orders GOT slots as it likes: displacements into the table are compared by what the slot holds, elsewhere. */
  function masked(bytes: Uint8Array, linked: ReturnType<typeof readObject>, address: bigint): Uint8Array {
    const got = linked.sections.find(({ name }) => name === '.got')!;
    const copy = Uint8Array.from(bytes);
    const view = new DataView(copy.buffer);
    for (let at = 0; at + 4 <= copy.length; at++) {
      const target = address + BigInt(at + 4) + BigInt(view.getInt32(at, true));
      const biased = target >= got.address - 8n && target < got.address + BigInt(got.size);
      if (biased) copy.fill(0, at, at + 4);
    }
    return copy;
  }

  it('lie page by page by permission from the kernel base, and each section knows its object', () => {
    const { image } = linkObjects(objects);
    expect(image.segments.map(({ address, read, write, execute }) => `${address.toString(16)} ${read ? 'r' : '-'}${write ? 'w' : '-'}${execute ? 'x' : '-'}`)).toEqual([
      'ffffffff81000000 r-x', 'ffffffff81001000 r--', 'ffffffff81002000 rw-', 'ffffffff81003000 rw-',
    ]);
    expect(image.sections.filter(({ name }) => name === '.text').map(({ object: name }) => name.split('/').at(-1))).toEqual(['first.o', 'second.o', 'third.o']);
    expect(addressOf(image, 'first')).toBe(KERNEL_BASE);
  });

  it('reach global data through a table of addresses', () => {
    const { image } = linkObjects(objects);
    const got = image.sections.find(({ name }) => name === '.got')!;
    const slots = [0, 1, 2].map((index) => quad(image, got.address + BigInt(index * 8)));
    expect(slots).toEqual([addressOf(image, 'shared'), addressOf(image, 'second'), addressOf(image, 'local_word')]);
  });

  it('take a strong definition before a weak one, and give common blocks room once', () => {
    const { image, problems } = linkObjects(objects);
    expect(problems).toEqual([]);
    expect(image.symbolAt(addressOf(image, 'helper'))).toMatchObject({ name: 'helper', symbol: { binding: 'global', size: 4n } });
    expect(image.symbols.filter(({ name }) => name === 'tentative')).toHaveLength(1);
    expect(addressOf(image, 'big') % 32n).toBe(0n);
  });

  it('have unmapped addresses for functions nobody defines', () => {
    const { image, problems } = linkObjects([objects[1]!]);
    expect(problems).toEqual([]);
    expect([...image.externals.values()]).toEqual(['tentative', 'first']);
    for (const address of image.externals.keys()) expect(image.read(address, 1)).toHaveLength(0);
  });

  it('take what is provided instead, and 0 for weak names', () => {
    const weak = object('weak.S', '.weak perhaps\n.data\nword: .quad perhaps, given');
    const { image } = linkObjects([weak], { provide: (name) => (name === 'given' ? 0x1234n : undefined) });
    expect([quad(image, addressOf(image, 'word')), quad(image, addressOf(image, 'word') + 8n)]).toEqual([0n, 0x1234n]);
    expect(image.externals.size).toBe(0);
  });

  it('know where a section begins and ends', () => {
    const parts = ['one', 'two'].map((name) => object(`${name}.S`, `.section __ex_table,"a"\n.long 1,2,3\n.data\n.globl ${name}\n${name}: .quad __start___ex_table, __stop___ex_table`));
    const { image } = linkObjects(parts);
    const tables = image.sections.filter(({ name }) => name === '__ex_table');
    expect([quad(image, addressOf(image, 'two')), quad(image, addressOf(image, 'two') + 8n)]).toEqual([tables[0]!.address, tables[0]!.address + 24n]);
    expect(tables[1]!.address).toBe(tables[0]!.address + 12n);
  });

  it('name lines, labels and symbols by address', () => {
    const source = object('lines.S', '.text\n.globl f\n.type f, @function\nf: nop\n  mov (%rdi), %rax\n  ret\n.size f, . - f\ng: ud2\n', '-Wa,-gdwarf-5');
    const { image } = linkObjects([source]);
    const f = addressOf(image, 'f');
    expect(image.lineAt(f + 1n)).toMatchObject({ file: join(folder, 'lines.S'), line: 5 });
    expect(image.lineAt(f + 3n)?.line).toBe(5);
    expect(image.addressesOf(join(folder, 'lines.S'), 6)).toEqual([f + 4n]);
    expect(image.symbolAt(f + 4n)).toMatchObject({ name: 'f', offset: 4n });
    expect(image.symbolAt(f + 6n)).toMatchObject({ name: 'g', offset: 1n });
    expect(image.symbolAt(f + 0x100n)).toBeUndefined();
    expect(image.symbolAt(f - 1n)).toBeUndefined();
  });

  it('leave out what a kernel link script discards', () => {
    const source = object('discard.S', '.text\nf: ret\n.section .discard.mine,"a"\n.quad f\n.section ___ksymtab+f,"a"\n.long f - .\n');
    const { image, problems } = linkObjects([source]);
    expect(problems).toEqual([]);
    expect(image.sections.map(({ name }) => name)).not.toContain('.discard.mine');
    expect(image.sections.map(({ name }) => name)).not.toContain('___ksymtab+f');
  });
});

describe.skipIf(skip !== undefined)('what cannot be linked', () => {
  const messages = (objects: readonly ReturnType<typeof readObject>[], options = {}): string[] =>
    linkObjects(objects, options).problems.map(({ message }) => message.replaceAll(`${folder}/`, ''));

  it('names both objects of a name defined twice', () => {
    const [a, b] = ['a', 'b'].map((name) => object(`${name}.c`, 'int twice(void) { return 1; }'));
    expect(messages([a!, b!])).toEqual(['twice is defined in a.o and again in b.o']);
  });

  it('names the relocation that does not fit, its place, and what to do', () => {
    const source = object('overflow.S', '.text\nf: mov $name, %edi\n call far\n.byte far\n');
    expect(messages([source], { provide: (name: string) => (name === 'far' ? 0x1_0000_0000n : undefined) })).toEqual([
      'overflow.o: .text+0x1: R_X86_64_32 against name: 0xffffffffc0000000 does not fit in 32 unsigned bits; compile C with -mcmodel=kernel or -fpie, or link below 2 GiB',
      'overflow.o: .text+0x6: R_X86_64_PLT32 against far: 0x17efffff6 does not fit in 32 signed bits',
      'overflow.o: .text+0xa: R_X86_64_8 against far: 0x100000000 does not fit in 8 unsigned bits; compile C with -mcmodel=kernel or -fpie, or link below 2 GiB',
    ]);
  });

  it('names thread-local storage as unsupported', () => {
    const source = object('tls.c', '__thread int own; int get(void) { return own; }');
    expect(messages([source])).toEqual([expect.stringMatching(/^tls\.o: \.text\+0x\w+: R_X86_64_TPOFF32 against own is not supported$/)]);
  });

  it('refuses huge alignments and sizes without allocating them', () => {
    const aligned = object('aligned.S', '.section .huge,"a"\n.balign 0x400000\n.byte 1\n');
    expect(messages([aligned])).toEqual(['section .huge of aligned.o wants 4194304-byte alignment; 2 MiB is the most that is linked']);
    const large = object('large.S', '.bss\n.skip 0x7000000000\n');
    expect(messages([large])).toEqual(['section .bss makes the program larger than 512 MiB']);
  });
});

describe.skipIf(skip !== undefined)('an executable', () => {
  it('is loaded by its segments, position-independent ones with their relocations applied', () => {
    const source = compile(folder, 'loaded.c', 'int value = 5; int *pointer = &value; int f(void) { return *pointer; }', '-fpic');
    const library = join(folder, 'loaded.so');
    run('gcc', '-shared', '-nostdlib', '-o', library, source);
    const { image, problems } = linkObjects([readObject(library)]);
    expect(problems).toEqual([]);
    expect(image.segments.some(({ execute }) => execute)).toBe(true);
    expect(quad(image, addressOf(image, 'pointer'))).toBe(addressOf(image, 'value'));
  });

  it('cannot be linked again', () => {
    const program = join(folder, 'static');
    run('ld', '-e', '0', '-o', program, compile(folder, 'static.S', '.globl f\nf: ret\n'));
    const { problems } = linkObjects([readObject(program), object('more.S', 'nop')]);
    expect(problems.map(({ code }) => code)).toEqual(['already-linked']);
  });
});
