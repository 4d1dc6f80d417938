/**
 * Call frame information directives (as manual 7.12).
 */
import type { DirectiveArgument, DirectiveStatement } from '../../gas/statement.ts';
import { AssemblyError } from '../assembly-error.ts';
import { dwarfRegister } from '../cfi/dwarf-registers.ts';
import type { Frame, FrameInstruction } from '../cfi/frames.ts';
import { boundedNumber, expressionOf, numberOf, optional, required, symbolName } from '../directive-arguments.ts';
import type { AssemblyState } from '../state.ts';
import type { Handler } from './handler.ts';

/** `DW_EH_PE_omit`: there is none. */
const OMIT = 0xff;

function register(state: AssemblyState, argument: DirectiveArgument): number {
  const number = dwarfRegister(argument.text.replace(/^%\s*/, '').toLowerCase());
  return number ?? boundedNumber(state, argument, 0, 2 ** 31 - 1);
}

/** A directive that adds one instruction, made from the frame and the arguments. */
function adds(make: (frame: Frame, state: AssemblyState, statement: DirectiveStatement) => FrameInstruction): Handler {
  return (state, statement) => {
    const frame = state.frames.current(state.part);
    frame.add(state.here(), make(frame, state, statement));
  };
}

const registerAt = (state: AssemblyState, statement: DirectiveStatement, index: number): number =>
  register(state, required(statement, index, 'a register'));
const offsetAt = (state: AssemblyState, statement: DirectiveStatement, index: number): bigint =>
  numberOf(state, required(statement, index, 'an offset'));

/** The distance at which a register is saved, counted in words. */
function savedAt(state: AssemblyState, statement: DirectiveStatement, index: number, base = 0n): bigint {
  const offset = offsetAt(state, statement, index) + base;
  if (offset % 8n !== 0n) throw new AssemblyError('cfi', `a register is saved at a multiple of 8 bytes, not at ${offset.toString()}`, statement.arguments[index]?.range);
  return offset;
}

/** `.cfi_label name`: a symbol inside the table. */
const label: Handler = (state, statement) => {
  const argument = required(statement, 0, 'a symbol');
  const symbol = state.symbols.named(symbolName(argument));
  if (symbol.isDefined) throw new AssemblyError('symbol-redefined', `symbol ${symbol.name} is defined already`, argument.range);
  const frame = state.frames.current(state.part);
  // Until the table is written, the place of the directive stands in.
  symbol.definition = { kind: 'label', place: state.here() };
  symbol.definedBy = argument;
  frame.add(state.here(), { kind: 'label', symbol: symbol.key });
};

function perRegister(kind: 'restore' | 'undefined' | 'same-value'): Handler {
  return (state, statement) => {
    const frame = state.frames.current(state.part);
    required(statement, 0, 'a register');
    const registers = statement.arguments.map((argument) => register(state, argument));
    for (const number of registers) frame.add(state.here(), { kind, register: number });
  };
}

const sections: Handler = (state, statement) => {
  const names = statement.arguments.map((argument) => argument.text);
  for (const [index, name] of names.entries()) {
    if (name !== '.eh_frame' && name !== '.debug_frame') throw new AssemblyError('cfi', `.cfi_sections knows .eh_frame and .debug_frame, not \`${name}\``, statement.arguments[index]!.range);
  }
  state.frames.sections = { eh: names.includes('.eh_frame'), debug: names.includes('.debug_frame') };
};

const escape: Handler = (state, statement) => {
  required(statement, 0, 'a byte');
  const bytes = Uint8Array.from(statement.arguments, (argument) => Number(BigInt.asUintN(8, numberOf(state, argument))));
  state.frames.current(state.part).add(state.here(), { kind: 'escape', bytes });
};

/** `.cfi_personality encoding[, value]` and `.cfi_lsda`. */
function pointer(field: 'personality' | 'lsda'): Handler {
  return (state, statement) => {
    const frame = state.frames.current(state.part);
    const first = required(statement, 0, 'an encoding');
    const encoding = boundedNumber(state, first, 0, 0xff);
    if (encoding === OMIT) {
      frame[field] = undefined;
      return;
    }
    if ((encoding & 0x07) > 4 || (encoding & 0x07) === 1) throw new AssemblyError('cfi', `a pointer cannot be encoded as 0x${encoding.toString(16)}`, first.range);
    frame[field] = { encoding, value: state.bind(expressionOf(required(statement, 1, 'a value'))) };
  };
}

const unsupported: Handler = (_state, statement) => {
  throw new AssemblyError('cfi', `${statement.name} is not supported`);
};

export const cfiDirectives: Readonly<Record<string, Handler>> = {
  '.cfi_sections': sections,
  '.cfi_startproc': (state, statement) => {
    const mode = optional(statement, 0);
    if (mode !== undefined && mode.text !== 'simple') throw new AssemblyError('cfi', `.cfi_startproc takes \`simple\`, not \`${mode.text}\``, mode.range);
    state.frames.begin(state.part, mode !== undefined);
  },
  '.cfi_endproc': (state) => { state.frames.end(state.part); },
  '.cfi_def_cfa': adds((frame, state, statement) => {
    const offset = offsetAt(state, statement, 1);
    frame.cfaOffset = offset;
    return { kind: 'def-cfa', register: registerAt(state, statement, 0), offset };
  }),
  '.cfi_def_cfa_register': adds((_frame, state, statement) => ({ kind: 'def-cfa-register', register: registerAt(state, statement, 0) })),
  '.cfi_def_cfa_offset': adds((frame, state, statement) => {
    const offset = offsetAt(state, statement, 0);
    frame.cfaOffset = offset;
    return { kind: 'def-cfa-offset', offset };
  }),
  '.cfi_adjust_cfa_offset': adds((frame, state, statement) => {
    const offset = frame.cfaOffset + offsetAt(state, statement, 0);
    frame.cfaOffset = offset;
    return { kind: 'def-cfa-offset', offset };
  }),
  '.cfi_offset': adds((_frame, state, statement) => ({ kind: 'offset', register: registerAt(state, statement, 0), offset: savedAt(state, statement, 1) })),
  '.cfi_rel_offset': adds((frame, state, statement) => ({
    kind: 'offset', register: registerAt(state, statement, 0), offset: savedAt(state, statement, 1, -frame.cfaOffset),
  })),
  '.cfi_val_offset': adds((_frame, state, statement) => ({ kind: 'value-offset', register: registerAt(state, statement, 0), offset: savedAt(state, statement, 1) })),
  '.cfi_label': label,
  '.cfi_register': adds((_frame, state, statement) => ({ kind: 'register', register: registerAt(state, statement, 0), other: registerAt(state, statement, 1) })),
  '.cfi_restore': perRegister('restore'), '.cfi_undefined': perRegister('undefined'), '.cfi_same_value': perRegister('same-value'),
  '.cfi_remember_state': adds((frame) => {
    frame.remembered.push(frame.cfaOffset);
    return { kind: 'remember' };
  }),
  '.cfi_restore_state': adds((frame) => {
    const offset = frame.remembered.pop();
    if (offset === undefined) throw new AssemblyError('cfi', '.cfi_restore_state has no .cfi_remember_state to go back to');
    frame.cfaOffset = offset;
    return { kind: 'restore-state' };
  }),
  '.cfi_window_save': adds(() => ({ kind: 'window-save' })),
  '.cfi_return_column': (state, statement) => { state.frames.current(state.part).returnColumn = registerAt(state, statement, 0); },
  '.cfi_signal_frame': (state) => { state.frames.current(state.part).signal = true; },
  '.cfi_escape': escape, '.cfi_personality': pointer('personality'), '.cfi_lsda': pointer('lsda'),
  '.cfi_val_encoded_addr': unsupported, '.cfi_inline_lsda': unsupported, '.cfi_fde_data': unsupported, '.cfi_personality_id': unsupported,
};
