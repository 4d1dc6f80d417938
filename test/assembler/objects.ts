/**
 * Objects in words, so that one of ours and one of GNU as can be compared, and what `as` makes of a source.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readElf } from '../../assembly/elf/read.ts';
import { SHT } from '../../assembly/elf/object.ts';
import type { ObjectFile, Section } from '../../assembly/elf/object.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-as-'));
let count = 0;

/** What GNU as says to a source: the object, or undefined if it refuses, and its messages by line. */
export interface GasResult {
  readonly object: ObjectFile | undefined;
  readonly path: string;
  readonly errors: ReadonlyMap<number, string>;
  /** Line at which as itself broke down, which some nonsense brings about. */
  readonly crashed: number | undefined;
}

/** Assembles `source` with GNU as. */
export function gas(source: string, ...flags: readonly string[]): GasResult {
  const name = `t${String(count++)}`;
  const path = join(folder, `${name}.o`);
  const sourcePath = join(folder, `${name}.s`);
  writeFileSync(sourcePath, source);
  const { stderr, status } = spawnSync('as', [...flags, '-o', path, sourcePath], { encoding: 'utf8', maxBuffer: 1 << 30, env: { ...process.env, LC_ALL: 'C' } });
  const errors = new Map<number, string>();
  for (const [, line, message] of stderr.matchAll(/\.s:(\d+): Error: (.*)/g)) errors.set(Number(line), message ?? '');
  const crash = /\.s:(\d+): Internal error/.exec(stderr);
  return { path, errors, crashed: crash === null ? undefined : Number(crash[1]), object: status === 0 ? readElf(path, readFileSync(path)) : undefined };
}

/** Tables that the file format needs, and that the object model holds in another way. */
const TABLES: readonly number[] = [SHT.NULL, SHT.SYMTAB, SHT.STRTAB, SHT.RELA];

/** One line for each section, each relocation and each symbol, in their order. */
export function describeObject(object: ObjectFile): string[] {
  const lines: string[] = [];
  for (const section of object.sections) {
    if (TABLES.includes(section.type)) continue;
    const { name, type, flags, align, entrySize } = section;
    const link = section.link === undefined || section.type === SHT.GROUP ? '' : object.sections[section.link]?.name ?? '';
    lines.push(`section ${name}: type ${String(type)}, flags ${flags.toString(16)}, align ${String(align)}, entries of ${String(entrySize)} ${link} ${contents(object, section)}`);
    for (const { offset, type: kind, symbol, addend } of section.relocations) {
      lines.push(`  ${name}+0x${offset.toString(16)}: relocation ${String(kind)} ${object.symbols[symbol]?.name ?? '?'} + ${addend.toString()}`);
    }
  }
  for (const symbol of object.symbols.slice(1)) {
    const place = typeof symbol.section === 'number' ? object.sections[symbol.section]?.name ?? '?' : symbol.section;
    lines.push(`symbol ${symbol.name}: ${place} ${symbol.value.toString()} size ${symbol.size.toString()} ${symbol.type} ${symbol.binding} ${symbol.visibility}`);
  }
  return lines;
}

function contents(object: ObjectFile, section: Section): string {
  if (section.type !== SHT.GROUP) return `${String(section.size)} bytes ${Buffer.from(section.bytes).toString('hex')}`;
  const words = [...new Uint32Array(Uint8Array.from(section.bytes).buffer)];
  const members = words.slice(1).map((index) => object.sections[index]?.name ?? '?').filter((name) => !name.startsWith('.rela'));
  return `flags ${String(words[0])} of ${object.symbols[section.info ?? 0]?.name ?? '?'}: ${members.join(' ')}`;
}

/** The bytes of each source line in `.text`, as hexadecimal, by the object's line table. */
export function bytesByLine(object: ObjectFile): Map<number, string> {
  const index = object.sections.findIndex((section) => section.name === '.text');
  const bytes = object.sections[index]?.bytes ?? new Uint8Array(0);
  const rows = object.lines.filter((row) => row.section === index);
  const result = new Map<number, string>();
  rows.forEach((row, position) => {
    const end = rows[position + 1]?.offset ?? bytes.length;
    const { line } = row.position;
    result.set(line, (result.get(line) ?? '') + Buffer.from(bytes.subarray(row.offset, end)).toString('hex'));
  });
  return result;
}
