import { expect, test } from 'vitest';
import { shardFromEnvironment } from '../../host/shards.ts';

const slurm = (id: number, first: number, last: number, count: number, step = 1): Record<string, string> => ({
  SLURM_ARRAY_TASK_ID: String(id), SLURM_ARRAY_TASK_MIN: String(first), SLURM_ARRAY_TASK_MAX: String(last), SLURM_ARRAY_TASK_COUNT: String(count), SLURM_ARRAY_TASK_STEP: String(step),
});

test.each<readonly [string, Record<string, string>, number | undefined, string]>([
  ['sbatch --array=1-8', slurm(3, 1, 8, 8), undefined, '3/8'],
  ['sbatch --array=0-7', slurm(0, 0, 7, 8), undefined, '1/8'],
  ['sbatch --array=0-15:4', slurm(12, 0, 12, 4, 4), undefined, '4/4'],
  ['an indexed Job with 5 completions', { JOB_COMPLETION_INDEX: '4' }, 5, '5/5'],
  ['an indexed Job that says how many in its manifest', { JOB_COMPLETION_INDEX: '0', MCSAFE_JOB_TOTAL: '5' }, undefined, '1/5'],
  ['a matrix of GitHub', { MCSAFE_JOB_INDEX: '2', MCSAFE_JOB_TOTAL: '3' }, undefined, '3/3'],
  ['parallel: of GitLab', { CI_NODE_INDEX: '2', CI_NODE_TOTAL: '4' }, undefined, '2/4'],
  ['GNU parallel, told how many', { PARALLEL_SEQ: '7' }, 9, '7/9'],
  ['parallel inside a task of Slurm, told how many', { PARALLEL_SEQ: '2', SLURM_ARRAY_TASK_ID: '1', MCSAFE_JOB_INDEX: '' }, 3, '2/3'],
])('%s', (_, environment, count, expected) => {
  const { shard } = shardFromEnvironment(environment, count)!;
  expect(`${String(shard.index)}/${String(shard.count)}`).toBe(expected);
});

test('every number of an array is a part of its own, and together they are all', () => {
  const parts = [2, 5, 8, 11].map((id) => shardFromEnvironment(slurm(id, 2, 11, 4, 3))!.shard.index);
  expect(parts).toEqual([1, 2, 3, 4]);
});

test('nothing is split where nobody says so: a plain shell, and GNU parallel over many files', () => {
  expect(shardFromEnvironment({})).toBeUndefined();
  expect(shardFromEnvironment({ PARALLEL_SEQ: '3', MCSAFE_JOB_INDEX: '' })).toBeUndefined();
});

test.each<readonly [string, Record<string, string>, number | undefined, RegExp]>([
  ['an index without a count', { JOB_COMPLETION_INDEX: '4' }, undefined, /Kubernetes does not tell.*--shard-count N or set MCSAFE_JOB_TOTAL/],
  ['an index beyond the count', { JOB_COMPLETION_INDEX: '5' }, 5, /JOB_COMPLETION_INDEX=5 is not one of 5 parts/],
  ['one task of an array, submitted again alone', slurm(3, 3, 3, 1), 8, /--shard-count 8, but SLURM_ARRAY_TASK_COUNT is 1.*--shard i\/8/],
  ['an array with gaps', slurm(3, 1, 7, 3), undefined, /1 to 7 in steps of 1 are not 3; use --shard/],
  ['no number', { MCSAFE_JOB_INDEX: '${{ strategy.job-index }}', MCSAFE_JOB_TOTAL: '2' }, undefined, /is not a whole number/],
  ['a count and no index', {}, 4, /nothing says which part this is/],
  ['no part at all', { MCSAFE_JOB_INDEX: '0', MCSAFE_JOB_TOTAL: '0' }, undefined, /no sweep in 0 parts/],
])('%s is refused', (_, environment, count, message) => {
  expect(() => shardFromEnvironment(environment, count)).toThrow(message);
});
