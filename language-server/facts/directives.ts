/**
 * The directives of GNU as for ELF, each with its arguments and what it does. Facts of the GNU as 2.40 manual, chapters 7 and 9.16.
 */

export interface DirectiveFacts {
  /** Arguments as the manual writes them; optional ones in brackets. */
  readonly syntax: string;
  /** What it does: one sentence. */
  readonly summary: string;
}

const VALUES = (what: string): DirectiveFacts => ({ syntax: 'expression, …', summary: `Writes each expression as ${what}.` });
const TEXT = (what: string): DirectiveFacts => ({ syntax: '"text", …', summary: what });
const NAMES = (what: string): DirectiveFacts => ({ syntax: 'symbol, …', summary: what });
const WHEN = (syntax: string, what: string): DirectiveFacts => ({ syntax, summary: `Assembles what follows, up to .else or .endif, if ${what}.` });
const CFI = (syntax: string, what: string): DirectiveFacts => ({ syntax, summary: `Unwind information: ${what}.` });
const ALIGN: DirectiveFacts = { syntax: 'bytes[, fill[, most]]', summary: 'Goes on at the next multiple of so many bytes; skips it if that would take more than `most`. In code the gap is filled with NOPs.' };
const SKIP: DirectiveFacts = { syntax: 'size[, fill]', summary: 'Writes so many bytes of `fill`, 0 if it is not said.' };
const GLOBAL = NAMES('Lets other files see the symbols.');
const SET: DirectiveFacts = { syntax: 'symbol, expression', summary: 'Gives the symbol the value; it may be given another later.' };

const FACTS: Readonly<Record<string, DirectiveFacts>> = {
  '.2byte': VALUES('2 bytes'), '.4byte': VALUES('4 bytes'), '.8byte': VALUES('8 bytes'), '.16byte': VALUES('16 bytes'),
  '.byte': VALUES('1 byte'), '.hword': VALUES('2 bytes'), '.short': VALUES('2 bytes'), '.value': VALUES('2 bytes'), '.word': VALUES('2 bytes'), '.int': VALUES('4 bytes'), '.long': VALUES('4 bytes'),
  '.quad': VALUES('8 bytes'), '.octa': VALUES('16 bytes'), '.double': VALUES('a floating-point number of 8 bytes'), '.float': VALUES('a floating-point number of 4 bytes'),
  '.single': VALUES('a floating-point number of 4 bytes'), '.tfloat': VALUES('a floating-point number of 10 bytes'), '.sleb128': VALUES('a signed LEB128 number'), '.uleb128': VALUES('an unsigned LEB128 number'),
  '.ascii': TEXT('Writes the texts, without a zero behind them.'), '.asciz': TEXT('Writes the texts, each with a zero behind it.'), '.string': TEXT('Writes the texts, each with a zero behind it.'),
  '.string16': TEXT('Writes the texts as 16-bit characters, with a zero behind each.'), '.string32': TEXT('Writes the texts as 32-bit characters, with a zero behind each.'),
  '.align': ALIGN, '.balign': ALIGN, '.balignw': ALIGN, '.balignl': ALIGN,
  '.p2align': { syntax: 'power[, fill[, most]]', summary: 'Goes on at the next multiple of 2 to the power; skips it if that would take more than `most` bytes.' },
  '.skip': SKIP, '.space': SKIP, '.zero': { syntax: 'size', summary: 'Writes so many zero bytes.' },
  '.fill': { syntax: 'count[, size[, value]]', summary: 'Writes `value`, `size` bytes wide (at most 8), so many times.' },
  '.nops': { syntax: 'size[, longest]', summary: 'Fills so many bytes with NOP instructions.' },
  '.org': { syntax: 'place[, fill]', summary: 'Goes on at a place further on in the section.' },
  '.incbin': { syntax: '"file"[, skip[, count]]', summary: 'Writes the bytes of a file.' },
  '.include': { syntax: '"file"', summary: 'Reads another file here, without the C preprocessor.' },
  '.text': { syntax: '[subsection]', summary: 'Goes on in the section of code.' },
  '.data': { syntax: '[subsection]', summary: 'Goes on in the section of data.' },
  '.bss': { syntax: '[subsection]', summary: 'Goes on in the section of zeros.' },
  '.section': { syntax: 'name[, "flags"[, @type[, entry size]]]', summary: 'Goes on in a section: flags a (allocated), w (writable), x (executable), M, S, G, T, o, e, ?.' },
  '.pushsection': { syntax: 'name[, subsection][, "flags"[, @type]]', summary: 'Goes on in a section and remembers the current one for .popsection.' },
  '.popsection': { syntax: '', summary: 'Goes back to the section before the last .pushsection.' },
  '.previous': { syntax: '', summary: 'Goes back to the section before, and makes the current one the one before.' },
  '.subsection': { syntax: 'number', summary: 'Goes on in a subsection; subsections are put together in the order of their numbers.' },
  '.globl': GLOBAL, '.global': GLOBAL,
  '.weak': NAMES('Lets a definition of another file win over the symbols; undefined ones are 0.'),
  '.weakref': { syntax: 'alias, target', summary: 'Makes `alias` a weak reference to `target`.' },
  '.local': NAMES('Keeps the symbols to this file.'), '.hidden': NAMES('Hides the symbols outside of the linked file.'), '.internal': NAMES('Hides the symbols outside of the linked file.'), '.protected': NAMES('Makes references from the linked file itself take its own definition.'),
  '.type': { syntax: 'symbol, @type', summary: 'Says what the symbol is: @function, @object, @tls_object, @common, @notype, @gnu_indirect_function.' },
  '.size': { syntax: 'symbol, expression', summary: 'Says how many bytes the symbol covers, usually `. - symbol`.' },
  '.comm': { syntax: 'symbol, size[, alignment]', summary: 'Declares a common symbol: zeros that files of the same name share.' },
  '.lcomm': { syntax: 'symbol, size', summary: 'Reserves zeros in .bss under a name of this file.' },
  '.set': SET, '.equ': SET, '.equiv': { syntax: 'symbol, expression', summary: 'Gives the symbol the value; it is an error if it has one.' },
  '.eqv': { syntax: 'symbol, expression', summary: 'Gives the symbol the expression, worked out where it is used.' },
  '.symver': { syntax: 'name, name@VERSION', summary: 'Gives the symbol a versioned name.' },
  '.extern': NAMES('Says that the symbols are defined elsewhere; that is assumed anyway.'),
  '.macro': { syntax: 'name [parameter[:req|:vararg][=default], …]', summary: 'Begins the definition of a macro, up to .endm; `\\parameter` in the body stands for the argument, `\\@` for a number of its own.' },
  '.endm': { syntax: '', summary: 'Ends a .macro.' }, '.exitm': { syntax: '', summary: 'Ends the expansion of the macro here.' },
  '.purgem': { syntax: 'macro, …', summary: 'Forgets the macros.' },
  '.altmacro': { syntax: '', summary: 'Lets macros take `<text>`, `%expression` and LOCAL names.' }, '.noaltmacro': { syntax: '', summary: 'Ends .altmacro.' },
  '.rept': { syntax: 'count', summary: 'Repeats the lines up to .endr.' },
  '.irp': { syntax: 'parameter, value, …', summary: 'Repeats the lines up to .endr for each value.' },
  '.irpc': { syntax: 'parameter, characters', summary: 'Repeats the lines up to .endr for each character.' },
  '.endr': { syntax: '', summary: 'Ends .rept, .irp or .irpc.' },
  '.if': WHEN('expression', 'the expression is not 0'), '.ifdef': WHEN('symbol', 'the symbol is defined by now'), '.ifndef': WHEN('symbol', 'the symbol is not defined by now'),
  '.ifb': WHEN('text', 'nothing is written there'), '.ifnb': WHEN('text', 'something is written there'), '.ifc': WHEN('text, text', 'the texts are the same'), '.ifnc': WHEN('text, text', 'the texts differ'),
  '.ifeqs': WHEN('"text", "text"', 'the strings are the same'), '.ifnes': WHEN('"text", "text"', 'the strings differ'),
  '.ifeq': WHEN('expression', 'the expression is 0'), '.ifne': WHEN('expression', 'the expression is not 0'), '.ifgt': WHEN('expression', 'the expression is above 0'), '.ifge': WHEN('expression', 'the expression is 0 or more'),
  '.iflt': WHEN('expression', 'the expression is below 0'), '.ifle': WHEN('expression', 'the expression is 0 or less'),
  '.elseif': { syntax: 'expression', summary: 'Else, if the expression is not 0.' }, '.else': { syntax: '', summary: 'What is assembled if the condition does not hold.' }, '.endif': { syntax: '', summary: 'Ends .if.' },
  '.error': { syntax: '["text"]', summary: 'Fails with this message.' }, '.err': { syntax: '', summary: 'Fails.' }, '.warning': { syntax: '["text"]', summary: 'Warns with this message.' }, '.print': { syntax: '"text"', summary: 'Prints the text while assembling.' },
  '.end': { syntax: '', summary: 'Ends the source: nothing behind it is read.' },
  '.code64': { syntax: '', summary: 'Assembles for 64-bit mode from here.' }, '.code32': { syntax: '', summary: 'Assembles for 32-bit mode from here.' }, '.code16': { syntax: '', summary: 'Assembles for 16-bit mode from here.' },
  '.intel_syntax': { syntax: '[noprefix|prefix]', summary: 'Intel operand order from here; with `noprefix` registers have no `%`.' },
  '.att_syntax': { syntax: '[prefix|noprefix]', summary: 'AT&T operand order from here.' },
  '.arch': { syntax: 'cpu[, jumps]', summary: 'Limits the instructions to those of a CPU, or adds an extension (`.arch .avx512f`).' },
  '.file': { syntax: '["name"] | number "name"', summary: 'Names the source, for the symbol table or for line numbers.' },
  '.loc': { syntax: 'file line[ column]', summary: 'Says which source line the next instruction comes from.' },
  '.ident': { syntax: '"text"', summary: 'Puts a note about the tool into .comment.' },
  '.version': { syntax: '"text"', summary: 'Puts a version into .note.' },
  '.reloc': { syntax: 'place, type[, expression]', summary: 'Writes a relocation by hand.' },
  '.cfi_startproc': CFI('[simple]', 'a function begins'), '.cfi_endproc': CFI('', 'the function ends'), '.cfi_sections': CFI('section, …', 'goes to .eh_frame, .debug_frame or both'),
  '.cfi_def_cfa': CFI('register, offset', 'the caller\'s frame is at this register plus the offset'), '.cfi_def_cfa_register': CFI('register', 'the caller\'s frame is counted from this register'),
  '.cfi_def_cfa_offset': CFI('offset', 'the caller\'s frame is this far from its register'), '.cfi_adjust_cfa_offset': CFI('change', 'the caller\'s frame is so much further from its register, as after a push'),
  '.cfi_offset': CFI('register, offset', 'the register was saved so far from the frame'), '.cfi_rel_offset': CFI('register, offset', 'the register was saved so far from the frame\'s register'),
  '.cfi_restore': CFI('register', 'the register is as it was at the start'), '.cfi_undefined': CFI('register', 'the register cannot be restored'), '.cfi_same_value': CFI('register', 'the register is as it was in the caller'),
  '.cfi_register': CFI('register, register', 'the first register was saved in the second'), '.cfi_remember_state': CFI('', 'remembers all rules'), '.cfi_restore_state': CFI('', 'goes back to the rules remembered last'),
  '.cfi_signal_frame': CFI('', 'the function is a signal handler\'s frame'), '.cfi_escape': CFI('byte, …', 'these bytes as they are'), '.cfi_personality': CFI('encoding, symbol', 'the function\'s personality routine'), '.cfi_lsda': CFI('encoding, symbol', 'the function\'s data for its personality routine'),
  '.cfi_return_column': CFI('register', 'the return address is in this column'),
};

/** What is known of a directive (lower case, with its dot); undefined for one that the table does not have. */
export function directiveFacts(name: string): DirectiveFacts | undefined {
  return Object.hasOwn(FACTS, name) ? FACTS[name] : undefined;
}

/** Every directive of the table. */
export const DIRECTIVES: readonly string[] = Object.keys(FACTS);

/** Directives of the C preprocessor, with what stands behind them. */
export const PREPROCESSOR: Readonly<Record<string, string>> = {
  define: 'NAME[(parameters)] text', undef: 'NAME', include: '<file> | "file"', if: 'expression', ifdef: 'NAME', ifndef: 'NAME', elif: 'expression', else: '', endif: '', error: 'text', warning: 'text', pragma: 'text', line: 'number',
};
