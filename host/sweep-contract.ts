/** What a routine promises, for a sweep: from a file, a comment, a name, or guessed. */
import { findNodeAtLocation, parse, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { JSONPath, ParseError } from 'jsonc-parser';
import type { Image } from '../assembly/elf/image.ts';
import { findImageTable } from '../assembly/extable/search.ts';
import { decodeAll } from '../assembly/x86/decode.ts';
import { DEFAULT_KERNEL_GENERATION } from '../fault-model/kernel-generation.ts';
import { DEFAULT_CPU_PROFILE } from '../machine/cpu/profiles.ts';
import { contractByName, CONTRACT_KINDS, readDirectives } from '../machine/scenario/contracts.ts';
import type { SweepDefaults } from '../machine/scenario/contracts.ts';
import { parseExpression } from '../machine/scenario/expression.ts';
import { contractOfConfig, directivesOf, routines } from '../machine/scenario/resolve.ts';
import { contractFileSchema } from '../machine/scenario/schema.ts';
import type { LaunchConfig } from '../machine/scenario/schema.ts';
import type { Contract, ContractKind } from '../machine/scenario/scenario.ts';
import { opensUserAccess } from '../machine/scenario/user-access.ts';
import { routineInstructions } from '../sweep/coverage.ts';
import { defaultKinds } from '../sweep/defaults.ts';
import { inferContract, landingConstants } from '../sweep/infer-contract.ts';
import { observeConvention } from '../sweep/observe.ts';
import { Reference } from '../sweep/reference.ts';
import { CampaignError } from './campaign-error.ts';
import type { Host } from './host.ts';
import { formatProblem } from './problems.ts';
import type { Program } from './program.ts';

/** A contract, and what the comment beside the routine or the contract's file says of the sweep. */
export interface Settled {
  readonly contract: Contract;
  readonly said: SweepDefaults;
}

/** The contract of a routine: as asked, as a comment beside it says, as its name tells, or guessed. Throws CampaignError. */
export function contractOf(program: Program, entry: { readonly name: string; readonly address: bigint }, asked: string | undefined, host: Host): Settled {
  const { image, directives, config } = program;
  const symbol = routines(image).find(({ name }) => name === entry.name)!;
  const read = readDirectives(directivesOf(symbol, { image, directives }));
  if (read.problems.length > 0) throw new CampaignError(read.problems.map(formatProblem).join('\n'));
  const said = read.sweep ?? {};
  if (asked !== undefined && /[./]/.test(asked)) return complete(contractFromFile(asked, read.contract ?? contractByName(entry.name), said, host), image);
  if (asked !== undefined && !(CONTRACT_KINDS as readonly string[]).includes(asked)) throw new CampaignError(`no contract "${asked}"; there are ${CONTRACT_KINDS.join(', ')}, and files (./promises.json)`);
  if (read.contract !== undefined) return complete({ said, contract: asked === undefined ? read.contract : { ...read.contract, kind: asked as ContractKind, origin: '--contract' } }, image);
  const generation = config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id;
  const contract = inferContract(contractByName(entry.name), {
    name: entry.name, instructions: routineInstructions(image, entry.address), table: findImageTable(image, { generation }),
    opensUserAccess: opensUserAccess(image, entry.address, DEFAULT_CPU_PROFILE, generation),
  }, asked as ContractKind | undefined);
  if (contract === undefined) {
    throw new CampaignError(`nothing says what ${entry.name} promises; say it with --contract (${CONTRACT_KINDS.join(', ')}) or with a comment beside it: # mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax`);
  }
  return complete({ contract: observed(contract, program, entry), said }, image);
}

/** A contract nobody stated, with what a few runs show of how the routine answers. */
function observed(contract: Contract, { image, directives, config, main }: Program, entry: { readonly name: string; readonly address: bigint }): Contract {
  const generation = config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id;
  const reference = new Reference({
    name: '', image, directives, program: main,
    config: { ...config, entry: entry.name, cpuProfile: DEFAULT_CPU_PROFILE.name, contract: launchContract(contract), budget: OBSERVED_BUDGET },
  }, contract);
  const { table } = reference;
  const constants = landingConstants(table, (address) => decodeAll(image.read(address, 128), address));
  const convention = observeConvention(reference, defaultKinds(contract, routineInstructions(image, entry.address), table, generation), constants);
  return Object.keys(convention).length === 0 ? contract : { ...contract, ...convention, origin: `${contract.origin}; how it answers, by some runs` };
}
/** Instructions of a run that is only looked at. */
const OBSERVED_BUDGET = 100_000;

/** A contract of JSON; what it leaves out is as in `fallback`. */
function contractFromFile(name: string, fallback: Contract, said: SweepDefaults, host: Host): Settled {
  const bytes = host.files.read(host.resolve(host.workingFolder, name));
  if (bytes === undefined) throw new CampaignError(`cannot read the contract ${name}`);
  const text = new TextDecoder().decode(bytes);
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [wrong] = errors;
  if (wrong !== undefined) throw new CampaignError(`${name}:${placeIn(text, wrong.offset)}: not JSON: ${printParseErrorCode(wrong.error)}`);
  const result = contractFileSchema.safeParse(value);
  if (!result.success) {
    throw new CampaignError(result.error.issues.map(({ path, message }) => `${name}:${placeIn(text, offsetOf(text, path))}: ${path.map(String).join('.')}${path.length === 0 ? '' : ': '}${message}`).join('\n'));
  }
  const { progress, exceptions, helpers, ...contract } = result.data;
  const settled = contractOfConfig(contract, fallback, name);
  for (const [promise, expression] of Object.entries(settled.promises ?? {})) {
    const parsed = parseExpression(expression, Object.keys(settled.arguments));
    // Behind the quotation mark.
    if (!parsed.ok) throw new CampaignError(`${name}:${placeIn(text, offsetOf(text, ['promises', promise]) + 1 + parsed.offset)}: promise ${promise}: ${parsed.message}`);
  }
  return {
    contract: settled,
    said: {
      ...said, ...(progress === undefined ? {} : { progress: String(progress) }), ...(exceptions === undefined ? {} : { exceptions: String(exceptions) }),
      ...(helpers === undefined ? {} : { helper: helpers.join() }),
    },
  };
}

/** Roles without which a kind has nothing to check. */
const NEEDED_ROLES: Readonly<Record<ContractKind, readonly string[]>> = {
  copy: ['dst', 'src', 'n'], 'copy-partial': ['dst', 'src', 'n'], clear: ['dst', 'n'], get: ['ptr'], put: ['ptr'], csum: ['src', 'n'], probe: [], custom: [], none: [],
};

/** Refuses contracts that lack, or name, what is not there. */
function complete(settled: Settled, image: Image): Settled {
  const { contract: { kind, arguments: args, user, origin }, said } = settled;
  const lacking = NEEDED_ROLES[kind].filter((role) => !(role in args));
  if (lacking.length > 0) throw new CampaignError(`${origin}: contract ${kind} needs ${lacking.join(' and ')}: say in which register (${lacking.map((role) => `${role}=…`).join(' ')})`);
  const stranger = user.find((role) => !(role in args));
  if (stranger !== undefined) throw new CampaignError(`${origin}: user names ${stranger}, but the contract has only ${Object.keys(args).join(', ')}`);
  checkHelpers(said.helper?.split(',') ?? [], image);
  return settled;
}

/** Throws CampaignError for a helper that the program has not. */
export function checkHelpers(helpers: readonly string[], image: Image): void {
  const missing = helpers.find((name) => !image.symbols.some((symbol) => symbol.name === name));
  if (missing !== undefined) throw new CampaignError(`no helper "${missing}" in the program; there are ${routines(image).slice(0, 30).map(({ name }) => name).join(', ')}`);
}

/** Where a property's value stands; of the whole if there is none. */
function offsetOf(text: string, path: readonly PropertyKey[]): number {
  const tree = parseTree(text);
  for (let length = path.length; length >= 0; length--) {
    const node = tree === undefined ? undefined : findNodeAtLocation(tree, path.slice(0, length) as JSONPath);
    if (node !== undefined) return node.offset;
  }
  return 0;
}

/** `line:column`, from 1. */
function placeIn(text: string, offset: number): string {
  const before = text.slice(0, offset);
  return `${String(before.split('\n').length)}:${String(offset - before.lastIndexOf('\n'))}`;
}

/** As a launch configuration has it. */
export function launchContract({ kind, arguments: args, returns, user, answer, trap, machineCheckBit, clobbers, promises }: Contract): Exclude<LaunchConfig['contract'], string> {
  return {
    kind, arguments: { ...args }, user: [...user], ...(returns === undefined ? {} : { returns }), ...(answer === undefined ? {} : { answer }), ...(trap === undefined ? {} : { trap }),
    ...(machineCheckBit === undefined ? {} : { machineCheckBit }), ...(clobbers === undefined ? {} : { clobbers: [...clobbers] }), ...(promises === undefined ? {} : { promises: { ...promises } }),
  };
}
