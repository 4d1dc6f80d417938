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

async function report(shard: string | undefined, n = '0..24/8'): Promise<SweepReport> {
  const file = fileURLToPath(new URL('../../samples/faulty/clobbered_count.S', import.meta.url));
  const campaign = await prepare(file, { n, srcOffsets: '0', dstOffsets: '0', ...(shard === undefined ? {} : { shard }) }, nodeHost());
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

test('the parts together are what one run finds: counts, classes, smallest cases', async () => {
  const whole = await report(undefined);
  const both = merged([two, one]);
  expect({ cases: both.cases, violating: both.violating, failures: both.failures }).toEqual({ cases: whole.cases, violating: whole.violating, failures: whole.failures });
  expect(both.space).toEqual(whole.space);
  expect(both.coverage[0]!.entriesReached).toBe(whole.coverage[0]!.entriesReached);
});

test('some of the parts stay some of the parts', () => {
  expect(merged([two]).space.shard).toEqual({ parts: [2], count: 2 });
});

test('what does not belong together is refused, by name', async () => {
  const other = saved('other.json', await report('2/2', '0..16/8'));
  expect(() => merged([one, other])).toThrow(/other\.json is of another campaign/);
  expect(() => merged([one, one])).toThrow(/part 1 is in/);
  expect(() => merged([saved('broken.json', '{')])).toThrow(/broken\.json is not JSON/);
  expect(() => merged([saved('else.json', { version: 1 })])).toThrow(/no report of mcsafe sweep/);
  expect(() => merged([join(folder, 'absent.json')])).toThrow(/cannot read/);
});
