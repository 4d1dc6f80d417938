import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { prepare } from '../../cli/commands/sweep.ts';
import type { SweepOptions } from '../../cli/commands/sweep.ts';
import { sweepText } from '../../cli/sweep-text.ts';
import { nodeHost } from '../../host/node/host.ts';
import { parseLaunchConfig } from '../../machine/scenario/schema.ts';
import { Campaign } from '../../sweep/campaign.ts';
import { parseLengths, parseOffsets } from '../../sweep/defaults.ts';
import { sweepReportSchema } from '../../sweep/report-schema.ts';
import { campaignReport } from '../../sweep/report.ts';
import { FAULT_KINDS, Space } from '../../sweep/space.ts';

const sample = (name: string): string => fileURLToPath(new URL(`../../samples/${name}`, import.meta.url));
const SMALL: SweepOptions = { n: '0..12/4', srcOffsets: '0,3', dstOffsets: '0' };

async function prepared(name: string, options: SweepOptions = SMALL): Promise<Campaign> {
  return prepare(sample(name), options, nodeHost());
}

function finished(campaign: Campaign): Campaign {
  campaign.run(campaign.total);
  return campaign;
}

describe('the driver inside WebAssembly', () => {
  test.each(['copy_mc.S', 'clear.S', 'faulty/deferred_stores.S', 'faulty/clobbered_count.S', 'faulty/tail_retry.S', 'faulty/missing_sfence.S', 'faulty/ac_left_open.S'])('says of %s what the ordinary machine says', async (name) => {
    const { request } = await prepared(name, { ...SMALL, n: name.includes('deferred') ? '0..16/16' : '3..11/8' });
    const fast = finished(new Campaign({ ...request, driver: true }));
    const slow = finished(new Campaign({ ...request, driver: false }));
    expect(fast.violating).toBe(slow.violating);
    expect(campaignReport(fast).failures).toEqual(campaignReport(slow).failures);
  });
});

test('one execution of one instruction can fault: a count that is wrong there shows', async () => {
  const campaign = finished(await prepared('faulty/deferred_stores.S', { ...SMALL, n: '16..32/16', srcOffsets: '0', faults: 'nth-mc' }));
  const [only, ...others] = campaign.failures.classes;
  expect(others).toEqual([]);
  expect(only).toMatchObject({ clause: 'over-claim', smallest: { kind: 'nth-mc', n: 16, position: 1, second: 1 } });
  // The second load of the first pair, and for n = 32 of either pair.
  expect(only!.cases).toBe(3);
});

describe('a space', () => {
  const axes = { lengths: { from: 1, to: 200, step: 1 }, longLengths: [], srcOffsets: [0], dstOffsets: [0, 1, 2, 3, 4, 5, 6, 7], targets: 1, instructions: 2 };

  test('n up to 200, a fault at every byte, 8 alignments: 160,800 cases', () => {
    expect(new Space({ ...axes, kinds: ['pf-read'] }).size).toBe(160_800);
  });

  test('every number is a case of its own, and every position of every length is there', () => {
    const space = new Space({ ...axes, lengths: { from: 0, to: 5, step: 1 }, kinds: FAULT_KINDS });
    const seen = new Set(Array.from({ length: space.size }, (_, i) => {
      const { index, ...one } = space.caseAt(i);
      expect(index).toBe(i);
      return JSON.stringify(one);
    }));
    expect(seen.size).toBe(space.size);
    expect(seen).toContain(JSON.stringify({ target: 0, kind: 'pf-read', n: 5, srcOffset: 0, dstOffset: 7, position: 4, second: 0 }));
  });

  test('lines of a source that is not aligned begin at their first byte that is copied', () => {
    const space = new Space({ ...axes, lengths: { from: 128, to: 128, step: 1 }, srcOffsets: [3], dstOffsets: [0], kinds: ['mc-line'] });
    expect(Array.from({ length: space.size }, (_, i) => space.caseAt(i).position)).toEqual([0, 61, 125]);
  });

  test('is told in words', () => {
    expect(new Space({ ...axes, kinds: ['pf-read'] }).describe()).toContain('lengths 1 to 200');
    expect(parseLengths('0..256/16')).toEqual({ from: 0, to: 256, step: 16 });
    expect(parseLengths('200')).toEqual({ from: 0, to: 200, step: 1 });
    expect(parseOffsets('0..2,60')).toEqual([0, 1, 2, 60]);
  });
});

test('the shards of a campaign are its cases, each once', async () => {
  const { request } = await prepared('faulty/clobbered_count.S');
  const whole = finished(new Campaign(request));
  const parts = [1, 2, 3].map((index) => finished(new Campaign({ ...request, shard: { index, count: 3 } })));
  const sum = (of: (campaign: Campaign) => number): number => parts.reduce((total, part) => total + of(part), 0);
  expect(sum(({ done }) => done)).toBe(whole.done);
  expect(sum(({ violating }) => violating)).toBe(whole.violating);
});

test('a report fits its schema; each failure carries a launch configuration that replays it', async () => {
  const campaign = finished(await prepared('faulty/deferred_stores.S', { ...SMALL, n: '0..32/16' }));
  const report = campaignReport(campaign);
  expect(() => sweepReportSchema.parse(JSON.parse(JSON.stringify(report)))).not.toThrow();
  const [failure] = report.failures;
  expect(failure).toMatchObject({ clause: 'over-claim', smallest: { n: 16, position: 8 }, instruction: { line: 20 } });
  expect(parseLaunchConfig(failure!.launch).ok).toBe(true);
  expect(sweepText(report, false)).toContain('exhaustive for n <= 32 in steps of 16 and 4 of 4 GiB and more, 2 x 1 alignments');
});

test('an interrupted campaign reports what it knows', async () => {
  const campaign = await prepared('copy_mc.S');
  campaign.run(10);
  const report = campaignReport(campaign);
  expect(report).toMatchObject({ cases: 10, planned: campaign.total });
  expect(sweepText(report, true)).toContain('after 10 of');
});

test('random cases are the same for the same seed, and others for another', async () => {
  const shown = async (seed: number): Promise<unknown> => {
    const { failures } = campaignReport(finished(await prepared('faulty/clobbered_count.S', { ...SMALL, random: 60, seed })));
    return failures.map(({ clause, cases, smallest }) => [clause, cases, smallest]);
  };
  expect(await shown(7)).toEqual(await shown(7));
  expect(await shown(7)).not.toEqual(await shown(8));
});

test('a routine that never ends breaks that promise, and the sweep of it ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcsafe-endless-'));
  const file = join(folder, 'endless.S');
  writeFileSync(file, '#include <asm/asm.h>\n\t.text\n# mcsafe: contract copy dst=rdi src=rsi n=rdx\n\t.globl f\n\t.type f, @function\nf:\n1:\tmovb (%rsi), %al\n2:\tjmp 2b\n\t.size f, . - f\n\t_ASM_EXTABLE(1b, 2b)\n');
  const campaign = await prepare(file, { n: '0..20', srcOffsets: '0', dstOffsets: '0' }, nodeHost());
  rmSync(folder, { recursive: true });
  campaign.run(campaign.total);
  expect(campaign.failures.classes.map(({ clause }) => clause)).toEqual(['ends']);
  expect(campaign.failures.classes[0]!.message).toBe('still running after 20000 instructions');
  expect(campaign.violating).toBe(campaign.total);
});

describe('what cannot be swept is said', () => {
  test.each<readonly [string, string, SweepOptions, RegExp]>([
    ['a space beyond measure', 'copy_mc.S', { n: '0..100000' }, /cases.*--shard.*--random/],
    ['an unknown contract', 'copy_mc.S', { contract: 'copies' }, /no contract "copies"; there are copy, copy-partial/],
    ['an unknown fault', 'copy_mc.S', { faults: 'mc' }, /no fault kind "mc"; there are none, mc-line/],
    ['an unknown routine', 'copy_mc.S:copy_cm', {}, /no routine "copy_cm".*copy_mc/],
    ['a missing file', 'nothing.S', {}, /cannot read/],
    ['an unknown profile', 'copy_mc.S', { profile: ['pdp-11'] }, /no CPU profile "pdp-11"/],
    ['a malformed shard', 'copy_mc.S', { shard: '3/2' }, /--shard wants i\/n/],
    ['more cases than can be numbered', 'copy_mc.S', { n: '0..1000000', random: 10 }, /cannot be numbered/],
    ['a fault for which the contract has no buffer', 'clear.S', { faults: 'pf-read' }, /no buffer that is read/],
    ['a range that is none', 'copy_mc.S', { n: '9..3' }, /ends before it begins/],
    ['a length for a contract without one', 'get_word.S', { n: '8' }, /takes no length/],
  ])('%s', async (_, name, options, message) => {
    await expect(prepared(name, options)).rejects.toThrow(message);
  });
});
