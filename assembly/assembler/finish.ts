/**
 * What the end of the source adds to the sections.
 */
import { SHF, SHT } from '../elf/object.ts';
import { AssemblyError } from './assembly-error.ts';
import { writeFrames } from './cfi/write.ts';
import type { AssemblyState } from './state.ts';

/** Call frame information and the padding of mergeable sections, as gas adds them behind the last statement. */
export function finishSections(state: AssemblyState): void {
  padMergeable(state);
  beginFrames(state);
  state.symbols.nameSections(state.sections);
  breakCircles(state);
  checkCommon(state);
}

/** The linker chooses the place of common storage: it cannot be weak as well, nor have other names. */
function checkCommon(state: AssemblyState): void {
  for (const symbol of state.symbols.all()) {
    const { definition, name, range } = symbol;
    if (definition?.kind === 'common' && symbol.binding === 'weak') state.report('error', 'bad-symbol', `symbol ${name} cannot be both weak and common`, range);
    if (definition?.kind !== 'value') continue;
    const located = state.symbols.locate(symbol);
    if (located.kind === 'other' && located.symbol.definition?.kind === 'common') state.report('error', 'bad-symbol', `${name} cannot stand for ${located.symbol.name}, which is common storage`, range);
  }
}

/** A symbol that is defined by itself is reported, and is 0 from here on. */
function breakCircles(state: AssemblyState): void {
  for (const symbol of state.symbols.all()) {
    if (symbol.definition?.kind !== 'value') continue;
    try {
      state.symbols.locate(symbol);
    } catch (error) {
      if (!(error instanceof AssemblyError)) throw error;
      state.report('error', error.code, error.message, symbol.range);
      symbol.definition = { kind: 'value', expression: { kind: 'number', value: 0n } };
    }
  }
}

/** Makes the sections of call frame information; what they hold depends on the layout of all others. */
function beginFrames(state: AssemblyState): void {
  const { frames } = state;
  if (frames.hasOpen) state.report('error', 'cfi', 'a .cfi_startproc has no .cfi_endproc');
  if (frames.all.length === 0) return;
  for (const [name, wanted, flags] of [['.eh_frame', frames.sections.eh, SHF.ALLOC], ['.debug_frame', frames.sections.debug, 0]] as const) {
    if (!wanted) continue;
    const section = state.findSection(name) ?? state.addSection(name, { type: SHT.PROGBITS, flags, entrySize: 0 });
    section.align = Math.max(section.align, 8);
    // Its fragments have addresses only if they are there when the sections are laid out.
    section.lastSubsection();
  }
}

/** Writes the call frame information of a unit that is laid out. */
export function finishFrames(state: AssemblyState): void {
  const { frames } = state;
  if (frames.all.length === 0) return;
  for (const [name, style, wanted] of [['.eh_frame', 'eh', frames.sections.eh], ['.debug_frame', 'debug', frames.sections.debug]] as const) {
    const section = wanted ? state.findSection(name) : undefined;
    if (section !== undefined) writeFrames(state, section, style);
  }
}

/** The linker merges whole entries only: gas pads such a section to a multiple of the power of two in the entry size. */
function padMergeable(state: AssemblyState): void {
  for (const section of state.sections) {
    if ((section.flags & SHF.MERGE) === 0 || section.entrySize === 0) continue;
    const alignment = section.entrySize & -section.entrySize;
    if (alignment < 2) continue;
    section.lastSubsection().close({ kind: 'align', alignment, limit: 0, fill: section.isCode ? undefined : Uint8Array.of(0), bits: 64, range: state.range });
  }
}
