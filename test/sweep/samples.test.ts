import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { prepare } from '../../cli/commands/sweep.ts';
import type { SweepOptions } from '../../cli/commands/sweep.ts';
import { nodeHost } from '../../host/node/host.ts';
import type { Campaign } from '../../sweep/campaign.ts';
import { placeOf } from '../../sweep/coverage.ts';

async function swept(sample: string, options: SweepOptions = {}): Promise<Campaign> {
  const file = fileURLToPath(new URL(`../../samples/${sample}`, import.meta.url));
  const campaign = await prepare(file, { srcOffsets: '0,1', dstOffsets: '0', ...options }, nodeHost());
  campaign.run(campaign.total);
  return campaign;
}

/** `clause: instruction` of each failure class, in order. */
function classes(campaign: Campaign): readonly string[] {
  return campaign.failures.classes.map(({ clause, at, smallest }) => `${clause}: ${placeOf(campaign.references[smallest.target]!.target.image, at).text}`).sort();
}

describe('a correct routine', () => {
  test.each(['copy_mc.S', 'clear.S', 'get_word.S'])('%s breaks no promise, and every entry is used', async (sample) => {
    const campaign = await swept(sample, sample === 'get_word.S' ? {} : { n: '0..9' });
    expect(classes(campaign)).toEqual([]);
    expect(campaign.total).toBeGreaterThan(20);
    const { entriesReached, entries } = campaign.coverage[0]!.report();
    expect(entriesReached).toBe(entries);
  });
});

describe('a correct routine of another style breaks no promise, old CPU or new, and every entry is used on one', () => {
  const routines = ['backward_copy.S', 'csum_copy.S', 'nocache_copy.S', 'string_copy.S', 'trap_and_rest.S', 'unrolled_copy.S', 'user_values.S:read_user_u32', 'user_values.S:write_user_u16'];

  test.each(routines)('%s', async (routine) => {
    const values = routine.startsWith('user_values');
    const campaign = await swept(`correct/${routine}`, { profile: ['intel-server', 'intel-old'], ...(values ? {} : { n: routine.startsWith('unrolled') ? '32..43/11' : '0..9/3' }) });
    expect(classes(campaign)).toEqual([]);
    const entries = campaign.coverage.map((coverage) => coverage.report().instructions.filter(({ entry }) => entry));
    const used = new Set(entries.flatMap((instructions) => instructions.filter(({ faults }) => Object.keys(faults).length > 0).map(({ address }) => address)));
    expect(used.size).toBe(entries[0]!.length);
  });

  test('all of them are in this list', () => {
    const named = new Set(routines.map((routine) => routine.split(':')[0]!));
    expect(readdirSync(fileURLToPath(new URL('../../samples/correct/', import.meta.url))).sort()).toEqual([...named].sort());
  });
});

describe('a wrong routine shows exactly what is wrong with it', () => {
  const table: readonly { readonly sample: string; readonly shows: readonly string[]; readonly n?: string }[] = [
    { sample: 'ac_left_open.S', shows: ['ac-flag: mov (%rsi),%cl'] },
    { sample: 'clobbered_count.S', shows: ['over-claim: mov (%rsi),%cl', 'range: mov (%rsi),%cl', 'under-claim: mov (%rsi),%cl'], n: '16..24/8' },
    { sample: 'deferred_stores.S', shows: ['over-claim: mov 0x8(%rsi),%r9'], n: '0..32/16' },
    { sample: 'missing_sfence.S', shows: ['non-temporal: endbr64'], n: '0..32/8' },
    { sample: 'pretends_success.S', shows: ['over-claim: mov (%rsi),%cl'] },
    { sample: 'short_length.S', shows: ['length: test %edx,%edx'] },
    { sample: 'tail_retry.S', shows: ['poison-reread: rep movsb %ds:(%rsi),%es:(%rdi)'] },
    { sample: 'wrong_label.S', shows: ['handled: rep stos %al,%es:(%rdi)'] },
  ];
  test.each(table)('$sample', async ({ sample, shows, n }) => {
    expect(classes(await swept(`faulty/${sample}`, { n: n ?? '0..9' }))).toEqual(shows);
  });

  test('all of them are in this table', () => {
    expect(table.map(({ sample }) => sample)).toEqual(readdirSync(fileURLToPath(new URL('../../samples/faulty/', import.meta.url))).sort());
  });

  test('what is short only for lengths of 4 GiB and more shows only there', async () => {
    const campaign = await swept('faulty/short_length.S', { n: '0..9' });
    for (const { smallest } of campaign.failures.classes) expect(smallest.n).toBeGreaterThanOrEqual(2 ** 32);
  });

  test('loads credited before they are stored: the smallest case is one pair, the fault at its second word', async () => {
    const campaign = await swept('faulty/deferred_stores.S', { n: '0..64/16' });
    const [only] = campaign.failures.classes;
    expect(only).toMatchObject({ smallest: { n: 16, position: 8 }, message: 'says 8 bytes are done; only 0 are' });
    // Poison in any of the eight bytes of the second word of any of 1 + 2 + 3 + 4 pairs, at both offsets; of longer lengths only the first 64 bytes are there.
    expect(only!.byKind.get('mc-byte')).toBe((10 * 8 + longLengths(campaign) * 32) * 2);
  });
});

function longLengths(campaign: Campaign): number {
  return campaign.space.axes.longLengths.length;
}
