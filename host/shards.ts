/**
 * Which part of a sweep this process runs, from what job schedulers put into the environment. The variables of each are data.
 */
import type { Shard } from '../sweep/campaign.ts';
import { CampaignError } from './campaign-error.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface Scheduler {
  readonly name: string;
  /** The variable with this job's number. */
  readonly index: string;
  /** What `index` counts from; a variable where the user chooses it. */
  readonly first: number | { readonly variable: string };
  /** Where the numbers are not one apart, and the last of them. */
  readonly step?: string;
  readonly last?: string;
  /** The variable with the number of jobs, if the scheduler sets one. */
  readonly count?: string;
  /** False: set for jobs that have nothing to do with parts of one sweep, so it counts only where a count is given. */
  readonly alone?: boolean;
}

/**
 * In the order in which they are looked at: what the user sets himself wins, and what runs inside a job of a scheduler comes before the scheduler.
 * Sources: sbatch(1) "OUTPUT ENVIRONMENT VARIABLES"; Kubernetes "Indexed Job"; GitLab "Predefined CI/CD variables"; parallel(1).
 * GitHub sets no variables for matrices: docs/sweep.md shows the two lines that export strategy.job-index and strategy.job-total.
 */
export const SCHEDULERS: readonly Scheduler[] = [
  { name: 'MCSAFE_JOB_INDEX', index: 'MCSAFE_JOB_INDEX', first: 0, count: 'MCSAFE_JOB_TOTAL' },
  { name: 'GNU parallel', index: 'PARALLEL_SEQ', first: 1, alone: false },
  { name: 'Slurm', index: 'SLURM_ARRAY_TASK_ID', first: { variable: 'SLURM_ARRAY_TASK_MIN' }, step: 'SLURM_ARRAY_TASK_STEP', last: 'SLURM_ARRAY_TASK_MAX', count: 'SLURM_ARRAY_TASK_COUNT' },
  { name: 'Kubernetes', index: 'JOB_COMPLETION_INDEX', first: 0 },
  { name: 'GitLab CI', index: 'CI_NODE_INDEX', first: 1, count: 'CI_NODE_TOTAL' },
];

/** The variable that tells the count where the scheduler does not, and the option that overrules all. */
const COUNT_VARIABLE = 'MCSAFE_JOB_TOTAL';

/**
 * The part that the environment asks for, and who asked; undefined if nobody did. `count` is what the user says the number of parts is.
 * Throws CampaignError where the variables contradict each other or do not say enough.
 */
export function shardFromEnvironment(environment: Environment, count?: number): { readonly shard: Shard; readonly from: string } | undefined {
  const scheduler = SCHEDULERS.find(({ index, alone }) => isSet(environment, index) && (alone !== false || count !== undefined));
  if (scheduler === undefined) {
    if (count === undefined) return undefined;
    throw new CampaignError(`--shard-count ${String(count)}, but nothing says which part this is: none of ${SCHEDULERS.map(({ index }) => index).join(', ')} is set; use --shard i/${String(count)}`);
  }
  const { name, index, first, step, last } = scheduler;
  const number = wholeNumber(environment, index);
  const from = typeof first === 'number' ? first : isSet(environment, first.variable) ? wholeNumber(environment, first.variable) : 1;
  const apart = step !== undefined && isSet(environment, step) ? wholeNumber(environment, step) : 1;
  const total = countOf(scheduler, environment, count);
  if (last !== undefined && isSet(environment, last) && (wholeNumber(environment, last) - from) / Math.max(1, apart) + 1 !== total) {
    throw new CampaignError(`${name}: the numbers ${String(from)} to ${environment[last]!} in steps of ${String(apart)} are not ${String(total)}; use --shard i/n`);
  }
  const place = (number - from) / Math.max(1, apart);
  if (!Number.isInteger(place) || place < 0 || place >= total) {
    throw new CampaignError(`${name}: ${index}=${String(number)} is not one of ${String(total)} parts counted from ${String(from)}${apart === 1 ? '' : ` in steps of ${String(apart)}`}; use --shard i/n`);
  }
  return { shard: { index: place + 1, count: total }, from: name };
}

function countOf({ name, index, count: variable }: Scheduler, environment: Environment, said: number | undefined): number {
  const set = [variable, COUNT_VARIABLE].find((candidate): candidate is string => candidate !== undefined && isSet(environment, candidate));
  const told = set === undefined ? undefined : wholeNumber(environment, set);
  if (said !== undefined && told !== undefined && said !== told) {
    throw new CampaignError(`--shard-count ${String(said)}, but ${set!} is ${String(told)}: which of the ${String(said)} parts this one is cannot be told; use --shard i/${String(said)}`);
  }
  const count = said ?? told;
  if (count === undefined) throw new CampaignError(`${index} is set, but not how many parts there are (${name} does not tell): use --shard-count N or set ${COUNT_VARIABLE}; --shard 1/1 runs everything here`);
  if (count < 1) throw new CampaignError(`${set ?? '--shard-count'}: there is no sweep in ${String(count)} parts`);
  return count;
}

function isSet(environment: Environment, name: string): boolean {
  return (environment[name] ?? '') !== '';
}

function wholeNumber(environment: Environment, name: string): number {
  const text = environment[name] ?? '';
  if (!/^\d{1,9}$/.test(text)) throw new CampaignError(`${name}=${text} is not a whole number; use --shard i/n`);
  return Number(text);
}
