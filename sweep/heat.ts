/** Where in the plane of length and fault position cases were run, and where promises were broken. */
import { FAULT_KINDS, LONG } from './space.ts';
import type { FaultKind, SpaceAxes, SweepCase } from './space.ts';

/** Cells along each axis at most; a cell then stands for several lengths or positions. */
export const MAX_CELLS = 65;

/**
 * The counts as data. `rows[kind][i]` belongs to the lengths from `from + i * lengthStep` to the next one's, `step` apart; the last row, one
 * more than there are cells of lengths, to the lengths of 4 GiB and more. A row holds a count for each cell of positions, `positionStep` wide,
 * separated by spaces: cases run, and behind a slash those that broke a promise, if any did. Cells at the end without a case are left out.
 */
export interface HeatReport {
  readonly from: number;
  readonly step: number;
  readonly lengthStep: number;
  readonly positionStep: number;
  readonly rows: Readonly<Partial<Record<FaultKind, readonly string[]>>>;
}

/** Cases of one cell. */
export interface HeatCell {
  readonly cases: number;
  readonly violating: number;
}

export class Heat {
  readonly #from: number;
  readonly #step: number;
  readonly #lengthStep: number;
  readonly #positionStep: number;
  readonly #lengths: number;
  readonly #positions: number;
  /** By kind, rows one after the other, each cell two numbers. */
  readonly #counts = new Map<FaultKind, Float64Array>();

  constructor({ lengths: { from, to, step } }: SpaceAxes) {
    const lengths = Math.floor((to - from) / step) + 1;
    const ofCell = Math.ceil(lengths / MAX_CELLS);
    this.#from = from;
    this.#step = step;
    this.#lengthStep = step * ofCell;
    this.#positionStep = Math.max(1, Math.ceil(to / MAX_CELLS));
    this.#lengths = Math.ceil(lengths / ofCell);
    this.#positions = MAX_CELLS + 1;
  }

  ran(one: SweepCase): void {
    const at = this.#cell(one);
    const counts = this.#of(one.kind);
    counts[at] = counts[at]! + 1;
  }

  violated(one: SweepCase): void {
    const at = this.#cell(one) + 1;
    const counts = this.#of(one.kind);
    counts[at] = counts[at]! + 1;
  }

  report(): HeatReport {
    const rows = FAULT_KINDS.filter((kind) => this.#counts.has(kind)).map((kind) => {
      const counts = this.#of(kind);
      return [kind, Array.from({ length: this.#lengths + 1 }, (_, row) => rowText(Array.from({ length: this.#positions }, (_cell, position) => {
        const at = 2 * (row * this.#positions + position);
        return { cases: counts[at]!, violating: counts[at + 1]! };
      })))] as const;
    });
    return { from: this.#from, step: this.#step, lengthStep: this.#lengthStep, positionStep: this.#positionStep, rows: Object.fromEntries(rows) };
  }

  #of(kind: FaultKind): Float64Array {
    let counts = this.#counts.get(kind);
    if (counts === undefined) this.#counts.set(kind, counts = new Float64Array(2 * (this.#lengths + 1) * this.#positions));
    return counts;
  }

  #cell({ n, position }: SweepCase): number {
    const row = n >= LONG ? this.#lengths : Math.floor((n - this.#from) / this.#lengthStep);
    return 2 * (row * this.#positions + Math.min(this.#positions - 1, Math.floor(position / this.#positionStep)));
  }
}

/** The counts of all parts together. They must be of one campaign. */
export function addHeat(parts: readonly HeatReport[]): HeatReport {
  const first = parts[0]!;
  const kinds = FAULT_KINDS.filter((kind) => parts.some(({ rows }) => kind in rows));
  const rows = kinds.map((kind) => {
    const ofKind = parts.flatMap((part) => (part.rows[kind] === undefined ? [] : [part.rows[kind].map(readRow)]));
    return [kind, Array.from({ length: Math.max(...ofKind.map(({ length }) => length)) }, (_, row) => rowText(addCells(ofKind.map((part) => part[row] ?? []))))] as const;
  });
  return { ...first, rows: Object.fromEntries(rows) };
}

function addCells(rows: readonly (readonly HeatCell[])[]): readonly HeatCell[] {
  return Array.from({ length: Math.max(0, ...rows.map(({ length }) => length)) }, (_, cell) => ({
    cases: rows.reduce((sum, row) => sum + (row[cell]?.cases ?? 0), 0), violating: rows.reduce((sum, row) => sum + (row[cell]?.violating ?? 0), 0),
  }));
}

/** The cells of one row of a report. */
export function readRow(text: string): readonly HeatCell[] {
  return text === '' ? [] : text.split(' ').map((cell) => {
    const [cases, violating = '0'] = cell.split('/');
    return { cases: Number(cases), violating: Number(violating) };
  });
}

function rowText(cells: readonly HeatCell[]): string {
  const last = cells.findLastIndex(({ cases }) => cases > 0);
  return cells.slice(0, last + 1).map(({ cases, violating }) => `${String(cases)}${violating === 0 ? '' : `/${String(violating)}`}`).join(' ');
}
