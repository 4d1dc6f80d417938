/**
 * Random edits of a text, each read again from the reading before and compared with a reading of all of it.
 */
import { expect } from 'vitest';
import { readGas } from '../../assembly/gas/read.ts';
import type { GasUnit, ReadOptions } from '../../assembly/gas/statement.ts';

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

/** A unit as data, places worked out. */
export function plain(unit: GasUnit): unknown {
  return JSON.parse(JSON.stringify(unit, (_key, value: unknown) => (typeof value === 'bigint' ? `${value.toString()}n` : value)));
}

const INSERTED = ['x', '1', ' ', '\n', ';', '#', '/*', '*/', '"', '\\\n', '(', ')', 'nop\n', '.endm\n', '.macro copy\n', '#if 0\n', '#endif\n', '1:', 'first:', '\t.set counter, 9\n', 'TWICE(', '\tret\n', '.if 1\n', '.endif\n'];

/** Inserts and removes a few characters anywhere. */
function anyEdit(text: string, next: () => number): string {
  const at = Math.floor(next() * text.length);
  const removed = next() < 0.4 ? Math.floor(next() * 4) : 0;
  const inserted = next() < 0.8 ? INSERTED[Math.floor(next() * INSERTED.length)]! : '';
  return text.slice(0, at) + inserted + text.slice(at + removed);
}

/** Makes `count` edits of `text`, one after the other, and undoes about half of them. Before each, places of the reading before are looked at, as an editor does. */
export function checkEdits(file: string, text: string, options: ReadOptions, next: () => number, count: number, edit: typeof anyEdit = anyEdit): void {
  let before = readGas(file, text, options);
  let current = text;
  let undo: string | undefined;
  for (let made = 0; made < count; made++) {
    if (undo !== undefined && next() < 0.5) {
      current = undo;
      undo = undefined;
    } else {
      undo = current;
      current = edit(current, next);
    }
    const again = readGas(file, current, { ...options, previous: before });
    const whole = plain(readGas(file, current, { ...options, incremental: false }));
    const read = plain(again);
    if (JSON.stringify(read) !== JSON.stringify(whole)) expect(read, `edit ${String(made)}: ${JSON.stringify(current.slice(0, 10_000))}`).toEqual(whole);
    before = again;
  }
}
