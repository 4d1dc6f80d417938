/**
 * The launch configurations that sweeps print: a debug client that is given one stands where the promise broke, in the very run.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { prepare } from '../../cli/commands/sweep.ts';
import type { SweepOptions } from '../../cli/commands/sweep.ts';
import { nodeHost } from '../../host/node/host.ts';
import { campaignReport } from '../../sweep/report.ts';
import type { SweepFailure } from '../../sweep/report-schema.ts';
import { launchEntry } from '../../sweep/reports/words.ts';
import { SAMPLE, TestClient, THREAD } from '../debug-adapter/client.ts';

interface Replayed {
  readonly failure: SweepFailure;
  readonly client: TestClient;
  readonly stopped: { readonly reason: string; readonly description: string };
}

/** Sweeps a sample and starts the debugger with the launch configuration of its first failure, as it is printed. */
async function replayed(sample: string, options: SweepOptions): Promise<Replayed> {
  const file = fileURLToPath(new URL(`../../samples/faulty/${sample}`, import.meta.url));
  const campaign = await prepare(file, { srcOffsets: '0', dstOffsets: '0', ...options }, nodeHost());
  campaign.run(campaign.total);
  const report = campaignReport(campaign);
  const failure = report.failures[0]!;
  const client = new TestClient();
  await client.start(JSON.parse(JSON.stringify(launchEntry(report, failure))) as object);
  return { failure, client, stopped: await client.event('stopped') as Replayed['stopped'] };
}

describe('the debugger stops where the promise broke, and says which', () => {
  test.each<readonly [string, SweepOptions, string]>([
    ['deferred_stores.S', { n: '0..64/16', faults: 'none,mc-byte' }, '#MC delivered'],
    ['deferred_stores.S', { n: '0..64/16', faults: 'pf-read' }, '#PF delivered'],
    ['tail_retry.S', { n: '0..16', faults: 'mc-line' }, '#MC delivered'],
    ['pretends_success.S', { n: '0..8', faults: 'mc-byte' }, '#MC delivered'],
    ['wrong_label.S', { n: '0..8', faults: 'pf-write' }, '#PF delivered'],
    ['missing_sfence.S', { n: '0..32/8', faults: 'none' }, 'Paused where the configuration says'],
    ['short_length.S', { n: '0..8' }, 'Paused where the configuration says'],
  ])('%s %o', async (sample, options, description) => {
    const { failure, client, stopped } = await replayed(sample, options);
    expect(stopped.description).toBe(description);
    // Above the code that faulted may lie the exception itself.
    const frames = await client.stack();
    expect(frames.slice(0, 2).join('\n')).toContain(`${sample}:${String(failure.instruction.line)}`);
    expect(client.events.filter(({ event }) => event === 'output').map(({ body }) => (body as { output: string }).output).join('')).toContain(`${failure.clause}: ${failure.message}`);
  });
});

test('a promise that breaks at the second exception: the first is run through, and the run goes on to the same end', async () => {
  const { failure, client } = await replayed('tail_retry.S', { n: '0..16', faults: 'mc-line' });
  expect(failure).toMatchObject({ clause: 'poison-reread', launch: { stopAt: { exception: 2 } } });
  expect(client.events.filter(({ event }) => event === 'mcsafe/fixup')).toHaveLength(1);
  // Reached once, everything stops as it does elsewhere.
  expect(await client.go('continue', THREAD)).toMatchObject({ description: 'Fixup executed' });
  await client.ask('continue', THREAD);
  expect(await client.event('mcsafe/ended')).toMatchObject({ reason: 'returned' });
});

test('an execution in a loop is told from the ones before it', async () => {
  const client = new TestClient();
  await client.start({ program: SAMPLE, n: 256, poison: false, stopAt: { at: 'copy_mc+0xc', execution: 5 } });
  expect(await client.event('stopped')).toMatchObject({ reason: 'breakpoint', description: 'Paused where the configuration says', hitBreakpointIds: [] });
  // Four words are copied.
  expect(await client.evaluate('rdx')).toContain('224');
  await client.ask('continue', THREAD);
  expect(await client.event('mcsafe/ended')).toMatchObject({ reason: 'returned' });
});

test('an execution that was gone back over is counted once', async () => {
  const client = new TestClient();
  await client.start({ program: SAMPLE, n: 256, poison: false, stopOnEntry: true, stopAt: { at: 'copy_mc+0xc', execution: 5 } });
  await client.event('stopped');
  const line = readFileSync(SAMPLE, 'utf8').split('\n').findIndex((text) => text.includes('.Lread_word:')) + 2;
  await client.ask('setBreakpoints', { source: { path: SAMPLE }, breakpoints: [{ line }] });
  for (const [command, reason] of [['continue', 'breakpoint'], ['reverseContinue', 'entry'], ['continue', 'breakpoint']] as const) {
    expect(await client.go(command, THREAD)).toMatchObject({ reason });
  }
  await client.ask('setBreakpoints', { source: { path: SAMPLE }, breakpoints: [] });
  expect(await client.go('continue', THREAD)).toMatchObject({ description: 'Paused where the configuration says' });
  expect(await client.evaluate('rdx')).toContain('224');
});

test.each([
  ['neither', {}, /say "exception" or "at"/],
  ['both', { exception: 1, at: 'copy_pairs' }, /say "exception" or "at"/],
  ['a place that is no instruction', { at: 'src+8' }, /stopAt\.at: "src\+8" is no instruction/],
  ['a place that is not there', { at: 'copy_nothing' }, /stopAt\.at: .*copy_nothing/],
])('a stop at %s is refused', async (_, stopAt, message) => {
  const client = new TestClient();
  await expect(client.start({ program: fileURLToPath(new URL('../../samples/faulty/deferred_stores.S', import.meta.url)), stopAt })).rejects.toThrow(message);
});
