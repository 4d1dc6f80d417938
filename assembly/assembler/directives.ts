/**
 * Directives: which function does what, by name.
 */
import type { DirectiveStatement } from '../gas/statement.ts';
import { AssemblyError } from './assembly-error.ts';
import { alignmentDirectives } from './directives/alignment.ts';
import { cfiDirectives } from './directives/cfi.ts';
import { dataDirectives } from './directives/data.ts';
import { miscellaneousDirectives } from './directives/miscellaneous.ts';
import { relocationDirectives } from './directives/reloc.ts';
import { sectionDirectives } from './directives/sections.ts';
import { spaceDirectives } from './directives/space.ts';
import { inStructure, structureDirectives } from './directives/structure.ts';
import { symbolDirectives } from './directives/symbols.ts';
import type { Handler } from './directives/handler.ts';
import type { AssemblyState } from './state.ts';

const HANDLERS: Readonly<Record<string, Handler>> = {
  ...sectionDirectives, ...dataDirectives, ...spaceDirectives, ...alignmentDirectives, ...symbolDirectives, ...cfiDirectives, ...miscellaneousDirectives, ...relocationDirectives, ...structureDirectives,
};

/** Does what `statement` says. Throws {@link AssemblyError}. */
export function assembleDirective(state: AssemblyState, statement: DirectiveStatement): void {
  const handler = Object.hasOwn(HANDLERS, statement.name) ? HANDLERS[statement.name] : undefined;
  if (handler === undefined) throw new AssemblyError('unknown-directive', `the assembler has no directive ${statement.name}`);
  const last = statement.arguments.at(-1);
  const names = NAMES_ALONE.has(statement.name) && statement.arguments.length > 1 && last!.text === '' && last!.string === undefined;
  const most = MOST_ARGUMENTS[statement.name] ?? Infinity;
  if (statement.arguments.length > most) throw new AssemblyError('bad-directive', `${statement.name} takes ${String(most)} arguments at most`, statement.arguments[most]!.range);
  if (state.absolute !== undefined && inStructure(state, state.absolute, statement)) return;
  // GNU as takes a comma behind the last name.
  handler(state, names ? { ...statement, arguments: statement.arguments.slice(0, -1) } : statement);
}

const NAMES_ALONE = new Set(['.globl', '.global', '.weak', '.local', '.hidden', '.protected', '.internal']);

/** Of directives whose arguments are counted; measured against GNU as 2.40. */
const MOST_ARGUMENTS: Readonly<Record<string, number>> = {
  '.align': 3, '.balign': 3, '.balignw': 3, '.balignl': 3, '.p2align': 3, '.p2alignw': 3, '.p2alignl': 3, '.org': 2,
  '.skip': 2, '.space': 2, '.zero': 2, '.fill': 3, '.nops': 2, '.comm': 3, '.common': 3, '.size': 2, '.ident': 1, '.weakref': 2, '.incbin': 3, '.text': 1, '.data': 1, '.bss': 1,
};
