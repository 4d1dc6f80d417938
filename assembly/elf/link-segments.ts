/**
 * Placed sections to page-aligned segments with their bytes.
 */
import { alignUp, PAGE } from './link-layout.ts';
import type { Group, OutputSection, Piece } from './link-layout.ts';
import { linkProblem } from './link-options.ts';
import type { ImageSegment } from './image.ts';
import type { Problem } from '../source.ts';

interface Run {
  readonly start: bigint;
  end: bigint;
  /** End of what is not all zero. */
  contentEnd: bigint;
  readonly outputs: OutputSection[];
}

/**
 * Segments of the placed sections. `contents` are the relocated bytes of pieces, `made` those of sections that the linker made.
 * Sections of different permissions on one page (possible with fixed addresses only) are an error.
 */
export function buildSegments(
  outputs: readonly OutputSection[], contents: ReadonlyMap<Piece, Uint8Array>, made: ReadonlyMap<OutputSection, Uint8Array>, problems: Problem[],
): ImageSegment[] {
  const segments: ImageSegment[] = [];
  for (const group of ['text', 'rodata', 'data', 'bss'] as const) {
    for (const run of runsOf(outputs.filter((output) => output.group === group && output.size > 0), contents, made)) {
      segments.push(segmentOf(run, group, contents, made));
    }
  }
  segments.sort((a, b) => (a.address < b.address ? -1 : 1));
  for (const [index, segment] of segments.entries()) {
    const before = segments[index - 1];
    if (before === undefined || before.address + BigInt(before.size) <= segment.address) continue;
    const object = outputs.find(({ pieces }) => pieces.length > 0)?.pieces[0]?.object;
    if (object !== undefined) problems.push(linkProblem('error', 'sections-overlap', `sections of different permissions share the page at 0x${segment.address.toString(16)}`, object));
    break;
  }
  return segments;
}

function runsOf(outputs: readonly OutputSection[], contents: ReadonlyMap<Piece, Uint8Array>, made: ReadonlyMap<OutputSection, Uint8Array>): Run[] {
  const runs: Run[] = [];
  for (const output of [...outputs].sort((a, b) => (a.address < b.address ? -1 : 1))) {
    const start = output.address / PAGE * PAGE;
    const end = alignUp(output.address + BigInt(output.size), PAGE);
    let run = runs.at(-1);
    if (run === undefined || start > run.end) {
      run = { start, end, contentEnd: start, outputs: [] };
      runs.push(run);
    }
    if (end > run.end) run.end = end;
    run.outputs.push(output);
    const content = contentEnd(output, contents, made);
    if (content > run.contentEnd) run.contentEnd = content;
  }
  return runs;
}

function contentEnd(output: OutputSection, contents: ReadonlyMap<Piece, Uint8Array>, made: ReadonlyMap<OutputSection, Uint8Array>): bigint {
  let end = output.address + BigInt(made.get(output)?.length ?? 0);
  for (const piece of output.pieces) {
    const pieceEnd = piece.address + BigInt(contents.get(piece)?.length ?? 0);
    if (pieceEnd > end) end = pieceEnd;
  }
  return end;
}

function segmentOf(run: Run, group: Group, contents: ReadonlyMap<Piece, Uint8Array>, made: ReadonlyMap<OutputSection, Uint8Array>): ImageSegment {
  const bytes = new Uint8Array(Number(run.contentEnd - run.start));
  // What lies between functions is never executed; int3 makes a stray jump there visible, as in the kernel.
  if (group === 'text') bytes.fill(0xcc);
  for (const output of run.outputs) {
    const own = made.get(output);
    if (own !== undefined) bytes.set(own, Number(output.address - run.start));
    for (const piece of output.pieces) bytes.set(contents.get(piece) ?? [], Number(piece.address - run.start));
  }
  return { address: run.start, size: Number(run.end - run.start), bytes, read: true, write: group === 'data' || group === 'bss', execute: group === 'text' };
}
