/**
 * Tables of Debian's kernels: library objects against binutils, modules and whole kernels for false findings.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkObjects } from '../../assembly/elf/link/link.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { packedAs } from '../../assembly/elf/packed.ts';
import { readElf } from '../../assembly/elf/read.ts';
import { readTables } from '../../assembly/extable/read.ts';
import { reportTables } from '../../assembly/extable/report.ts';
import type { TableReport } from '../../assembly/extable/report-schema.ts';
import { findImageTable } from '../../assembly/extable/search.ts';
import { openFile } from '../../host/node/file-source.ts';
import { nodeProcesses } from '../../host/node/processes.ts';
import { unpack } from '../../host/node/unpack.ts';
import { corpus, missing } from './corpus.ts';
import type { CorpusGeneration } from './corpus.ts';
import { entriesByBinutils, gccObject, sourcesWithEntries } from './objects.ts';

const skip = missing('exception tables of Debian\'s kernels', { commands: ['gcc', 'readelf', 'objcopy', 'xz', 'zstd'], corpora: ['6.1', '6.12'] });
const GENERATIONS = ['6.1', '6.12'] satisfies CorpusGeneration[];

/** A prefetch with an entry is no mistake of the reader: the kernel has one, and it never faults. */
const realFindings = ({ findings }: TableReport): string[] => findings.map(({ message }) => message).filter((message) => !message.includes('prefetch'));

/** A file of the image package as `mcsafe table` opens it. */
async function opened(path: string): Promise<ObjectFile> {
  const source = openFile(path)!;
  const packed = packedAs(source);
  return readElf(basename(path), packed === undefined ? source.read(0, source.size) : await unpack(path, source, packed, nodeProcesses));
}

/** Entries of the files of the image package, by package: `MCSAFE_UPDATE=1 npm run corpus` adds those of a new one. */
const FACTS = new URL('tables.facts.json', import.meta.url);
type Facts = Record<string, Record<string, number>>;
const facts = JSON.parse(readFileSync(FACTS, 'utf8')) as Facts;

function checkCounts(generation: CorpusGeneration, counts: Readonly<Record<string, number>>): void {
  const image = corpus(generation)!.packages['image']!.package;
  if (process.env['MCSAFE_UPDATE'] === '1') {
    facts[image] = { ...facts[image], ...counts };
    writeFileSync(FACTS, `${JSON.stringify(facts, undefined, 2)}\n`);
  }
  const known = facts[image];
  if (known === undefined) console.log(`no facts for ${image}: run with MCSAFE_UPDATE=1`);
  else expect(known).toMatchObject(counts);
}

describe.skipIf(skip !== undefined)('Debian\'s kernels', () => {
  it.each(GENERATIONS)('%s library objects have the entries binutils sees, and the image linked of them has the same', (generation) => {
    const from = corpus(generation)!;
    let total = 0;
    for (const name of sourcesWithEntries(from)) {
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
      const code = name.endsWith('/entry_64.S') ? '.entry.text' : '.text';
      const text = image.sections.find((section) => section.name === code)!.address;
      const table = findImageTable(image, { generation });
      expect(table.size).toBe(theirs.length);
      for (const [insn, fixup] of theirs) expect(table.find(text + BigInt(insn))).toMatchObject({ fixup: text + BigInt(fixup) });
      expect(realFindings(reportTables(file)), name).toEqual([]);
      total += entries.length;
    }
    if (generation === '6.1') expect(total).toBe(108);
    else expect(total).toBeGreaterThan(100);
  });

  it.each(GENERATIONS)('%s modules list without false findings', async (generation) => {
    const folder = corpus(generation)!.image;
    if (folder === undefined) throw new Error('the corpus was fetched without its image; npm run corpus');
    const counts: Record<string, number> = {};
    for (const name of readdirSync(folder).filter((file) => /\.ko(\.xz)?$/.test(file))) {
      const report = reportTables(await opened(join(folder, name)));
      expect(realFindings(report), name).toEqual([]);
      counts[name] = report.entries.length;
      if (report.entries.length > 0) expect(report.evidence[0]).toMatch(new RegExp(`^built for kernel ${generation.replace('.', '\\.')}\\..*: layout data`));
    }
    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBeGreaterThan(100);
    checkCounts(generation, counts);
  }, 60_000);

  it.each(GENERATIONS)('%s kernel itself, unpacked from its vmlinuz, lists without false findings', async (generation) => {
    const folder = corpus(generation)!.image!;
    const report = reportTables(await opened(join(folder, 'vmlinuz')));
    expect(report).toMatchObject({ kind: 'executable', layout: 'data' });
    expect(report.evidence[0]).toMatch(new RegExp(`^built for kernel ${generation.replace('.', '\\.')}\\.`));
    expect(report.entries.length).toBeGreaterThan(500);
    expect(realFindings(report)).toEqual([]);
    checkCounts(generation, { vmlinuz: report.entries.length });
  }, 120_000);
});
