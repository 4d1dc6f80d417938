/**
 * Directives: which function does what, by name.
 */
import type { DirectiveStatement } from '../gas/statement.ts';
import { AssemblyError } from './assembly-error.ts';
import { alignmentDirectives } from './directives/alignment.ts';
import { cfiDirectives } from './directives/cfi.ts';
import { dataDirectives } from './directives/data.ts';
import { miscellaneousDirectives } from './directives/miscellaneous.ts';
import { sectionDirectives } from './directives/sections.ts';
import { spaceDirectives } from './directives/space.ts';
import { symbolDirectives } from './directives/symbols.ts';
import type { Handler } from './directives/handler.ts';
import type { AssemblyState } from './state.ts';

const HANDLERS: Readonly<Record<string, Handler>> = {
  ...sectionDirectives, ...dataDirectives, ...spaceDirectives, ...alignmentDirectives, ...symbolDirectives, ...cfiDirectives, ...miscellaneousDirectives,
};

/** Does what `statement` says. Throws {@link AssemblyError}. */
export function assembleDirective(state: AssemblyState, statement: DirectiveStatement): void {
  const handler = Object.hasOwn(HANDLERS, statement.name) ? HANDLERS[statement.name] : undefined;
  if (handler === undefined) throw new AssemblyError('unknown-directive', `the assembler has no directive ${statement.name}`);
  handler(state, statement);
}
