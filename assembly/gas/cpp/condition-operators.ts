/**
 * The operators of `#if` that look at names before macros are expanded: `defined X`, `__has_include(<x>)` and their like.
 */
import { DirectiveError } from './macro.ts';
import { Token, spell } from './token.ts';

/** What the operators ask about. */
export interface ConditionNames {
  isDefined(name: string): boolean;
  /** Whether `#include written`, or `#include_next`, would find a file. */
  isFound(written: string, next: boolean, token: Token): boolean;
}

/**
 * What stands for the operator `token`, as a number; undefined if it is none. `next` gives the tokens behind it.
 * @throws DirectiveError
 */
export function conditionOperator(token: Token, next: () => Token | undefined, names: ConditionNames): Token | undefined {
  const answer = (value: boolean): Token => new Token('number', value ? '1' : '0', token.space, token.spot, token.body);
  switch (token.text) {
    case 'defined': {
      let name = next();
      const parenthesis = name?.text === '(';
      if (parenthesis) name = next();
      if (name?.kind !== 'name') throw new DirectiveError('"defined" needs the name of a macro', name ?? token);
      if (parenthesis && next()?.text !== ')') throw new DirectiveError('")" is missing behind "defined"', name);
      return answer(names.isDefined(name.text));
    }
    case '__has_include': case '__has_include_next':
      return answer(names.isFound(spell(parenthesised(token, next)), token.text === '__has_include_next', token));
    case '__has_attribute': case '__has_cpp_attribute': case '__has_c_attribute': case '__has_builtin':
      parenthesised(token, next);
      // Nothing of that sort exists in assembler sources.
      return answer(false);
    default:
      return undefined;
  }
}

function parenthesised(token: Token, next: () => Token | undefined): Token[] {
  if (next()?.text !== '(') throw new DirectiveError(`"(" is missing behind ${token.text}`, token);
  const tokens: Token[] = [];
  for (let depth = 1; ;) {
    const part = next();
    if (part === undefined) throw new DirectiveError(`")" is missing behind ${token.text}`, token);
    if (part.text === '(') depth++;
    if (part.text === ')' && --depth === 0) return tokens;
    tokens.push(part);
  }
}
