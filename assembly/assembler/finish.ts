/**
 * What the end of the source adds to the sections.
 */
import { SHF } from '../elf/object.ts';
import type { AssemblyState } from './state.ts';

/** Call frame information and the padding of mergeable sections, as gas adds them behind the last statement. */
export function finishSections(state: AssemblyState): void {
  padMergeable(state);
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
