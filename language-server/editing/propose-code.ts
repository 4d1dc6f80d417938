/**
 * Proposals for the first word of a statement: instructions, directives, macros.
 */
import { candidates } from '../../assembly/assembler/encoding/mnemonics.ts';
import { MNEMONIC_LETTERS, mnemonicsFrom } from '../../assembly/assembler/encoding/mnemonic-names.ts';
import { icedMnemonics } from '../../assembly/assembler/encoding/forms.ts';
import type { MacroDefinition } from '../../assembly/gas/statement.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { DIRECTIVES, PREPROCESSOR, directiveFacts } from '../facts/directives.ts';
import { entryMacroText, isEntryMacro, kernelMacros } from '../facts/kernel-macros.ts';
import type { Cursor } from './cursor.ts';
import type { Proposal } from './proposals.ts';

const PREFIX_NAMES = ['rep', 'repe', 'repne', 'repz', 'repnz', 'lock', 'notrack', 'bnd', 'data16', 'addr32'];

export function proposeHead(cursor: Cursor, analysis: Analysis): readonly Proposal[] {
  if (cursor.word.startsWith('\\')) return proposeParameters(cursor);
  if (cursor.word.startsWith('.')) return DIRECTIVES.map((name) => directive(name));
  return [...instructions(cursor), ...PREFIX_NAMES.map((label): Proposal => ({ label, kind: 'keyword', rank: 4, detail: 'prefix' })), ...macros(analysis), ...(cursor.word === '' ? DIRECTIVES.map((name) => directive(name)) : [])];
}

/** A client narrows the list down itself as more is typed: what begins with the same letter is enough, and all of it is needed. */
function instructions({ word, intel }: Cursor): readonly Proposal[] {
  const letter = word.slice(0, 1).toLowerCase();
  const letters = letter === '' ? [...MNEMONIC_LETTERS] : MNEMONIC_LETTERS.includes(letter) ? [letter] : [];
  const names = intel
    ? icedMnemonics().filter((name) => letters.includes(name.slice(0, 1)) && candidates(name).some(({ form }) => form.modes[64]))
    : letters.flatMap((one) => mnemonicsFrom(one));
  return names.map((label) => ({ label, kind: 'instruction', rank: COMMON.has(label) ? 2 : 3 }));
}

/** What system code is mostly made of comes first among its letter. */
const COMMON = new Set((
  'mov movb movw movl movq movabs movzbl movzwl movzbq movslq movsbq lea leaq push pushq pop popq add addq addl sub subq subl inc dec and andq andl or orq orl xor xorq xorl xorl not neg shl shlq shr shrq sar '
  + 'cmp cmpq cmpl cmpb test testq testl testb jmp je jne jz jnz jc jnc ja jae jb jbe jg jge jl jle js jns jrcxz loop call ret nop rep movsb movsq stosb stosq cld std stac clac lfence sfence mfence movnti ud2 int3 bswap '
  + 'xchg cmpxchg cmovne cmove sete setne bt bts btr imul mul div rdmsr wrmsr rdtsc cpuid pause prefetcht0 prefetchnta'
).split(' '));

function directive(name: string): Proposal {
  const facts = directiveFacts(name);
  return { label: name, kind: 'directive', rank: 5, ...(facts === undefined || facts.syntax === '' ? {} : { detail: facts.syntax }) };
}

/** Macros that begin a statement: those of the file and its headers, and the kernel's that mark routines and entries. */
function macros(analysis: Analysis): readonly Proposal[] {
  const defined = new Map(analysis.unit.macros.map((macro) => [macro.name, macro]));
  const own = [...defined.values()].filter(isProposable).map((macro): Proposal => macroProposal(macro));
  const kernel = [...kernelMacros(analysis.generation.id).values()]
    .filter(({ name }) => !defined.has(name) && (isEntryMacro(name) || /^(SYM_|ASM_STAC$|ASM_CLAC$|RET$|EXPORT_SYMBOL|ALTERNATIVE)/.test(name)))
    .map(({ name, parameters, isGas, header }): Proposal => ({
      label: name, kind: 'macro', rank: isEntryMacro(name) ? 1 : 2, header, detail: `${isEntryMacro(name) ? `${entryMacroText(name)}; ` : ''}<${header}>`, ...callSnippet(name, parameters, isGas),
    }));
  return [...own, ...kernel];
}

/** Neither a header's guard nor a name it keeps to itself. */
function isProposable({ name, kind, body, parameters, range }: MacroDefinition): boolean {
  if (/^(MCSAFE_|__)/.test(name) || (kind === 'cpp' && body.trim() === '' && parameters.length === 0)) return false;
  // Constants stand in operands.
  return kind === 'gas' || parameters.length > 0 || !/^[\s()\d+\-*/<>|&~xXa-fA-F]*$/.test(body) || !range.start.file.startsWith('<');
}

export function macroProposal({ name, kind, parameters }: MacroDefinition, rank = 2): Proposal {
  const entry = isEntryMacro(name);
  return { label: name, kind: 'macro', rank: entry ? 1 : rank, detail: entry ? entryMacroText(name) : kind === 'cpp' ? '#define' : '.macro', ...callSnippet(name, parameters, kind === 'gas') };
}

function callSnippet(name: string, parameters: readonly string[], isGas: boolean): { readonly snippet?: string } {
  if (parameters.length === 0) return {};
  const holes = parameters.map((parameter, index) => `\${${String(index + 1)}:${parameter.replace(/[\\$}]/g, '\\$&')}}`).join(', ');
  return { snippet: isGas ? `${name} ${holes}` : `${name}(${holes})` };
}

/** `\parameter` inside of a `.macro`. */
export function proposeParameters({ parameters }: Cursor): readonly Proposal[] {
  return [...parameters.map((name): Proposal => ({ label: `\\${name}`, kind: 'symbol', rank: 1, detail: 'macro parameter' })), { label: '\\@', kind: 'symbol', rank: 2, detail: 'number of this expansion' }];
}

export function proposeDirectives(): readonly Proposal[] {
  return Object.entries(PREPROCESSOR).map(([label, detail]) => ({ label, kind: 'keyword', rank: 1, detail }));
}
