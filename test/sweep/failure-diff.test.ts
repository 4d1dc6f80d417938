import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { prepare } from '../../cli/commands/sweep.ts';
import type { SweepOptions } from '../../cli/commands/sweep.ts';
import { nodeHost } from '../../host/node/host.ts';
import { failureDiff } from '../../sweep/failure-diff.ts';
import type { FailureDiff } from '../../sweep/failure-diff.ts';
import { campaignReport } from '../../sweep/report.ts';

async function diffOf(sample: string, options: SweepOptions): Promise<FailureDiff> {
  const file = fileURLToPath(new URL(`../../samples/faulty/${sample}`, import.meta.url));
  const campaign = await prepare(file, { srcOffsets: '0', dstOffsets: '0', ...options }, nodeHost());
  campaign.run(campaign.total);
  const failure = campaignReport(campaign).failures[0]!;
  return failureDiff(campaign.references[failure.smallest.target]!, failure);
}

test('an over-claim: the bytes that were said to be done, and those that are', async () => {
  const { expected, actual } = await diffOf('deferred_stores.S', { n: '16..16', faults: 'pf-read' });
  expect(expected.split('\n')).toEqual([
    'n=16, pf-read at byte 8, offsets 0 and 0', 'bytes said to be done are done', 'rax = 8: 8 of 16 bytes are done',
    'dst+0x00: 01 02 03 04 05 06 07 08 00 00 00 00 00 00 00 00',
  ]);
  expect(actual.split('\n')).toEqual([
    'n=16, pf-read at byte 8, offsets 0 and 0', 'says 8 bytes are done; only 0 are', 'rax = 8: 8 of 16 bytes are done',
    'dst+0x00: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
  ]);
});

test.each<readonly [string, SweepOptions, string]>([
  ['wrong_label.S', { n: '0..8', faults: 'pf-write' }, 'no exception is left unhandled'],
  ['short_length.S', { n: '0..8' }, 'a length of 4 GiB or more is not cut to 32 bits'],
])('where the destination tells nothing, the promise and what was seen: %s', async (sample, options, promise) => {
  const { expected, actual } = await diffOf(sample, options);
  expect(expected.split('\n')[1]).toBe(promise);
  expect(actual).not.toBe(expected);
  expect(actual).not.toContain('dst+');
});
