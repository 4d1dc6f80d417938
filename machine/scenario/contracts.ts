/**
 * What a routine promises, known by its name or by a comment directive beside it.
 *
 *     # mcsafe: contract copy dst=rdi src=rsi n=rdx returns=rax user=src
 *     # mcsafe: promise prefix: copied(dst, src, n - rax)
 *     # mcsafe: run n=256 poison=src+64
 *     # mcsafe: error STATUS uc,ar,s,pcc MCGSTATUS ripv
 *     # mcsafe: sweep n=0..256/16 faults=mc-line,pf-read progress=7 exceptions=2 helper=copy_tail
 */
import type { CommentDirective } from '../../assembly/gas/statement.ts';
import { formatPosition } from '../../assembly/source.ts';
import type { Problem } from '../../assembly/source.ts';
import { parseErrorDescription } from '../../fault-model/error-description.ts';
import type { ErrorDescription } from '../../fault-model/error-description.ts';
import { knownRoutine } from '../../fault-model/known-routines.ts';
import { GENERAL_REGISTERS } from '../cpu/cpu.ts';
import type { GeneralRegister } from '../cpu/cpu.ts';
import { parseExpression } from './expression.ts';
import { CONTRACT_ANSWERS } from './scenario.ts';
import type { Contract, ContractAnswer, ContractKind } from './scenario.ts';

export const CONTRACT_KINDS: readonly ContractKind[] = ['copy', 'copy-partial', 'clear', 'get', 'put', 'csum', 'probe', 'custom', 'none'];
/** Roles that mean something: pointers, a length, a value that is passed or handed out, a zero that the routine wants. */
export const ROLES = ['dst', 'src', 'ptr', 'n', 'value', 'zero'] as const;

const DST_SRC_N = { dst: 'rdi', src: 'rsi', n: 'rdx' } as const;

/** What the C calling convention suggests for a routine nobody knows. */
const BY_CONVENTION: Omit<Contract, 'origin'> = { kind: 'none', arguments: DST_SRC_N, returns: 'rax', user: [] };

/** The contract a routine's name suggests; the plain C calling convention if it suggests none. */
export function contractByName(name: string): Contract {
  const known = knownRoutine(name);
  if (known === undefined) return { ...BY_CONVENTION, origin: 'no contract known; C calling convention (rdi = dst, rsi = src, rdx = n)' };
  const { kind, arguments: args, returns, user, family, shortLength, clobbers } = known;
  return { kind, arguments: args, user, returns, origin: `the name ${family}`, ...(shortLength === true ? { shortLength } : {}), ...(clobbers === undefined ? {} : { clobbers }) };
}

/** Settings of a `mcsafe: run` directive, as launch attributes. */
export interface RunDefaults {
  readonly n?: number;
  /** A place, or `none`. */
  readonly poison?: string;
}

/** Settings of a `mcsafe: sweep` directive, as written: the sweep knows what they mean. */
export const SWEEP_SETTINGS = ['n', 'faults', 'progress', 'exceptions', 'helper'] as const;
export type SweepDefaults = Readonly<Partial<Record<(typeof SWEEP_SETTINGS)[number], string>>>;

/** What the directives beside one routine say. */
export interface RoutineDirectives {
  readonly contract?: Contract;
  readonly run?: RunDefaults;
  readonly sweep?: SweepDefaults;
  /** What machine checks report. */
  readonly machineCheck?: ErrorDescription;
  readonly problems: readonly Problem[];
}

const DIRECTIVE_WORDS = 'contract, promise, run, sweep, error, ignore';

/** Reads the `mcsafe:` comment directives that belong to one routine. Later ones win over earlier ones. */
export function readDirectives(directives: readonly CommentDirective[]): RoutineDirectives {
  const problems: Problem[] = [];
  let contract: Contract | undefined;
  let run: RunDefaults | undefined;
  let sweep: SweepDefaults | undefined;
  let machineCheck: ErrorDescription | undefined;
  const promises: [directive: CommentDirective, words: string][] = [];
  for (const directive of directives) {
    const complain = (message: string): void => {
      problems.push({ severity: 'error', code: 'malformed-directive', message, range: directive.range });
    };
    const [verb, ...words] = directive.text.split(/\s+/);
    if (verb === 'contract') contract = readContract(words, directive, complain) ?? contract;
    else if (verb === 'promise') promises.push([directive, directive.text.slice('promise'.length)]);
    else if (verb === 'run') run = { ...run, ...readRun(words, complain) };
    else if (verb === 'sweep') sweep = { ...sweep, ...readSweep(words, complain) };
    else if (verb === 'error') {
      const result = parseErrorDescription(words.join(' '));
      if (result.ok) machineCheck = result.description;
      else complain(`"mcsafe: error": ${result.message}`);
    } else if (verb !== 'ignore') complain(`unknown directive "mcsafe: ${verb ?? ''}"; known are ${DIRECTIVE_WORDS}`);
  }
  contract = withPromises(contract, promises, problems);
  return { problems, ...(contract === undefined ? {} : { contract }), ...(run === undefined ? {} : { run }), ...(sweep === undefined ? {} : { sweep }), ...(machineCheck === undefined ? {} : { machineCheck }) };
}

function readContract(words: readonly string[], directive: CommentDirective, complain: (message: string) => void): Contract | undefined {
  const [kind, ...settings] = words;
  if (kind === undefined || !isContractKind(kind)) {
    complain(`"mcsafe: contract" wants one of ${CONTRACT_KINDS.join(', ')}, not "${kind ?? ''}"`);
    return undefined;
  }
  const args: Record<string, GeneralRegister> = {};
  let returns: GeneralRegister | undefined;
  let user: readonly string[] = [];
  let shortLength = false;
  const convention: { answer?: ContractAnswer; trap?: GeneralRegister; machineCheckBit?: number; clobbers?: readonly GeneralRegister[] } = {};
  for (const [key, value] of pairs(settings, complain)) {
    const whole = key === 'n' ? wholeRegister(value) : undefined;
    if (key === 'user') user = value.split(',');
    else if (whole !== undefined) {
      args['n'] = whole;
      shortLength = true;
    }
    else if (key === 'answer' && isAnswer(value)) convention.answer = value;
    else if (key === 'mcbit' && /^([0-9]|[1-5]\d|6[0-3])$/.test(value)) convention.machineCheckBit = Number(value);
    else if (key === 'clobbers' && value.split(',').every(isRegister)) convention.clobbers = value.split(',') as GeneralRegister[];
    else if (key === 'answer') complain(`answer=${value}: there are ${CONTRACT_ANSWERS.join(', ')}`);
    else if (key === 'mcbit') complain(`mcbit=${value}: not the number of a bit, 0 to 63`);
    else if (!isRegister(value)) complain(`${key}=${value}: not a 64-bit general register`);
    else if (key === 'returns') returns = value;
    else if (key === 'trap') convention.trap = value;
    else if (kind !== 'custom' && !isRole(key)) complain(`no role "${key}"; there are ${ROLES.join(', ')}, and returns, trap, mcbit, answer, clobbers, user`);
    else args[key] = value;
  }
  const stranger = Object.keys(args).length === 0 ? undefined : user.find((role) => !(role in args));
  if (stranger !== undefined) complain(`user=${stranger}: the contract has no such role`);
  const byConvention = Object.keys(args).length === 0;
  return {
    kind,
    arguments: byConvention ? BY_CONVENTION.arguments : args,
    returns: returns ?? 'rax',
    user, ...convention,
    ...(shortLength ? { shortLength } : {}),
    origin: `the comment directive at ${formatPosition(directive.range.start)}`,
  };
}

/** `NAME: EXPRESSION`; they may stand above the contract whose roles they name. */
function withPromises(contract: Contract | undefined, promises: readonly (readonly [CommentDirective, string])[], problems: Problem[]): Contract | undefined {
  const read: Record<string, string> = {};
  for (const [{ range }, words] of promises) {
    const complain = (message: string, offset = 0, length = 0): void => {
      const column = range.endColumn - length + offset;
      problems.push({ severity: 'error', code: 'malformed-directive', message, range: length === 0 ? range : { ...range, start: { ...range.start, column } } });
    };
    const match = /^\s+([A-Za-z][\w-]*):\s*(\S.*)$/.exec(words);
    if (match === null) complain('"mcsafe: promise" wants a name, a colon and an expression: promise prefix: copied(dst, src, n - rax)');
    else if (contract === undefined) complain('"mcsafe: promise" needs a "mcsafe: contract" beside the same routine');
    else {
      const [, name = '', text = ''] = match;
      const parsed = parseExpression(text, Object.keys(contract.arguments));
      if (parsed.ok) read[name] = text;
      else complain(`promise ${name}: ${parsed.message}`, parsed.offset, text.length);
    }
  }
  return contract === undefined || Object.keys(read).length === 0 ? contract : { ...contract, promises: read };
}

function readRun(words: readonly string[], complain: (message: string) => void): RunDefaults {
  let result: { n?: number; poison?: string } = {};
  for (const [key, value] of pairs(words, complain)) {
    if (key === 'n' && /^\d+$/.test(value)) result = { ...result, n: Number(value) };
    else if (key === 'poison') result = { ...result, poison: value };
    else complain(`"mcsafe: run" knows n=NUMBER, poison=PLACE and poison=none, not "${key}=${value}"`);
  }
  return result;
}

function readSweep(words: readonly string[], complain: (message: string) => void): SweepDefaults {
  const read = pairs(words, complain);
  for (const [key] of read) if (!isSweepSetting(key)) complain(`"mcsafe: sweep" knows ${SWEEP_SETTINGS.join(', ')}, not "${key}"`);
  return Object.fromEntries(read.filter(([key]) => isSweepSetting(key)));
}

function isSweepSetting(word: string): boolean {
  return (SWEEP_SETTINGS as readonly string[]).includes(word);
}

function pairs(words: readonly string[], complain: (message: string) => void): (readonly [string, string])[] {
  return words.flatMap((word) => {
    const match = /^([A-Za-z][\w-]*)=(\S+)$/.exec(word);
    if (match !== null) return [[match[1]!, match[2]!] as const];
    complain(`"${word}" is not of the form key=value`);
    return [];
  });
}

function isContractKind(word: string): word is ContractKind {
  return (CONTRACT_KINDS as readonly string[]).includes(word);
}

function isRole(word: string): boolean {
  return (ROLES as readonly string[]).includes(word);
}

function isAnswer(word: string): word is ContractAnswer {
  return (CONTRACT_ANSWERS as readonly string[]).includes(word);
}

/** The 64-bit register whose lower half has the name `word`: `edx`, `r8d`. */
function wholeRegister(word: string): GeneralRegister | undefined {
  const name = /^e[a-z]{2}$/.test(word) ? `r${word.slice(1)}` : /^r\d+d$/.test(word) ? word.slice(0, -1) : '';
  return isRegister(name) ? name : undefined;
}

function isRegister(word: string): word is GeneralRegister {
  return (GENERAL_REGISTERS as readonly string[]).includes(word);
}
