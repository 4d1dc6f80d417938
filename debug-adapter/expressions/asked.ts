/**
 * Expressions the user typed: what is wrong with one is an answer, not a failure.
 */
import { errors } from '../errors.ts';
import { ExpressionError } from './expression.ts';

/** Runs `action`, turning an ExpressionError into the adapter's error for it. */
export function asked<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof ExpressionError) throw errors.badExpression(error.message);
    throw error;
  }
}
