/**
 * Directives about the source and the assembly itself, and those that have no effect on what is assembled.
 */
import { AssemblyError } from '../assembly-error.ts';
import { boundedNumber, nameOf, optional } from '../directive-arguments.ts';
import type { Handler } from './handler.ts';
import { loc } from './line-views.ts';

/** `.file "name"` names the source in the symbol table; `.file 1 "name"` numbers a file for `.loc`. */
const file: Handler = (state, statement) => {
  const first = optional(statement, 0);
  if (first?.string !== undefined) state.fileName = nameOf(first);
};

function message(severity: 'error' | 'warning' | 'information', fallback: string): Handler {
  return (state, statement) => {
    const argument = optional(statement, 0);
    state.report(severity, 'user-error', argument === undefined ? fallback : nameOf(argument));
  };
}

const warning = (text: string): Handler => (state) => { state.report('warning', 'bad-directive', text); };

const abort: Handler = (state) => {
  state.report('error', 'user-error', '.abort stops the assembly here');
  state.stopped = true;
};

const end: Handler = (state) => {
  state.stopped = true;
};

/** `.fail number`: an error from 500 down, a warning above. */
const fail: Handler = (state, statement) => {
  const argument = optional(statement, 0);
  const value = argument?.expression === undefined ? 0n : state.known(argument.expression) ?? 0n;
  state.report(value >= 500n ? 'warning' : 'error', 'user-error', `.fail ${value.toString()}`);
};

const unsupported = (why: string): Handler => (_state, statement) => {
  throw new AssemblyError('bad-directive', `${statement.name} ${why}`);
};

/** `.nop [count]`: instructions of one byte that do nothing. */
const noOperation: Handler = (state, statement) => {
  const count = optional(statement, 0);
  state.append(new Uint8Array(count === undefined ? 1 : boundedNumber(state, count, 0, 1 << 20)).fill(0x90));
};

/** The reader gives each instruction its code size; padding goes by the directive. */
const code = (bits: 16 | 32 | 64): Handler => (state) => {
  state.bits = bits;
};

/** Whether `%riz` and `%eiz` may be written. */
const emptyIndex = (allowed: boolean): Handler => (state) => {
  state.emptyIndexAllowed = allowed;
};

const nothing: Handler = () => undefined;

export const miscellaneousDirectives: Readonly<Record<string, Handler>> = {
  '.file': file, '.error': message('error', '.error was met'), '.warning': message('warning', '.warning was met'), '.print': message('information', ''),
  '.err': message('error', '.err was met'), '.fail': fail, '.abort': abort, '.end': end,
  // Lines of debug information are those of the source itself.
  '.loc': loc, '.loc_mark_labels': nothing, '.line': nothing, '.ln': nothing, '.appfile': nothing, '.appline': nothing,
  // What is not defined is external anyway.
  '.extern': nothing,
  // Listings.
  '.list': nothing, '.nolist': nothing, '.title': nothing, '.sbttl': nothing, '.psize': nothing, '.eject': nothing, '.llen': nothing, '.lflags': nothing,
  // Choices that change no byte of what this assembler accepts.
  '.arch': nothing, '.altmacro': nothing, '.noaltmacro': nothing, '.att_mnemonic': nothing, '.att_syntax': nothing, '.intel_syntax': nothing,
  '.sse_check': nothing, '.operand_check': nothing, '.allow_index_reg': emptyIndex(true), '.disallow_index_reg': emptyIndex(false), '.nop': noOperation, '.linkonce': warning('.linkonce means nothing in an ELF object'),
  '.bundle_align_mode': unsupported('is not supported: code is not laid out in bundles'), '.bundle_lock': nothing, '.bundle_unlock': nothing,
  '.code16': code(16), '.code32': code(32), '.code64': code(64), '.code16gcc': code(16),
  '.gnu_attribute': nothing, '.vtable_entry': nothing, '.vtable_inherit': nothing, '.version': nothing,
  // Stabs, the debug information before DWARF: none is made.
  '.func': nothing, '.endfunc': nothing, '.stabs': nothing, '.stabn': nothing, '.stabd': nothing,
};
