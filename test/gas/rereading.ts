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

/** Makes `count` edits of `text`, one after the other, and undoes about half of them. */
export function checkEdits(file: string, text: string, options: ReadOptions, next: () => number, count: number): void {
  let before = readGas(file, text, options);
  let current = text;
  let undo: string | undefined;
  for (let edit = 0; edit < count; edit++) {
    if (undo !== undefined && next() < 0.5) {
      current = undo;
      undo = undefined;
    } else {
      undo = current;
      const at = Math.floor(next() * current.length);
      const removed = next() < 0.4 ? Math.floor(next() * 4) : 0;
      const inserted = next() < 0.8 ? INSERTED[Math.floor(next() * INSERTED.length)]! : '';
      current = current.slice(0, at) + inserted + current.slice(at + removed);
    }
    const again = readGas(file, current, { ...options, previous: before });
    const whole = readGas(file, current, { ...options, incremental: false });
    if (JSON.stringify(plain(again)) !== JSON.stringify(plain(whole))) expect(plain(again), `${JSON.stringify(current)}`).toEqual(plain(whole));
    before = again;
  }
}
