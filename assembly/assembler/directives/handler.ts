import type { DirectiveStatement } from '../../gas/statement.ts';
import type { AssemblyState } from '../state.ts';

/** Does what one directive says. Throws AssemblyError for what is wrong with it, having written nothing. */
export type Handler = (state: AssemblyState, statement: DirectiveStatement) => void;
