import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { openElf } from '../../assembly/elf/open.ts';
import { readElf } from '../../assembly/elf/read.ts';
import { fixTables, FixError } from '../../assembly/extable/fix.ts';
import { readRanges, readTables } from '../../assembly/extable/read.ts';
import { reportTables } from '../../assembly/extable/report.ts';
import { tableReportJsonSchema, tableReportSchema } from '../../assembly/extable/report-schema.ts';
import { missing } from '../corpus/corpus.ts';
import { compile, readObject, run, scratchFolder } from '../elf/binutils.ts';
import { DESCRIPTOR, program, TABLES } from './tables.ts';

const skip = missing('checks of exception tables', { commands: ['gcc', 'ld'] });
const folder = scratchFolder();
let count = 0;

function build(text: string): string {
  return compile(folder, `check${String(count++)}.S`, text);
}

function linked(text: string): string {
  const object = build(text);
  const path = object.replace(/\.o$/, '');
  run('ld', '-e', 'routine', '-o', path, object);
  return path;
}

const findings = (path: string): string[] => reportTables(readObject(path)).findings.map(({ severity, code, message }) => `${severity} ${code}: ${message}`);
const entry = (from: string, to: string, data = 1): string => `.long ${from} - ., ${to} - ., ${String(data)}`;

describe.skipIf(skip !== undefined)('a sound table', () => {
  it('has no findings, before and after linking', () => {
    expect(findings(build(program(TABLES.data)))).toEqual([]);
    expect(findings(linked(program([entry('load', 'pad'), entry('load2', 'pad'), entry('store', 'pad')].join('\n'))))).toEqual([]);
  });

  it('may cover instructions that fault without touching memory', () => {
    const text = program([entry('msr', 'pad'), entry('segment', 'pad'), entry('back', 'pad'), entry('trap', 'pad')].join('\n'),
      '.text\nmsr: wrmsr\nsegment: mov %eax, %fs\ntrap: ud2\nback: iretq\n');
    expect(findings(build(text))).toEqual([]);
  });

  it('may name what another object defines', () => {
    const path = build(program('.long load - ., elsewhere - . + 0x20000000\n.long load2 - ., fix_it_description - . - 0x20000000',
      '.section __ex_range,"a"\n.long routine - ., 4, another_description - ., 0\n'));
    const report = reportTables(readObject(path));
    expect(report).toMatchObject({ layout: 'class', findings: [], ranges: [{ start: { symbol: 'routine' } }] });
    expect(report.entries.map(({ target, class: entryClass }) => [target.symbol, entryClass])).toEqual([['elsewhere', 'plain'], ['fix_it_description', 'handler']]);
  });

  it('may cover what the kernel patches', () => {
    const alternative = '.text\nsite: .byte 0x90,0x90,0x90\n.section .altinstr_replacement,"ax"\nnew: stac\n.section .altinstructions,"a"\n.long site - ., new - .\n.word 1\n.byte 3, 3\n';
    expect(findings(build(program(entry('site', 'pad'), alternative)))).toEqual([]);
    expect(findings(build(program(entry('site', 'pad'), '.text\nsite: nop\n')))).toHaveLength(1);
  });

  it('may lie in a section that has a symbol in front of its first byte', () => {
    // The walk for the instructions' starts began at that symbol, in bytes of the file that are not the section's.
    const script = join(folder, 'below.ld');
    writeFileSync(script, 'SECTIONS { . = 0x400000; .text : { below = . - 63; *(.text) } __ex_table : { *(__ex_table) } }');
    const path = build(`.text\nadd %al, (%rax)\n.Lload: mov (%rdi), %eax\nret\n.Lpad: mov $-14, %eax\nret\n.section __ex_table, "a"\n${entry('.Lload', '.Lpad')}\n`);
    const linkedPath = path.replace(/\.o$/, '');
    run('ld', '-T', script, '-e', '0x400000', '-o', linkedPath, path);
    const bytes = readFileSync(linkedPath);
    const opened = openElf(linkedPath, { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) });
    expect(reportTables(opened).findings).toEqual([]);
  });
});

describe.skipIf(skip !== undefined)('a finding names', () => {
  it('an entry on an instruction that cannot fault', () => {
    expect(findings(build(program(entry('store + 3', 'pad'))))).toEqual([
      'error cannot-fault: entry 0 covers routine+0xa: xor %eax,%eax, which cannot fault; is the label one instruction off?',
    ]);
  });

  it('an entry inside an instruction', () => {
    expect(findings(build(program(entry('load + 1', 'pad'))))).toEqual(['error inside-instruction: entry 0 covers routine+0x1, which is in the middle of an instruction']);
  });

  it('a second entry for an instruction', () => {
    expect(findings(build(program(`${entry('load', 'pad')}\n${entry('load', 'pad2')}`)))).toEqual([
      'error duplicate-entry: routine has entry 0 already; which one the search finds is chance',
    ]);
  });

  it('a landing pad or a site that is no code', () => {
    expect(findings(build(program(`${entry('load', 'word')}\n${entry('word', 'pad')}\n${entry('load2', 'pad')}`, '.data\nword: .long 0\n')))).toEqual([
      'error target-outside-code: the landing pad of routine is word, which is no code',
      'error site-outside-code: entry 1 covers word, which is no code',
    ]);
  });

  it('a handler that is no descriptor', () => {
    const table = '.long load - ., pad - . - 0x20000000\n.long load2 - ., blank - . - 0x20000000\n.long store - ., descriptor - . - 0x20000000';
    const path = linked(program(table, `${DESCRIPTOR}blank: .quad 0, 0\n`));
    expect(findings(path).filter((text) => text.includes('no-descriptor'))).toEqual([
      expect.stringMatching(/^error no-descriptor: the handler of routine should be described at pad.*|routine\+0x\w+, but it is code$/),
      'error no-descriptor: the handler of routine+0x3 should be described at blank, but its handler 0x0 is no code',
    ]);
  });

  it('a size that is no multiple of an entry', () => {
    expect(findings(build(program(`${entry('load', 'pad')}\n.long 7`)))).toEqual(['error table-size: __ex_table ends with 4 bytes that make no entry of 12 bytes (layout data)']);
  });

  it('an entry that no relocation makes', () => {
    expect(findings(build(program(`${entry('load', 'pad')}\n.long 1, 2, 3`)))).toEqual([
      'error entry-without-relocation: an entry of __ex_table lacks the relocations that would say what it covers',
    ]);
  });

  it('a linked table out of order', () => {
    expect(findings(linked(program(`${entry('store', 'pad')}\n${entry('load', 'pad')}`)))).toEqual([
      'warning unsorted: __ex_table is not sorted: entry 1 lies below the one before it, so a binary search can miss entries; mcsafe table --fix sorts it',
    ]);
  });

  it('a load whose machine check is fatal while its neighbour\'s is not', () => {
    expect(findings(build(program(`${entry('load', 'pad', 14)}\n${entry('load2', 'pad', 1)}\n${entry('store', 'pad', 1)}`)))).toEqual([
      'warning machine-check-not-recoverable: a machine check at routine+0x3 is not recoverable, though another load of the routine has a machine-check-safe entry',
    ]);
    const classes = '.long load - ., pad - . + 0x60000000\n.long load2 - ., pad - . + 0x20000000\n.long store - ., pad - . + 0x20000000\n.long other - ., other + 3 - . + 0x20000000';
    expect(findings(build(program(classes)))).toEqual([expect.stringMatching(/^warning machine-check-not-recoverable: a machine check at routine\+0x3 /)]);
  });

  it('a function without a size', () => {
    expect(findings(build(program(entry('bare', 'pad'), '.text\n.type bare, @function\nbare: mov (%rdi), %eax\n ret\n')))).toEqual([
      'warning no-symbol-size: function bare has no size: end it with .size bare, . - bare',
    ]);
  });
});

const range = (from: string, length: string | number): string => `.long ${from} - ., ${String(length)}, descriptor - ., 0`;
const withRanges = (...ranges: readonly string[]): string => program('', `${DESCRIPTOR}\n.section __ex_range,"a"\n${ranges.join('\n')}\n`);

describe.skipIf(skip !== undefined)('ranges', () => {
  it('may nest and lie side by side', () => {
    expect(findings(build(withRanges(range('routine', 'pad - routine'), range('load2', '4'), range('store', '3'), range('pad', '3'))))).toEqual([]);
  });

  it('may not overlap in part, be the same, be empty of code, or lack a length without a symbol', () => {
    expect(findings(build(withRanges(range('routine', 6), range('load2', 8), range('pad', 3), range('pad', 3), range('descriptor', 4), range('load2', 0))))).toEqual([
      'error site-outside-code: range 4 starts at descriptor, which is no code',
      'error no-symbol-size: range 5 has length 0 and no symbol is at its start: give the function a .size, or the range a length',
      expect.stringMatching(/^error partial-overlap: range 1 \[.*, 8 bytes\) overlaps range 0 \[routine, 6 bytes\) only in part/),
      expect.stringMatching(/^error identical-ranges: ranges 2 and 3 are the same/),
    ]);
  });

  it('need no label at the end where the symbol has a size', () => {
    const text = withRanges(range('other', 'other_end - other')).replace('.size other, . - other', '.size other, . - other\nother_end:');
    expect(findings(build(text))).toEqual(['hint end-label: other_end marks the end of other, which the size of other says already']);
  });
});

describe.skipIf(skip !== undefined)('fixing a linked file', () => {
  it('sorts tables of every layout without changing what they say', () => {
    for (const [layout, table] of Object.entries(TABLES)) {
      const path = linked(program(table, layout === 'class' ? DESCRIPTOR : layout === 'handler' ? '.text\nex_handler_default: ret\nex_handler_fault: ret\nex_handler_ext: ret\n' : ''));
      const before = readTables(readObject(path))[0]!;
      const { bytes, changes } = fixTables(path, readFileSync(path));
      expect(changes, layout).toEqual(['__ex_table: 4 entries sorted by address']);
      const after = readTables(readElf(path, bytes))[0]!;
      expect(after.layout).toBe(before.layout);
      const plain = (entries: typeof after.entries): unknown[] => entries.map(({ index: _index, offset: _offset, data, ...rest }) => ({ ...rest, data: layout === 'handler' ? 0 : data }));
      expect(plain(after.entries)).toEqual(plain([...before.entries].sort((a, b) => (a.insn < b.insn ? -1 : 1))));
      expect(fixTables(path, bytes).changes).toEqual([]);
    }
  });

  it('fills in lengths from symbol sizes and sorts ranges', () => {
    const path = linked(withRanges(range('store', 3), range('routine', 0)));
    expect(findings(path).map((text) => text.split(':')[0])).toEqual(['error zero-length', 'warning unsorted']);
    const { bytes, changes } = fixTables(path, readFileSync(path));
    expect(changes).toEqual([
      expect.stringMatching(/^__ex_range: range 1 is as long as routine, \d+ bytes$/), '__ex_range: 2 ranges sorted by start, then length from the longest',
    ]);
    const file = readElf(path, bytes);
    const routine = file.symbols.find(({ name }) => name === 'routine')!;
    expect(readRanges(file)[0]).toMatchObject({ start: routine.value, length: Number(routine.size) });
    expect(reportTables(file).findings).toEqual([]);
  });

  it('keeps to the table it read where another section claims its name and address', () => {
    const path = linked(program(TABLES.data));
    const bytes = Uint8Array.from(readFileSync(path));
    const view = new DataView(bytes.buffer);
    // Section headers: e_shoff, 64 bytes each (gABI 4); .text in front of the table becomes a smaller section of its name at its address.
    const headerOf = (name: string): number => Number(view.getBigUint64(0x28, true)) + 64 * readElf(path, bytes).sections.findIndex((section) => section.name === name);
    const table = headerOf('__ex_table'), other = headerOf('.text');
    expect(other).toBeLessThan(table);
    view.setUint32(other, view.getUint32(table, true), true);
    view.setBigUint64(other + 16, view.getBigUint64(table + 16, true), true);
    view.setBigUint64(other + 32, 1n, true);
    expect(fixTables(path, bytes).changes).toContain('__ex_table: 4 entries sorted by address');
  });

  it('is refused for objects, for lengths nobody knows and for tables a loader relocates', () => {
    const object = build(program(TABLES.data));
    expect(() => fixTables('x.o', readFileSync(object))).toThrow(new FixError('x.o is relocatable: link it first; the linker would undo what is fixed here'));
    const unknown = linked(withRanges(range('load2', 0)));
    expect(() => fixTables('x', readFileSync(unknown))).toThrow(/range 0 at routine\+0x3 has length 0, and no symbol with a size is there/);
    const shared = join(folder, 'shared.so');
    run('ld', '-shared', '-z', 'notext', '-o', shared, build(program(TABLES.absolute)));
    expect(() => fixTables('x.so', readFileSync(shared), { layout: 'absolute' })).toThrow(/the loader relocates __ex_table/);
  });
});

describe.skipIf(skip !== undefined)('the report', () => {
  it('fits its published schema, and carries what the fault model says', () => {
    const file = readObject(compile(folder, 'report.S', program(TABLES.data), '-Wa,-gdwarf-5'));
    const report = reportTables(file, { sorted: true, meaning: ({ type }) => ({ typeName: `T${String(type)}`, writes: ['rax'], recoverable: { answer: 'no', because: 'a test' } }) });
    expect(tableReportSchema.parse(report)).toEqual(report);
    expect(report.entries.map(({ site }) => site.symbol)).toEqual(['routine', 'other', 'routine+0x3', 'routine+0x7']);
    expect(report.entries[2]).toMatchObject({
      table: '__ex_table', index: 2, typeName: 'T17', immediate: -14, data: '0xfff2a011', writes: ['rax'], recoverable: { answer: 'no' },
      site: { address: '0x3', section: '.text', source: { file: join(folder, 'report.S'), line: 7 } },
      target: { symbol: 'routine+0x13', source: { line: 13 } },
      instruction: { text: 'mov 0x8(%rsi),%rcx', bytes: '488b4e08', reads: true },
    });
    expect(tableReportJsonSchema()).toMatchObject({ type: 'object', required: expect.arrayContaining(['layout', 'evidence', 'entries', 'ranges', 'findings']) as unknown });
  });

  it('names places by the labels of the source where they are known', () => {
    const file = readObject(build(program(entry('load', 'pad'))));
    const section = file.sections.findIndex(({ name }) => name === '.text');
    const label = { name: '.Lfailed', section, offset: 13, position: { file: 'x.S', line: 1, column: 1 } };
    const report = reportTables({ ...file, localLabels: [label, { ...label, name: '1', offset: 0 }] });
    expect([report.entries[0]!.site.symbol, report.entries[0]!.target.symbol]).toEqual(['routine', 'routine+0xd (.Lfailed)']);
  });

  it('of a file without a table is empty', () => {
    expect(reportTables(readObject(build('nop')))).toMatchObject({ layout: null, evidence: [], entries: [], ranges: [], findings: [] });
  });
});
