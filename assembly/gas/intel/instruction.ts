/**
 * Instructions in Intel syntax, turned into AT&T order and meaning.
 */
import { parseHead } from '../instruction.ts';
import { parseOperands } from '../operands.ts';
import type { OperandContext } from '../operands.ts';
import type { Operand } from '../statement.ts';

export interface IntelContext extends OperandContext {
  /** Registers are written with `%`. */
  readonly registerPrefix: boolean;
  readonly bits: 16 | 32 | 64;
}

/** An instruction in AT&T order. */
export interface IntelInstruction {
  readonly prefixes: readonly string[];
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
}

/** Reads the instruction at `start` to `end`. @throws GasSyntaxError */
export function parseIntelInstruction(text: string, start: number, end: number, context: IntelContext): IntelInstruction {
  const { prefixes, mnemonic, end: at } = parseHead(text, start, end);
  return { prefixes, mnemonic, operands: parseOperands(text, at, end, context) };
}
