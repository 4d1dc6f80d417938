/**
 * The debugger's expressions: 64-bit arithmetic over registers, symbols and memory.
 */

export type MemorySize = 1 | 2 | 4 | 8;

export type Expression =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'name'; readonly name: string; readonly at: number }
  | { readonly kind: 'memory'; readonly address: Expression; readonly size: MemorySize; readonly at: number }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression; readonly at: number }
  | { readonly kind: 'conditional'; readonly condition: Expression; readonly then: Expression; readonly otherwise: Expression }
  | { readonly kind: 'assignment'; readonly target: Expression; readonly value: Expression; readonly at: number };

/** Something wrong with an expression; `at` is the 0-based offset in its text. */
export class ExpressionError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.name = 'ExpressionError';
    this.at = at;
  }
}
