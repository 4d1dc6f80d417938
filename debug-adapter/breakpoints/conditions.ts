/**
 * What a breakpoint may ask for besides being reached. Each is a small question over the stopped machine.
 */
import type { Machine } from '../../machine/machine.ts';
import { evaluate } from '../expressions/evaluate.ts';
import { parseExpression } from '../expressions/parse.ts';
import { ExpressionError } from '../expressions/expression.ts';
import { valueText } from '../format.ts';

export interface BreakpointOptions {
  readonly condition?: string;
  readonly hitCondition?: string;
  readonly logMessage?: string;
}

/** Why the options make no sense; undefined if they do. */
export function optionsProblem({ condition, hitCondition }: BreakpointOptions): string | undefined {
  if (condition !== undefined) {
    try {
      parseExpression(condition);
    } catch (error) {
      if (error instanceof ExpressionError) return `condition: ${error.message}`;
      throw error;
    }
  }
  return hitCondition !== undefined && hitPredicate(hitCondition) === undefined ? `hit condition "${hitCondition}": write a number, or one of < <= == >= > % and a number` : undefined;
}

/** True if the condition holds; one that cannot be evaluated holds, so that it is seen. */
export function conditionHolds(condition: string | undefined, machine: Machine): boolean {
  if (condition === undefined) return true;
  try {
    return evaluate(condition, machine).value !== 0n;
  } catch (error) {
    if (error instanceof ExpressionError) return true;
    throw error;
  }
}

const HIT = /^\s*(<=|>=|==|=|<|>|%)?\s*(\d{1,15})\s*$/;

/** `5` and `>= 5` stop from the fifth time on, `== 5` only then, `% 5` every fifth time. Undefined if it is none of these. */
export function hitPredicate(text: string): ((hits: number) => boolean) | undefined {
  const match = HIT.exec(text);
  if (match === null) return undefined;
  const wanted = Number(match[2]);
  switch (match[1]) {
    case undefined:
    case '>=': return (hits) => hits >= wanted;
    case '<=': return (hits) => hits <= wanted;
    case '<': return (hits) => hits < wanted;
    case '>': return (hits) => hits > wanted;
    case '%': return (hits) => wanted > 0 && hits % wanted === 0;
    default: return (hits) => hits === wanted;
  }
}

/** A log message with `{expressions}` replaced by their values. */
export function logText(message: string, machine: Machine): string {
  return message.replaceAll(/\{([^{}]*)\}/g, (_, expression: string) => {
    try {
      return valueText(machine, evaluate(expression, machine));
    } catch (error) {
      if (error instanceof ExpressionError) return `{${expression}: ${error.message}}`;
      throw error;
    }
  });
}
