import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { merged } from '../../cli/commands/sweep-merge.ts';
import { prepare } from '../../cli/commands/sweep.ts';
import { nodeHost } from '../../host/node/host.ts';
import { campaignReport } from '../../sweep/report.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcsafe-merge-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

const reports = new Map<string, Promise<SweepReport>>();

/** The report of one part, made once. */
function report(shard: string | undefined, n = '0..24/8'): Promise<SweepReport> {
  const key = `${shard ?? ''} ${n}`;
  if (!reports.has(key)) reports.set(key, swept(shard, n));
  return reports.get(key)!;
}

async function swept(shard: string | undefined, n: string): Promise<SweepReport> {
  const file = fileURLToPath(new URL('../../samples/faulty/clobbered_count.S', import.meta.url));
  const campaign = await prepare(file, { n, srcOffsets: '0', dstOffsets: '0', faults: 'none,mc-line,pf-read', ...(shard === undefined ? {} : { shard }) }, nodeHost());
  campaign.run(campaign.total);
  return campaignReport(campaign);
}

function saved(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

let one: string, two: string;
beforeAll(async () => {
  one = saved('1.json', await report('1/2'));
  two = saved('2.json', await report('2/2'));
});

test('the parts together are what one run finds: counts, classes, smallest cases, coverage, heat', async () => {
  const whole = await report(undefined);
  expect(merged([two, one])).toEqual({ reports: [JSON.parse(JSON.stringify(whole))], unreadable: [] });
});

test('some of the parts stay some of the parts', () => {
  expect(merged([two]).reports[0]!.space.shard).toEqual({ parts: [2], count: 2 });
});

test('parts of sweeps of several routines are merged routine by routine', async () => {
  const routine = async (shard: string | undefined): Promise<unknown[]> => [await report(shard), await report(shard, '0..16/8')];
  const files = [saved('a.json', await routine('1/2')), saved('b.json', (await routine('2/2')).reverse())];
  expect(merged(files).reports).toEqual(JSON.parse(JSON.stringify(await routine(undefined))));
  expect(() => merged([files[0]!, one])).toThrow(/1\.json has no report of copy_clobbering, which .*a\.json has/);
});

test('a file that cannot be read is named and left out; the rest is kept', async () => {
  const half = await report('2/2');
  const files = [
    saved('broken.json', '{'), saved('empty.json', ''), saved('else.json', { version: 1 }), join(folder, 'absent.json'),
    saved('half.json', { ...half, cases: half.cases - 1 }), one,
  ];
  const { reports: kept, unreadable } = merged(files);
  expect(kept).toHaveLength(1);
  expect(kept[0]!.space.shard).toEqual({ parts: [1], count: 2 });
  expect(unreadable).toEqual([
    expect.stringMatching(/broken\.json is no report of mcsafe sweep --json: it is not JSON, or was cut off/), expect.stringMatching(/empty\.json is empty: the sweep that was to write it did not come to its end/),
    expect.stringMatching(/else\.json is no report of mcsafe sweep --json: campaign/), expect.stringMatching(/cannot read .*absent\.json/),
    expect.stringMatching(/half\.json was interrupted after \d+ of \d+ cases of copy_clobbering; run that part again/),
  ]);
});

test('what does not belong together is refused, by name', async () => {
  const other = saved('other.json', await report('2/2', '0..16/8'));
  expect(() => merged([one, other])).toThrow(/other\.json is of another campaign .*: the program or the options differ/);
  expect(() => merged([one, one])).toThrow(/part 1 is in/);
  const third = saved('third.json', await report('2/3'));
  expect(() => merged([one, third])).toThrow(/third\.json is of a sweep in 3 parts, .*1\.json of one in 2/);
  const part = await report('2/2');
  expect(() => merged([one, saved('changed.json', { ...part, coverage: [] })])).toThrow(/changed\.json says that it is of the same campaign/);
});
