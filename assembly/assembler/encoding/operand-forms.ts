/**
 * The operands an AT&T mnemonic takes, as people write and read them: `imm32, r/m64`. For messages, completion and signature help.
 */
import { Register } from 'iced-x86';
import type { Form } from './forms.ts';
import { candidates } from './mnemonics.ts';
import type { OperandShape } from './operand-kinds.ts';
import { registerNames } from './registers.ts';
import type { RegisterClass } from './registers.ts';

/** One operand position of a form. */
export interface OperandSlot {
  /** `r/m64`, `imm8`, `%cl`, `target`. */
  readonly text: string;
  /** Class of registers it takes; absent if it takes none but the fixed one. */
  readonly registers?: RegisterClass;
  /** The one register it takes, without `%`. */
  readonly fixed?: string;
  readonly memory: boolean;
  readonly immediate: boolean;
  /** A direct branch target. */
  readonly target: boolean;
}

/** One way to write the operands. */
export interface OperandForm {
  /** AT&T order: the destination last. */
  readonly slots: readonly OperandSlot[];
  /** The slots with commas between them; `''` for none. */
  readonly text: string;
  /** iced's name of the encoding: `Mov_rm64_r64`. */
  readonly encoding: string;
}

const known = new Map<string, readonly OperandForm[]>();

/** The forms of `mnemonic` (lower case, AT&T) in 64-bit mode, each text once; empty for an unknown one. */
export function operandForms(mnemonic: string): readonly OperandForm[] {
  let found = known.get(mnemonic);
  if (found === undefined) {
    const byText = new Map<string, OperandForm>();
    for (const { form, immediate } of candidates(mnemonic)) {
      if (!form.modes[64]) continue;
      for (const made of writtenForms(form, immediate !== undefined)) if (!byText.has(made.text)) byText.set(made.text, made);
    }
    // Forms of general registers first: they are what is asked for mostly.
    const rank = ({ text }: OperandForm): number => (/mm|\bk\b|bnd|[cdt]r\b|sreg|moffs/.test(text) ? 1 : 0);
    known.set(mnemonic, found = [...byText.values()].sort((a, b) => rank(a) - rank(b)));
  }
  return found;
}

/** {@link operandForms} in few words: sizes are left out where there are many. */
export function operandSummary(mnemonic: string): readonly string[] {
  const forms = operandForms(mnemonic).map(({ text }) => text);
  return forms.length <= 5 ? forms : [...new Set(forms.map((text) => text.replace(/\b(imm|r|m)\d+\b/g, '$1')))];
}

/** gas writes these as Intel does. */
const SAME_ORDER = /^(Enterq?_|Bound_|Invlpga)/;

function writtenForms(form: Form, predicate: boolean): readonly OperandForm[] {
  const shapes = predicate ? form.shapes.slice(0, -1) : form.shapes;
  // String instructions are written without their operands, or with all of them.
  const optional = shapes.length > 0 && shapes.some(({ string, table }) => string !== undefined || table === true);
  const slots = shapes.map((shape) => slotOf(shape, form));
  const ordered = SAME_ORDER.test(form.name) ? slots : [...slots].reverse();
  const whole = { slots: ordered, text: ordered.map(({ text }) => text).join(', '), encoding: form.name };
  return optional ? [{ slots: [], text: '', encoding: form.name }, whole] : [whole];
}

function slotOf(shape: OperandShape, form: Form): OperandSlot {
  const fixed = shape.fixed === undefined ? undefined : registerText(shape.fixed);
  return {
    text: slotText(shape, form, fixed),
    ...(shape.register === undefined ? {} : { registers: shape.register }), ...(fixed === undefined ? {} : { fixed }),
    memory: shape.memory !== undefined || shape.string !== undefined || shape.table === true,
    immediate: shape.immediate !== undefined || shape.one === true || shape.far !== undefined,
    target: shape.branch !== undefined,
  };
}

const CLASS_TEXT: Partial<Record<RegisterClass, string>> = { seg: 'sreg', st: 'st(i)' };

function slotText(shape: OperandShape, form: Form, fixed: string | undefined): string {
  if (fixed !== undefined) return `%${fixed}`;
  if (shape.branch !== undefined) return 'target';
  if (shape.one === true) return '$1';
  if (shape.far !== undefined) return '$selector, $offset';
  if (shape.immediate !== undefined) return `imm${String(shape.immediate.bits)}`;
  if (shape.string !== undefined) return `(%r${shape.string.register})`;
  if (shape.table === true) return '(%rbx)';
  const star = /^(Jmp|Call)_(rm|m)/.test(form.name) ? '*' : '';
  const memory = form.memoryBytes === 0 ? 'm' : `m${String(form.memoryBytes * 8)}`;
  if (shape.register === undefined) return shape.memory === 'offset' ? 'moffs' : star + memory;
  const register = CLASS_TEXT[shape.register] ?? shape.register;
  if (shape.memory === undefined) return register;
  return star + (/^r\d/.test(register) && memory.slice(1) === register.slice(1) ? `r/${memory}` : `${register}/${memory}`);
}

function registerText(register: Register): string {
  return registerNames().find(([, value]) => value === register)?.[0] ?? (Register[register] ?? '').toLowerCase();
}
