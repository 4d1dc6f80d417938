/**
 * Instructions in Intel syntax, turned into AT&T order and meaning.
 */
import { skipBlanks } from '../characters.ts';
import { parseHead } from '../instruction.ts';
import { splitAtCommas, trim } from '../operands.ts';
import type { OperandContext } from '../operands.ts';
import type { Operand } from '../statement.ts';
import { GasSyntaxError } from '../syntax-error.ts';
import { parseIntelOperand } from './operands.ts';
import type { IntelOperand, PointerSize } from './operands.ts';

/** An instruction in AT&T order. */
export interface IntelInstruction {
  readonly prefixes: readonly string[];
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
}

/** Instructions whose operands stand in the same order in both syntaxes. */
const SAME_ORDER = /^(?:bound|enter|invlpg\w*|monitor\w*|mwait\w*|tpause|umwait|pvalidate|rmp\w+)$/;
/** Names that mean something else, or nothing, in AT&T syntax. */
const NAMES: Readonly<Record<string, string>> = {
  retf: 'lret', retfq: 'lretq', retfw: 'lretw', retfd: 'lretl', movsxd: 'movslq', iretd: 'iretl', sysretd: 'sysretl', sysexitd: 'sysexitl',
  pushfd: 'pushfl', popfd: 'popfl', pushad: 'pushal', popad: 'popal', cvtsi2ssd: 'cvtsi2ssl', cvtsi2sdd: 'cvtsi2sdl',
};
/** Instructions that may have Intel's suffix d for doublewords. */
const DOUBLEWORD = /^(?:add|adc|and|or|xor|sub|sbb|cmp|test|mov|not|neg|inc|dec|i?mul|i?div|push|pop|nop|lea|xchg|xadd|cmpxchg|sa[lr]|r[oc][lr]|bs[fr]|bt[csr]?|crc32)d$/;
/** Names without operands that are string instructions on doublewords. */
const STRINGS: Readonly<Record<string, string>> = {
  movsd: 'movsl', cmpsd: 'cmpsl', stosd: 'stosl', lodsd: 'lodsl', scasd: 'scasl', insd: 'insl', outsd: 'outsl',
};
/** Instructions whose memory operand has one size only, and no suffix. */
const NO_SUFFIX = /^(?:cmpxchg(?:8|16)b|f?xsave\w*|f?xrstor\w*|prefetch\w*|cl(?:flush\w*|wb|demote)|v?(?:ld|st)mxcsr|[sl][gil]dt|invlpg|invept|set\w+|fn?st[cs]w|fldcw|fn?stenv|fldenv|fn?save|frstor|lea|verr|verw|lmsw|fbld|fbstp|clrssbsy|rstorssp|vmptr(?:ld|st)|vmclear|vmxon)$/;
const X87 = /^f(?:ld|stp?|add|subr?|mul|divr?|comp?)$/;
const X87_INTEGER = /^fi(?:ld|stp?|sttp|add|subr?|mul|divr?|comp?)$/;
/** Those whose memory operand alone tells the size. */
const VECTOR_SUFFIX = /^v(?:cvt(?:t?pd2u?dq|pd2p[sh]|u?qq2p[sh]|u?dq2ph|ps2phx|neps2bf16)|fpclassp[sdh])$/;
/** Those of them that take 64 bytes of memory beside a destination that smaller ones have too. */
const FOUR_SIZES = /^v(?:cvt(?:pd2ph|u?qq2ph)|fpclassp[sdh])$/;
const INTEGER_SUFFIX: Partial<Record<PointerSize, string>> = { byte: 'b', word: 'w', dword: 'l', qword: 'q' };
const BRANCH = /^(?:call|jmp|j[a-z]{1,4}|loop\w*|xbegin)$/;

/** Reads the instruction at `start` to `end`. @throws GasSyntaxError */
export function parseIntelInstruction(text: string, start: number, end: number, context: OperandContext & { readonly registerPrefix: boolean; readonly bits: 16 | 32 | 64 }): IntelInstruction {
  const { prefixes, mnemonic: written, end: at } = parseHead(text, start, end);
  const branch = BRANCH.test(written);
  const inner = { ...context, intel: true, branch };
  const operands: IntelOperand[] = [];
  if (skipBlanks(text, at) < end) {
    for (const part of splitAtCommas(text, at, end)) {
      const { start: from, end: to } = trim(text, part);
      if (from === to) throw new GasSyntaxError('an operand is missing here', part.start, Math.max(part.end, part.start + 1));
      operands.push(parseIntelOperand(text, from, to, inner));
    }
  }
  const mnemonic = farName(written, operands, context.bits) ?? attMnemonic(written, operands);
  if (context.bits === 64 && operands.some(({ operand, size }) => operand.kind === 'memory' && size === undefined) && NEEDS_SIZE.test(written)) {
    throw new GasSyntaxError('the size of the operand in memory is not plain: write dword ptr or qword ptr in front of it', start, end, 'operand-mismatch');
  }
  const list = operands.flatMap(({ operand, size, rounding }): Operand[] => {
    const direct = operand.kind === 'memory' && !operand.parenthesised && operand.segment === undefined && (size === undefined || size === 'short' || (size === 'near' && !text.includes('[')));
    if (rounding !== undefined) return roundedInside(operand) ? [rounding, operand] : [operand, rounding];
    return [(written === 'call' || written === 'jmp') && !direct && operand.kind !== 'immediate' ? { kind: 'indirect', target: operand, range: operand.range } : operand];
  });
  if (!SAME_ORDER.test(written)) list.reverse();
  return { prefixes, mnemonic, operands: list };
}

function sizeOfRegister(name: string): string | undefined {
  if (/^(?:[abcd][hl]|(?:si|di|bp|sp)l|r(?:[89]|1[0-5])b)$/.test(name)) return 'b';
  if (/^(?:[abcd]x|si|di|bp|sp|r(?:[89]|1[0-5])w)$/.test(name)) return 'w';
  if (/^(?:e[a-d]x|e[sd]i|e[bs]p|r(?:[89]|1[0-5])d)$/.test(name)) return 'l';
  return /^r(?:[a-d]x|[sd]i|[bs]p|[89]|1[0-5])$/.test(name) ? 'q' : undefined;
}

/** The name of a call or jump through a pointer that has a segment in it: of 48 bits, and of 32 in 64-bit code, which has no near ones of that size. */
function farName(written: string, operands: readonly IntelOperand[], bits: 16 | 32 | 64): string | undefined {
  if (written !== 'call' && written !== 'jmp') return undefined;
  const size = operands[0]?.size;
  if (size === 'fword') return `l${written}${bits === 16 ? 'l' : ''}`;
  return size === 'dword' && bits === 64 ? `l${written}w` : undefined;
}

/** Instructions of which gas must be told the size in Intel syntax and 64-bit code, where AT&T has one that it takes for granted. */
const NEEDS_SIZE = /^(?:v?cvtu?si2s[sdh]|ptwrite)$/;

/** A conversion from a general register has the rounding between its operands, in either syntax. */
function roundedInside(operand: Operand): boolean {
  return operand.kind === 'register' && /^[lq]$/.test(sizeOfRegister(operand.name) ?? '');
}

/** The AT&T mnemonic: with a suffix where only `ptr` tells the size. */
function attMnemonic(written: string, operands: readonly IntelOperand[]): string {
  if (operands.length === 0) {
    // `fsubp` alone is `fsubp st(1), st`.
    return STRINGS[written] ?? NAMES[written] ?? (/^f(?:sub|div)r?p$/.test(written) ? reversed(written) : written);
  }
  const first = operands[0]!.operand;
  if (/^f(?:sub|div)r?p?$/.test(written) && first.kind === 'register' && first.name !== 'st' && first.name !== 'st(0)' && (operands.length === 2 || written.endsWith('p'))) return reversed(written);
  if (DOUBLEWORD.test(written) && (written !== 'movd' || operands[1]?.operand.kind === 'immediate')) return `${written.slice(0, -1)}l`;
  const memory = operands.find(({ operand }) => operand.kind === 'memory');
  if (written === 'movzx' || written === 'movsx' || written === 'movsxd') {
    const source = operands[1];
    const from = source?.operand.kind === 'register' ? sizeOfRegister(source.operand.name) : source?.size === undefined ? undefined : INTEGER_SUFFIX[source.size];
    const to = first.kind === 'register' ? sizeOfRegister(first.name) : undefined;
    if (written === 'movsxd') return to === 'q' ? 'movslq' : written;
    return from === undefined || to === undefined ? written : `${written.slice(0, 4)}${from}${to}`;
  }
  const name = NAMES[written] ?? written;
  const size = memory?.size;
  if (size === undefined || NO_SUFFIX.test(written)) return name;
  if (size === 'far') return written === 'call' || written === 'jmp' ? `l${written}` : name;
  if (X87.test(written)) return written + (({ dword: 's', qword: 'l', tbyte: 't' } as Partial<Record<PointerSize, string>>)[size] ?? '');
  if (X87_INTEGER.test(written)) return written + (({ word: 's', dword: 'l', qword: 'll' } as Partial<Record<PointerSize, string>>)[size] ?? '');
  if (VECTOR_SUFFIX.test(written)) return written + (({ xmmword: 'x', ymmword: 'y', zmmword: FOUR_SIZES.test(written) ? 'z' : '' } as Partial<Record<PointerSize, string>>)[size] ?? '');
  const suffix = INTEGER_SUFFIX[size];
  if (suffix === undefined) return name;
  if (/^(?:v?cvtu?si2s[sdh]|crc32)$/.test(written)) return written + suffix;
  const others = operands.filter((operand) => operand !== memory);
  const sized = others.some(({ operand }, index) =>
    operand.kind === 'register' && !(operand.name === 'cl' && index === others.length - 1 && /^(?:sh[lr]d?|sa[lr]|r[oc][lr])$/.test(written)));
  // A string instruction with both of its operands in memory.
  if (!sized) return written in STRINGS ? written : name + suffix;
  return name;
}

/** `fsub` for `fsubr` and back: AT&T syntax has them the other way round where the destination is not the top of the stack. */
function reversed(mnemonic: string): string {
  const pop = mnemonic.endsWith('p') ? 'p' : '';
  const stem = pop === '' ? mnemonic : mnemonic.slice(0, -1);
  return (stem.endsWith('r') ? stem.slice(0, -1) : `${stem}r`) + pop;
}
