// Edits of WebAssembly modules: which functions are exported, what the memory holds at the start.

const MEMORIES = 5, EXPORTS = 7, DATA = 11, DATA_COUNT = 12, HEADER = 8;
const FUNCTION = 0;
const PAGE = 65536;
/** Zeros between two data segments that are worth a new one: a segment's header is about as long. */
const GAP = 12;

/** A copy of `bytes` that exports only those functions whose name `keep` accepts; memories, tables and globals stay. */
export function withExports(bytes, keep) {
  return edited(bytes, (id, content) => {
    if (id !== EXPORTS) return content;
    const reader = new Reader(content);
    const kept = [];
    for (let left = reader.unsigned(); left > 0; left--) {
      const from = reader.at;
      const name = reader.name();
      const kind = content[reader.at++];
      reader.unsigned();
      if (kind !== FUNCTION || keep(name)) kept.push(content.subarray(from, reader.at));
    }
    return Buffer.concat([encoded(kept.length), ...kept]);
  });
}

/** A copy of `bytes` whose one memory starts with what `memory` holds (whole pages), in place of the data the module had. */
export function withMemory(bytes, memory) {
  return edited(bytes, (id, content) => {
    if (id === MEMORIES) {
      const reader = new Reader(content);
      if (reader.unsigned() !== 1) throw new Error('the module has not one memory');
      const limited = content[reader.at++] === 1;
      reader.unsigned();
      const least = encoded(memory.length / PAGE);
      return limited ? Buffer.concat([Buffer.from([1, 1]), least, encoded(reader.unsigned())]) : Buffer.concat([Buffer.from([1, 0]), least]);
    }
    if (id === DATA_COUNT) throw new Error('the module refers to its data segments by number');
    return id === DATA ? dataSection(memory) : content;
  });
}

function dataSection(memory) {
  const I32_CONST = 0x41, END = 0x0b;
  const segments = [];
  for (let from = 0; from < memory.length;) {
    if (memory[from] === 0) {
      from++;
      continue;
    }
    let end = from + 1;
    for (let at = end; at < memory.length && at - end < GAP; at++) if (memory[at] !== 0) end = at + 1;
    segments.push(Buffer.from([0, I32_CONST]), encodedSigned(from), Buffer.from([END]), encoded(end - from), memory.subarray(from, end));
    from = end;
  }
  return Buffer.concat([encoded(segments.length / 5), ...segments]);
}

/** A copy of `bytes` whose sections `edit(id, content)` replaced. */
function edited(bytes, edit) {
  const reader = new Reader(bytes, HEADER);
  const out = [bytes.subarray(0, HEADER)];
  while (reader.at < bytes.length) {
    const id = bytes[reader.at++];
    const size = reader.unsigned();
    const content = edit(id, bytes.subarray(reader.at, reader.at + size));
    out.push(Buffer.from([id]), encoded(content.length), content);
    reader.at += size;
  }
  return Buffer.concat(out);
}

class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** LEB128. */
  unsigned() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  name() {
    const length = this.unsigned();
    this.at += length;
    return Buffer.from(this.bytes.subarray(this.at - length, this.at)).toString('utf8');
  }
}

/** LEB128. */
function encoded(value) {
  const out = [];
  for (; value > 0x7f; value >>>= 7) out.push((value & 0x7f) | 0x80);
  return Buffer.from([...out, value]);
}

/** Signed LEB128, of a value from 0 on. */
function encodedSigned(value) {
  const out = [];
  for (; value > 0x3f; value >>>= 7) out.push((value & 0x7f) | 0x80);
  return Buffer.from([...out, value]);
}
