/**
 * AT&T mnemonics: which forms each one may stand for. Aliases, suffixes and families are data; what is left is a lookup.
 */
import { OpCodeOperandKind as Kind } from 'iced-x86';
import { forms, icedMnemonics } from './forms.ts';
import type { Form } from './forms.ts';

/** A form that a mnemonic may stand for, with what the mnemonic itself says. */
export interface Candidate {
  readonly form: Form;
  /** The predicate of a compare pseudo-operation (`cmpltps`), which becomes the last immediate. */
  readonly immediate?: bigint;
  /** True if the mnemonic had a suffix, so the operand size is not in question. */
  readonly sized: boolean;
  /** The suffix, '' for none. */
  readonly suffix: string;
}

interface Alias {
  /** iced's mnemonic. */
  readonly to: string;
  readonly immediate?: bigint;
  /** Only forms that this accepts. */
  readonly only?: (form: Form) => boolean;
}

const isFar = (form: Form): boolean => /^(Call|Jmp)_(m16|ptr)/.test(form.name);
/** Two immediates can only be a segment and an offset, so gas takes `jmp $0x33, $1f` as `ljmp`. */
const isNearOrPointer = (form: Form): boolean => !/^(Call|Jmp)_m16/.test(form.name);
const isString = (form: Form): boolean => form.shapes.some((shape) => shape.string !== undefined && shape.optional === true);
const isOffset = (form: Form): boolean => form.shapes.some((shape) => shape.memory === 'offset');

/** Other names of the conditions: written -> iced's. */
const CONDITIONS: Readonly<Record<string, string>> = {
  c: 'b', nae: 'b', nb: 'ae', nc: 'ae', z: 'e', nz: 'ne', na: 'be', nbe: 'a',
  pe: 'p', po: 'np', nge: 'l', nl: 'ge', ng: 'le', nle: 'g',
};

/** The same for `cmp…xadd`, of which iced has the other names. */
const COMPARE_AND_ADD: Readonly<Record<string, string>> = {
  a: 'nbe', ae: 'nb', c: 'b', nae: 'b', nc: 'nb', e: 'z', ne: 'nz', na: 'be', g: 'nle', ge: 'nl', ng: 'le', nge: 'l', pe: 'p', po: 'np',
};

/** Names that mean one or several of iced's mnemonics. A name that is absent means itself. */
const ALIASES: Record<string, readonly Alias[]> = {
  sal: [{ to: 'shl' }],
  ret: [{ to: 'ret' }],
  lret: [{ to: 'retf' }],
  iret: [{ to: 'iret' }, { to: 'iretd' }, { to: 'iretq' }],
  call: [{ to: 'call', only: isNearOrPointer }],
  jmp: [{ to: 'jmp', only: isNearOrPointer }],
  lcall: [{ to: 'call', only: isFar }],
  ljmp: [{ to: 'jmp', only: isFar }],
  pushf: [{ to: 'pushf' }, { to: 'pushfd' }, { to: 'pushfq' }],
  popf: [{ to: 'popf' }, { to: 'popfd' }, { to: 'popfq' }],
  pusha: [{ to: 'pusha' }, { to: 'pushad' }],
  popa: [{ to: 'popa' }, { to: 'popad' }],
  cbtw: [{ to: 'cbw' }], cwtl: [{ to: 'cwde' }], cltq: [{ to: 'cdqe' }],
  cwtd: [{ to: 'cwd' }], cltd: [{ to: 'cdq' }], cqto: [{ to: 'cqo' }],
  xlat: [{ to: 'xlatb' }],
  loopz: [{ to: 'loope' }], loopnz: [{ to: 'loopne' }],
  fwait: [{ to: 'wait' }],
  ud2a: [{ to: 'ud2' }], ud2b: [{ to: 'ud1' }],
  sysret: [{ to: 'sysret' }, { to: 'sysretq' }],
  sysexit: [{ to: 'sysexit' }, { to: 'sysexitq' }],
  sysretq: [{ to: 'sysretq' }],
  sysexitq: [{ to: 'sysexitq' }],
  movabs: [{ to: 'mov', only: (form) => isOffset(form) || form.name === 'Mov_r64_imm64' }],
  mov: [{ to: 'mov' }],
  movd: [{ to: 'movd' }, { to: 'movq', only: (form) => form.kinds.includes(Kind.r64_or_mem) }],
  vmovd: [{ to: 'vmovd' }, { to: 'vmovq', only: (form) => form.kinds.includes(Kind.r64_or_mem) }],
  movsx: [{ to: 'movsx' }, { to: 'movsxd', only: (form) => form.name === 'Movsxd_r64_rm32' }],
  movsxd: [{ to: 'movsxd' }],
  fxsaveq: [{ to: 'fxsave64' }], fxrstorq: [{ to: 'fxrstor64' }],
  xsaveq: [{ to: 'xsave64' }], xrstorq: [{ to: 'xrstor64' }], xsaveoptq: [{ to: 'xsaveopt64' }],
  xsavecq: [{ to: 'xsavec64' }], xsavesq: [{ to: 'xsaves64' }], xrstorsq: [{ to: 'xrstors64' }],
  fcmovnae: [{ to: 'fcmovb' }], fcmovna: [{ to: 'fcmovbe' }],
  fcmovae: [{ to: 'fcmovnb' }], fcmova: [{ to: 'fcmovnbe' }],
  fcompi: [{ to: 'fcomip' }], fucompi: [{ to: 'fucomip' }],
  cmpsd: [{ to: 'cmpsd' }],
  rdsspd: [{ to: 'rdsspd' }],
  pcmpestriq: [{ to: 'pcmpestri64' }], pcmpestrmq: [{ to: 'pcmpestrm64' }], vpcmpestriq: [{ to: 'vpcmpestri64' }], vpcmpestrmq: [{ to: 'vpcmpestrm64' }],
  pcmpestril: [{ to: 'pcmpestri' }], pcmpestrml: [{ to: 'pcmpestrm' }], vpcmpestril: [{ to: 'vpcmpestri' }], vpcmpestrml: [{ to: 'vpcmpestrm' }],
  cmpxchg8bq: [{ to: 'cmpxchg8b' }],
  xstorerng: [{ to: 'xstore' }],
  getsec: [{ to: 'getsec' }],
};

/** iced's own names that are not AT&T mnemonics. */
const NOT_ATT = new Set([
  'iretd', 'pushfd', 'popfd', 'pushad', 'popad', 'insd', 'outsd', 'lodsd', 'stosd', 'scasd', 'getsecq',
  'reservednop', 'zero_bytes', 'loadall', 'storeall', 'ibts', 'xbts', 'umov', 'jmpe', 'db', 'dw', 'dd', 'dq',
  'pcommit', 'fstdw', 'fstsg', 'fnstdw', 'fnstsg', 'fstpnce', 'ftstp', 'frint2', 'frinear', 'frichop', 'feni8087_nop',
  'pcmpestri64', 'pcmpestrm64', 'vpcmpestri64', 'vpcmpestrm64', 'altinst', 'cl1invmb', 'cpu_read', 'cpu_write', 'bb0_reset', 'bb1_reset', 'undoc', 'invalid',
]);

/** `movs` and its like take b, w, l, q; the second letter of iced's name says d for l. */
const STRING_FAMILIES = ['movs', 'cmps', 'lods', 'scas', 'stos', 'ins', 'outs'];
const STRING_LETTERS: readonly (readonly [string, string])[] = [['b', 'b'], ['w', 'w'], ['l', 'd'], ['q', 'q']];

const SOURCE_KINDS: Readonly<Record<string, Kind>> = { b: Kind.r8_or_mem, w: Kind.r16_or_mem, l: Kind.r32_or_mem };
const SIZE_OF: Readonly<Record<string, number>> = { b: 8, w: 16, l: 32, q: 64 };

const SSE_PREDICATES = ['eq', 'lt', 'le', 'unord', 'neq', 'nlt', 'nle', 'ord'];
const AVX_PREDICATES = [
  'eq', 'lt', 'le', 'unord', 'neq', 'nlt', 'nle', 'ord', 'eq_uq', 'nge', 'ngt', 'false', 'neq_oq', 'ge', 'gt', 'true',
  'eq_os', 'lt_oq', 'le_oq', 'unord_s', 'neq_us', 'nlt_uq', 'nle_uq', 'ord_s', 'eq_us', 'nge_uq', 'ngt_uq', 'false_os',
  'neq_os', 'ge_oq', 'gt_oq', 'true_us',
];
/** Second names of some predicates: the ordering written out. */
const AVX_SYNONYMS: Readonly<Record<string, number>> = {
  eq_oq: 0, lt_os: 1, le_os: 2, unord_q: 3, neq_uq: 4, nlt_us: 5, nle_us: 6, ord_q: 7, nge_us: 9, ngt_us: 10,
  false_oq: 11, ge_os: 13, gt_os: 14, true_uq: 15,
};
const INTEGER_PREDICATES: Readonly<Record<string, number>> = { eq: 0, lt: 1, le: 2, neq: 4, nlt: 5, nle: 6 };
const XOP_PREDICATES = ['lt', 'le', 'gt', 'ge', 'eq', 'neq', 'false', 'true'];
const CLMUL_HALVES: Readonly<Record<string, bigint>> = { lqlq: 0n, hqlq: 1n, lqhq: 0x10n, hqhq: 0x11n };

/** Aliases of families, made once on the first miss of the tables above. */
function families(): Record<string, readonly Alias[]> {
  const table: Record<string, readonly Alias[]> = {};
  const add = (name: string, ...aliases: readonly Alias[]): void => {
    table[name] = [...(table[name] ?? []), ...aliases];
  };
  for (const [written, icedName] of Object.entries(CONDITIONS)) {
    for (const stem of ['j', 'set', 'cmov']) add(stem + written, { to: stem + icedName });
  }
  for (const [written, icedName] of Object.entries(COMPARE_AND_ADD)) add(`cmp${written}xadd`, { to: `cmp${icedName}xadd` });
  for (const stem of STRING_FAMILIES) {
    for (const [letter, icedLetter] of STRING_LETTERS) {
      if (letter === 'q' && (stem === 'ins' || stem === 'outs')) continue;
      add(stem + letter, { to: stem + icedLetter, only: isString });
      add(stem, { to: stem + icedLetter, only: isString });
    }
  }
  extensions(add);
  predicates(add);
  return table;
}

/** movz, movs: `movzbl`, `movsbq`, `movslq`, and the short spellings `movzb`, `movsw` with the size from the register. */
function extensions(add: (name: string, ...aliases: readonly Alias[]) => void): void {
  for (const [stem, to] of [['movz', 'movzx'], ['movs', 'movsx']] as const) {
    for (const source of ['b', 'w', 'l'] as const) {
      const target = source === 'l' ? 'movsxd' : to;
      if (source === 'l' && stem === 'movz') continue;
      const fits = (form: Form): boolean => form.kinds[1] === SOURCE_KINDS[source];
      for (const suffix of ['w', 'l', 'q']) {
        const size = SIZE_OF[suffix] ?? 0;
        if (size <= (SIZE_OF[source] ?? 0)) continue;
        add(stem + source + suffix, { to: target, only: (form) => fits(form) && form.size === size });
      }
      add(stem + source, { to: target, only: (form) => fits(form) && form.size > (SIZE_OF[source] ?? 0) });
      // gas takes these for moves without extension too.
      add(to + source, { to: target, only: (form) => fits(form) && form.size >= (SIZE_OF[source] ?? 0) });
    }
  }
}

function predicates(add: (name: string, ...aliases: readonly Alias[]) => void): void {
  const compare = (name: string, to: string, value: number | bigint, only?: (form: Form) => boolean): void => {
    add(name, { to, immediate: BigInt(value), ...(only === undefined ? {} : { only }) });
  };
  for (const type of ['ps', 'pd', 'ss', 'sd']) {
    SSE_PREDICATES.forEach((predicate, value) => { compare(`cmp${predicate}${type}`, `cmp${type}`, value, (form) => !isString(form)); });
  }
  for (const type of ['ps', 'pd', 'ss', 'sd', 'ph', 'sh']) {
    AVX_PREDICATES.forEach((predicate, value) => { compare(`vcmp${predicate}${type}`, `vcmp${type}`, value); });
    for (const [predicate, value] of Object.entries(AVX_SYNONYMS)) compare(`vcmp${predicate}${type}`, `vcmp${type}`, value);
  }
  for (const type of ['b', 'w', 'd', 'q', 'ub', 'uw', 'ud', 'uq']) {
    for (const [predicate, value] of Object.entries(INTEGER_PREDICATES)) {
      if (predicate === 'eq' && !type.startsWith('u')) continue;
      compare(`vpcmp${predicate}${type}`, `vpcmp${type}`, value);
    }
    XOP_PREDICATES.forEach((predicate, value) => { compare(`vpcom${predicate}${type}`, `vpcom${type}`, value); });
  }
  for (const [halves, value] of Object.entries(CLMUL_HALVES)) {
    compare(`pclmul${halves}dq`, 'pclmulqdq', value);
    compare(`vpclmul${halves}dq`, 'vpclmulqdq', value);
  }
}

let familyTable: Record<string, readonly Alias[]> | undefined;

/** What `name`, taken as a whole, stands for. */
function meanings(name: string): readonly Alias[] {
  familyTable ??= families();
  const family = Object.hasOwn(familyTable, name) ? familyTable[name] ?? [] : [];
  if (Object.hasOwn(ALIASES, name)) return [...(ALIASES[name] ?? []), ...family];
  return NOT_ATT.has(name) ? family : [{ to: name }, ...family];
}

const SUFFIXES = ['ll', 'b', 'w', 'l', 'q', 's', 't', 'x', 'y', 'z'];
const known = new Map<string, readonly Candidate[]>();

/**
 * The forms that the AT&T mnemonic `mnemonic` (lower case) may stand for, whatever the operands; empty for an unknown one.
 * Sources: GNU as manual 9.16.3 "i386-Mnemonics"; the rest measured against GNU as 2.40.
 */
export function candidates(mnemonic: string): readonly Candidate[] {
  let found = known.get(mnemonic);
  if (found === undefined) {
    found = find(mnemonic);
    known.set(mnemonic, found);
  }
  return found;
}

/** Names that have their size in them: no suffix comes behind. */
const SIZED_NAME = /^((movs|cmps|lods|scas|stos|ins|outs)[bwlq]|mov[sz][bwl][wlq]?|mov[sz]x[bwl]?|cbtw|cwt[ld]|clt[dq]|cqto)$/;

function find(mnemonic: string): readonly Candidate[] {
  const result: Candidate[] = [];
  const collect = (name: string, suffix: string): void => {
    for (const alias of meanings(name)) {
      for (const form of forms(alias.to)) {
        if (alias.only !== undefined && !alias.only(form)) continue;
        if (suffix !== '' && !form.suffixes.includes(suffix)) continue;
        if (result.some((candidate) => candidate.form === form)) continue;
        result.push({ form, suffix, sized: suffix !== '', ...(alias.immediate === undefined ? {} : { immediate: alias.immediate }) });
      }
    }
  };
  collect(mnemonic, '');
  for (const suffix of SUFFIXES) {
    if (mnemonic.length <= suffix.length || !mnemonic.endsWith(suffix)) continue;
    const stem = mnemonic.slice(0, -suffix.length);
    if (!SIZED_NAME.test(stem)) collect(stem, suffix);
  }
  return result;
}

/** Names without suffixes, in no order: iced's that are AT&T's too, aliases and families. Not each has forms. */
export function baseNames(): readonly string[] {
  familyTable ??= families();
  return [...new Set([...icedMnemonics().filter((name) => !NOT_ATT.has(name)), ...Object.keys(ALIASES), ...Object.keys(familyTable)])];
}

/** The suffixes that `name` may have, given what it stands for without one. */
export function suffixesOfName(name: string, found: readonly Candidate[]): readonly string[] {
  if (SIZED_NAME.test(name)) return [];
  const suffixes = new Set(found.flatMap(({ form }) => form.suffixes));
  return [...suffixes].filter((suffix) => SUFFIXES.includes(suffix) && !/(q|64)$/.test(suffix === 'q' ? name : '') && candidates(name + suffix).some(({ form }) => form.modes[64]));
}
