/**
 * From what the user wrote (or did not write) to a complete scenario: routine, contract, registers, buffers, poison.
 * Whatever was assumed is said in `assumptions`, so that it can be printed and edited.
 */
import type { Image, ImageSymbol } from '../../assembly/elf/image.ts';
import type { CommentDirective } from '../../assembly/gas/statement.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Problem } from '../../assembly/source.ts';
import { parseErrorDescription } from '../../fault-model/error-description.ts';
import type { ErrorDescription } from '../../fault-model/error-description.ts';
import { DEFAULT_KERNEL_GENERATION } from '../../fault-model/kernel-generation.ts';
import { GENERAL_REGISTERS, VECTOR } from '../cpu/cpu.ts';
import type { CpuProfile, GeneralRegister } from '../cpu/cpu.ts';
import { CPU_PROFILES, DEFAULT_CPU_PROFILE, cpuProfile } from '../cpu/profiles.ts';
import { LINE_SIZE, PAGE_SIZE } from '../memory/memory.ts';
import { contractByName, readDirectives } from './contracts.ts';
import { opensUserAccess } from './user-access.ts';
import type { RunDefaults } from './contracts.ts';
import type { Buffer, Contract, Injection, MemoryRange, Scenario, StopPlace } from './scenario.ts';
import type { ConfigProblem, ContractConfig, LaunchConfig } from './schema.ts';

/** Where the pieces of a run lie. Kernel-half addresses follow the kernel's own map (kernel Documentation/arch/x86/x86_64/mm.rst). */
export const ADDRESS_MAP = {
  /** Direct map: kernel buffers. */
  kernelBuffers: 0xffff_8880_0010_0000n,
  /** User half: buffers the contract calls user pointers. */
  userBuffers: 0x0000_7f00_0010_0000n,
  /** At least this much unmapped space between two buffers. */
  guard: 0x10_0000n,
  /** vmalloc area: the kernel stack, growing down from here. */
  stackTop: 0xffff_c900_0001_0000n,
  stackSize: 0x4000,
  /** The return address of the routine: reaching it ends the run. */
  returnSentinel: 0xffff_ffff_ff00_0000n,
  /** The return address of fault handlers: reaching it goes on with the delivery. */
  handlerReturn: 0xffff_ffff_ff01_0000n,
  /** Machine checks are handled on a stack of their own (IST). */
  machineCheckStackTop: 0xffff_fe00_0001_0000n,
} as const;

export const DEFAULT_LENGTH = 256;
const DEFAULT_BUDGET = 10_000_000;
/**
 * Non-canonical, so that a register used as a pointer before it is set faults; no part of it, of any width, is 0, so that a routine that
 * forgets to clear one does not get away with it. The lowest four bits are the register's number.
 */
const UNSET_REGISTER = 0xa5a5_a5a5_a5a5_a5a0n;

export interface ResolveInput {
  readonly config: LaunchConfig;
  readonly image: Image;
  /** `mcsafe:` directives of all sources. */
  readonly directives: readonly CommentDirective[];
  /** Addresses of instructions with exception-table entries. */
  readonly covered: readonly bigint[];
  /** The first program as it was named, for `line` and the scenario's name. */
  readonly program: string;
}

export type ResolveResult =
  | { readonly ok: true; readonly scenario: Scenario; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly configProblems: readonly ConfigProblem[]; readonly problems: readonly Problem[] };

/** Resolves a configuration against a linked program. All configuration problems are reported at once. */
export function resolveScenario(input: ResolveInput): ResolveResult {
  const { config, image } = input;
  const wrong: ConfigProblem[] = [];
  const assumptions: string[] = [];
  const profile = resolveProfile(config, wrong) ?? DEFAULT_CPU_PROFILE;
  const entry = chooseEntry(input, wrong, assumptions);
  if (entry === undefined) return { ok: false, configProblems: wrong, problems: [] };

  const directives = readDirectives(directivesOf(entry, input));
  const contract = chooseContract(config, entry, directives.contract, assumptions);
  const n = chooseLength(config, directives.run, assumptions);
  const buffers = placeBuffers(config, contract, n);
  const registers = chooseRegisters(config, contract, n, { buffers, image, wrong });
  const poison = choosePoison(config, contract, directives.run, { buffers, image, wrong, assumptions });
  const machineCheck = chooseMachineCheck(config, directives.machineCheck, wrong);
  const absent = (config.absent ?? []).flatMap(({ at, size }, i) => rangeAt(at, size ?? PAGE_SIZE, `absent.${String(i)}`, { buffers, image, wrong }));
  const injection = chooseInjection(config, { buffers, image, wrong });
  const stopAt = chooseStop(config, { buffers, image, wrong });
  if (wrong.length > 0) return { ok: false, configProblems: wrong, problems: directives.problems };
  return {
    ok: true,
    problems: directives.problems,
    scenario: {
      name: `${entry.name} in ${input.program}`,
      entry: { name: entry.name, address: entry.address },
      registers, buffers, poison, contract, assumptions,
      ...(machineCheck === undefined ? {} : { machineCheck }),
      ...(absent.length === 0 ? {} : { absent }), ...(injection === undefined ? {} : { injection }),
      ...(stopAt === undefined ? {} : { stopAt }),
      poisonGranule: config.poisonGranule ?? 'line',
      userAccess: chooseUserAccess(input, { entry, contract, profile, assumptions }),
      cpu: profile,
      ...(config.msrs === undefined ? {} : { msrs: new Map(Object.entries(config.msrs).map(([number, value]) => [Number(number), wholeNumber(value)])) }),
      kernelGeneration: config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id,
      budget: BigInt(config.budget ?? DEFAULT_BUDGET),
    },
  };
}

/** A number as the schema lets it be written, as 64 bits. */
function wholeNumber(value: number | string): bigint {
  const digits = String(value);
  return BigInt.asUintN(64, digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits));
}

/** The CPU profile a configuration asks for; undefined, and a problem noted, if there is none of that name. */
export function resolveProfile(config: LaunchConfig, wrong: ConfigProblem[]): CpuProfile | undefined {
  const asked = config.cpuProfile;
  if (asked === undefined) return DEFAULT_CPU_PROFILE;
  if (typeof asked === 'string') {
    const known = cpuProfile(asked);
    if (known === undefined) wrong.push({ path: 'cpuProfile', message: `no CPU profile "${asked}"; known are default, ${CPU_PROFILES.map(({ name }) => name).join(', ')}` });
    return known;
  }
  return {
    name: asked.name ?? 'custom',
    vendor: asked.vendor ?? DEFAULT_CPU_PROFILE.vendor,
    features: (asked.features ?? DEFAULT_CPU_PROFILE.features).map((feature) => feature.toLowerCase()),
    ...(asked.quirks === undefined ? {} : { quirks: asked.quirks }),
  };
}

/** Functions a run can start at: named code symbols, global ones first, in address order. */
export function routines(image: Image): readonly ImageSymbol[] {
  const executable = image.segments.filter((segment) => segment.execute);
  const inCode = (address: bigint): boolean => executable.some((segment) => address >= segment.address && address < segment.address + BigInt(segment.size));
  return image.symbols
    .filter((symbol) => symbol.name !== '' && (symbol.type === 'func' || symbol.type === 'notype') && inCode(symbol.address))
    .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

function chooseEntry(input: ResolveInput, wrong: ConfigProblem[], assumptions: string[]): ImageSymbol | undefined {
  const { config, image } = input;
  const candidates = routines(image);
  if (config.entry !== undefined) {
    const found = candidates.find((symbol) => symbol.name === config.entry);
    if (found === undefined) {
      const names = candidates.map((symbol) => symbol.name);
      wrong.push({ path: 'entry', message: `no routine "${config.entry}" in ${input.program}; ${names.length === 0 ? 'it defines none' : `there are: ${names.slice(0, 30).join(', ')}`}` });
    }
    return found;
  }
  const byLine = config.line === undefined ? undefined : routineAtLine(input, candidates, config.line);
  if (byLine !== undefined) {
    assumptions.push(`routine ${byLine.name}: it holds line ${String(config.line)}`);
    return byLine;
  }
  const functions = candidates.filter((symbol) => symbol.type === 'func');
  const holds = (symbol: ImageSymbol): boolean => input.covered.some((address) => address >= symbol.address && address < symbol.address + symbol.size);
  const first = functions.find(holds) ?? functions[0] ?? candidates[0];
  if (first === undefined) wrong.push({ path: 'program', message: `${input.program} defines no routine: no named symbol in an executable section` });
  else assumptions.push(`routine ${first.name}: the first in ${input.program}${holds(first) ? ' with exception-table entries' : ''}`);
  return first;
}

/** The routine that holds `line`: by the code written there, else the next code below. */
function routineAtLine(input: ResolveInput, candidates: readonly ImageSymbol[], line: number): ImageSymbol | undefined {
  const { image, program } = input;
  let best: { distance: number; address: bigint } | undefined;
  for (const row of image.lines) {
    const written = writtenPosition(row.position);
    if (written.file !== program) continue;
    // Code above the line counts only if the line is inside its routine, so the nearest line below wins a tie.
    const distance = written.line >= line ? (written.line - line) * 2 : (line - written.line) * 2 + 1;
    if (best === undefined || distance < best.distance) best = { distance, address: row.address };
  }
  if (best === undefined) return undefined;
  const { address } = best;
  return candidates.findLast((symbol) => symbol.address <= address && (symbol.size === 0n || address < symbol.address + symbol.size));
}

/** Directives inside the routine, or above it and below the routine before. */
export function directivesOf(entry: ImageSymbol, input: Pick<ResolveInput, 'image' | 'directives'>): readonly CommentDirective[] {
  const { image } = input;
  const first = image.lineAt(entry.address);
  if (first === undefined) return [];
  const start = writtenPosition(first);
  const end = entry.size > 0n ? image.lineAt(entry.address + entry.size - 1n) : undefined;
  const endLine = end === undefined ? start.line : Math.max(start.line, writtenPosition(end).line);
  const before = image.lines
    .filter((row) => row.address < entry.address)
    .map((row) => writtenPosition(row.position))
    .filter((position) => position.file === start.file && position.line < start.line)
    .reduce((highest, position) => Math.max(highest, position.line), 0);
  return input.directives.filter(({ range }) => range.start.file === start.file && range.start.line > before && range.start.line <= endLine);
}

function chooseContract(config: LaunchConfig, entry: ImageSymbol, directive: Contract | undefined, assumptions: string[]): Contract {
  const fallback = directive ?? contractByName(entry.name);
  const asked = config.contract;
  if (asked === undefined) {
    assumptions.push(`contract ${fallback.kind} (${describeArguments(fallback)}): ${fallback.origin}`);
    return fallback;
  }
  const origin = 'launch configuration';
  if (typeof asked === 'string') return { ...fallback, kind: asked, origin };
  return contractOfConfig(asked, fallback, origin);
}

/** The contract of a configuration or a contract file; what it leaves out is as in `fallback`. */
export function contractOfConfig(asked: ContractConfig, fallback: Contract, origin: string): Contract {
  const { kind, answer, trap, machineCheckBit, promises } = asked;
  const returns = asked.returns ?? fallback.returns;
  const clobbers = asked.clobbers ?? fallback.clobbers;
  return {
    kind, arguments: asked.arguments ?? fallback.arguments, user: asked.user ?? fallback.user, origin,
    ...(returns === undefined ? {} : { returns }), ...(answer === undefined ? {} : { answer }), ...(trap === undefined ? {} : { trap }),
    ...(machineCheckBit === undefined ? {} : { machineCheckBit }), ...(promises === undefined ? {} : { promises }),
    ...(clobbers === undefined ? {} : { clobbers }),
  };
}

function describeArguments(contract: Contract): string {
  return Object.entries(contract.arguments).map(([role, register]) => `${role}=${register}${contract.user.includes(role) ? ' (user)' : ''}`).join(', ');
}

function chooseLength(config: LaunchConfig, run: RunDefaults | undefined, assumptions: string[]): number {
  if (config.n !== undefined) return config.n;
  const n = run?.n ?? DEFAULT_LENGTH;
  assumptions.push(`n = ${String(n)}${run?.n === undefined ? '' : ' (comment directive)'}`);
  return n;
}

/** Roles that are pointers to a buffer of the run. */
const POINTER_ROLES = ['dst', 'src', 'ptr'];

function placeBuffers(config: LaunchConfig, contract: Contract, n: number): readonly Buffer[] {
  const roles = POINTER_ROLES.filter((role) => role in contract.arguments);
  const names = [...new Set([...roles, ...Object.keys(config.buffers ?? {})])];
  const next = { kernel: ADDRESS_MAP.kernelBuffers as bigint, user: ADDRESS_MAP.userBuffers as bigint };
  return names.map((name) => {
    const asked = config.buffers?.[name] ?? {};
    const user = asked.user ?? contract.user.includes(name);
    const half = user ? 'user' : 'kernel';
    const size = asked.size ?? Math.max(name === 'ptr' ? 8 : n, 1);
    const address = next[half] + BigInt(asked.offset ?? 0);
    const pages = BigInt(Math.ceil((size + (asked.offset ?? 0)) / PAGE_SIZE) * PAGE_SIZE);
    next[half] += ((pages + ADDRESS_MAP.guard - 1n) / ADDRESS_MAP.guard + 1n) * ADDRESS_MAP.guard;
    const access = asked.access ?? 'rw';
    const fill = asked.fill ?? (name === 'src' || name === 'ptr' ? 'pattern' : 0xcc);
    return {
      name, address, size, bytes: filled(size, fill),
      permissions: { read: access !== 'none', write: access === 'rw', execute: false, user },
    };
  });
}

/** A pattern in which neighbours differ and no period divides a cache line, so a byte copied to the wrong place shows. */
export function filled(size: number, fill: number | 'pattern'): Uint8Array {
  const bytes = new Uint8Array(size);
  if (fill === 'pattern') for (let i = 0; i < size; i++) bytes[i] = (i % 251) + 1;
  else bytes.fill(fill);
  return bytes;
}

interface PlaceScope {
  readonly buffers: readonly Buffer[];
  readonly image: Image;
  readonly wrong: ConfigProblem[];
}

function chooseRegisters(config: LaunchConfig, contract: Contract, n: number, scope: PlaceScope): ReadonlyMap<GeneralRegister, bigint> {
  const registers = new Map<GeneralRegister, bigint>(GENERAL_REGISTERS.map((name, number) => [name, UNSET_REGISTER | BigInt(number)]));
  for (const [role, register] of Object.entries(contract.arguments)) {
    const buffer = scope.buffers.find(({ name }) => name === role);
    registers.set(register, buffer?.address ?? (role === 'n' ? BigInt(n) : 0n));
  }
  for (const [register, value] of Object.entries(config.arguments ?? {})) {
    const address = resolvePlace(value, scope);
    if (address === undefined) scope.wrong.push({ path: `arguments.${register}`, message: placeMessage(value, scope) });
    else registers.set(register as GeneralRegister, address);
  }
  return registers;
}

function choosePoison(
  config: LaunchConfig, contract: Contract, run: RunDefaults | undefined, scope: PlaceScope & { readonly assumptions: string[] },
): readonly MemoryRange[] {
  const asked = config.poison;
  if (asked === false) return [];
  if (asked !== undefined) {
    const list = Array.isArray(asked) ? asked : [asked];
    return list.flatMap((item, index) => {
      const place = typeof item === 'object' ? item.at : item;
      const path = Array.isArray(asked) ? `poison.${String(index)}` : 'poison';
      return rangeAt(place, typeof item === 'object' ? item.size ?? LINE_SIZE : LINE_SIZE, path, scope);
    });
  }
  if (run?.poison === 'none') {
    scope.assumptions.push('no poison (comment directive)');
    return [];
  }
  if (run?.poison !== undefined) {
    scope.assumptions.push(`poison at ${run.poison} (comment directive)`);
    return rangeAt(run.poison, LINE_SIZE, 'poison', scope);
  }
  const source = scope.buffers.find(({ name }) => name === 'src') ?? scope.buffers.find(({ name }) => name === 'ptr');
  if (source === undefined) {
    scope.assumptions.push('no poison: the contract names no source');
    return [];
  }
  const text = source.size > LINE_SIZE ? `${source.name}+${String(LINE_SIZE)}` : source.name;
  scope.assumptions.push(`poison at ${text} (${source.size > LINE_SIZE ? 'the second line' : 'the first line'} of ${source.name}${contract.kind === 'none' ? '' : ', the default'})`);
  return rangeAt(text, LINE_SIZE, 'poison', scope);
}

/** A routine that is given user pointers and never opens access to them is called with access open. */
function chooseUserAccess(
  { config, image }: ResolveInput,
  { entry, contract, profile, assumptions }: { readonly entry: ImageSymbol; readonly contract: Contract; readonly profile: CpuProfile; readonly assumptions: string[] },
): boolean {
  if (contract.user.length === 0 || !profile.features.includes('smap')) return false;
  if (opensUserAccess(image, entry.address, profile, config.kernelGeneration ?? DEFAULT_KERNEL_GENERATION.id)) return false;
  assumptions.push('AC is set at entry: the routine has no stac, so its caller opens access to user memory');
  return true;
}

function chooseMachineCheck(config: LaunchConfig, directive: ErrorDescription | undefined, wrong: ConfigProblem[]): ErrorDescription | undefined {
  if (config.machineCheck === undefined) return directive;
  const result = parseErrorDescription(config.machineCheck);
  if (result.ok) return result.description;
  wrong.push({ path: 'machineCheck', message: result.message });
  return undefined;
}

function chooseInjection({ inject }: LaunchConfig, scope: PlaceScope): Injection | undefined {
  if (inject === undefined) return undefined;
  const address = instructionAt(inject.at, 'inject.at', scope);
  return address === undefined ? undefined : { address, execution: inject.execution ?? 1, vector: inject.fault === 'mc' ? VECTOR.MC : VECTOR.PF };
}

function chooseStop({ stopAt }: LaunchConfig, scope: PlaceScope): StopPlace | undefined {
  if (stopAt === undefined) return undefined;
  const { exception, at, execution = 1, why } = stopAt;
  const said = why === undefined ? {} : { why };
  if (exception !== undefined) return { exception, ...said };
  const address = at === undefined ? undefined : instructionAt(at, 'stopAt.at', scope);
  return address === undefined ? undefined : { address, execution, ...said };
}

/** The address of a place in the program's code; what is wrong with one elsewhere is noted. */
function instructionAt(place: string | number, path: string, scope: PlaceScope): bigint | undefined {
  const address = resolvePlace(place, scope);
  const isCode = address !== undefined && scope.image.segments.some((segment) => segment.execute && address >= segment.address && address < segment.address + BigInt(segment.size));
  if (isCode) return address;
  scope.wrong.push({ path, message: address === undefined ? placeMessage(place, scope) : `"${String(place)}" is no instruction of the program` });
  return undefined;
}

function rangeAt(place: string | number, size: number, path: string, scope: PlaceScope): readonly MemoryRange[] {
  const address = resolvePlace(place, scope);
  if (address !== undefined) return [{ address, size, text: String(place) }];
  scope.wrong.push({ path, message: placeMessage(place, scope) });
  return [];
}

/** A number, or buffer/symbol with an optional offset: its 64-bit value, or undefined if the name is not known. */
function resolvePlace(place: string | number, scope: PlaceScope): bigint | undefined {
  if (typeof place === 'number') return BigInt.asUintN(64, BigInt(place));
  const number = /^(-?)(0x[0-9a-fA-F]+|[0-9]+)$/.exec(place);
  if (number !== null) return BigInt.asUintN(64, number[1] === '-' ? -BigInt(number[2]!) : BigInt(number[2]!));
  const named = /^([A-Za-z_.$][\w.$]*?)(?:([+-])(0x[0-9a-fA-F]+|[0-9]+))?$/.exec(place);
  if (named === null) return undefined;
  const [, name, sign, offset] = named;
  const base = scope.buffers.find((buffer) => buffer.name === name)?.address ?? scope.image.symbols.find((symbol) => symbol.name === name)?.address;
  if (base === undefined) return undefined;
  const delta = BigInt(offset ?? 0);
  return BigInt.asUintN(64, sign === '-' ? base - delta : base + delta);
}

function placeMessage(place: string | number, scope: PlaceScope): string {
  return `"${String(place)}" names no buffer or symbol; buffers are ${scope.buffers.map(({ name }) => name).join(', ') || 'none'}`;
}
