/**
 * Directives that say something of symbols: binding, visibility, type, size, versions, common storage.
 */
import type { DirectiveStatement } from '../../gas/statement.ts';
import type { SymbolBinding, SymbolType, SymbolVisibility } from '../../elf/object.ts';
import { AssemblyError } from '../assembly-error.ts';
import { boundedNumber, expressionOf, nameOf, optional, required, symbolName } from '../directive-arguments.ts';
import type { AssemblyState } from '../state.ts';
import type { Handler } from './handler.ts';

function bind(binding: SymbolBinding): Handler {
  return (state, statement) => {
    required(statement, 0, 'a symbol');
    for (const argument of statement.arguments) {
      const symbol = state.symbols.named(symbolName(argument));
      if (binding === 'local') {
        symbol.forcedLocal = true;
        symbol.binding = 'local';
      } else if (binding === 'weak' || symbol.binding !== 'weak') symbol.binding = binding;
    }
  };
}

function visible(visibility: SymbolVisibility): Handler {
  return (state, statement) => {
    required(statement, 0, 'a symbol');
    for (const argument of statement.arguments) state.symbols.named(symbolName(argument)).visibility = visibility;
  };
}

const TYPES: Readonly<Record<string, SymbolType>> = {
  function: 'func', STT_FUNC: 'func', object: 'object', STT_OBJECT: 'object', tls_object: 'tls', STT_TLS: 'tls',
  notype: 'notype', STT_NOTYPE: 'notype', common: 'common', STT_COMMON: 'common',
  gnu_indirect_function: 'ifunc', STT_GNU_IFUNC: 'ifunc', gnu_unique_object: 'object',
};

/** `.type name, @function`, also with `%`, with quotes, as `STT_FUNC`, and without the comma. */
const type: Handler = (state, statement) => {
  const words = statement.arguments.map((argument) => (argument.string === undefined ? argument.text : nameOf(argument)));
  const [first = '', ...rest] = words.length === 1 ? (words[0] ?? '').split(/\s+/) : words;
  const written = (rest[0] ?? '').trim().replace(/^[@%#]\s*/, '');
  const found = Object.hasOwn(TYPES, written) ? TYPES[written] : undefined;
  if (first === '' || rest.length !== 1) throw new AssemblyError('bad-directive', '.type needs a symbol and a type, e.g. `.type name, @function`');
  if (found === undefined) throw new AssemblyError('bad-directive', `there is no symbol type \`${written}\``);
  const name = statement.arguments.length > 1 ? symbolName(required(statement, 0, 'a symbol')) : first;
  const symbol = state.symbols.named(name);
  if (written === 'gnu_unique_object') symbol.binding = 'unique';
  symbol.type = found;
};

const size: Handler = (state, statement) => {
  const symbol = state.symbols.named(symbolName(required(statement, 0, 'a symbol')));
  const argument = required(statement, 1, 'a size');
  symbol.size = { expression: state.bind(expressionOf(argument)), range: argument.range };
};

/** `.comm name, size[, align]`: room that the linker makes. */
function common(local: boolean): Handler {
  return (state, statement) => {
    const nameArgument = required(statement, 0, 'a symbol');
    const named = state.symbols.named(symbolName(nameArgument));
    const symbol = named.redefinable && named.definition?.kind === 'value' ? state.symbols.replace(named) : named;
    const bytes = boundedNumber(state, required(statement, 1, 'a size'), 0, local ? 2 ** 31 : Number.MAX_SAFE_INTEGER);
    const given = optional(statement, 2);
    if (local && given !== undefined) throw new AssemblyError('bad-directive', '.lcomm takes a symbol and a size only', given.range);
    // Without an alignment, the power of two that holds the size, up to 16 (`.comm`); none for `.lcomm`.
    const natural = local ? 1 : Math.min(16, 2 ** Math.ceil(Math.log2(Math.max(bytes, 1))));
    const align = given === undefined ? natural : boundedNumber(state, given, 0, 2 ** 28);
    if ((align & (align - 1)) !== 0) {
      const message = `an alignment is a power of two, not ${String(align)}`;
      if (local || symbol.forcedLocal) throw new AssemblyError('value-out-of-range', message, given?.range);
      // gas leaves it to the linker.
      state.report('warning', 'value-out-of-range', message, given?.range);
    }
    if (symbol.isDefined) {
      if (symbol.definition?.kind !== 'common') throw new AssemblyError('symbol-redefined', `symbol ${symbol.name} is defined already`, nameArgument.range);
      return;
    }
    symbol.definedBy = nameArgument;
    if (local || symbol.forcedLocal) {
      allocate(state, symbol.name, bytes, Math.max(align, 1));
      return;
    }
    if (symbol.binding === 'local') symbol.binding = 'global';
    symbol.type = 'object';
    symbol.redefinable = false;
    symbol.definition = { kind: 'common', size: BigInt(bytes), align: BigInt(align) };
  };
}

/** Room for a local symbol, behind what `.bss` holds otherwise: gas takes its subsection 1. */
function allocate(state: AssemblyState, name: string, bytes: number, align: number): void {
  const bss = state.findSection('.bss');
  if (bss === undefined) return;
  const part = bss.subsection(1);
  if (align > 1) {
    bss.align = Math.max(bss.align, align);
    part.close({ kind: 'align', alignment: align, limit: 0, fill: Uint8Array.of(0), bits: 64, range: state.range });
  }
  const symbol = state.symbols.named(name);
  symbol.definition = { kind: 'label', place: part.here() };
  symbol.type = 'object';
  symbol.size = { expression: { kind: 'number', value: BigInt(bytes) }, range: state.range };
  if (bytes > 0) part.close({ kind: 'fill', pattern: Uint8Array.of(0), count: bytes });
}

/** `.weakref alias, target`: the alias stands for a target that becomes weak if nothing else names it. */
const weakReference: Handler = (state, statement) => {
  const alias = state.symbols.named(symbolName(required(statement, 0, 'a symbol')));
  const target = required(statement, 1, 'a target');
  if (alias.isDefined) throw new AssemblyError('symbol-redefined', `symbol ${alias.name} is defined already`);
  const symbol = state.symbols.named(symbolName(target));
  symbol.isHeld = true;
  alias.definition = { kind: 'value', expression: { kind: 'symbol', name: symbol.key, range: target.range } };
  alias.redefinable = true;
  symbol.weaklyReferenced = true;
};

/** `.symver name, name2@VERSION[, visibility]`: another name, with a version. */
const version: Handler = (state, statement) => {
  const first = required(statement, 0, 'a symbol');
  const second = required(statement, 1, 'a versioned name');
  const symbol = state.symbols.named(symbolName(first));
  const written = second.string === undefined ? second.text : nameOf(second);
  if (!/^[^@]+@{1,3}[^@]+$/.test(written)) throw new AssemblyError('bad-symbol', `\`${written}\` is no versioned name such as \`name@VERSION\``, second.range);
  symbol.isHeld = true;
  state.versions.push({ symbol, written, remove: optional(statement, 2)?.text === 'remove' });
};

/** `.equiv` reaches the assembler as an assignment; `.eqv` is read at its use, which comes to the same. */
const assignDirective: Handler = (state, statement) => {
  const argument = required(statement, 0, 'a symbol');
  const symbol = state.symbols.named(symbolName(argument));
  if (symbol.isDefined && !symbol.redefinable) throw new AssemblyError('symbol-redefined', `symbol ${symbol.name} is defined already`, argument.range);
  const value = state.bind(expressionOf(required(statement, 1, 'a value')));
  const target = symbol.isDefined ? state.symbols.replace(symbol) : symbol;
  target.redefinable = true;
  target.definition = { kind: 'value', expression: value };
};

/** `.tls_common name, size, align`. */
const tlsCommon: Handler = (state, statement: DirectiveStatement) => {
  common(false)(state, statement);
  state.symbols.named(symbolName(required(statement, 0, 'a symbol'))).type = 'tls';
};


export const symbolDirectives: Readonly<Record<string, Handler>> = {
  '.globl': bind('global'), '.global': bind('global'), '.weak': bind('weak'), '.local': bind('local'),
  '.hidden': visible('hidden'), '.protected': visible('protected'), '.internal': visible('internal'),
  '.type': type, '.size': size, '.comm': common(false), '.common': common(false), '.lcomm': common(true), '.tls_common': tlsCommon,
  '.weakref': weakReference, '.symver': version, '.eqv': assignDirective,
};
