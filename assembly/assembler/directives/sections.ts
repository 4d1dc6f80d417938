/**
 * Directives that choose where to assemble (as manual 7, "ELF Section Stack" and `.section`).
 */
import type { DirectiveArgument, DirectiveStatement } from '../../gas/statement.ts';
import { SHF, SHT } from '../../elf/object.ts';
import { decodeUtf8 } from '../../elf/utf8.ts';
import { AssemblyError } from '../assembly-error.ts';
import { boundedNumber, nameOf, numberOf, optional, required, stringOf } from '../directive-arguments.ts';
import type { SectionBuilder } from '../fragments.ts';
import { attributesByName } from '../section-names.ts';
import type { AssemblyState } from '../state.ts';
import type { Handler } from './handler.ts';

const FLAG_LETTERS: Readonly<Record<string, number>> = {
  a: SHF.ALLOC, w: SHF.WRITE, x: SHF.EXECINSTR, M: SHF.MERGE, S: SHF.STRINGS, G: SHF.GROUP, T: SHF.TLS, o: SHF.LINK_ORDER,
  e: 0x80000000, l: 0x10000000, R: 0x200000, d: 0x1000000,
};

const TYPES: Readonly<Record<string, number>> = {
  progbits: SHT.PROGBITS, nobits: SHT.NOBITS, note: SHT.NOTE, init_array: SHT.INIT_ARRAY, fini_array: SHT.FINI_ARRAY,
  preinit_array: SHT.PREINIT_ARRAY, unwind: SHT.X86_64_UNWIND,
};

/** SHF_GNU_MBIND and SHF_GNU_RETAIN. */
const MBIND = 0x1000000;
const RETAIN = 0x200000;

/** gas's limit for numbers of subsections. */
const MAX_SUBSECTION = 8192;

interface Wanted {
  readonly name: string;
  readonly flags: number | undefined;
  readonly type: number | undefined;
  readonly entrySize: number;
  readonly group: { readonly signature: string; readonly comdat: boolean } | undefined;
  readonly linkedTo: string | undefined;
  /** Number behind `unique`, which keeps sections of one name apart. */
  readonly unique: number | undefined;
  /** What the `d` flag's number says of the memory to use. */
  readonly info: number | undefined;
}

/** Reads `name[, "flags"[, @type[, entsize][, linked-to][, group[, comdat]][, number]][, unique, number]]` from argument `from` on. */
function readSection(state: AssemblyState, statement: DirectiveStatement, nameArgument: DirectiveArgument, from: number): Wanted {
  const name = nameOf(nameArgument);
  let next = from;
  const take = (): DirectiveArgument | undefined => (statement.arguments[next]?.text === 'unique' ? undefined : optional(statement, next++));
  const flagText = take();
  if (flagText === undefined && statement.arguments.length > from) throw new AssemblyError('bad-section', 'the flags are missing behind the comma: a string such as "ax" (`#` begins a comment, so Solaris\' `#alloc` is none)');
  if (flagText === undefined) return { name, flags: undefined, type: undefined, entrySize: 0, group: undefined, linkedTo: undefined, unique: undefined, info: undefined };
  const { flags, inherit } = readFlags(flagText);
  const type = readType(state, take());
  let entrySize = 0;
  if ((flags & SHF.MERGE) !== 0) {
    const size = take();
    if (size === undefined) throw new AssemblyError('bad-section', 'a mergeable section needs the size of its entries behind its type');
    entrySize = boundedNumber(state, size, 1, 2 ** 31 - 1);
  }
  let linkedTo: string | undefined;
  if ((flags & SHF.LINK_ORDER) !== 0) {
    const linked = take();
    linkedTo = linked === undefined || linked.text === '0' ? '' : nameOf(linked);
  }
  let group = inherit ? state.section.group : undefined;
  if ((flags & SHF.GROUP) !== 0 && !inherit) {
    const signature = take();
    if (signature === undefined) throw new AssemblyError('bad-section', 'a section of a group needs the name of the group');
    const comdat = statement.arguments[next]?.text === 'comdat';
    if (comdat) next++;
    group = { signature: nameOf(signature), comdat };
  }
  let info: number | undefined;
  if ((flags & MBIND) !== 0) {
    if ((flags & SHF.ALLOC) === 0) throw new AssemblyError('bad-section', 'a section with the flag d needs the flag a too');
    const number = take();
    info = number === undefined ? undefined : boundedNumber(state, number, 0, 0xffff_ffff);
  }
  const unique = readUnique(state, statement, next);
  const rest = unique === undefined ? statement.arguments[next] : undefined;
  if (rest !== undefined) throw new AssemblyError('bad-section', `\`${rest.text}\` is more than the flags of the section ask for`, rest.range);
  const last = statement.arguments.at(-1);
  if (last?.text === '' && last.string === undefined) throw new AssemblyError('bad-section', 'something is missing behind the last comma', last.range);
  const groupFlag = group === undefined ? 0 : SHF.GROUP;
  return { name, flags: ((flags & ~SHF.GROUP) | groupFlag) >>> 0, type, entrySize, group, linkedTo, unique, info };
}

/** `unique, number` at argument `at`, the end of the list. */
function readUnique(state: AssemblyState, statement: DirectiveStatement, at: number): number | undefined {
  if (statement.arguments[at]?.text !== 'unique') return undefined;
  const number = boundedNumber(state, required(statement, at + 1, 'a number behind `unique`'), 0, 0xffff_ffff);
  const rest = statement.arguments[at + 2];
  if (rest !== undefined) throw new AssemblyError('bad-section', `nothing can follow the number of \`unique\`, not \`${rest.text}\``, rest.range);
  return number;
}

function readFlags(argument: DirectiveArgument): { flags: number; inherit: boolean } {
  if (argument.string === undefined) throw new AssemblyError('bad-section', `\`${argument.text}\` is no section flag: flags are a string such as "ax"`, argument.range);
  const letters = decodeUtf8(stringOf(argument));
  let flags = 0;
  let inherit = false;
  // Numbers may stand between the letters.
  for (const [part] of letters.matchAll(/0[xX][0-9a-fA-F]+|\d+|[^\d]/g)) {
    const flag = /^\d/.test(part) ? Number(part) : Object.hasOwn(FLAG_LETTERS, part) ? FLAG_LETTERS[part] : undefined;
    if (part === '?') inherit = true;
    else if (flag === undefined) throw new AssemblyError('bad-section', `there is no section flag \`${part}\`; the flags are a, w, x, M, S, G, T, o, e, l, R, d, ? and numbers`, argument.range);
    else if (flag > 0xffff_ffff) throw new AssemblyError('bad-section', `the section flags ${part} do not fit in 32 bits`, argument.range);
    else flags = (flags | flag) >>> 0;
  }
  return { flags, inherit };
}

/** The number of a type; undefined where none is written, or one that is not known, which is reported. */
function readType(state: AssemblyState, argument: DirectiveArgument | undefined): number | undefined {
  if (argument === undefined) return undefined;
  const written = (argument.string === undefined ? argument.text : nameOf(argument)).replace(/^[@%]\s*/, '');
  const known = Object.hasOwn(TYPES, written) ? TYPES[written] : undefined;
  if (known !== undefined) return known;
  if (/^(0[xX][0-9a-fA-F]+|\d+)$/.test(written)) return Number(written);
  if (argument.expression !== undefined && /^\d/.test(argument.text)) return Number(numberOf(state, argument));
  // As GNU as does: other assemblers have types of their own.
  state.report('warning', 'bad-section', `there is no section type \`${argument.text}\`, so the type goes by the section's name`, argument.range);
  return undefined;
}

/** The section that `wanted` means: one that exists already, or a new one. Retained sections (`R`) are apart from others of their name. */
function findOrAdd(state: AssemblyState, wanted: Wanted): SectionBuilder {
  const byName = attributesByName(wanted.name);
  const retained = (wanted.flags ?? 0) & RETAIN;
  const found = state.sectionsNamed(wanted.name).find((section) => section.unique === wanted.unique && section.info === wanted.info
    && section.group?.signature === wanted.group?.signature && (section.flags & RETAIN) === retained && (wanted.linkedTo === undefined || section.linkedTo === wanted.linkedTo));
  if (found !== undefined) {
    checkAgain(state, found, wanted, byName.special);
    return found;
  }
  // A special section has its own flags too, whatever is written (gas obj-elf.c `obj_elf_change_section`).
  const flags = wanted.flags === undefined ? byName.flags : wanted.flags | (byName.special && wanted.name !== '.note' && byName.type !== SHT.NOTE ? byName.flags : 0);
  const added = state.addSection(wanted.name, {
    type: wanted.type ?? byName.type, flags: flags >>> 0, entrySize: wanted.entrySize === 0 ? byName.entrySize : wanted.entrySize,
    ...(wanted.group === undefined ? {} : { group: wanted.group }),
  });
  added.linkedTo = wanted.linkedTo;
  added.unique = wanted.unique;
  added.info = wanted.info;
  return added;
}

/** What decides of a section's use; other flags may be added later. */
const COMPARED = SHF.WRITE | SHF.ALLOC | SHF.EXECINSTR | SHF.MERGE | SHF.STRINGS | SHF.TLS;

/** A section that is named again keeps what it was: for one that is special by its name another wish is ignored, for others it is a mistake. */
function checkAgain(state: AssemblyState, section: SectionBuilder, wanted: Wanted, special: boolean): void {
  if (wanted.flags === undefined) return;
  const differs = (what: string): void => {
    if (!special) throw new AssemblyError('bad-section', `section ${section.name} was given ${what} before`);
    state.report('warning', 'bad-section', `section ${section.name} was given ${what} before; that holds`);
  };
  if (wanted.type !== undefined && wanted.type !== section.type) differs('another type');
  if ((wanted.flags & COMPARED) !== (section.flags & COMPARED)) differs('other flags');
  else section.flags = wanted.flags;
  if ((wanted.flags & SHF.MERGE) !== 0 && wanted.entrySize !== section.entrySize) differs(`entries of ${String(section.entrySize)} bytes`);
}

const section: Handler = (state, statement) => {
  const wanted = readSection(state, statement, required(statement, 0, 'the name of a section'), 1);
  state.enter(findOrAdd(state, wanted), 0);
};

/** `.pushsection name[, subsection][, "flags" …]`. */
const pushSection: Handler = (state, statement) => {
  const name = required(statement, 0, 'the name of a section');
  const second = optional(statement, 1);
  const numbered = second !== undefined && second.string === undefined && second.expression !== undefined && !second.text.startsWith('#');
  const number = numbered ? boundedNumber(state, second, 0, MAX_SUBSECTION) : 0;
  const wanted = readSection(state, statement, name, numbered ? 2 : 1);
  state.push();
  state.enter(findOrAdd(state, wanted), number);
};

function fixed(name: string): Handler {
  return (state, statement) => {
    const argument = optional(statement, 0);
    const number = argument === undefined ? 0 : boundedNumber(state, argument, 0, MAX_SUBSECTION);
    const found = state.findSection(name);
    if (found !== undefined) state.enter(found, number);
  };
}

const subsection: Handler = (state, statement) => {
  const argument = optional(statement, 0);
  state.enter(state.section, argument === undefined ? 0 : boundedNumber(state, argument, 0, MAX_SUBSECTION));
};

/** `.attach_to_group name`: the section at work becomes a member of a group. */
const attachToGroup: Handler = (state, statement) => {
  const argument = required(statement, 0, 'the name of a group');
  const signature = nameOf(argument);
  const { section: member } = state;
  if (member.group !== undefined && member.group.signature !== signature) {
    state.report('warning', 'bad-section', `section ${member.name} is in group ${member.group.signature} already`, argument.range);
    return;
  }
  member.group = { signature, comdat: false };
  member.flags = (member.flags | SHF.GROUP) >>> 0;
};

export const sectionDirectives: Readonly<Record<string, Handler>> = {
  '.section': section, '.pushsection': pushSection, '.popsection': (state) => { state.pop(); },
  '.previous': (state) => { state.previous(); }, '.subsection': subsection, '.attach_to_group': attachToGroup,
  '.text': fixed('.text'), '.data': fixed('.data'), '.bss': fixed('.bss'),
};
