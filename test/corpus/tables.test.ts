/**
 * Tables of Debian's kernels: library objects against binutils, modules and whole kernels for false findings.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkObjects } from '../../assembly/elf/link.ts';
import { readElf } from '../../assembly/elf/read.ts';
import { readTables } from '../../assembly/extable/read.ts';
import { reportTables } from '../../assembly/extable/report.ts';
import type { TableReport } from '../../assembly/extable/report-schema.ts';
import { findImageTable } from '../../assembly/extable/search.ts';
import { corpus, missing } from './corpus.ts';
import type { CorpusGeneration } from './corpus.ts';
import { entriesByBinutils, gccObject, librarySources } from './objects.ts';

const skip = missing('exception tables of Debian\'s kernels', { commands: ['gcc', 'readelf', 'objcopy', 'xz', 'zstd'], corpora: ['6.1', '6.12'] });
const GENERATIONS = ['6.1', '6.12'] satisfies CorpusGeneration[];

/** A prefetch with an entry is no mistake of the reader: the kernel has one, and it never faults. */
const realFindings = ({ findings }: TableReport): string[] => findings.map(({ message }) => message).filter((message) => !message.includes('prefetch'));

function unpacked(path: string): Uint8Array {
  return path.endsWith('.xz') ? execFileSync('xz', ['-dc', path], { maxBuffer: 1 << 28 }) : readFileSync(path);
}

/** The compressed payloads Debian's kernels have had, and what unpacks them. */
const PAYLOADS = [
  { magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), command: 'xz', arguments: ['-dc', '--single-stream'] },
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), command: 'zstd', arguments: ['-dc'] },
] as const;

/** The ELF file inside a vmlinuz. */
function kernelOf(vmlinuz: Buffer): Uint8Array {
  for (const { magic, command, arguments: flags } of PAYLOADS) {
    for (let at = vmlinuz.indexOf(magic); at >= 0; at = vmlinuz.indexOf(magic, at + 1)) {
      // Other data follows the stream, so the command fails in the end, after writing all of the kernel.
      const { stdout } = spawnSync(command, flags, { input: vmlinuz.subarray(at), maxBuffer: 1 << 28, stdio: ['pipe', 'pipe', 'ignore'] });
      if (stdout?.subarray(0, 4).toString('latin1') === '\x7fELF') return stdout;
    }
  }
  throw new Error('no payload of this vmlinuz is xz or zstd');
}

describe.skipIf(skip !== undefined)('Debian\'s kernels', () => {
  it.each(GENERATIONS)('%s library objects have the entries binutils sees, and the image linked of them has the same', (generation) => {
    const from = corpus(generation)!;
    let total = 0;
    for (const name of librarySources(from)) {
      const path = gccObject(from, name);
      const file = readElf(name, readFileSync(path));
      const theirs = entriesByBinutils(path);
      const entries = readTables(file).flatMap((table) => {
        expect(table.layout).toBe('data');
        return table.entries;
      });
      expect(entries.map(({ insn, fixup, data }) => [Number(insn), Number(fixup), data | 0]), name).toEqual(theirs.map(([insn, fixup, data]) => [insn, fixup, data]));
      const { image, problems } = linkObjects([file]);
      expect(problems, name).toEqual([]);
      const text = image.sections.find((section) => section.name === '.text')!.address;
      const table = findImageTable(image, { generation });
      expect(table.size).toBe(theirs.length);
      for (const [insn, fixup] of theirs) expect(table.find(text + BigInt(insn))).toMatchObject({ fixup: text + BigInt(fixup) });
      expect(realFindings(reportTables(file)), name).toEqual([]);
      total += entries.length;
    }
    expect(total).toBeGreaterThan(100);
  });

  it.each(GENERATIONS)('%s modules list without false findings', (generation) => {
    const folder = corpus(generation)!.image;
    if (folder === undefined) throw new Error('the corpus was fetched without its image; npm run corpus');
    let entries = 0;
    for (const name of readdirSync(folder).filter((file) => /\.ko(\.xz)?$/.test(file))) {
      const report = reportTables(readElf(name, unpacked(join(folder, name))));
      expect(realFindings(report), name).toEqual([]);
      entries += report.entries.length;
      if (report.entries.length > 0) expect(report.evidence[0]).toMatch(new RegExp(`^built for kernel ${generation.replace('.', '\\.')}\\..*: layout data`));
    }
    expect(entries).toBeGreaterThan(100);
  }, 60_000);

  it.each(GENERATIONS)('%s kernel itself lists without false findings', (generation) => {
    const folder = corpus(generation)!.image!;
    const report = reportTables(readElf('vmlinux', kernelOf(readFileSync(join(folder, 'vmlinuz')))));
    expect(report).toMatchObject({ kind: 'executable', layout: 'data' });
    expect(report.evidence[0]).toMatch(new RegExp(`^built for kernel ${generation.replace('.', '\\.')}\\.`));
    expect(report.entries.length).toBeGreaterThan(500);
    expect(realFindings(report)).toEqual([]);
  }, 120_000);
});
