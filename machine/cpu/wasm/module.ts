/** Puts functions together into a WebAssembly module. */
import { OP, TYPE } from './opcodes.ts';
import type { ValueType } from './opcodes.ts';
import { unsigned } from './code.ts';
import type { Code } from './code.ts';

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface ModuleFunction {
  /** Index into {@link ModuleParts.types}. */
  readonly type: number;
  readonly code: Code;
  /** Name it is exported under. */
  readonly export?: string;
}

export interface ModuleParts {
  readonly types: readonly Signature[];
  readonly functions: readonly ModuleFunction[];
  /** Imports `env.table`, a table of functions. The memory `env.memory` is always imported. */
  readonly table: boolean;
}

/** The module's bytes. Function indices are positions in `functions`: no function is ever imported. */
export function encodeModule(parts: ModuleParts): Uint8Array {
  const out: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  section(out, 1, vector(parts.types, (into, type) => {
    into.push(0x60);
    types(into, type.parameters);
    types(into, type.results);
  }));
  const imports: number[] = [];
  unsigned(imports, parts.table ? 2 : 1);
  text(imports, 'env');
  text(imports, 'memory');
  imports.push(0x02, 0x00, 0x01);
  if (parts.table) {
    text(imports, 'env');
    text(imports, 'table');
    imports.push(0x01, 0x70, 0x00, 0x01);
  }
  section(out, 2, imports);
  section(out, 3, vector(parts.functions, (into, { type }) => { unsigned(into, type); }));
  const exported = parts.functions.flatMap(({ export: name }, index) => (name === undefined ? [] : [{ name, index }]));
  section(out, 7, vector(exported, (into, { name, index }) => {
    text(into, name);
    into.push(0x00);
    unsigned(into, index);
  }));
  // The code is most of the module: it is copied once.
  const bodies = parts.functions.flatMap(({ code }) => [code.head(), code.bytes, END]);
  const count: number[] = [];
  unsigned(count, parts.functions.length);
  const size = bodies.reduce((sum, piece) => sum + piece.length, count.length);
  out.push(10);
  unsigned(out, size);
  const pieces = [out, count, ...bodies];
  const bytes = new Uint8Array(out.length + size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const END = [OP.end];

function section(out: number[], id: number, content: readonly number[]): void {
  out.push(id);
  unsigned(out, content.length);
  for (const byte of content) out.push(byte);
}

function vector<T>(items: readonly T[], write: (into: number[], item: T) => void): number[] {
  const out: number[] = [];
  unsigned(out, items.length);
  for (const item of items) write(out, item);
  return out;
}

function text(out: number[], value: string): void {
  unsigned(out, value.length);
  for (let i = 0; i < value.length; i++) out.push(value.charCodeAt(i));
}

function types(out: number[], list: readonly ValueType[]): void {
  unsigned(out, list.length);
  for (const type of list) out.push(TYPE[type]);
}
