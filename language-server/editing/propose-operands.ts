/**
 * Proposals for operands and arguments: registers, labels, symbols, constants.
 */
import { EX_TYPE } from '../../fault-model/ex-type.ts';
import { handlerType } from '../../fault-model/handler-types.ts';
import { placeText } from '../analysis/describe.ts';
import type { Analysis } from '../analysis/analysis.ts';
import { isEntryMacro } from '../facts/kernel-macros.ts';
import { REGISTERS, registerText } from '../facts/registers.ts';
import { writtenPosition } from '../../assembly/source.ts';
import type { Cursor } from './cursor.ts';
import { macroProposal, proposeParameters } from './propose-code.ts';
import type { Proposal } from './proposals.ts';
import { registersAt } from './slots.ts';

/** `elsewhere`: names that other files of the workspace export. */
export function proposeOperand(cursor: Cursor, analysis: Analysis, line: number, elsewhere: Iterable<string>): readonly Proposal[] {
  const { head, word, operands, intel, bareRegisters } = cursor;
  if (word.startsWith('\\')) return proposeParameters(cursor);
  const operand = operands.at(-1) ?? '';
  if (head.startsWith('.') || head.startsWith('_ASM') || cursor.call !== undefined) {
    const own = directiveArgument(cursor);
    if (own !== undefined) return own;
    return [...(cursor.call === undefined ? [] : handlerTypes(cursor, analysis)), ...symbols(analysis, line, elsewhere), ...constants(analysis)];
  }
  if (word.startsWith('%')) return registers(cursor);
  const branch = /^(j|call|loop)/i.test(head);
  if (operand.includes('$') && !intel) return [...constants(analysis), ...symbols(analysis, line, elsewhere)];
  return [
    ...(branch || (cursor.address !== undefined && !intel && word !== '') ? [] : registers(cursor)),
    ...symbols(analysis, line, elsewhere).map((one) => (branch ? { ...one, rank: 0 } : one)),
    ...(branch ? [] : constants(analysis)),
    ...(bareRegisters && branch ? registers(cursor) : []),
  ];
}

function registers(cursor: Cursor): readonly Proposal[] {
  const wanted = registersAt(cursor);
  const sigil = cursor.bareRegisters ? '' : '%';
  return REGISTERS
    .filter(([name, kind]) => name !== 'st' && (wanted === undefined || wanted.classes.has(kind) || wanted.fixed.has(name)) && !(cursor.address === 1 && (name === 'rsp' || name === 'esp')))
    .map(([name, kind], index): Proposal => {
      const detail = registerText(name);
      return { label: sigil + name, kind: 'register', rank: 1 + (['r64', 'r32'].includes(kind) ? 0 : 1) + index / 1000, ...(detail === undefined || detail === '' ? {} : { detail }) };
    });
}

function symbols(analysis: Analysis, line: number, elsewhere: Iterable<string>): readonly Proposal[] {
  const found = new Map<string, Proposal>();
  const routines = new Set(analysis.routines.map(({ name }) => name));
  for (const label of analysis.labels.all) {
    const at = writtenPosition(label.range.start);
    if (/^\d/.test(label.written)) {
      // The nearest in each direction is what `b` and `f` mean.
      const reference = at.file !== analysis.file ? undefined : at.line <= line ? `${label.written}b` : found.has(`${label.written}f`) ? undefined : `${label.written}f`;
      if (reference !== undefined) found.set(reference, { label: reference, kind: 'label', rank: 3, detail: `line ${String(at.line)}` });
    } else if (label.written === label.name || !found.has(label.written)) {
      found.set(label.written, { label: label.written, kind: routines.has(label.name) ? 'function' : 'label', rank: 2, detail: placeText(analysis, label) });
    }
  }
  for (const statement of analysis.unit.statements) {
    if (statement.kind === 'assignment' && statement.name !== '.' && !found.has(statement.name)) found.set(statement.name, { label: statement.name, kind: 'symbol', rank: 3, detail: 'assigned' });
  }
  for (const { name, section } of analysis.object.symbols) if (section === 'undefined' && name !== '' && !found.has(name)) found.set(name, { label: name, kind: 'symbol', rank: 4, detail: 'defined elsewhere' });
  for (const name of elsewhere) if (!found.has(name)) found.set(name, { label: name, kind: 'function', rank: 5, detail: 'of another file' });
  return [...found.values()];
}

/** Macros that stand for values. */
function constants(analysis: Analysis): readonly Proposal[] {
  const seen = new Set<string>();
  return analysis.unit.macros.filter(({ name, kind, body }) => kind === 'cpp' && body.trim() !== '' && !/^(MCSAFE_|__|_ASM_EXTABLE|SYM_|EX_TYPE_)/.test(name) && !/(^|;|\n)\s*\.|\bpushsection\b/.test(body) && !seen.has(name) && seen.add(name))
    .map((macro) => macroProposal(macro, 6));
}

/** EX_TYPE_* of the kernel that is assumed. */
function handlerTypes({ call }: Cursor, { generation, unit }: Analysis): readonly Proposal[] {
  const named = new Set(unit.macros.map(({ name }) => name));
  const typed = call !== undefined && isEntryMacro(call.name) && call.argument === 2;
  return Object.entries(EX_TYPE).filter(([, number]) => number < 0x80 && [...generation.typeNumbers.values()].includes(number)).map(([name, number]): Proposal => {
    const type = handlerType(number);
    return { label: `EX_TYPE_${name}`, kind: 'type', rank: (typed ? 0 : 5) + number / 1000, ...(type === undefined ? {} : { detail: type.summary }), ...(named.has(`EX_TYPE_${name}`) ? {} : { header: 'asm/extable_fixup_types.h' }) };
  });
}

const TYPES = ['@function', '@object', '@tls_object', '@common', '@notype', '@gnu_indirect_function'];
const SECTIONS = ['.text', '.data', '.bss', '.rodata', '.init.text', '.init.data', '.noinstr.text', '.entry.text', '.altinstructions', '.altinstr_replacement', '.fixup', '__ex_table', '.note.GNU-stack'];
const FLAGS = ['"a"', '"aw"', '"ax"', '"awx"', '"aMS"'];

function directiveArgument({ head, operands, word }: Cursor): readonly Proposal[] | undefined {
  const values = (labels: readonly string[], detail: string): readonly Proposal[] => labels.map((label, index) => ({ label, kind: 'keyword', rank: index / 100, detail }));
  const index = operands.length - 1;
  if (head === '.type' && index === 1) return values(TYPES, 'symbol type');
  if (/^\.(push)?section$/.test(head)) {
    if (index === 0) return values(SECTIONS, 'section');
    if (word.startsWith('@')) return values(['@progbits', '@nobits', '@note'], 'section type');
    return values(FLAGS, 'flags');
  }
  if (head === '.intel_syntax' || head === '.att_syntax') return values(['noprefix', 'prefix'], 'registers without or with %');
  if (/^\.cfi_/.test(head) && word.startsWith('%')) return registers({ operands, head: '', word, start: 0, end: 0, place: 'operand', intel: false, bareRegisters: false, text: '', parameters: [] });
  return undefined;
}
