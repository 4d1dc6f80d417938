/**
 * The shapes whose handlers are part of the interpreter's loop. V8 allocates registers worse above some 40 KB of code, so this is a
 * choice: what compilers and kernel routines use all the time. Everything else is a function call away.
 */
import { CONDITIONS } from '../lift/flags.ts';
import type { AddressForm, OperandShape, Shape } from '../lift/shape.ts';

const r = (size: number): OperandShape => ({ kind: 'register', size });
const m = (size: number, form: AddressForm): OperandShape => ({ kind: 'memory', size, form });
const i = (size: number): OperandShape => ({ kind: 'immediate', size });
const target: OperandShape = { kind: 'target', size: 8 };

function shape(mnemonic: string, operands: readonly OperandShape[], size: number, variant = ''): Shape {
  return { mnemonic, operands, size, repeat: 'none', addressSize: 8, variant };
}

export function hotShapes(): readonly Shape[] {
  const out: Shape[] = [];
  const add = (mnemonic: string, operands: readonly OperandShape[], size: number, variant = ''): void => { out.push(shape(mnemonic, operands, size, variant)); };
  for (const size of [4, 8]) {
    add('mov', [r(size), r(size)], size);
    add('mov', [r(size), i(size)], size);
    for (const form of ['b', 'x'] as const) add('lea', [r(size), m(size, form)], size);
    for (const mnemonic of ['add', 'sub', 'and', 'or', 'xor', 'cmp', 'adc', 'sbb']) {
      add(mnemonic, [r(size), r(size)], size);
      add(mnemonic, [r(size), i(size)], size);
    }
    for (const mnemonic of ['add', 'sub', 'cmp', 'adc', 'xor']) add(mnemonic, [r(size), m(size, 'b')], size);
    add('cmp', [m(size, 'b'), r(size)], size);
    add('cmp', [m(size, 'b'), i(size)], size);
    add('test', [r(size), r(size)], size);
    add('test', [r(size), i(size)], size);
    for (const mnemonic of ['inc', 'dec', 'neg', 'not']) add(mnemonic, [r(size)], size);
    for (const mnemonic of ['shl', 'shr', 'sar', 'rol', 'ror']) add(mnemonic, [r(size), i(size)], size, 'n');
    add('imul', [r(size), r(size)], size);
  }
  for (const size of [1, 2, 4, 8]) {
    for (const form of ['b', 'x'] as const) {
      add('mov', [r(size), m(size, form)], size);
      add('mov', [m(size, form), r(size)], size);
    }
  }
  for (const from of [1, 2]) {
    for (const form of ['b', 'x'] as const) add('movzx', [r(4), m(from, form)], 4);
    add('movzx', [r(4), r(from)], 4);
  }
  add('movsxd', [r(8), r(4)], 8);
  add('movsxd', [r(8), m(4, 'b')], 8);
  add('test', [r(1), r(1)], 1);
  add('test', [r(1), i(1)], 1);
  add('cmp', [r(1), i(1)], 1);
  add('cmp', [r(1), r(1)], 1);
  add('cmp', [m(1, 'b'), i(1)], 1);
  for (const condition of CONDITIONS) add(`j${condition}`, [target], 8);
  add('jmp', [target], 8);
  add('call', [target], 8);
  add('ret', [], 8);
  add('push', [r(8)], 8);
  add('pop', [r(8)], 8);
  add('nop', [], 8);
  return out;
}
