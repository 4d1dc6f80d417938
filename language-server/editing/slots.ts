/**
 * Which forms of an instruction the operands written so far leave, and what the operand at the cursor may be.
 */
import { operandForms } from '../../assembly/assembler/encoding/operand-forms.ts';
import type { OperandForm, OperandSlot } from '../../assembly/assembler/encoding/operand-forms.ts';
import { registerClass, registerNamed } from '../../assembly/assembler/encoding/registers.ts';
import type { RegisterClass } from '../../assembly/assembler/encoding/registers.ts';
import type { Cursor } from './cursor.ts';

export interface OpenForm {
  readonly form: OperandForm;
  /** In written order: reversed in Intel syntax. */
  readonly slots: readonly OperandSlot[];
  /** The operands in front of the cursor fit. */
  readonly fits: boolean;
}

/** The forms of the instruction at the cursor, those that fit what is written first. */
export function openForms({ head, operands, intel }: Cursor): readonly OpenForm[] {
  const written = operands.slice(0, -1);
  const mnemonic = head.toLowerCase();
  const forms = operandForms(mnemonic).map((form): OpenForm => {
    const slots = intel ? [...form.slots].reverse() : form.slots;
    return { form, slots, fits: slots.length > written.length && written.every((text, index) => fits(slots[index]!, text, intel)) };
  });
  return [...forms.filter((one) => one.fits), ...forms.filter((one) => !one.fits)];
}

/** Whether an operand as written may stand in a slot; what cannot be told may. */
function fits(slot: OperandSlot, text: string, intel: boolean): boolean {
  if (text === '') return true;
  const name = /^\*?%?([a-z][\w()]*)$/i.exec(text)?.[1]?.toLowerCase();
  const register = name === undefined || (!intel && !text.includes('%')) ? undefined : registerNamed(name);
  if (register !== undefined) return slot.fixed === name || slot.registers === registerClass(register);
  if (text.startsWith('$')) return slot.immediate;
  if (/[([]/.test(text)) return slot.memory;
  return slot.memory || slot.target || slot.immediate;
}

const VECTOR_INDEX: Readonly<Record<string, RegisterClass>> = { x: 'xmm', y: 'ymm', z: 'zmm' };

/** Classes of registers, and registers, that the operand at the cursor may be; undefined if it may be any, as for a macro. */
export function registersAt(cursor: Cursor): { readonly classes: ReadonlySet<RegisterClass>; readonly fixed: ReadonlySet<string> } | undefined {
  if (cursor.address !== undefined) {
    const vectors = cursor.address === 1 ? openForms(cursor).flatMap(({ form }) => VECTOR_INDEX[/_vm\d\d([xyz])/.exec(form.encoding)?.[1] ?? ''] ?? []) : [];
    return { classes: new Set<RegisterClass>(['r64', 'r32', ...(cursor.address === 0 ? ['ip' as const] : []), ...vectors]), fixed: new Set() };
  }
  const forms = openForms(cursor).filter(({ fits: open }) => open);
  if (forms.length === 0) return undefined;
  const at = cursor.operands.length - 1;
  const slots = forms.flatMap(({ slots: all }) => all[at] ?? []);
  return { classes: new Set(slots.flatMap(({ registers }) => registers ?? [])), fixed: new Set(slots.flatMap(({ fixed }) => fixed ?? [])) };
}
