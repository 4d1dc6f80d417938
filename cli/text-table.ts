/**
 * Columns for the terminal.
 */

/** The rows with their columns aligned; the first row is the heading. */
export function textTable(rows: readonly (readonly string[])[], indent = ''): readonly string[] {
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, index) => Math.max(widest[index] ?? 0, cell.length)), []);
  return rows.map((row) => `${indent}${row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index]!))).join('  ')}`);
}
