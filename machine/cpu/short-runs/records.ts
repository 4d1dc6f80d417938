/** Tables, cases and results of short runs, as the driver and its surroundings write and read them in memory. */
import { VECTOR } from '../cpu.ts';
import { STATE } from '../../memory/layout.ts';
import type { WasmCpu } from '../wasm-cpu.ts';
import { CASE, ENTRY_EFFECT, RESULT, TABLE_ENTRY } from './layout.ts';
import type { DriverLayout } from './layout.ts';
import type { ShortRunCase, ShortRunEntry, ShortRunOutcome, ShortRunResult } from './plan.ts';

/** What a result's outcome means. */
export const OUTCOMES: readonly ShortRunOutcome[] = ['returned', 'unhandled', 'no-progress', 'budget', 'stopped'];

/** Writes the exception table, in the order of addresses, to `at`. */
export function writeTable({ arena }: WasmCpu, first: number, entries: readonly ShortRunEntry[]): void {
  entries.forEach((entry, i) => {
    const at = first + i * TABLE_ENTRY.SIZE;
    arena.i64[(at + TABLE_ENTRY.INSN) >> 3] = BigInt.asIntN(64, entry.insn);
    arena.i64[(at + TABLE_ENTRY.FIXUP) >> 3] = BigInt.asIntN(64, entry.fixup);
    arena.i32[(at + TABLE_ENTRY.VECTORS) >> 2] = entry.vectors.reduce((mask, vector) => mask | (1 << vector), 0);
    arena.i32[(at + TABLE_ENTRY.EFFECT) >> 2] = (entry.clearAx === true ? ENTRY_EFFECT.CLEAR_AX : 0) | (entry.clearDx === true ? ENTRY_EFFECT.CLEAR_DX : 0)
      | (entry.vectorInAx === true ? ENTRY_EFFECT.VECTOR_IN_AX : 0) | (entry.set !== undefined ? ENTRY_EFFECT.SET : 0);
    arena.i32[(at + TABLE_ENTRY.REGISTER) >> 2] = STATE.GENERAL + 8 * (entry.set?.register ?? 0);
    arena.i32[(at + TABLE_ENTRY.HITS) >> 2] = 0;
    arena.i64[(at + TABLE_ENTRY.VALUE) >> 3] = BigInt.asIntN(64, entry.set?.value ?? 0n);
  });
}

/** Writes a case to `at`; poison in whole lines where that is what the memory knows. */
export function writeCase({ arena, memory }: WasmCpu, layout: DriverLayout, at: number, { values, poison, judged, length = 0, least = 0 }: ShortRunCase): void {
  const { i32 } = arena;
  const { plan } = layout;
  const word = at >> 2;
  for (let i = 0; i < plan.varied.length; i++) i32[word + i] = values[i] ?? 0;
  let from = -1, to = -1, gapFrom = -1, gapTo = -1;
  if (poison !== undefined && poison.size > 0 && plan.poison !== undefined) {
    from = poison.offset;
    to = from + poison.size;
    const lines = memory.granule === 'line' && layout.piece.vector === VECTOR.MC;
    // Where the buffer begins in its line.
    const skew = Number(plan.poison.base & 63n);
    if (lines) {
      from = ((from + skew) & ~63) - skew;
      to = ((to + skew + 63) & ~63) - skew;
    }
    if (poison.second !== undefined) {
      gapFrom = to;
      gapTo = lines ? ((poison.second + skew) & ~63) - skew : poison.second;
      to = gapTo + (lines ? 64 : 1);
    }
  }
  i32[word + (CASE.POISON_FROM >> 2)] = from;
  i32[word + (CASE.POISON_TO >> 2)] = to;
  i32[word + (CASE.JUDGED_AT >> 2)] = judged?.offset ?? 0;
  i32[word + (CASE.JUDGED_FROM >> 2)] = judged?.from ?? 0;
  i32[word + (CASE.JUDGED_SIZE >> 2)] = judged?.size ?? layout.judgedSize;
  i32[word + (CASE.LENGTH >> 2)] = length | 0;
  i32[word + (CASE.LENGTH >> 2) + 1] = Math.floor(length / 2 ** 32);
  i32[word + (CASE.LEAST >> 2)] = least;
  i32[word + (CASE.GAP_FROM >> 2)] = gapFrom;
  i32[word + (CASE.GAP_TO >> 2)] = gapTo;
}

/** The result at `at`. */
export function readResult({ arena: { i32, u64 } }: WasmCpu, at: number): ShortRunResult {
  const checks = i32[(at + RESULT.CHECKS) >> 2]!;
  return {
    outcome: OUTCOMES[i32[(at + RESULT.OUTCOME) >> 2]!]!, rax: u64[(at + RESULT.RAX) >> 3]!, instructions: i32[(at + RESULT.INSTRUCTIONS) >> 2]!,
    faults: i32[(at + RESULT.FAULTS) >> 2]!, vector: i32[(at + RESULT.VECTOR) >> 2]!, firstFault: u64[(at + RESULT.FIRST_FAULT) >> 3]!,
    done: i32[(at + RESULT.DONE) >> 2]!, restUntouched: (checks & RESULT.UNTOUCHED) !== 0, stateKept: (checks & RESULT.KEPT) !== 0,
    pendingNonTemporal: (checks & RESULT.PENDING_NT) !== 0, kept: (checks & RESULT.ALL) !== 0,
  };
}
