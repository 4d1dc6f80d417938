/**
 * `.loc` as far as it names symbols: `.loc 1 20 3 view .LVU7` gives `.LVU7` the number of the view, which compilers write into location lists.
 * The first row of the line table at an address is view 0, the next at the same address view 1, and so on (as manual 7.60, DWARF's view numbering).
 */
import type { Expression } from '../../gas/statement.ts';
import { AssemblyError } from '../assembly-error.ts';
import type { Place, Subsection } from '../fragments.ts';
import type { AssemblyState } from '../state.ts';
import type { Handler } from './handler.ts';

const ZERO: Expression = { kind: 'number', value: 0n };
const ONE: Expression = { kind: 'number', value: 1n };
const HERE: Expression = { kind: 'symbol', name: '.', range: { start: { file: '', line: 1, column: 1 }, endColumn: 1 } };

export const loc: Handler = (state, statement) => {
  const [, written] = /\sview\s+(\S+)/.exec(statement.text) ?? [];
  const view = written === '-0' || written === '0' ? ZERO : nextView(state);
  state.lineViews.set(state.part, { place: state.here(), view });
  if (written === undefined || /^-?0$/.test(written)) return;
  if (!/^[A-Za-z_.$][\w.$]*$/.test(written)) throw new AssemblyError('bad-directive', `a view is named by a symbol, or is 0 or -0, not \`${written}\``);
  const symbol = state.symbols.named(written);
  if (symbol.isDefined) throw new AssemblyError('symbol-redefined', `symbol ${written} is defined already`);
  symbol.definedBy = statement;
  symbol.definition = { kind: 'value', expression: view };
};

/** The view of a row that is made here. */
function nextView(state: AssemblyState): Expression {
  const last = state.lineViews.get(state.part);
  if (last === undefined) return ZERO;
  const here = state.here();
  switch (distance(last.place, here, state.part)) {
    case 'some': return ZERO;
    case 'none': return more(last.view);
    case 'unknown': {
      // A comparison that holds is -1.
      const same: Expression = { kind: 'binary', operator: '==', left: state.symbols.bind(HERE, () => here), right: state.symbols.bind(HERE, () => last.place) };
      return { kind: 'binary', operator: '*', left: { kind: 'unary', operator: '-', operand: same }, right: more(last.view) };
    }
  }
}

function more(view: Expression): Expression {
  return view.kind === 'number' ? { kind: 'number', value: view.value + 1n } : { kind: 'binary', operator: '+', left: view, right: ONE };
}

/** Whether anything stands between two places of a subsection, `to` being its end. Padding may come to nothing. */
function distance(from: Place, to: Place, { fragments }: Subsection): 'none' | 'some' | 'unknown' {
  if (from.fragment === to.fragment) return from.offset === to.offset ? 'none' : 'some';
  if (to.offset > 0 || from.fragment.length > from.offset) return 'some';
  for (let index = fragments.length - 2; index >= 0; index--) {
    const fragment = fragments[index]!;
    if (fragment.tail?.kind === 'branch' || fragment.tail?.kind === 'leb128' || (fragment.tail?.kind === 'fill' && fragment.tailSize > 0)) return 'some';
    if (fragment === from.fragment) break;
    if (fragment.length > 0) return 'some';
  }
  return 'unknown';
}
