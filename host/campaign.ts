/**
 * From what somebody asks for to a campaign: the program for each kernel and CPU, the contract, the space.
 * One way for the command line, its workers and the editor, so that all mean the same cases by the same numbers.
 */
import type { Image } from '../assembly/elf/image.ts';
import { writtenPosition } from '../assembly/source.ts';
import { findImageTable } from '../assembly/extable/search.ts';
import { DEFAULT_KERNEL_GENERATION, KERNEL_GENERATIONS } from '../fault-model/kernel-generation.ts';
import { CPU_PROFILES, cpuProfile, DEFAULT_CPU_PROFILE } from '../machine/cpu/profiles.ts';
import type { SweepDefaults } from '../machine/scenario/contracts.ts';
import { routines } from '../machine/scenario/resolve.ts';
import { parseLaunchConfig } from '../machine/scenario/schema.ts';
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import type { Contract } from '../machine/scenario/scenario.ts';
import { Campaign } from '../sweep/campaign.ts';
import type { CampaignRequest, Shard } from '../sweep/campaign.ts';
import { routineInstructions } from '../sweep/coverage.ts';
import {
  checkKinds, DEFAULT_LENGTHS, DEFAULT_MAX_EXCEPTIONS, DEFAULT_OFFSETS, defaultKinds, lengthCut, longLengths, MAX_CASES, otherKernelNote, parseKinds, parseLengths, parseOffsets, SCALAR_LENGTHS, scalarWidth, sweepBudget,
} from '../sweep/defaults.ts';
import { injectable } from '../sweep/reference.ts';
import { allProfiles } from '../sweep/profiles.ts';
import type { SweepTarget } from '../sweep/reference.ts';
import { SpaceError } from '../sweep/space.ts';
import { CampaignError } from './campaign-error.ts';
import type { Host } from './host.ts';
import { errorsOf, formatProblem } from './problems.ts';
import { loadProgram } from './program.ts';
import type { Program } from './program.ts';
import { checkHelpers, contractOf, launchContract } from './sweep-contract.ts';

/** What may be asked for; plain data, so that a worker can be told the same. What is absent follows from the routine. */
export interface CampaignOptions {
  /** How sources are read: the launch attributes of these names. */
  readonly source?: Readonly<Record<string, unknown>>;
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
  /** The same options are for several routines: what means nothing to one of them is left out and noted. */
  readonly forSeveral?: boolean;
}

/** `FILE:routine` of each routine with entries in a file of which no routine was named; nothing where the file does not load, which {@link prepareCampaign} will explain. */
export async function routinesWithEntries(argument: string, options: CampaignOptions, host: Host): Promise<readonly string[]> {
  const { file, routine } = splitRoutine(argument, host);
  if (routine !== undefined) return [];
  return (await sweepableRoutines(file, options, host)).map(({ name }) => `${file}:${name}`);
}

/** A routine that has entries. */
export interface SweepableRoutine {
  readonly name: string;
  /** Where its first instruction was written, if the program says. */
  readonly place?: { readonly file: string; readonly line: number };
}

/** The routines of a file that have exception-table entries, in the order of their addresses; none if it does not load. */
export async function sweepableRoutines(file: string, options: CampaignOptions, host: Host): Promise<readonly SweepableRoutine[]> {
  const result = await loadProgram(sourceConfig(file, options, kernelGenerations(options.kernel)[0]), host);
  if (!result.ok) return [];
  const { image, config, stubs } = result.program;
  const { entries } = findImageTable(image, { generation: config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id });
  // Aliases are the same routine; a stub is ours.
  const byAddress = new Map<bigint, SweepableRoutine>();
  for (const { name, address, size, type } of routines(image)) {
    if (type === 'func' && !stubs.includes(name) && !byAddress.has(address) && entries.some(({ insn }) => insn >= address && insn < address + size)) byAddress.set(address, { name, ...placeOf(image, address) });
  }
  return [...byAddress.values()];
}

function placeOf(image: Image, address: bigint): { readonly place?: { readonly file: string; readonly line: number } } {
  const position = image.lineAt(address);
  if (position === undefined) return {};
  const { file, line } = writtenPosition(position);
  return { place: { file, line } };
}

/** Reads the program for each kernel generation and settles what was not said. Rejects with CampaignError. */
export async function prepareCampaign(argument: string, options: CampaignOptions, host: Host): Promise<Campaign> {
  const { file, routine } = splitRoutine(argument, host);
  try {
    const targets: SweepTarget[] = [];
    let settled: { readonly contract: Contract; readonly said: SweepDefaults } | undefined;
    let entryName = routine;
    const notes: string[] = [];
    const kernels = kernelGenerations(options.kernel);
    for (const kernel of kernels) {
      const config = sourceConfig(file, options, kernel);
      const result = await loadProgram(config, host);
      if (!result.ok) {
        const other = options.kernel === undefined ? await assemblesFor(file, options, host) : undefined;
        const reason = [...result.configProblems.map(({ path, message }) => `${path}: ${message}`), ...errorsOf(result.problems).map(formatProblem), ...(result.advice === undefined ? [] : [result.advice]), ...(other === undefined ? [] : [`It assembles for kernel ${other}: --kernel ${other}`])].join('\n');
        if (!isEvery(options.kernel) || (targets.length === 0 && kernel === kernels.at(-1))) throw new CampaignError(reason);
        notes.push(`not for kernel ${kernel ?? ''}: ${reason.split('\n')[0]!}`);
        continue;
      }
      const { program } = result;
      const entry = chooseRoutine(program, entryName, file);
      entryName = entry.name;
      settled ??= contractOf(program, entry, options.contract, host);
      checkHelpers(options.helper ?? [], program.image);
      const generation = program.config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id;
      for (const profile of profiles(options.profile, program.image, entry.address, settled.contract, generation)) {
        targets.push({
          name: `${profile}, kernel ${generation}`, image: program.image, directives: program.directives, program: program.main,
          config: { ...program.config, entry: entry.name, cpuProfile: profile, contract: launchContract(settled.contract) },
        });
      }
    }
    return campaignOf(targets, { ...settled!, notes }, options);
  } catch (error) {
    if (error instanceof SpaceError) throw new CampaignError(error.message);
    throw error;
  }
}

/** Another kernel generation whose headers the source wants. */
async function assemblesFor(file: string, options: CampaignOptions, host: Host): Promise<string | undefined> {
  for (const { id } of KERNEL_GENERATIONS) {
    const result = await loadProgram(sourceConfig(file, options, id), host);
    if (result.ok) return id;
  }
  return undefined;
}

/** The launch configuration as which the sources are read. */
function sourceConfig(file: string, { source }: CampaignOptions, kernel: string | undefined): LaunchConfig {
  const parsed = parseLaunchConfig({ ...source, program: file, ...(kernel === undefined ? {} : { kernelGeneration: kernel }) });
  if (parsed.ok) return parsed.config;
  throw new CampaignError(parsed.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
}

function campaignOf(targets: readonly SweepTarget[], { contract, said, notes: given }: { readonly contract: Contract; readonly said: SweepDefaults; readonly notes: readonly string[] }, options: CampaignOptions): Campaign {
  let notes = given;
  const { image, config } = targets[0]!;
  const generation = config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id;
  const table = findImageTable(image, { generation });
  const entry = routines(image).find(({ name }) => name === config.entry)!;
  const instructions = routineInstructions(image, entry.address);
  const asked = options.n ?? said.n;
  const scalar = !('n' in contract.arguments);
  if (scalar && options.n !== undefined) {
    const message = `contract ${contract.kind} takes no length, so -n means nothing`;
    if (options.forSeveral !== true) throw new SpaceError(message);
    notes = [...notes, message];
  }
  const lengths = scalar ? SCALAR_LENGTHS : asked === undefined ? DEFAULT_LENGTHS : parseLengths(asked);
  const faults = options.faults ?? said.faults;
  const progress = options.progress ?? number(said.progress, 'progress');
  const shard = options.shard === undefined ? undefined : parseShard(options.shard);
  const kinds = faults === undefined ? defaultKinds(contract, instructions, table, generation) : parseKinds(faults);
  const elsewhere = faults === undefined && options.kernel === undefined ? otherKernelNote(kinds, contract, instructions, table, generation) : undefined;
  if (elsewhere !== undefined) notes = [...notes, elsewhere];
  if (contract.kind === 'get' && !('value' in contract.arguments) && !('dst' in contract.arguments)) notes = [...notes, 'the value that is read is not looked at: the contract names no register for it (value=rdx)'];
  const budget = options.budget ?? sweepBudget(lengths);
  const request: CampaignRequest = {
    targets: targets.map((target) => ({ ...target, config: { ...target.config, budget } })),
    ...(notes.length === 0 ? {} : { notes }),
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
      instructions: injectable(targets[0]!, table).length,
      kinds,
    },
    ...(shard === undefined ? {} : { shard }),
    ...(options.random === undefined ? {} : { random: { count: options.random, seed: options.seed ?? 1 } }),
  };
  checkKinds(request.axes.kinds, contract);
  const campaign = new Campaign(request);
  if (campaign.total > MAX_CASES) {
    throw new SpaceError(`the space has ${campaign.space.size.toLocaleString('en')} cases${shard === undefined ? '' : `, this shard ${campaign.total.toLocaleString('en')}`}, more than can be swept here (${MAX_CASES.toLocaleString('en')}); narrow it (-n, --faults, --src-offsets, or \`# mcsafe: sweep n=… faults=…\` beside the routine), cut it with --shard 1/N, or draw from it with --random COUNT`);
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
  if (candidates.length === 0) throw new CampaignError(`${file} defines no routine: no named symbol in an executable section`);
  if (name !== undefined) {
    const found = candidates.find((symbol) => symbol.name === name);
    if (found === undefined) throw new CampaignError(`no routine "${name}" in ${main}; there are: ${candidates.slice(0, 30).map((symbol) => symbol.name).join(', ')}`);
    return found;
  }
  if (table.entries.length === 0 && table.ranges.length === 0) throw new CampaignError(`${file} has no exception-table entry, so no fault in it is handled; name a routine (${file}:${candidates[0]!.name}) to sweep it all the same`);
  const holds = ({ address, size }: { readonly address: bigint; readonly size: bigint }): boolean => table.entries.some(({ insn }) => insn >= address && insn < address + size);
  return candidates.find((symbol) => symbol.type === 'func' && holds(symbol)) ?? candidates.find(({ type }) => type === 'func') ?? candidates[0]!;
}

/** `all`, somewhere in a list. */
function isEvery(asked: readonly string[] | undefined): boolean {
  return asked?.some((text) => text.split(',').includes('all')) === true;
}

function kernelGenerations(asked: readonly string[] | undefined): readonly (string | undefined)[] {
  if (asked === undefined) return [undefined];
  return isEvery(asked) ? KERNEL_GENERATIONS.map(({ id }) => id) : [...new Set(asked.flatMap((text) => text.split(',')))];
}

function profiles(asked: readonly string[] | undefined, image: Image, entry: bigint, contract: Contract, generation: string): readonly string[] {
  if (isEvery(asked)) return allProfiles(image, entry, contract, generation);
  const names = [...new Set((asked ?? [DEFAULT_CPU_PROFILE.name]).flatMap((text) => text.split(',')))];
  const unknown = names.find((name) => cpuProfile(name) === undefined);
  if (unknown !== undefined) throw new CampaignError(`no CPU profile "${unknown}"; known are all, default, ${CPU_PROFILES.map(({ name }) => name).join(', ')}, each with features added or taken away, as in intel-server-erms+la57`);
  return names;
}

function parseShard(text: string): Shard {
  const match = /^(\d{1,9})\/(\d{1,9})$/.exec(text);
  const index = Number(match?.[1]), count = Number(match?.[2]);
  if (match === null || index < 1 || index > count) throw new CampaignError(`--shard wants i/n with i from 1 to n, not "${text}"`);
  return { index, count };
}

function number(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new CampaignError(`"mcsafe: sweep ${name}=${text}": not a whole number`);
  return Number(text);
}
