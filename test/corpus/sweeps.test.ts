/**
 * The kernel's own copy, clear and csum routines swept: what they promise on every CPU on which they run differently, and how much progress
 * and how many exceptions they need. Kept as facts (numbers, no text) under the hash of each source file.
 * `MCSAFE_UPDATE=1 npm run corpus` adds facts for sources that Debian has updated.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { prepareCampaign, sweepableRoutines } from '../../host/campaign.ts';
import { nodeHost } from '../../host/node/host.ts';
import { Campaign } from '../../sweep/campaign.ts';
import type { CampaignRequest } from '../../sweep/campaign.ts';
import type { FaultKind } from '../../sweep/space.ts';
import { corpus, missing, sha256 } from './corpus.ts';
import type { CorpusGeneration } from './corpus.ts';
import { sourcePath } from './objects.ts';

interface Swept {
  readonly generation: CorpusGeneration;
  readonly file: string;
  readonly routine: string;
  /** Lengths up to this. */
  readonly n: number;
}

const COPY_USER = ['copy_user_generic_unrolled', 'copy_user_generic_string', 'copy_user_enhanced_fast_string', '__copy_user_nocache'];
const COPY_MC = ['copy_mc_fragile', 'copy_mc_enhanced_fast_string'];
const CLEAR = ['clear_user_original', 'clear_user_rep_good', 'clear_user_erms'];

function of(generation: CorpusGeneration, file: string, routines: readonly string[], n = 200): readonly Swept[] {
  return routines.map((routine) => ({ generation, file, routine, n }));
}

const ROUTINES: readonly Swept[] = [
  ...of('6.1', 'copy_mc_64.S', COPY_MC), ...of('6.1', 'copy_user_64.S', COPY_USER), ...of('6.1', 'clear_page_64.S', CLEAR, 300), ...of('6.1', 'csum-copy_64.S', ['csum_partial_copy_generic']),
  ...of('6.12', 'copy_mc_64.S', COPY_MC), ...of('6.12', 'copy_user_64.S', ['rep_movs_alternative']), ...of('6.12', 'copy_user_uncached_64.S', ['copy_to_nontemporal']),
  ...of('6.12', 'clear_page_64.S', ['rep_stos_alternative'], 300), ...of('6.12', 'csum-copy_64.S', ['csum_partial_copy_generic']),
];

interface Facts {
  readonly file: string;
  readonly contract: string;
  /** Names of the CPUs on which it runs differently. */
  readonly cpus: readonly string[];
  /** Entries used on any of them, and all. */
  readonly entries: readonly [used: number, all: number];
  /** Promises broken on any of them: clause, offset of the instruction in the routine, cases. */
  readonly broken: readonly (readonly [clause: string, offset: number, cases: number])[];
  /** Most bytes in front of a fault that are given up, and most exceptions of a call, by kind of fault. */
  readonly lost: Readonly<Record<string, number>>;
  readonly exceptions: Readonly<Record<string, number>>;
}

const FILE = new URL('sweeps.facts.json', import.meta.url);
const known = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Facts>;
const reason = missing('sweeps of the kernel routines', { corpora: ['6.1', '6.12'] });

/** Kinds by which progress and exceptions are measured, with the offsets that count for them: as for domain figures, a fault at every byte. */
const MEASURED: readonly { readonly kind: FaultKind; readonly src: number; readonly dst: number }[] = [
  { kind: 'pf-read', src: 1, dst: 8 }, { kind: 'pf-write', src: 8, dst: 1 }, { kind: 'mc-line', src: 64, dst: 1 },
];
/** Kinds that on every CPU together reach what all of them do. */
const EVERYWHERE: readonly FaultKind[] = ['none', 'mc-line', 'pf-both', 'mc-pf-write', 'pf-read-byte', 'pf-write-byte'];
const LOST = [0, 3, 7, 15, 63, 127];

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function ran(request: CampaignRequest): Campaign {
  const campaign = new Campaign(request);
  campaign.run(campaign.total);
  return campaign;
}

async function factsOf({ generation, file, routine, n }: Swept): Promise<Facts> {
  const path = `${sourcePath(corpus(generation)!, file)}:${routine}`;
  // Checksums have a loop for each alignment.
  const offsets = routine.startsWith('csum') ? '0..3' : '0,1';
  const options = { kernel: [generation], n: '0..72/3', srcOffsets: offsets, dstOffsets: offsets };
  const { request: asked } = await prepareCampaign(path, { ...options, profile: ['all'] }, nodeHost());
  const everywhere = ran({ ...asked, axes: { ...asked.axes, kinds: asked.axes.kinds.filter((kind) => EVERYWHERE.includes(kind)) } });
  const entry = everywhere.request.targets[0]!.image.symbols.find(({ name }) => name === routine)!.address;
  const coverage = everywhere.coverage.map((one) => one.report().instructions.filter((instruction) => instruction.entry));
  const used = new Set(coverage.flatMap((entries) => entries.filter(({ faults }) => Object.keys(faults).length > 0).map(({ address }) => address)));
  const [first] = everywhere.request.targets;
  const lost: Record<string, number> = {}, exceptions: Record<string, number> = {};
  for (const { kind, src, dst } of MEASURED.filter((one) => asked.axes.kinds.includes(one.kind))) {
    const { axes, promises } = everywhere.request;
    const request = (more: object): CampaignRequest => ({
      targets: [first!], promises: { ...promises, maxExceptions: 8, ...more },
      axes: { ...axes, lengths: { from: 1, to: n, step: 1 }, longLengths: [], srcOffsets: upTo(src), dstOffsets: upTo(dst), kinds: [kind] },
    });
    const breaks = (clause: string, more: object): boolean => ran(request(more)).failures.classes.some((one) => one.clause === clause);
    if (promises.contract.kind !== 'csum') lost[kind] = LOST.find((progress) => !breaks('progress', { progress })) ?? -1;
    exceptions[kind] = [1, 2, 3, 4].find((maxExceptions) => !breaks('exceptions', { maxExceptions })) ?? -1;
  }
  return {
    file: `arch/x86/lib/${file}`, contract: everywhere.request.promises.contract.kind, cpus: everywhere.request.targets.map(({ name }) => name.split(',')[0]!),
    entries: [used.size, coverage[0]!.length],
    broken: everywhere.failures.classes.map(({ clause, at, cases }) => [clause, Number(at - entry), cases] as const), lost, exceptions,
  };
}

describe.skipIf(reason !== undefined)('the kernel\'s own routines keep what is on record', () => {
  test.for(ROUTINES)('$generation $routine', { timeout: 120_000 }, async (swept) => {
    const key = `${swept.generation} ${swept.routine} ${sha256(sourcePath(corpus(swept.generation)!, swept.file))}`;
    const found = await factsOf(swept);
    if (known[key] === undefined) {
      if (process.env['MCSAFE_UPDATE'] !== '1') {
        console.log(`no facts for ${key.slice(0, 60)}: Debian has updated it; run with MCSAFE_UPDATE=1`);
        return;
      }
      known[key] = found;
      writeFileSync(FILE, `{\n${Object.entries(known).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, facts]) => `${JSON.stringify(name)}: ${JSON.stringify(facts)}`).join(',\n')}\n}\n`);
      return;
    }
    expect(found).toEqual(known[key]);
  });
});

describe.skipIf(reason !== undefined)('the kernel\'s get_user and put_user keep every promise, on every CPU', () => {
  test.for([['6.1', 'getuser.S', 8], ['6.1', 'putuser.S', 4], ['6.12', 'getuser.S', 8], ['6.12', 'putuser.S', 8]] as const)('%s %s', { timeout: 60_000 }, async ([generation, file, count]) => {
    const path = sourcePath(corpus(generation)!, file);
    const options = { kernel: [generation], profile: ['all'], srcOffsets: '0,5', dstOffsets: '0,5' };
    const routines = await sweepableRoutines(path, options, nodeHost());
    // The unchecked put_user of 6.1 are labels within the checked ones.
    expect(routines).toHaveLength(count);
    for (const { name } of routines) {
      const { request } = await prepareCampaign(`${path}:${name}`, options, nodeHost());
      expect(request.promises.contract.arguments, name).toHaveProperty('value');
      expect(ran(request).failures.classes.map(({ clause, message }) => `${clause}: ${message}`), name).toEqual([]);
    }
  });
});
