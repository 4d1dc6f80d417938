/**
 * What of an instruction a lift may look at: everything that is the same for all instructions that share one interpreter handler.
 * Register numbers, immediates and displacements are not among it.
 */

/** `b`: base + displacement. `x`: base + index * scale + displacement. `s`: as `x` plus a segment base. `a`: as `s`, cut to 32 bits before the segment base. */
export type AddressForm = 'b' | 'x' | 's' | 'a';

export type OperandShape =
  | { readonly kind: 'register'; readonly size: number }
  /** Bytes of the immediate once extended: those of the operation. */
  | { readonly kind: 'immediate'; readonly size: number }
  | { readonly kind: 'memory'; readonly size: number; readonly form: AddressForm }
  | { readonly kind: 'vector'; readonly size: number }
  /** Target of a direct jump or call. */
  | { readonly kind: 'target'; readonly size: number };

export interface Shape {
  /** Lower-case iced-x86 mnemonic; string instructions without their size letter (`movs`), prefixes and hints collapsed to `nop`. */
  readonly mnemonic: string;
  readonly operands: readonly OperandShape[];
  /** Bytes the operation works on: those of its first operand, or of a string's element. */
  readonly size: number;
  readonly repeat: 'none' | 'rep' | 'repne';
  /** Only string instructions, loops and jrcxz care: 8, or 4 with the 67 prefix. */
  readonly addressSize: number;
  /** Decided when the instruction is decoded: a shift count that is not zero, for example. */
  readonly variant: string;
}

/** A text that two shapes share if and only if they are the same. */
export function shapeKey(shape: Shape): string {
  const operands = shape.operands.map((operand) => `${operand.kind[0]!}${operand.kind === 'memory' ? operand.form : ''}${String(operand.size)}`);
  return `${shape.repeat === 'none' ? '' : `${shape.repeat} `}${shape.mnemonic}${shape.variant === '' ? '' : `.${shape.variant}`} ${operands.join(',')} ${String(shape.size)}${shape.addressSize === 8 ? '' : '/a32'}`;
}
