/**
 * Who turns statements into machine code. The front end has always run; only the encoding differs.
 */
import { assemble } from '../../assembly/assembler/assemble.ts';
import type { Encoded, EncodeRequest } from './encoding.ts';
import { encodeWithAs } from './gnu-as.ts';
import { encodeWithGcc } from './gcc.ts';

export type EncoderName = 'embedded' | 'as' | 'gcc';

const ENCODERS: Readonly<Record<EncoderName, (request: EncodeRequest) => Encoded | Promise<Encoded>>> = {
  embedded: ({ unit }) => assemble(unit),
  as: encodeWithAs,
  gcc: encodeWithGcc,
};

/** Encodes one unit. Never rejects for what is wrong with the source or the toolchain: that is among the problems. */
export async function encode(name: EncoderName, request: EncodeRequest): Promise<Encoded> {
  return ENCODERS[name](request);
}
