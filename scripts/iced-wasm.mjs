/*
 * iced-x86's WebAssembly in a bundle:
 * - V8 makes a wrapper for each function it exports (762): those that nothing calls go.
 * - Its decoder and its GNU formatter unpack their tables when the first of them is made, which takes as long as all of our own start. The
 *   memory with the unpacked tables becomes the memory the module starts with.
 * - V8 validates all of it before anything runs. What decoding for the emulator runs is a module of its own; the rest, the formatter's
 *   tables with it, is fetched when something of it is called.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FUNCTION, PAGE, readModule, writeModule } from './wasm-module.mjs';
import { split, withCoverage } from './wasm-split.mjs';

const require = createRequire(import.meta.url);
const library = require.resolve('iced-x86');
/** The module's only global, the stack pointer, starts here, where its data does. */
const STACK_END = 0x100000;

/** The two modules. `called`: names of the exports that are; `atStart`: names of the library's methods that decoding for the emulator calls. */
export function icedModules(called, atStart) {
  const whole = readModule(readFileSync(join(dirname(library), 'iced_x86_bg.wasm')));
  const coverage = whole.memory.least * PAGE;
  const iced = instantiated(writeModule(withCoverage(whole, coverage)));
  const memory = () => Buffer.from(iced.__wasm.memory.buffer);
  decodeEverything(iced, atStart);
  const early = new Set([...whole.functions.keys()].filter((k) => memory()[coverage + k] === 1).map((k) => whole.imports.length + k));
  const decoders = Buffer.from(memory());
  new iced.Formatter(iced.FormatterSyntax.Gas).free();
  const unpacked = Buffer.from(memory());
  // The stack is empty, and the page of the coverage is nobody's.
  unpacked.fill(0, 0, STACK_END).fill(0, coverage, coverage + PAGE);
  const { first, rest } = split({
    ...whole, exports: whole.exports.filter(({ name, kind }) => kind !== FUNCTION || called.has(name)), memory: { ...whole.memory, least: unpacked.length / PAGE },
  }, early, splitMemory(unpacked, decoders, coverage + PAGE));
  return { first: writeModule(first), rest: writeModule(rest) };
}

/** The library with WebAssembly of ours. */
function instantiated(bytes) {
  const module = { exports: {} };
  new Function('module', 'require', '__dirname', readFileSync(library, 'utf8'))(module, (name) => (name === 'fs' ? { readFileSync: () => bytes } : require(name)), '');
  return module.exports;
}

/** What may stand in front of an opcode: legacy prefixes and maps; XOP, VEX and EVEX. */
const STARTS = [
  ...[[], [0x66], [0xf2], [0xf3], [0x48], [0xf0], [0x66, 0x67, 0x64]].flatMap((prefixes) => [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]].map((map) => [...prefixes, ...map])),
  ...[[], [0x67]].flatMap((prefixes) => [
    ...[8, 9, 10].map((map) => [0x8f, 0xe0 | map, 0x78]), ...[1, 2, 3].flatMap((map) => [[0xc4, 0xe0 | map, 0x79], [0xc4, 0xe0 | map, 0x7d]]),
    ...[1, 2, 3, 5, 6].map((map) => [0x62, 0xf0 | map, 0x7d, 0x08]),
  ].map((map) => [...prefixes, ...map])),
];
/** Each digit with memory and with a register; each kind of address. */
const MODRM = [0x06, 0x46, 0x86, 0x04, 0x44, 0x84, 0x05, ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((digit) => [0x01 | (digit << 3), 0xc1 | (digit << 3)])];
const SLOT = 16;

/** Decodes each opcode of each map, with and without prefixes, and asks of it what `names` are. */
function decodeEverything({ Decoder, DecoderOptions, Instruction, MemorySize, MemorySizeExt, OpKind, Register, RegisterExt }, names) {
  const wanted = (object) => Object.entries(Object.getOwnPropertyDescriptors(object)).filter(([name]) => names.has(name) && name !== 'free');
  const getters = wanted(Instruction.prototype).filter(([, { get }]) => get !== undefined).map(([, { get }]) => get);
  const instruction = new Instruction();
  for (const start of STARTS) {
    const slots = Array.from({ length: 256 }, (_, opcode) => MODRM.map((modrm) => [...start, opcode, modrm, 0x25, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0].slice(0, SLOT))).flat(2);
    const decoder = new Decoder(64, Uint8Array.from(slots), DecoderOptions.AMD);
    decoder.ip = 0x1000n;
    for (let at = 0; at < slots.length; at += SLOT) {
      decoder.position = at;
      decoder.decodeOut(instruction);
      if (at % (SLOT * MODRM.length) > SLOT) continue;
      void [decoder.position, decoder.lastError];
      for (const get of getters) get.call(instruction);
      for (let k = 0; k < instruction.opCount; k++) {
        const kind = instruction.opKind(k);
        instruction.opRegister(k);
        if (kind >= OpKind.Immediate8 && kind <= OpKind.Immediate32to64) instruction.immediate(k);
      }
    }
    decoder.free();
  }
  instruction.free();
  for (const [object, values] of [[RegisterExt, Register], [MemorySizeExt, MemorySize]]) {
    for (const [, { value: of }] of wanted(object)) for (const value of Object.values(values)) if (typeof of === 'function' && typeof value === 'number') of(value);
  }
}

/**
 * The memory's content for the first module and for the rest: what was allocated for good since `before`, from `heap` on, is the rest's. Nothing of
 * the first looks at it, the allocator neither: it looks beyond a chunk that it frees, at the header of the next, which stays with the first.
 */
function splitMemory(memory, before, heap) {
  const first = Buffer.from(memory), rest = Buffer.alloc(memory.length);
  const known = new Set(chunks(before, heap).filter(({ used }) => used).map(({ at }) => at));
  let from;
  for (const { at, used } of [...chunks(memory, heap), { at: memory.length, used: false }]) {
    const later = used && !known.has(at);
    if (later) from ??= at + CHUNK_HEADER;
    else if (from !== undefined) {
      memory.copy(rest, from, from, at);
      first.fill(0, from, at);
      from = undefined;
    }
  }
  return { firstData: segments(first), restData: segments(rest) };
}

const CHUNK_HEADER = 8;

/** The heap as dlmalloc lays it out, which Rust uses: chunks one behind the other, each with its size and whether it is used in its second word. */
function chunks(memory, heap) {
  const out = [];
  let at = heap;
  for (let size; at < memory.length; at += size) {
    const word = memory.readUInt32LE(at + 4);
    size = word & ~7;
    if (size < CHUNK_HEADER) break;
    out.push({ at, used: (word & 2) !== 0 });
  }
  if (at !== memory.length) throw new Error('the heap of iced-x86 is not one of dlmalloc');
  return out;
}

/** Zeros between two segments that are worth a new one: a segment's header is about as long. */
const GAP = 12;

/** What is not zero, as segments of data. */
function segments(memory) {
  const out = [];
  for (let from = 0; from < memory.length;) {
    if (memory[from] === 0) {
      from++;
      continue;
    }
    let end = from + 1;
    for (let at = end; at < memory.length && at - end < GAP; at++) if (memory[at] !== 0) end = at + 1;
    out.push({ at: from, bytes: memory.subarray(from, end) });
    from = end;
  }
  return out;
}
