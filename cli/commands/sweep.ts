/**
 * `mcsafe sweep`: a routine against every fault of a space.
 */
import { findImageTable } from '../../assembly/extable/search.ts';
import { DEFAULT_KERNEL_GENERATION } from '../../fault-model/kernel-generation.ts';
import type { Host } from '../../host/host.ts';
import { nodeHost } from '../../host/node/host.ts';
import { errorsOf, formatProblem } from '../../host/problems.ts';
import { loadProgram } from '../../host/program.ts';
import type { Program } from '../../host/program.ts';
import { CPU_PROFILES, cpuProfile, DEFAULT_CPU_PROFILE } from '../../machine/cpu/profiles.ts';
import { contractByName, CONTRACT_KINDS, readDirectives } from '../../machine/scenario/contracts.ts';
import { opensUserAccess } from '../../machine/scenario/user-access.ts';
import type { SweepDefaults } from '../../machine/scenario/contracts.ts';
import { directivesOf, routines } from '../../machine/scenario/resolve.ts';
import type { Contract, ContractKind } from '../../machine/scenario/scenario.ts';
import { Campaign } from '../../sweep/campaign.ts';
import type { CampaignRequest, Shard } from '../../sweep/campaign.ts';
import { routineInstructions } from '../../sweep/coverage.ts';
import {
  DEFAULT_LENGTHS, DEFAULT_MAX_EXCEPTIONS, DEFAULT_OFFSETS, DEFAULT_SWEEP_BUDGET, defaultKinds, lengthCut, longLengths, MAX_CASES, parseKinds, parseLengths, parseOffsets, SCALAR_LENGTHS, scalarWidth,
} from '../../sweep/defaults.ts';
import { inferContract } from '../../sweep/infer-contract.ts';
import type { SweepTarget } from '../../sweep/reference.ts';
import { campaignReport } from '../../sweep/report.ts';
import type { SweepReport } from '../../sweep/report-schema.ts';
import { SpaceError } from '../../sweep/space.ts';
import { checkedConfig } from '../checked-config.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { sourceAttributes } from '../launch-options.ts';
import type { SourceOptions } from '../launch-options.ts';
import { sweepText } from '../sweep-text.ts';

export interface SweepOptions extends Omit<SourceOptions, 'kernel'> {
  readonly contract?: string;
  readonly n?: string;
  readonly faults?: string;
  readonly srcOffsets?: string;
  readonly dstOffsets?: string;
  readonly profile?: readonly string[];
  readonly kernel?: readonly string[];
  readonly progress?: number;
  readonly exceptions?: number;
  readonly helper?: readonly string[];
  readonly budget?: number;
  readonly shard?: string;
  readonly random?: number;
  readonly seed?: number;
  readonly json?: boolean;
}

/** Time between two looks at the keyboard and the clock, ms. */
const SLICE_MS = 100;

/** Sweeps the routine named, or one after the other all that have entries. One report can hold one routine, and so can a shard. */
export async function sweep(argument: string, options: SweepOptions): Promise<number> {
  const host = nodeHost();
  const several = await severalRoutines(argument, options, host);
  if (options.json === true || options.shard !== undefined || several.length < 2) {
    const [, ...others] = several;
    if (others.length > 0) process.stderr.write(`mcsafe: not swept: ${others.join(', ')}; a report is of one routine, the first unless FILE:routine names another\n`);
    return sweepOne(argument, options, host);
  }
  const statuses: number[] = [];
  for (const routine of several) {
    try {
      statuses.push(await sweepOne(routine, options, host));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      process.stderr.write(`mcsafe: ${error.message}\n`);
      statuses.push(EXIT.FAILED);
    }
    process.stdout.write('\n');
  }
  return [EXIT.FOUND, EXIT.FAILED].find((status) => statuses.includes(status)) ?? EXIT.OK;
}

async function sweepOne(argument: string, options: SweepOptions, host: Host): Promise<number> {
  const { report, interrupted } = await drive(await prepare(argument, options, host));
  process.stdout.write(options.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : sweepText(report, interrupted));
  return report.violating > 0 ? EXIT.FOUND : interrupted ? EXIT.FAILED : EXIT.OK;
}

/** `FILE:routine` of each routine with entries in a file of which no routine was named; nothing where the file does not load, which {@link prepare} will explain. */
async function severalRoutines(argument: string, options: SweepOptions, host: Host): Promise<readonly string[]> {
  const { file, routine } = splitRoutine(argument, host);
  if (routine !== undefined) return [];
  const result = await loadProgram(checkedConfig(sourceAttributes([file], sourceOptions(options, options.kernel?.[0]))), host);
  if (!result.ok) return [];
  const { image, config } = result.program;
  const { entries } = findImageTable(image, { generation: config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id });
  // Aliases are the same routine.
  const byAddress = new Map<bigint, string>();
  for (const { name, address, size, type } of routines(image)) {
    if (type === 'func' && !byAddress.has(address) && entries.some(({ insn }) => insn >= address && insn < address + size)) byAddress.set(address, name);
  }
  return [...byAddress.values()].map((name) => `${file}:${name}`);
}

/** Reads the program for each kernel generation and settles what was not said. Rejects with CommandError. */
export async function prepare(argument: string, options: SweepOptions, host: Host): Promise<Campaign> {
  const { file, routine } = splitRoutine(argument, host);
  try {
    const targets: SweepTarget[] = [];
    let settled: { readonly contract: Contract; readonly said: SweepDefaults } | undefined;
    let entryName = routine;
    for (const kernel of options.kernel ?? [undefined]) {
      const config = checkedConfig({ ...sourceAttributes([file], sourceOptions(options, kernel)), budget: options.budget ?? DEFAULT_SWEEP_BUDGET });
      const result = await loadProgram(config, host);
      if (!result.ok) {
        throw new CommandError([...result.configProblems.map(({ path, message }) => `${path}: ${message}`), ...errorsOf(result.problems).map(formatProblem), ...(result.advice === undefined ? [] : [result.advice])].join('\n'));
      }
      const { program } = result;
      const entry = chooseRoutine(program, entryName, file);
      entryName = entry.name;
      settled ??= contractOf(program, entry, options.contract);
      const generation = program.config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id;
      for (const profile of profiles(options.profile)) {
        targets.push({
          name: `${profile}, kernel ${generation}`, image: program.image, directives: program.directives, program: program.main,
          config: { ...program.config, entry: entry.name, cpuProfile: profile, contract: launchContract(settled.contract) },
        });
      }
    }
    return campaignOf(targets, settled!, options);
  } catch (error) {
    if (error instanceof SpaceError) throw new CommandError(error.message);
    throw error;
  }
}

function sourceOptions({ include, define, encoder }: SweepOptions, kernel: string | undefined): SourceOptions {
  return {
    ...(include === undefined ? {} : { include }), ...(define === undefined ? {} : { define }),
    ...(encoder === undefined ? {} : { encoder }), ...(kernel === undefined ? {} : { kernel }),
  };
}

function campaignOf(targets: readonly SweepTarget[], { contract, said }: { readonly contract: Contract; readonly said: SweepDefaults }, options: SweepOptions): Campaign {
  const { image, config } = targets[0]!;
  const generation = config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id;
  const table = findImageTable(image, { generation });
  const entry = routines(image).find(({ name }) => name === config.entry)!;
  const instructions = routineInstructions(image, entry.address);
  const asked = options.n ?? said.n;
  const scalar = !('n' in contract.arguments);
  if (scalar && options.n !== undefined) throw new SpaceError(`contract ${contract.kind} takes no length, so -n means nothing`);
  const lengths = scalar ? SCALAR_LENGTHS : asked === undefined ? DEFAULT_LENGTHS : parseLengths(asked);
  const faults = options.faults ?? said.faults;
  const progress = options.progress ?? number(said.progress, 'progress');
  const shard = options.shard === undefined ? undefined : parseShard(options.shard);
  const request: CampaignRequest = {
    targets,
    promises: {
      contract, maxExceptions: options.exceptions ?? number(said.exceptions, 'exceptions') ?? DEFAULT_MAX_EXCEPTIONS,
      helpers: [...options.helper ?? [], ...said.helper?.split(',') ?? []],
      ...(progress === undefined ? {} : { progress }),
      ...scalarWidth(contract, entry.name, instructions, table), ...lengthCut(contract, instructions),
    },
    axes: {
      lengths, longLengths: longLengths(contract, lengths),
      srcOffsets: options.srcOffsets === undefined ? DEFAULT_OFFSETS : parseOffsets(options.srcOffsets),
      dstOffsets: options.dstOffsets === undefined ? DEFAULT_OFFSETS : parseOffsets(options.dstOffsets),
      kinds: faults === undefined ? defaultKinds(contract, instructions, table, generation) : parseKinds(faults),
    },
    ...(shard === undefined ? {} : { shard }),
    ...(options.random === undefined ? {} : { random: { count: options.random, seed: options.seed ?? 1 } }),
  };
  const campaign = new Campaign(request);
  if (campaign.total > MAX_CASES) {
    throw new SpaceError(`the space has ${campaign.space.size.toLocaleString('en')} cases${shard === undefined ? '' : `, this shard ${campaign.total.toLocaleString('en')}`}, more than can be swept here (${MAX_CASES.toLocaleString('en')}); narrow it (-n, --faults, --src-offsets), cut it with --shard 1/N, or draw from it with --random COUNT`);
  }
  if (campaign.total === 0) throw new SpaceError('the space has no case: no length, or no fault that the contract has a buffer for');
  return campaign;
}

/** `FILE:routine`; a colon that is part of an existing file's name stays there. */
function splitRoutine(argument: string, host: Host): { readonly file: string; readonly routine?: string } {
  const colon = argument.lastIndexOf(':');
  if (colon <= 0 || host.files.read(host.resolve(host.workingFolder, argument)) !== undefined) return { file: argument };
  return { file: argument.slice(0, colon), routine: argument.slice(colon + 1) };
}

function chooseRoutine({ image, config, main }: Program, name: string | undefined, file: string): { readonly name: string; readonly address: bigint } {
  const table = findImageTable(image, { generation: config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id });
  const candidates = routines(image);
  if (candidates.length === 0) throw new CommandError(`${file} defines no routine: no named symbol in an executable section`);
  if (name !== undefined) {
    const found = candidates.find((symbol) => symbol.name === name);
    if (found === undefined) throw new CommandError(`no routine "${name}" in ${main}; there are: ${candidates.slice(0, 30).map((symbol) => symbol.name).join(', ')}`);
    return found;
  }
  if (table.entries.length === 0 && table.ranges.length === 0) throw new CommandError(`${file} has no exception-table entry, so no fault in it is handled; name a routine (${file}:${candidates[0]!.name}) to sweep it all the same`);
  const holds = ({ address, size }: { readonly address: bigint; readonly size: bigint }): boolean => table.entries.some(({ insn }) => insn >= address && insn < address + size);
  return candidates.find((symbol) => symbol.type === 'func' && holds(symbol)) ?? candidates.find(({ type }) => type === 'func') ?? candidates[0]!;
}

function contractOf(program: Program, entry: { readonly name: string; readonly address: bigint }, asked: string | undefined): { readonly contract: Contract; readonly said: SweepDefaults } {
  const { image, directives, config } = program;
  if (asked !== undefined && !(CONTRACT_KINDS as readonly string[]).includes(asked)) throw new CommandError(`no contract "${asked}"; there are ${CONTRACT_KINDS.join(', ')}`);
  const symbol = routines(image).find(({ name }) => name === entry.name)!;
  const read = readDirectives(directivesOf(symbol, { image, directives }));
  if (read.problems.length > 0) throw new CommandError(read.problems.map(formatProblem).join('\n'));
  const said = read.sweep ?? {};
  if (read.contract !== undefined) return { said, contract: asked === undefined ? read.contract : { ...read.contract, kind: asked as ContractKind, origin: '--contract' } };
  const generation = config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id;
  const contract = inferContract(contractByName(entry.name), {
    name: entry.name, instructions: routineInstructions(image, entry.address), table: findImageTable(image, { generation }),
    opensUserAccess: opensUserAccess(image, entry.address, DEFAULT_CPU_PROFILE, generation),
  }, asked as ContractKind | undefined);
  if (contract === undefined) {
    throw new CommandError(`nothing says what ${entry.name} promises; say it with --contract (${CONTRACT_KINDS.join(', ')}) or with a comment beside it: # mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax`);
  }
  return { contract, said };
}

function launchContract({ kind, arguments: args, returns, user }: Contract): { kind: ContractKind; arguments: Contract['arguments']; returns?: NonNullable<Contract['returns']>; user: string[] } {
  return { kind, arguments: { ...args }, user: [...user], ...(returns === undefined ? {} : { returns }) };
}

function profiles(asked: readonly string[] | undefined): readonly string[] {
  const names = (asked ?? [DEFAULT_CPU_PROFILE.name]).flatMap((text) => text.split(','));
  const unknown = names.find((name) => cpuProfile(name) === undefined);
  if (unknown !== undefined) throw new CommandError(`no CPU profile "${unknown}"; known are default, ${CPU_PROFILES.map(({ name }) => name).join(', ')}`);
  return names;
}

function parseShard(text: string): Shard {
  const match = /^(\d{1,9})\/(\d{1,9})$/.exec(text);
  const index = Number(match?.[1]), count = Number(match?.[2]);
  if (match === null || index < 1 || index > count) throw new CommandError(`--shard wants i/n with i from 1 to n, not "${text}"`);
  return { index, count };
}

function number(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new CommandError(`"mcsafe: sweep ${name}=${text}": not a whole number`);
  return Number(text);
}

/** Runs the campaign to its end or to Ctrl-C, with a line of progress on a terminal. */
async function drive(campaign: Campaign): Promise<{ readonly report: SweepReport; readonly interrupted: boolean }> {
  let interrupted = false;
  const stop = (): void => { interrupted = true; };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const start = performance.now();
  let chunk = 16;
  try {
    while (!campaign.finished && !interrupted) {
      const before = performance.now();
      campaign.run(chunk);
      const took = performance.now() - before;
      chunk = Math.max(1, Math.min(2 ** 20, Math.round(chunk * Math.min(4, SLICE_MS / Math.max(took, 1)))));
      if (process.stderr.isTTY) process.stderr.write(`\r${progressLine(campaign, (performance.now() - start) / 1000)}\u001b[K`);
      await new Promise((resolve) => { setTimeout(resolve, 0); });
    }
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
  return { report: campaignReport(campaign), interrupted: !campaign.finished };
}

function progressLine({ done, total, violating }: Campaign, seconds: number): string {
  const rate = done / Math.max(seconds, 0.001);
  const left = Math.ceil((total - done) / Math.max(rate, 1));
  return `${String(Math.floor((100 * done) / total))} %  ${done.toLocaleString('en')} of ${total.toLocaleString('en')} cases  ${Math.round(rate).toLocaleString('en')}/s  ${String(left)} s left${violating === 0 ? '' : `  ${violating.toLocaleString('en')} violations`}`;
}
