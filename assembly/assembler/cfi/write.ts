/**
 * `.eh_frame` and `.debug_frame` from the frames of a unit, byte for byte as gas writes them (dw2gencfi.c, binutils 2.40).
 */
import type { Expression } from '../../gas/statement.ts';
import { addressOf } from '../fragments.ts';
import type { SectionBuilder } from '../fragments.ts';
import { leb128 } from '../leb128.ts';
import { littleEndian } from '../little-endian.ts';
import type { AssemblyState } from '../state.ts';
import type { Frame, FrameInstruction } from './frames.ts';

const DATA_ALIGN = -8n;
/** Addresses relative to the field that holds them, 4 bytes: what `.eh_frame` uses on x86-64. */
const PCREL_SDATA4 = 0x1b;
const OMIT = 0xff;
/** The tables are aligned to this; so is each entry of `.debug_frame`, but only the last one of `.eh_frame`. */
const SECTION_ALIGN = 8;

/** What several frames share: the first instructions, and how the rest is to be read. */
interface Common {
  readonly frame: Frame;
  readonly instructions: readonly FrameInstruction[];
  /** Offset in the table's section. */
  readonly at: number;
}

/** Appends the table of all frames to `section`, whose other contents are laid out already. */
export function writeFrames(state: AssemblyState, section: SectionBuilder, style: 'eh' | 'debug'): void {
  const writer = new FrameWriter(state, section, style === 'eh');
  const frames = state.frames.all.filter((frame) => frame.end !== undefined);
  frames.forEach((frame, index) => { writer.write(frame, index === frames.length - 1); });
}

class FrameWriter {
  private readonly state: AssemblyState;
  private readonly eh: boolean;
  private readonly part: ReturnType<SectionBuilder['lastSubsection']>;
  /** The newest first, which is the order gas looks in. */
  private readonly commons: Common[] = [];

  constructor(state: AssemblyState, section: SectionBuilder, eh: boolean) {
    this.state = state;
    this.eh = eh;
    this.part = section.lastSubsection();
  }

  private get at(): number {
    return addressOf(this.part.here());
  }

  write(frame: Frame, last: boolean): void {
    const common = this.commonOf(frame);
    const rest = frame.instructions.slice(common.instructions.length);
    const length = this.beginEntry();
    const here = this.at;
    if (this.eh) this.bytes(littleEndian(BigInt(here - common.at), 4));
    else this.field(anonymousAt(this.state, this.part, common.at), 4, false);
    const start = this.state.symbols.anonymous(frame.start);
    this.field(symbol(start.key), this.eh ? 4 : 8, this.eh);
    const size = addressOf(frame.end!) - addressOf(frame.start);
    this.bytes(littleEndian(BigInt(size), this.eh ? 4 : 8));
    if (this.eh) this.augmentation(frame);
    for (const instruction of rest) this.instruction(instruction);
    this.endEntry(length, this.eh && !last ? 4 : SECTION_ALIGN);
  }

  private augmentation({ lsda }: Frame): void {
    if (lsda === undefined) {
      this.bytes(Uint8Array.of(0));
      return;
    }
    this.bytes(Uint8Array.of(pointerSize(lsda.encoding)));
    this.pointer(lsda.encoding, lsda.value);
  }

  /** The common entry that `frame` can use: an earlier one, or a new one. */
  private commonOf(frame: Frame): Common {
    const found = this.commons.find((common) => this.matches(common, frame));
    if (found !== undefined) return found;
    const end = frame.instructions.findIndex((instruction) => endsCommon(instruction));
    const common = { frame, instructions: end < 0 ? frame.instructions.slice() : frame.instructions.slice(0, end), at: this.at };
    this.commons.unshift(common);
    this.writeCommon(common);
    return common;
  }

  private matches({ frame, instructions }: Common, other: Frame): boolean {
    if (frame.returnColumn !== other.returnColumn || frame.signal !== other.signal) return false;
    if (this.eh && !(samePointer(frame.personality, other.personality) && frame.lsda?.encoding === other.lsda?.encoding)) return false;
    if (instructions.length > other.instructions.length) return false;
    return instructions.every((instruction, index) => sameInstruction(instruction, other.instructions[index]!));
  }

  private writeCommon({ frame, instructions }: Common): void {
    const length = this.beginEntry();
    this.bytes(littleEndian(this.eh ? 0n : 0xffff_ffffn, 4));
    // Version 1.
    this.bytes(Uint8Array.of(1));
    const letters = this.eh
      ? `z${frame.personality === undefined ? '' : 'P'}${frame.lsda === undefined ? '' : 'L'}R${frame.signal ? 'S' : ''}`
      : frame.signal ? 'S' : '';
    this.bytes(Uint8Array.from([...letters].map((letter) => letter.charCodeAt(0)).concat(0)));
    this.bytes(leb128(1n, false));
    this.bytes(leb128(DATA_ALIGN, true));
    this.bytes(Uint8Array.of(frame.returnColumn));
    if (this.eh) {
      const { personality, lsda } = frame;
      const size = 1 + (personality === undefined ? 0 : 1 + pointerSize(personality.encoding)) + (lsda === undefined ? 0 : 1);
      this.bytes(leb128(BigInt(size), false));
      if (personality !== undefined) {
        this.bytes(Uint8Array.of(personality.encoding));
        this.pointer(personality.encoding, personality.value);
      }
      if (lsda !== undefined) this.bytes(Uint8Array.of(lsda.encoding));
      this.bytes(Uint8Array.of(PCREL_SDATA4));
    }
    for (const instruction of instructions) this.instruction(instruction);
    this.endEntry(length, this.eh ? 4 : SECTION_ALIGN);
  }

  /** Leaves room for an entry's length. */
  private beginEntry(): number {
    const { offset } = this.part.here();
    this.bytes(new Uint8Array(4));
    return offset;
  }

  /** Pads the entry with instructions that do nothing (0) and writes its length. */
  private endEntry(lengthOffset: number, align: number): void {
    const over = this.at % align;
    if (over !== 0) this.bytes(new Uint8Array(align - over));
    const { fragment, offset } = this.part.here();
    this.part.bytesOf(fragment).set(littleEndian(BigInt(offset - lengthOffset - 4), 4), lengthOffset);
  }

  private bytes(bytes: Uint8Array): void {
    this.part.append(bytes);
  }

  private pointer(encoding: number, value: Expression): void {
    this.field(value, pointerSize(encoding), (encoding & 0x70) === 0x10);
  }

  /** A field whose value is that of `expression`, counted from the field itself if it is relative. */
  private field(expression: Expression, size: number, relative: boolean): void {
    const place = this.part.here();
    const value: Expression = relative
      ? { kind: 'binary', operator: '-', left: expression, right: symbol(this.state.symbols.anonymous(place).key) }
      : expression;
    this.bytes(new Uint8Array(size));
    this.state.fixups.push({ ...place, size, kind: 'data', expression: value, relative: false, end: 0, signed: false, mayUsePlt: false, range: this.state.range });
  }

  private instruction(instruction: FrameInstruction): void {
    if (instruction.kind === 'label') this.state.symbols.keyed(instruction.symbol).definition = { kind: 'label', place: this.part.here() };
    else this.bytes(encode(instruction));
  }
}

function symbol(name: string): Expression {
  return { kind: 'symbol', name, range: NOWHERE };
}

const NOWHERE = { start: { file: '', line: 1, column: 1 }, endColumn: 1 };

function anonymousAt(state: AssemblyState, part: ReturnType<SectionBuilder['lastSubsection']>, at: number): Expression {
  const { fragment } = part.here();
  return symbol(state.symbols.anonymous({ fragment, offset: at - fragment.address }).key);
}

/** Size in bytes of a pointer of that `DW_EH_PE_*` encoding. */
function pointerSize(encoding: number): number {
  switch (encoding & 0x07) {
    case 2: return 2;
    case 3: return 4;
    default: return 8;
  }
}

function samePointer(one: Frame['personality'], other: Frame['personality']): boolean {
  if (one === undefined || other === undefined) return one === other;
  if (one.encoding !== other.encoding || one.encoding === OMIT) return one.encoding === other.encoding;
  const [a, b] = [one.value, other.value];
  return a.kind === 'symbol' && b.kind === 'symbol' ? a.name === b.name : a.kind === 'number' && b.kind === 'number' && a.value === b.value;
}

/** Instructions from which on a frame has its own table. */
function endsCommon({ kind }: FrameInstruction): boolean {
  return kind === 'advance' || kind === 'remember' || kind === 'escape' || kind === 'label';
}

function sameInstruction(one: FrameInstruction, other: FrameInstruction): boolean {
  if (one.kind !== other.kind) return false;
  const [a, b] = [one, other] as unknown as [Record<string, unknown>, Record<string, unknown>];
  return ['register', 'offset', 'other'].every((field) => a[field] === b[field]);
}

/** The bytes of an instruction (DWARF 5, 7.24). */
function encode(instruction: Exclude<FrameInstruction, { kind: 'label' }>): Uint8Array {
  const unsigned = (value: number | bigint): Uint8Array => leb128(BigInt(value), false);
  switch (instruction.kind) {
    case 'advance': return advance(addressOf(instruction.to) - addressOf(instruction.from));
    case 'def-cfa':
      return instruction.offset < 0n
        ? join([0x12], unsigned(instruction.register), leb128(instruction.offset / DATA_ALIGN, true))
        : join([0x0c], unsigned(instruction.register), unsigned(instruction.offset));
    case 'def-cfa-register': return join([0x0d], unsigned(instruction.register));
    case 'def-cfa-offset':
      return instruction.offset < 0n ? join([0x13], leb128(instruction.offset / DATA_ALIGN, true)) : join([0x0e], unsigned(instruction.offset));
    case 'offset': {
      const factored = instruction.offset / DATA_ALIGN;
      if (factored < 0n) return join([0x11], unsigned(instruction.register), leb128(factored, true));
      return instruction.register <= 0x3f
        ? join([0x80 + instruction.register], unsigned(factored))
        : join([0x05], unsigned(instruction.register), unsigned(factored));
    }
    case 'value-offset': {
      const factored = instruction.offset / DATA_ALIGN;
      return factored < 0n ? join([0x15], unsigned(instruction.register), leb128(factored, true)) : join([0x14], unsigned(instruction.register), unsigned(factored));
    }
    case 'restore':
      return instruction.register <= 0x3f ? Uint8Array.of(0xc0 + instruction.register) : join([0x06], unsigned(instruction.register));
    case 'undefined': return join([0x07], unsigned(instruction.register));
    case 'same-value': return join([0x08], unsigned(instruction.register));
    case 'register': return join([0x09], unsigned(instruction.register), unsigned(instruction.other));
    case 'remember': return Uint8Array.of(0x0a);
    case 'restore-state': return Uint8Array.of(0x0b);
    case 'window-save': return Uint8Array.of(0x2d);
    case 'escape': return instruction.bytes;
  }
}

function advance(distance: number): Uint8Array {
  if (distance === 0) return new Uint8Array(0);
  if (distance <= 0x3f) return Uint8Array.of(0x40 + distance);
  if (distance <= 0xff) return Uint8Array.of(0x02, distance);
  if (distance <= 0xffff) return join([0x03], littleEndian(BigInt(distance), 2));
  return join([0x04], littleEndian(BigInt(distance), 4));
}

function join(head: readonly number[], ...rest: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.of(...head, ...rest.flatMap((bytes) => [...bytes]));
}
