// Takes exports out of a WebAssembly module.

const EXPORTS = 7, FUNCTION = 0, HEADER = 8;

/** A copy of `bytes` that exports only those functions whose name `keep` accepts; memories, tables and globals stay. */
export function withExports(bytes, keep) {
  let at = HEADER;
  const unsigned = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const out = [bytes.subarray(0, HEADER)];
  while (at < bytes.length) {
    const start = at;
    const id = bytes[at++];
    const size = unsigned();
    const end = at + size;
    if (id === EXPORTS) {
      const kept = [];
      for (let left = unsigned(); left > 0; left--) {
        const from = at;
        const length = unsigned();
        const name = Buffer.from(bytes.subarray(at, at + length)).toString('utf8');
        at += length;
        const kind = bytes[at++];
        unsigned();
        if (kind !== FUNCTION || keep(name)) kept.push(bytes.subarray(from, at));
      }
      const content = Buffer.concat([encoded(kept.length), ...kept]);
      out.push(Buffer.from([EXPORTS]), encoded(content.length), content);
    } else out.push(bytes.subarray(start, end));
    at = end;
  }
  return Buffer.concat(out);
}

/** LEB128. */
function encoded(value) {
  const out = [];
  for (; value > 0x7f; value >>>= 7) out.push((value & 0x7f) | 0x80);
  return Buffer.from([...out, value]);
}
