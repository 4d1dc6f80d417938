/**
 * Objects of the kernel's own 64-bit library routines, assembled by gcc with the packaged headers: the oracle for our readers and assembler.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kernelAssemblyFlags, sha256 } from './corpus.ts';
import type { Corpus } from './corpus.ts';

const OBJECTS = fileURLToPath(new URL('../../.cache/corpus-objects/', import.meta.url));

/** 32-bit only: gas refuses them with -m64. */
const ONLY_32_BIT = /_32\.S$|^cmpxchg8b_emu\.S$/;

/** The `.S` files of arch/x86/lib that belong to a 64-bit kernel, by name. */
export function librarySources({ source }: Corpus): readonly string[] {
  return readdirSync(join(source, 'arch/x86/lib')).filter((name) => name.endsWith('.S') && !ONLY_32_BIT.test(name)).sort();
}

/** Where the one entry of a 64-bit kernel's assembly stands that is not in its library: the load of gs. */
export const ENTRY_CODE = '../entry/entry_64.S';

/** All that is assembled out of tree and has entries, seen from arch/x86/lib. */
export function sourcesWithEntries(from: Corpus): readonly string[] {
  return [...librarySources(from), ENTRY_CODE];
}

export function sourcePath({ source }: Corpus, name: string): string {
  return join(source, 'arch/x86/lib', name);
}

/** Assembles `name` with gcc (once: the result is kept by package version and source hash) and returns the object's path. */
export function gccObject(from: Corpus, name: string): string {
  const path = sourcePath(from, name);
  const folder = join(OBJECTS, from.generation);
  const object = join(folder, `${basename(name, '.S')}-${sha256(path).slice(0, 12)}.o`);
  if (existsSync(object)) return object;
  mkdirSync(folder, { recursive: true });
  const fresh = `${object}.${String(process.pid)}`;
  execFileSync('gcc', [...kernelAssemblyFlags(from), '-c', '-o', fresh, path], { stdio: ['ignore', 'ignore', 'pipe'] });
  renameSync(fresh, object);
  return object;
}

/** One exception-table entry of a 6.1 or 6.12 object, offsets in its section of code as binutils sees them. */
export type EntryFact = readonly [insn: number, fixup: number, data: number];

/** The entries of an object in table order: fields from `readelf -r`, the data word from the section's bytes. */
export function entriesByBinutils(object: string): readonly EntryFact[] {
  const relocations = new Map<number, number>();
  let inTable = false;
  for (const line of execFileSync('readelf', ['-rW', object], { encoding: 'utf8' }).split('\n')) {
    if (line.startsWith('Relocation section')) inTable = line.includes("'.rela__ex_table'");
    const match = /^([0-9a-f]{16})\s+\S+\s+R_X86_64_PC32\s+\S+\s+\.(?:entry\.)?text \+ ([0-9a-f]+)$/.exec(line);
    if (inTable && match !== null) relocations.set(parseInt(match[1]!, 16), parseInt(match[2]!, 16));
  }
  const bytes = sectionBytes(object, '__ex_table');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: EntryFact[] = [];
  for (let offset = 0; offset < bytes.length; offset += 12) {
    const insn = relocations.get(offset);
    const fixup = relocations.get(offset + 4);
    if (insn === undefined || fixup === undefined) throw new Error(`${object}: the entry at ${String(offset)} has no PC32 relocations against code`);
    // P of the second field lies 4 bytes further on, and each addend names its target exactly.
    entries.push([insn, fixup, view.getInt32(offset + 8, true)]);
  }
  return entries;
}

/** The bytes of one section; empty if there is none. */
export function sectionBytes(object: string, section: string): Uint8Array {
  const out = `${object}.${section.replace(/\W/g, '_')}.${String(process.pid)}`;
  execFileSync('objcopy', ['-O', 'binary', '--set-section-flags', `${section}=alloc,contents,readonly`, '-j', section, object, out], { stdio: 'ignore' });
  const bytes = readFileSync(out);
  execFileSync('rm', [out]);
  return bytes;
}
