// WebAssembly modules taken apart and put together again, as far as a linker for 32-bit memories makes them: one table of functions, one
// memory, active segments, and no instruction beyond WebAssembly 1.0 with bulk memory, sign extension and saturating conversions.

export const FUNCTION = 0, TABLE = 1, MEMORY = 2, GLOBAL = 3;
export const PAGE = 65536;
const FUNCREF = 0x70, EMPTY = 0x40, END = 0x0b, I32_CONST = 0x41;
const HEADER = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const SECTION = { TYPES: 1, IMPORTS: 2, FUNCTIONS: 3, TABLE: 4, MEMORY: 5, GLOBALS: 6, EXPORTS: 7, ELEMENTS: 9, CODE: 10, DATA: 11 };

/**
 * The parts of a module:
 * - `types`: `{ params, results }`, value types by number;
 * - `imports`: `{ module, name, kind }` and, by kind, the `type`'s number, the `limits` of a table or memory, or `global`, the two bytes of its type;
 * - `functions`: `{ type, body }`, those of its own, numbered behind the imported ones; a body is its locals and its instructions;
 * - `table`, `memory`: limits `{ least, most }`, undefined where they are imported;
 * - `globals`: `{ type, value }` in bytes; `exports`: `{ name, kind, index }`;
 * - `elements`: function by place in the table; `data`: `{ at, bytes }`.
 */
export function readModule(bytes) {
  const module = { types: [], imports: [], functions: [], table: undefined, memory: undefined, globals: [], exports: [], elements: new Map(), data: [] };
  const reader = new Reader(bytes, HEADER.length);
  const typeNumbers = [];
  const parts = {
    [SECTION.TYPES]() {
      reader.byte();
      module.types.push({ params: reader.list(() => reader.byte()), results: reader.list(() => reader.byte()) });
    },
    [SECTION.IMPORTS]() {
      const one = { module: reader.name(), name: reader.name(), kind: reader.byte() };
      if (one.kind !== FUNCTION) throw new Error(`${one.name} is imported and no function`);
      module.imports.push({ ...one, type: reader.unsigned() });
    },
    [SECTION.FUNCTIONS]() { typeNumbers.push(reader.unsigned()); },
    [SECTION.TABLE]() {
      reader.byte();
      module.table = reader.limits();
    },
    [SECTION.MEMORY]() { module.memory = reader.limits(); },
    [SECTION.GLOBALS]() { module.globals.push({ type: reader.bytes(2), value: reader.constant() }); },
    [SECTION.EXPORTS]() { module.exports.push({ name: reader.name(), kind: reader.byte(), index: reader.unsigned() }); },
    [SECTION.ELEMENTS]() {
      if (reader.unsigned() !== 0) throw new Error('a segment of elements is not active');
      let at = reader.address();
      for (const index of reader.list(() => reader.unsigned())) module.elements.set(at++, index);
    },
    [SECTION.CODE]() { module.functions.push({ type: typeNumbers[module.functions.length], body: reader.bytes(reader.unsigned()) }); },
    [SECTION.DATA]() {
      if (reader.unsigned() !== 0) throw new Error('a segment of data is not active');
      module.data.push({ at: reader.address(), bytes: reader.bytes(reader.unsigned()) });
    },
  };
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const end = reader.unsigned() + reader.at;
    if (id === 0) reader.at = end;
    else if (parts[id] === undefined) throw new Error(`section ${id} is not known`);
    else reader.list(parts[id]);
    if (reader.at !== end) throw new Error(`section ${id} does not end where it says`);
  }
  return module;
}

export function writeModule({ types, imports, functions, table, memory, globals, exports, elements, data }) {
  const list = (items, each) => [unsigned(items.length), ...items.flatMap(each)];
  const runs = runsOf(elements);
  const sections = {
    [SECTION.TYPES]: list(types, ({ params, results }) => [[0x60], unsigned(params.length), params, unsigned(results.length), results]),
    [SECTION.IMPORTS]: list(imports, (one) => [
      named(one.module), named(one.name), [one.kind],
      { [FUNCTION]: () => unsigned(one.type), [TABLE]: () => [FUNCREF, ...limits(one.limits)], [MEMORY]: () => limits(one.limits), [GLOBAL]: () => one.global }[one.kind](),
    ]),
    [SECTION.FUNCTIONS]: list(functions, ({ type }) => [unsigned(type)]),
    [SECTION.TABLE]: table === undefined ? [] : [[1, FUNCREF], limits(table)],
    [SECTION.MEMORY]: memory === undefined ? [] : [[1], limits(memory)],
    [SECTION.GLOBALS]: list(globals, ({ type, value }) => [type, value]),
    [SECTION.EXPORTS]: list(exports, ({ name, kind, index }) => [named(name), [kind], unsigned(index)]),
    [SECTION.ELEMENTS]: list(runs, ({ at, indices }) => [[0], address(at), ...list(indices, (index) => [unsigned(index)])]),
    [SECTION.CODE]: list(functions, ({ body }) => [unsigned(body.length), body]),
    [SECTION.DATA]: list(data, ({ at, bytes }) => [[0], address(at), unsigned(bytes.length), bytes]),
  };
  return Buffer.concat([HEADER, ...Object.entries(sections).flatMap(([id, parts]) => {
    const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
    return content.length <= 1 ? [] : [Buffer.from([Number(id)]), Buffer.from(unsigned(content.length)), content];
  })]);
}

/** What a body refers to: `calls`, `{ from, to, index }` with where in the body the function's number stands, and `indirect`, numbers of types. */
export function references(body) {
  const reader = new Reader(body);
  reader.list(() => {
    reader.unsigned();
    reader.byte();
  });
  const calls = [], indirect = [];
  while (reader.at < body.length) {
    const op = reader.byte();
    if (op === OP.CALL) {
      const from = reader.at;
      calls.push({ from, index: reader.unsigned(), to: reader.at });
    } else if (op === OP.CALL_INDIRECT) {
      indirect.push(reader.unsigned());
      reader.byte();
    } else skipOperands(reader, op);
  }
  return { calls, indirect };
}

const OP = { CALL: 0x10, CALL_INDIRECT: 0x11 };

function skipOperands(reader, op) {
  const is = (from, to = from) => op >= from && op <= to;
  // block, loop, if; branches; locals and globals; constants; memory.size and memory.grow.
  if (is(0x02, 0x04) || is(0x0c, 0x0d) || is(0x20, 0x24) || is(0x41, 0x42) || is(0x3f, 0x40)) reader.unsigned();
  // br_table
  else if (is(0x0e)) {
    reader.list(() => reader.unsigned());
    reader.unsigned();
  // Loads and stores: alignment and offset.
  } else if (is(0x28, 0x3e)) {
    reader.unsigned();
    reader.unsigned();
  } else if (is(0x43)) reader.at += 4;
  else if (is(0x44)) reader.at += 8;
  else if (is(0xfc)) {
    const second = reader.unsigned();
    if (second > 7 && second !== 10 && second !== 11) throw new Error(`instruction fc ${second} is not known`);
    // memory.copy, memory.fill
    if (second === 10) reader.at += 2;
    else if (second === 11) reader.at += 1;
  // unreachable, nop, else, end, return, drop, select; arithmetic.
  } else if (!is(0x00, 0x01) && !is(0x05) && !is(0x0b) && !is(0x0f) && !is(0x1a, 0x1b) && !is(0x45, 0xc4)) throw new Error(`instruction ${op.toString(16)} is not known`);
}

/** A body that calls other functions: `renumber` has the old number and returns the new one. */
export function renumbered(body, renumber) {
  let at = 0;
  const out = [];
  for (const { from, to, index } of references(body).calls) {
    out.push(body.subarray(at, from), Buffer.from(unsigned(renumber(index))));
    at = to;
  }
  return Buffer.concat([...out, body.subarray(at)]);
}

/** The body with `instructions` in front of its own. */
export function prefixed(body, instructions) {
  const reader = new Reader(body);
  reader.list(() => {
    reader.unsigned();
    reader.byte();
  });
  return Buffer.concat([body.subarray(0, reader.at), Buffer.from(instructions), body.subarray(reader.at)]);
}

/** Instructions and parts of them. */
export const code = {
  body: (...instructions) => Buffer.from([0, ...instructions.flat(), END]),
  i32: (value) => [I32_CONST, ...signed(value)],
  storeByte: [0x3a, 0, 0],
  get: (local) => [0x20, ...unsigned(local)],
  global: (index) => [0x23, ...unsigned(index)],
  unless: (...then) => [0x45, 0x04, EMPTY, ...then.flat(), END],
  call: (index) => [OP.CALL, ...unsigned(index)],
  callIndirect: (type) => [OP.CALL_INDIRECT, ...unsigned(type), 0],
  constant: (value) => Buffer.from([I32_CONST, ...signed(value), END]),
};

/** Neighbours in a map by place. */
function runsOf(elements) {
  const runs = [];
  for (const [at, index] of [...elements].sort(([a], [b]) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last.at + last.indices.length === at) last.indices.push(index);
    else runs.push({ at, indices: [index] });
  }
  return runs;
}

class Reader {
  constructor(bytes, at = 0) {
    this.all = bytes;
    this.at = at;
  }

  byte() { return this.all[this.at++]; }

  bytes(length) {
    this.at += length;
    return this.all.subarray(this.at - length, this.at);
  }

  /** LEB128; of a signed number, its length is right. */
  unsigned() {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  name() { return this.bytes(this.unsigned()).toString('utf8'); }
  list(each) { return Array.from({ length: this.unsigned() }, each); }

  limits() {
    const limited = this.byte() === 1;
    return { least: this.unsigned(), most: limited ? this.unsigned() : undefined };
  }

  /** An expression that is one i32.const, as it stands. */
  constant() {
    const from = this.at;
    if (this.byte() !== I32_CONST) throw new Error('not an i32.const');
    this.unsigned();
    if (this.byte() !== END) throw new Error('more than an i32.const');
    return this.all.subarray(from, this.at);
  }

  /** The value of such an expression, which is not negative. */
  address() { return new Reader(this.constant(), 1).unsigned(); }
}

function unsigned(value) {
  const out = [];
  for (; value > 0x7f; value >>>= 7) out.push((value & 0x7f) | 0x80);
  return [...out, value];
}

function signed(value) {
  const out = [];
  for (; value < -0x40 || value > 0x3f; value >>= 7) out.push((value & 0x7f) | 0x80);
  return [...out, value & 0x7f];
}

const named = (name) => [...unsigned(Buffer.byteLength(name)), ...Buffer.from(name)];
const limits = ({ least, most }) => (most === undefined ? [0, ...unsigned(least)] : [1, ...unsigned(least), ...unsigned(most)]);
const address = (at) => [I32_CONST, ...signed(at), END];
