/**
 * The operands of a decoded instruction, taken from its AT&T text: sources before the destination.
 */
import type { Instruction } from '../../../assembly/x86/instruction.ts';
import { fullRegister } from '../../registers.ts';

export type TextOperand =
  | { readonly kind: 'register'; readonly name: string; /** The 64-bit register it is part of. */ readonly full: string; readonly bits: number }
  | { readonly kind: 'immediate'; readonly value: bigint }
  | { readonly kind: 'memory'; readonly base?: string; readonly index?: string; readonly scale: bigint; readonly displacement: bigint; readonly segment?: string }
  | { readonly kind: 'other'; readonly text: string };

const known = new WeakMap<Instruction, readonly TextOperand[]>();

/** `mov 8(%rsi),%rax` -> a memory operand and a register. */
export function operandsOf(instruction: Instruction): readonly TextOperand[] {
  let operands = known.get(instruction);
  if (operands === undefined) known.set(instruction, operands = operandsOfText(instruction.text));
  return operands;
}

function operandsOfText(text: string): readonly TextOperand[] {
  const space = /^(?:(?:rep|repz|repnz|lock|cs|ds|data16|notrack|bnd)\s+)*\S+\s+(.*)$/.exec(text);
  return space === null ? [] : split(space[1]!.replace(/\s*<[^>]*>$/, '')).map(operand);
}

function split(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')') depth--;
    else if (text[at] === ',' && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts.map((part) => part.trim());
}

const MEMORY = /^\*?(?:%(\w+):)?(-?(?:0x)?[0-9a-f]+)?\((?:%(\w+))?(?:,%(\w+)(?:,(\d))?)?\)$/i;

function operand(text: string): TextOperand {
  if (text.startsWith('$')) {
    const value = number(text.slice(1));
    return value === undefined ? { kind: 'other', text } : { kind: 'immediate', value };
  }
  const register = /^%(\w+)$/.exec(text);
  if (register !== null) {
    const known = fullRegister(register[1]!);
    return known === undefined ? { kind: 'other', text } : { kind: 'register', name: register[1]!, full: known.full, bits: known.bits };
  }
  const memory = MEMORY.exec(text);
  if (memory === null) return { kind: 'other', text };
  const [, segment, displacement, base, index, scale] = memory;
  return {
    kind: 'memory', scale: BigInt(scale ?? 1), displacement: displacement === undefined ? 0n : number(displacement) ?? 0n,
    ...(base === undefined ? {} : { base }), ...(index === undefined ? {} : { index }), ...(segment === undefined ? {} : { segment }),
  };
}

function number(text: string): bigint | undefined {
  const match = /^(-?)(0x[0-9a-f]+|\d+)$/i.exec(text);
  if (match === null) return undefined;
  const value = BigInt(match[2]!);
  return match[1] === '-' ? -value : BigInt.asIntN(64, value);
}
