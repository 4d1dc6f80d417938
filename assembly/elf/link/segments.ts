/**
 * Placed sections to page-aligned segments with their bytes.
 */
import { alignUp, PAGE } from './layout.ts';
import type { Group, OutputSection, Piece } from './layout.ts';
import { linkProblem } from './options.ts';
import type { ImageSegment } from '../image.ts';
import type { Problem } from '../../source.ts';

/** Bytes that belong at an address; what `bytes` does not cover is zero. */
interface Chunk {
  readonly address: bigint;
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** Chunks on adjacent pages. */
interface Run {
  readonly start: bigint;
  end: bigint;
  /** End of what is not all zero. */
  contentEnd: bigint;
  readonly chunks: Chunk[];
}

/**
 * Segments of the placed sections. `contents` are the relocated bytes of pieces, `made` those of sections that the linker made.
 * Padding of whole pages is left unmapped, so what is allocated is bounded by what the objects hold.
 * Sections of different permissions on one page (possible with fixed addresses only) are an error.
 */
export function buildSegments(
  outputs: readonly OutputSection[], contents: ReadonlyMap<Piece, Uint8Array>, made: ReadonlyMap<OutputSection, Uint8Array>, problems: Problem[],
): ImageSegment[] {
  const segments: ImageSegment[] = [];
  for (const group of ['text', 'rodata', 'data', 'bss'] as const) {
    const chunks = outputs.filter((output) => output.group === group).flatMap((output) => chunksOf(output, contents, made));
    for (const run of runsOf(chunks)) segments.push(segmentOf(run, group));
  }
  segments.sort((a, b) => (a.address < b.address ? -1 : 1));
  const overlap = segments.findIndex((segment, index) => index > 0 && segments[index - 1]!.address + BigInt(segments[index - 1]!.size) > segment.address);
  const object = outputs.find(({ pieces }) => pieces.length > 0)?.pieces[0]?.object;
  if (overlap > 0 && object !== undefined) {
    problems.push(linkProblem('error', 'sections-overlap', `sections of different permissions share the page at 0x${segments[overlap]!.address.toString(16)}`, object));
  }
  return segments;
}

function chunksOf(output: OutputSection, contents: ReadonlyMap<Piece, Uint8Array>, made: ReadonlyMap<OutputSection, Uint8Array>): Chunk[] {
  const none = new Uint8Array(0);
  if (output.pieces.length === 0) return output.size === 0 ? [] : [{ address: output.address, size: output.size, bytes: made.get(output) ?? none }];
  return output.pieces.filter(({ section }) => section.size > 0).map((piece) => ({ address: piece.address, size: piece.section.size, bytes: contents.get(piece) ?? none }));
}

const LONGEST_ZEROES = 1n << 16n;

function runsOf(chunks: readonly Chunk[]): Run[] {
  const runs: Run[] = [];
  for (const chunk of [...chunks].sort((a, b) => (a.address < b.address ? -1 : 1))) {
    const start = chunk.address / PAGE * PAGE;
    const end = alignUp(chunk.address + BigInt(chunk.size), PAGE);
    let run = runs.at(-1);
    // Zeroes in front of content would have to be held as bytes: a long stretch of them ends the run instead.
    const longZeroes = run !== undefined && chunk.bytes.length > 0 && start > run.contentEnd + LONGEST_ZEROES;
    if (run !== undefined && longZeroes && start < run.end) run.end = start;
    if (run === undefined || longZeroes || start > run.end) {
      run = { start, end, contentEnd: start, chunks: [] };
      runs.push(run);
    }
    if (end > run.end) run.end = end;
    run.chunks.push(chunk);
    const contentEnd = chunk.address + BigInt(chunk.bytes.length);
    if (chunk.bytes.length > 0 && contentEnd > run.contentEnd) run.contentEnd = contentEnd;
  }
  return runs;
}

function segmentOf(run: Run, group: Group): ImageSegment {
  const bytes = new Uint8Array(Number(run.contentEnd - run.start));
  // What lies between functions is never executed; int3 makes a stray jump there visible, as in the kernel.
  if (group === 'text') bytes.fill(0xcc);
  for (const chunk of run.chunks) {
    const at = Number(chunk.address - run.start);
    bytes.fill(0, at + chunk.bytes.length, at + chunk.size);
    if (chunk.bytes.length > 0) bytes.set(chunk.bytes, at);
  }
  return { address: run.start, size: Number(run.end - run.start), bytes, read: true, write: group === 'data' || group === 'bss', execute: group === 'text' };
}
