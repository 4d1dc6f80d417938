/**
 * What a routine that nobody described probably promises, from its name and its instructions: which argument registers it reads before
 * it writes them, and which pointers its exception-table entries are about. Used only where neither a directive nor a known name says it.
 */
import type { ImageTable } from '../assembly/extable/search.ts';
import type { Instruction, MemoryAccess } from '../assembly/x86/instruction.ts';
import { EX_TYPE } from '../fault-model/ex-type.ts';
import type { GeneralRegister } from '../machine/cpu/cpu.ts';
import type { Contract, ContractKind } from '../machine/scenario/scenario.ts';

/** What the words of a name suggest, first match wins. */
const KIND_BY_WORD: readonly { readonly pattern: RegExp; readonly kind: ContractKind }[] = [
  { pattern: /csum|checksum/, kind: 'csum' },
  { pattern: /copy|cpy|memmove|rep_?movs|transfer/, kind: 'copy' },
  { pattern: /clear|zero|memset|rep_?stos|wipe/, kind: 'clear' },
  { pattern: /probe/, kind: 'probe' },
  { pattern: /put|store|poke|write/, kind: 'put' },
  { pattern: /get|load|peek|read|fetch/, kind: 'get' },
];
const ARGUMENTS: readonly GeneralRegister[] = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9'];

/** A routine's code as the inference looks at it. */
export interface RoutineCode {
  readonly name: string;
  readonly instructions: readonly Instruction[];
  readonly table: ImageTable;
  /** It opens access to user memory itself. */
  readonly opensUserAccess: boolean;
}

/** `known`, where the name is one of the kernel's, with its registers corrected by the code; else a guess; undefined if the code suggests nothing. */
export function inferContract(known: Contract, code: RoutineCode, asked?: ContractKind): Contract | undefined {
  const facts = factsOf(code);
  const kind = asked ?? (known.kind === 'none' ? guessKind(code.name, facts) : known.kind);
  if (kind === undefined) return undefined;
  const named = known.kind !== 'none' && (asked === undefined || asked === known.kind || isCopy(asked) === isCopy(known.kind));
  if (named && fits(known, facts)) return { ...known, kind, ...withValue(known, kind, facts) };
  const { registers, returns } = registersOf(kind, facts);
  if (registers === undefined) return named ? { ...known, kind } : undefined;
  const user = named ? known.user.filter((role) => role in registers) : code.opensUserAccess ? userRoles(kind, code.name, facts) : [];
  const partial = kind === 'copy' && asked === undefined && user.length > 0;
  const origin = asked !== undefined ? '--contract, registers from the code' : named ? `${known.origin}, registers from the code` : 'guessed from the name and the code; say otherwise with --contract or a comment directive';
  return { kind: partial ? 'copy-partial' : kind, arguments: registers, returns, user, origin, ...(known.shortLength === true ? { shortLength: true } : {}), ...(named && known.clobbers !== undefined ? { clobbers: known.clobbers } : {}) };
}

interface Facts {
  /** Registers read before they are written, on some path. */
  readonly live: ReadonlySet<string>;
  readonly reads: readonly Covered[];
  readonly writes: readonly Covered[];
  readonly written: ReadonlySet<string>;
  readonly instructions: readonly Instruction[];
  readonly zeroesAx: boolean;
  readonly trapNumberInAx: boolean;
}

/** An access with an entry, by the register that points to it. */
interface Covered {
  readonly instruction: Instruction;
  readonly base: string;
}

function factsOf({ instructions, table }: RoutineCode): Facts {
  const covered = instructions.flatMap((instruction) => {
    const entry = table.find(instruction.address);
    return entry === undefined ? [] : [{ instruction, entry }];
  });
  const sources = new Map<string, string>();
  for (const { mnemonic, text, registersWritten } of instructions) {
    const moved = mnemonic === 'mov' ? /^movq?\s+%(r\w+),%(r\w+)$/.exec(text) : null;
    if (moved !== null && registersWritten.length === 1 && !sources.has(moved[2]!)) sources.set(moved[2]!, moved[1]!);
  }
  const live = liveAtEntry(instructions);
  // `mov %rdi,%r8` and then accesses through r8: the argument is rdi.
  const argument = (base: string): string => (live.has(base) ? base : sources.get(base) ?? base);
  const of = (wanted: readonly MemoryAccess['kind'][]): Covered[] => covered.flatMap(({ instruction }) => instruction.accesses
    .filter((access) => wanted.includes(access.kind) && access.base !== undefined && access.base !== 'rsp')
    .map((access) => ({ instruction, base: argument(access.base!) })));
  return {
    live, instructions,
    reads: of(['read', 'read-write']), writes: of(['write', 'read-write']),
    written: new Set(instructions.flatMap(({ registersWritten }) => registersWritten)),
    zeroesAx: instructions.some(({ mnemonic, text }) => mnemonic === 'xor' && /%(e|r)ax,%\1ax$/.test(text)),
    trapNumberInAx: covered.length > 0 && covered.some(({ entry }) => [EX_TYPE.FAULT, EX_TYPE.FAULT_MCE_SAFE, EX_TYPE.COPY].some((type) => type === entry.type)),
  };
}

/** Registers that some path reads before it writes them. Zeroing idioms and saves on the stack are no reads. */
function liveAtEntry(instructions: readonly Instruction[]): ReadonlySet<string> {
  const byAddress = new Map(instructions.map((instruction, i) => [instruction.address, i]));
  const live = new Set<string>();
  const definedAt = new Map<number, ReadonlySet<string>>();
  const waiting: [number, ReadonlySet<string>][] = instructions.length === 0 ? [] : [[0, new Set()]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [at, incoming] = next;
    const before = definedAt.get(at);
    const defined = before === undefined ? new Set(incoming) : new Set([...before].filter((name) => incoming.has(name)));
    if (before?.size === defined.size) continue;
    definedAt.set(at, defined);
    const instruction = instructions[at]!;
    const { registersRead, registersWritten, flow, target, mnemonic } = instruction;
    if (mnemonic !== 'push' && !isZeroing(instruction)) for (const name of registersRead) if (!defined.has(name)) live.add(name);
    const after = new Set([...defined, ...registersWritten]);
    const jump = target === undefined ? undefined : byAddress.get(target);
    if (jump !== undefined && flow !== 'call') waiting.push([jump, after]);
    if (!['jump', 'return', 'indirect-jump', 'exception'].includes(flow) && at + 1 < instructions.length) waiting.push([at + 1, after]);
  }
  return live;
}

function isZeroing({ mnemonic, text }: Instruction): boolean {
  return ['xor', 'sub'].includes(mnemonic) && /\s%(\w+),%\1$/.test(text);
}

function isCopy(kind: ContractKind): boolean {
  return kind === 'copy' || kind === 'copy-partial';
}

function guessKind(name: string, facts: Facts): ContractKind | undefined {
  const byName = KIND_BY_WORD.find(({ pattern }) => pattern.test(name.toLowerCase()))?.kind;
  const byCode = kindOfCode(facts);
  // `safe_read(dst, src, n)`: of a routine that goes round, such words say for which side it is there.
  return byName !== undefined && !(ONE_VALUE.includes(byName) && byCode === 'copy' && goesRound(facts.instructions)) ? byName : byCode;
}

/** Kinds that are about one value at one pointer. */
const ONE_VALUE: readonly ContractKind[] = ['probe', 'put', 'get'];

function goesRound(instructions: readonly Instruction[]): boolean {
  return instructions.some(({ repeat, target, address, flow }) => repeat !== 'none' || (target !== undefined && target <= address && flow !== 'call'));
}

/** What the accesses suggest, whatever the name. */
function kindOfCode({ live, reads, writes, instructions }: Facts): ContractKind | undefined {
  const accesses = instructions.flatMap((instruction) => instruction.accesses.filter(({ implicit }) => !implicit || instruction.repeat !== 'none'));
  const does = (kind: MemoryAccess['kind']): boolean => accesses.some((access) => access.kind === kind && access.base !== 'rsp');
  const lengths = ['rsi', 'rdx', 'rcx'].filter((register) => live.has(register) && !accesses.some(({ base }) => base === register));
  if (reads.length + writes.length === 0) return undefined;
  if (lengths.length > 0 && does('read') && does('write')) return 'copy';
  if (lengths.length > 0 && does('write')) return 'clear';
  if (does('write') && !does('read')) return 'put';
  return does('read') && !does('write') ? 'get' : undefined;
}

/** Numbers that landing pads put into rax: `mov $1,%eax`. */
export function landingConstants(table: ImageTable, decode: (address: bigint) => Iterable<Instruction>): readonly bigint[] {
  const constants = new Set<bigint>();
  for (const { fixup } of table.entries) {
    let left = MAX_PAD;
    for (const { text, flow } of decode(fixup)) {
      const value = /^mov[a-z]*\s+\$(0x[0-9a-f]+|\d+),%[er]ax$/.exec(text)?.[1];
      if (value !== undefined) constants.add(BigInt(value));
      if (flow === 'return' || --left === 0) break;
    }
  }
  return [...constants];
}
/** Instructions of a landing pad that are looked at. */
const MAX_PAD = 12;

/** Whether the routine reads the registers in which a known name says its arguments are. */
function fits({ arguments: args }: Contract, { live }: Facts): boolean {
  return ['dst', 'src', 'ptr', 'n'].every((role) => args[role] === undefined || live.has(args[role]));
}

function registersOf(kind: ContractKind, facts: Facts): { readonly registers?: Contract['arguments']; readonly returns: GeneralRegister } {
  const { live, reads, writes } = facts;
  const has = (register: string): boolean => live.has(register);
  switch (kind) {
    case 'copy': case 'copy-partial': {
      if (!has('rdi') || !has('rsi')) return { returns: 'rax' };
      const n = has('rdx') ? 'rdx' : has('rcx') ? 'rcx' : undefined;
      return n === undefined ? { returns: 'rax' } : { registers: { dst: 'rdi', src: 'rsi', n }, returns: bytesLeftIn(n, facts) };
    }
    case 'clear': {
      if (!has('rdi')) return { returns: 'rax' };
      const n = has('rdx') ? 'rdx' : has('rsi') ? 'rsi' : has('rcx') ? 'rcx' : undefined;
      if (n === undefined) return { returns: 'rax' };
      const zero = n === 'rdx' && has('rsi') ? { zero: 'rsi' as const } : has('rax') ? { zero: 'rax' as const } : {};
      return { registers: { dst: 'rdi', n, ...zero }, returns: n === 'rcx' ? 'rcx' : bytesLeftIn(n, facts) };
    }
    case 'csum':
      return has('rdi') && has('rsi') && has('rdx') ? { registers: { src: 'rdi', dst: 'rsi', n: 'rdx' }, returns: 'rax' } : { returns: 'rax' };
    case 'get': {
      const ptr = reads.find(({ base }) => has(base));
      if (ptr === undefined) return { returns: 'rax' };
      const value = loaded(ptr, 'rax');
      const out = resultPointer(ptr.base, facts);
      // What is handed out through a pointer is in no register.
      return { registers: { ptr: ptr.base as GeneralRegister, ...(value === undefined || 'dst' in out ? {} : { value }), ...out }, returns: 'rax' };
    }
    case 'put': {
      const ptr = writes.find(({ base }) => has(base));
      if (ptr === undefined) return { returns: 'rax' };
      const value = ARGUMENTS.find((register) => register !== ptr.base && has(register));
      return { registers: { ptr: ptr.base as GeneralRegister, ...(value === undefined ? {} : { value }) }, returns: 'rax' };
    }
    case 'probe': {
      const ptr = [...reads, ...writes].find(({ base }) => has(base));
      return ptr === undefined ? { returns: 'rax' } : { registers: { ptr: ptr.base as GeneralRegister }, returns: 'rax' };
    }
    case 'custom': case 'none': return { returns: 'rax' };
  }
}

/** Where the bytes left are: in rax, unless the handlers put the trap's number there and the count stays in its own register. */
function bytesLeftIn(n: GeneralRegister, { written, zeroesAx, trapNumberInAx }: Facts): GeneralRegister {
  if (n !== 'rax' && !written.has('rax')) return n;
  return trapNumberInAx && zeroesAx && written.has(n) && n === 'rdx' ? 'rdx' : 'rax';
}

/** The register a read puts its value into, unless that is the one with the error. */
function loaded({ instruction }: Covered, error: string): GeneralRegister | undefined {
  const [value] = instruction.registersWritten;
  return value === undefined || value === error || !/^r/.test(value) || instruction.repeat !== 'none' ? undefined : value as GeneralRegister;
}

/** A second pointer through which a value that was read is handed out. */
function resultPointer(ptr: string, { live, instructions }: Facts): { readonly dst?: GeneralRegister } {
  const base = instructions.flatMap(({ accesses }) => accesses).find((access) => access.kind === 'write' && access.base !== undefined && access.base !== ptr && live.has(access.base) && access.base !== 'rsp')?.base;
  return base === undefined ? {} : { dst: base as GeneralRegister };
}

/** The kernel's get_user and put_user: which register has the value. */
function withValue(known: Contract, kind: ContractKind, { reads }: Facts): { readonly arguments?: Contract['arguments'] } {
  if (kind !== 'get' || known.arguments['value'] !== undefined) return {};
  const read = reads.find(({ base }) => base === known.arguments['ptr']);
  const value = read === undefined ? undefined : loaded(read, known.returns ?? 'rax');
  return value === undefined ? {} : { arguments: { ...known.arguments, value } };
}

function userRoles(kind: ContractKind, name: string, { reads, writes }: Facts): readonly string[] {
  if (kind === 'clear') return ['dst'];
  if (kind === 'csum') return ['src'];
  if (!isCopy(kind)) return ['ptr'];
  if (/from/.test(name)) return ['src'];
  if (/to_?user/.test(name) || reads.length === 0) return ['dst'];
  return writes.length === 0 || !/to/.test(name) ? ['src'] : ['dst'];
}
