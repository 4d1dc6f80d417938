import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { prepare } from '../../cli/commands/sweep.ts';
import { nodeHost } from '../../host/node/host.ts';
import { Campaign } from '../../sweep/campaign.ts';
import { campaignReport } from '../../sweep/report.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { readRow } from '../../sweep/heat.ts';
import { EMPTY_STATE, readState, resumed } from '../../sweep/resume.ts';
import type { SweepState } from '../../sweep/resume.ts';
import { emptyReport, SlicedWorker, Units } from '../../sweep/units.ts';
import type { UnitsRequest, UnitWorker } from '../../sweep/units.ts';

const UNIT = 50;
let campaign: Campaign;
let whole: SweepReport;

beforeAll(async () => {
  const file = fileURLToPath(new URL('../../samples/faulty/clobbered_count.S', import.meta.url));
  campaign = await prepare(file, { n: '0..24/8', srcOffsets: '0,3', dstOffsets: '0' }, nodeHost());
  campaign.run(campaign.total);
  whole = campaignReport(campaign);
});

const noTime = (): Promise<void> => Promise.resolve();
const worker = (): UnitWorker => new SlicedWorker(new Campaign(campaign.request), () => 0, noTime);
const units = (request: Partial<UnitsRequest> = {}): Units => new Units({ empty: emptyReport(new Campaign(campaign.request)), unitSize: UNIT, workers: [worker()], ...request });

test('one worker or three, and whichever ends first: the report is that of one run, to the byte', async () => {
  expect(whole.violating).toBeGreaterThan(0);
  const alone = JSON.stringify(await units().run());
  expect(alone).toBe(JSON.stringify(whole));
  expect(JSON.stringify(await units({ workers: [worker(), worker(), worker()] }).run())).toBe(alone);
});

test('the heat map counts every case once, and every violating one', () => {
  const cells = Object.values(whole.heat.rows).flatMap((rows) => rows.flatMap(readRow));
  expect(cells.reduce((sum, { cases }) => sum + cases, 0)).toBe(whole.cases);
  expect(cells.reduce((sum, { violating }) => sum + violating, 0)).toBe(whole.violating);
});

test('a worker that dies fails the run; nothing hangs', async () => {
  const dead: UnitWorker = { run: () => Promise.reject(new Error('gone')), stop: () => undefined };
  await expect(units({ workers: [dead, worker()] }).run()).rejects.toThrow('gone');
});

describe('an interrupted run', () => {
  let state: SweepState;
  let known: SweepReport;

  beforeAll(async () => {
    let saved = EMPTY_STATE;
    const run: Units = units({ onUnit: (done, report) => {
      saved = { version: 1, routines: { [report.routine]: { unitSize: UNIT, units: [...done], report } } };
      if (done.length === 2) run.stop();
    } });
    known = await run.run();
    state = readState(JSON.stringify(saved), 'state');
  });

  test('tells what it knows', () => {
    expect(known.cases).toBe(2 * UNIT);
    expect(known.planned).toBe(whole.planned);
  });

  test('goes on where it was: the report is that of one run', async () => {
    const before = resumed(state, emptyReport(new Campaign(campaign.request)), UNIT, 'state')!;
    let ran = 0;
    const counting = worker();
    const counted: UnitWorker = { run: (from, to, tell) => { ran += to - from; return counting.run(from, to, tell); }, stop: () => undefined };
    expect(await units({ before, workers: [counted] }).run()).toEqual(whole);
    expect(ran).toBe(whole.planned - 2 * UNIT);
  });

  test('is not gone on with by another campaign, nor from a file that is broken or does not add up', () => {
    const empty = emptyReport(new Campaign(campaign.request));
    const routine = state.routines[empty.routine]!;
    expect(() => resumed(state, { ...empty, campaign: 'another' }, UNIT, 'old.state')).toThrow(/old\.state is of another campaign of copy_clobbering: the program or the options have changed/);
    expect(() => resumed(state, { ...empty, space: { ...empty.space, shard: { parts: [1], count: 2 } } }, UNIT, 'old.state')).toThrow(/another campaign/);
    expect(() => resumed(state, { ...empty, program: '/else.S' }, UNIT, 'old.state')).toThrow(/is of a sweep of .*clobbered_count\.S, not of \/else\.S/);
    expect(() => resumed({ version: 1, routines: { [empty.routine]: { ...routine, units: [0] } } }, empty, UNIT, 'old.state')).toThrow(/does not add up/);
    expect(() => readState('{"version"', 'old.state')).toThrow(/old\.state is no state of an interrupted sweep: it is not JSON/);
    expect(() => readState('{"version": 2}', 'old.state')).toThrow(/no state of an interrupted sweep/);
  });
});
