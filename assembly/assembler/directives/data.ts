/**
 * Directives that write data: numbers, strings, floating point, LEB128, files.
 */
import type { DirectiveArgument, Expression } from '../../gas/statement.ts';
import { SHF } from '../../elf/object.ts';
import { AssemblyError } from '../assembly-error.ts';
import { boundedNumber, expressionOf, nameOf, optional, required, stringOf } from '../directive-arguments.ts';
import { floatBytes } from '../floating-point.ts';
import type { FloatFormat } from '../floating-point.ts';
import { leb128 } from '../leb128.ts';
import { littleEndian } from '../little-endian.ts';
import type { AssemblyState } from '../state.ts';
import type { Handler } from './handler.ts';

/** Integers of `size` bytes; what is not known yet becomes a field. */
function integers(size: number): Handler {
  return (state, statement) => {
    for (const argument of statement.arguments) {
      // An empty list writes nothing; an empty item writes zero, as gas has it.
      if (argument.text === '') {
        if (statement.arguments.length > 1) state.append(new Uint8Array(size));
        continue;
      }
      integer(state, argument, size);
    }
  };
}

function integer(state: AssemblyState, argument: DirectiveArgument, size: number): void {
  const written = size > 8 ? wide(expressionOf(argument)) : expressionOf(argument);
  if (written.kind === 'number') {
    constant(state, written.value, size, argument);
    return;
  }
  const expression = state.bind(written);
  const value = state.symbols.settled(expression);
  if (value !== undefined) {
    constant(state, value, size, argument);
    return;
  }
  field(state, expression, size, argument);
}

/** The sign and the complement of a number of more than 64 bits, which other expressions have no room for. */
function wide(expression: Expression): Expression {
  if (expression.kind !== 'unary' || expression.operand.kind !== 'number' || expression.operator === '!') return expression;
  const { value } = expression.operand;
  return { kind: 'number', value: expression.operator === '-' ? -value : ~value };
}

function constant(state: AssemblyState, value: bigint, size: number, argument: DirectiveArgument): void {
  const limit = 1n << BigInt(size * 8);
  if (size < 8 && (value >= limit || value <= -limit)) {
    state.report('warning', 'value-out-of-range', `the value 0x${BigInt.asUintN(64, value).toString(16)} is cut off to ${String(size)} bytes`, argument.range);
  }
  // A number below -2^64 keeps its sign in 16 bytes; one that was worked out has 64 bits.
  state.append(littleEndian(value, size));
}

function field(state: AssemblyState, expression: Expression, size: number, argument: DirectiveArgument): void {
  if (size > 8) throw new AssemblyError('bad-expression', `a value of ${String(size)} bytes must be a number that is known here`, argument.range);
  const { fragment, offset } = state.here();
  state.append(new Uint8Array(size));
  state.fixups.push({ fragment, offset, size, kind: 'data', expression, relative: false, end: 0, signed: false, mayUsePlt: false, range: argument.range });
}

/** Strings with characters of `width` bytes; `terminate` adds a zero. */
function strings(width: number, terminate: boolean): Handler {
  return (state, statement) => {
    for (const argument of statement.arguments) {
      if (argument.text === '' && argument.string === undefined) continue;
      const text = stringOf(argument);
      const bytes = new Uint8Array((text.length + (terminate ? 1 : 0)) * width);
      text.forEach((byte, index) => { bytes[index * width] = byte; });
      state.append(bytes);
    }
  };
}

function floats(format: FloatFormat): Handler {
  return (state, statement) => {
    for (const argument of statement.arguments) {
      if (argument.text === '') continue;
      const bytes = floatBytes(argument.text, format);
      if (bytes === undefined) throw new AssemblyError('bad-directive', `\`${argument.text}\` is no floating-point number that fits`, argument.range);
      state.append(bytes);
    }
  };
}

function leb(signed: boolean): Handler {
  return (state, statement) => {
    for (const argument of statement.arguments) {
      const value = state.bind(expressionOf(argument));
      const settled = state.symbols.settled(value);
      if (settled !== undefined) state.append(leb128(settled, signed));
      else state.close({ kind: 'leb128', value, signed, range: argument.range });
    }
  };
}

/** `.incbin "file"[, skip[, count]]`. */
const includeBinary: Handler = (state, statement) => {
  const file = required(statement, 0, 'the name of a file');
  const name = nameOf(file);
  const { provider, includePaths = [] } = state.options;
  const bytes = [name, ...includePaths.map((path) => `${path}/${name}`)].reduce<Uint8Array | undefined>((found, path) => found ?? provider?.readBytes?.(path), undefined);
  if (bytes === undefined) throw new AssemblyError('missing-file', `the file ${name} cannot be read`, file.range);
  const skip = optional(statement, 1);
  const from = skip === undefined ? 0 : boundedNumber(state, skip, 0, bytes.length);
  const count = optional(statement, 2);
  const length = count === undefined ? bytes.length - from : boundedNumber(state, count, 0, bytes.length - from);
  state.append(bytes.subarray(from, from + length));
};

/** `.ident "text"` goes to `.comment`, a section of strings that begins with an empty one. */
const identify: Handler = (state, statement) => {
  const text = stringOf(required(statement, 0, 'a string'));
  const found = state.findSection('.comment');
  const comment = found ?? state.addSection('.comment', { type: 1, flags: SHF.MERGE | SHF.STRINGS, entrySize: 1 });
  const part = comment.subsection(0);
  if (found === undefined) part.append(Uint8Array.of(0));
  part.append(Uint8Array.of(...text, 0));
};

export const dataDirectives: Readonly<Record<string, Handler>> = {
  '.byte': integers(1), '.2byte': integers(2), '.short': integers(2), '.word': integers(2), '.hword': integers(2), '.value': integers(2),
  '.4byte': integers(4), '.long': integers(4), '.int': integers(4), '.8byte': integers(8), '.quad': integers(8), '.octa': integers(16), '.16byte': integers(16),
  '.dc': integers(2), '.dc.b': integers(1), '.dc.w': integers(2), '.dc.l': integers(4), '.dc.a': integers(8), '.slong': integers(4),
  '.dc.s': floats('single'), '.dc.d': floats('double'), '.dc.x': floats('extended'),
  '.float': floats('single'), '.single': floats('single'), '.double': floats('double'), '.tfloat': floats('extended'), '.ldouble': floats('extended'),
  '.hfloat': floats('half'), '.float16': floats('half'), '.bfloat16': floats('bfloat16'),
  '.ascii': strings(1, false), '.asciz': strings(1, true), '.string': strings(1, true), '.string8': strings(1, true),
  '.string16': strings(2, true), '.string32': strings(4, true), '.string64': strings(8, true),
  '.uleb128': leb(false), '.sleb128': leb(true),
  '.incbin': includeBinary, '.ident': identify,
};
