/**
 * Which layout a table has. The size of an entry alone is ambiguous, so evidence is gathered: notes, names, the kernel's version,
 * which words carry relocations, and how many entries make sense.
 */
import type { ExtableLayout } from './entry.ts';
import type { TableFields } from './fields.ts';
import { LAYOUTS, layoutOfVersion } from './layouts.ts';

/** What a file says about its tables besides their bytes. */
export interface TableHints {
  readonly section: string;
  /** Letter of `.note.mcsafe`. */
  readonly note?: string;
  /** `6.1.0-42-amd64`, from vermagic or the kernel's banner. */
  readonly version?: string;
  /** The kernel the reader of the table has in mind; decides only where the bytes do not. */
  readonly generation?: string;
  readonly vdso: boolean;
  /** Whether code lies there: an address, or the name of a section of a relocatable file. */
  readonly isCode: (place: bigint, section: string | undefined) => boolean;
}

export interface Detection {
  readonly layout: ExtableLayout;
  readonly evidence: readonly string[];
}

/** Layouts that `.note.mcsafe` can name, by their letter. */
const NOTE_LAYOUTS: Readonly<Record<string, ExtableLayout>> = {
  A: 'absolute', B: 'relative', M: 'mcex', I: 'index', C: 'handler', D: 'type', E: 'data', H: 'class', V: 'vdso',
};

/** Decides on a layout; `override` wins and is noted as such. An empty table counts as `data` unless something else is known. */
export function detectLayout(fields: TableFields, hints: TableHints, override?: ExtableLayout): Detection {
  if (override !== undefined) return { layout: override, evidence: [`layout ${override}: asked for`] };
  const noted = hints.note === undefined ? undefined : NOTE_LAYOUTS[hints.note];
  if (noted !== undefined) return { layout: noted, evidence: [`.note.mcsafe says layout ${hints.note!}`] };
  if (hints.section === '__mcex_table') return { layout: 'mcex', evidence: ['the section is __mcex_table, the second table of the 2015 patches'] };
  if (hints.vdso) return { layout: 'vdso', evidence: ['the file is a vDSO: offsets count from the start of the table'] };
  const byVersion = hints.version === undefined ? undefined : layoutOfVersion(hints.version);
  const candidates = fields.linked ? scoreLinked(fields, hints) : scoreRelocatable(fields, hints);
  const best = candidates[0];
  if (byVersion !== undefined) {
    const evidence = [`built for kernel ${hints.version!}: layout ${byVersion} (${LAYOUTS[byVersion].kernels})`];
    const own = candidates.find(({ layout }) => layout === byVersion);
    if (own !== undefined && (best === undefined || own.share >= best.share)) return { layout: byVersion, evidence: [...evidence, own.why] };
    // A kernel that was patched may not have the layout of its version; the bytes decide.
    if (best === undefined) return { layout: byVersion, evidence };
    return { layout: best.layout, evidence: [best.why, `against it: ${evidence[0]!}`] };
  }
  const inMind = hints.generation === undefined ? undefined : layoutOfVersion(hints.generation);
  const favoured = candidates.find(({ layout, share }) => layout === inMind && share === best?.share);
  if (favoured !== undefined) return { layout: favoured.layout, evidence: [favoured.why, `kernel ${hints.generation!} has this layout`] };
  if (best === undefined && inMind !== undefined) return { layout: inMind, evidence: [`the bytes tell nothing; kernel ${hints.generation!} has layout ${inMind}`] };
  if (best === undefined) return { layout: 'data', evidence: ['nothing tells; layout data (5.17 and later) assumed'] };
  const tied = candidates.filter(({ layout, share }) => layout !== best.layout && share === best.share && LAYOUTS[layout].stride !== LAYOUTS[best.layout].stride);
  return { layout: best.layout, evidence: [best.why, ...tied.map(({ layout }) => `layout ${layout} would fit as well`)] };
}

interface Candidate {
  readonly layout: ExtableLayout;
  /** Share of the entries that make sense, 0 to 1. */
  readonly share: number;
  readonly why: string;
}

/** In order of preference where the evidence is equal: what people have today first. */
const ORDER: readonly ExtableLayout[] = ['data', 'handler', 'class', 'relative', 'index', 'type', 'absolute'];
/** More entries than this say nothing new. */
const SAMPLE = 4096;

function ranked(candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(({ share }) => share > 0).sort((a, b) => b.share - a.share || ORDER.indexOf(a.layout) - ORDER.indexOf(b.layout));
}

function scoreLinked(fields: TableFields, hints: TableHints): Candidate[] {
  return ranked(ORDER.map((layout) => {
    const { count, good } = sensible(fields, hints, layout);
    return { layout, share: share(fields, layout, good, count), why: `${String(good)} of ${String(count)} entries make sense as layout ${layout}` };
  }));
}

/** A size that is no multiple of the stride counts against a layout. */
function share(fields: TableFields, layout: ExtableLayout, good: number, count: number): number {
  if (count === 0) return 0;
  return (good / count) * (fields.size % LAYOUTS[layout].stride === 0 ? 1 : 0.5);
}

function sensible(fields: TableFields, hints: TableHints, layout: ExtableLayout): { readonly count: number; readonly good: number } {
  const { stride, read } = LAYOUTS[layout];
  const count = Math.min(SAMPLE, Math.floor(fields.size / stride));
  const handlers = new Set<bigint>();
  let good = 0;
  for (let index = 0; index < count; index++) {
    const entry = read(fields, index * stride);
    if (entry === undefined || !(entry.insnExternal !== undefined || hints.isCode(entry.insn, entry.insnSection))) continue;
    // What another object defines may be anything.
    const toDescriptor = layout === 'class' && entry.class === 'handler';
    if (entry.fixupExternal === undefined && hints.isCode(entry.fixup, entry.fixupSection) === toDescriptor) continue;
    if (layout === 'handler') {
      handlers.add(entry.handler!);
      // A kernel has about ten handlers, in its own code.
      if (handlers.size > 16 || (fields.linked && !hints.isCode(entry.handler!, undefined))) continue;
    }
    if ((layout === 'data' || layout === 'type') && !plausibleType(entry.type)) continue;
    if (layout === 'type' && entry.data > 0xff) continue;
    if (layout === 'index' && entry.data > 2) continue;
    good++;
  }
  return { count, good };
}

/** Types the kernel has had, with room for a few to come, and mcsafe's. Type 0 means "no entry" and never stands in a table. */
function plausibleType(type: number): boolean {
  return (type >= 1 && type < 48) || type === 0x80;
}

function scoreRelocatable(fields: TableFields, hints: TableHints): Candidate[] {
  const patterns = new Map<number, Pattern>();
  return ranked(ORDER.flatMap((layout): readonly Candidate[] => {
    const { stride } = LAYOUTS[layout];
    const pattern = patterns.get(stride) ?? relocatedWords(fields, stride);
    patterns.set(stride, pattern);
    if (!matchesPattern(layout, pattern)) return [];
    const { count, good } = sensible(fields, hints, layout);
    return [{ layout, share: share(fields, layout, good, count), why: `${pattern.text}; ${String(good)} of ${String(count)} entries make sense as layout ${layout}` }];
  }));
}

interface Pattern {
  /** Offsets in an entry at which every entry has a relocation. */
  readonly always: readonly number[];
  /** … at which some entry has one. */
  readonly ever: readonly number[];
  readonly wide: boolean;
  readonly text: string;
}

function relocatedWords(fields: TableFields, stride: number): Pattern {
  const count = Math.min(SAMPLE, Math.floor(fields.size / stride));
  const offsets = Array.from({ length: stride / 4 }, (_, word) => word * 4);
  const hits = offsets.map((offset) => {
    let hit = 0;
    for (let index = 0; index < count; index++) if (fields.relocationAt(index * stride + offset) !== 0) hit++;
    return hit;
  });
  const always = offsets.filter((_, word) => hits[word] === count && count > 0);
  const ever = offsets.filter((_, word) => hits[word]! > 0);
  const wide = fields.relocationAt(0) === 8;
  return { always, ever, wide, text: `relocations at ${always.length === 0 ? 'no fixed place' : always.join(', ')} of every ${String(stride)} bytes` };
}

function matchesPattern(layout: ExtableLayout, { always, ever, wide }: Pattern): boolean {
  switch (layout) {
    case 'absolute': return wide && always.includes(0);
    case 'handler': return always.length === 3;
    case 'data': case 'type': case 'index': return !wide && always.length === 2 && ever.length === 2 && always[0] === 0 && always[1] === 4;
    default: return !wide && always.length === 2;
  }
}
