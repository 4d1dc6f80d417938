/**
 * Who turns statements into machine code. The front end has always run; only the encoding differs.
 */
import { assemble } from '../../assembly/assembler/assemble.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import type { GasUnit } from '../../assembly/gas/statement.ts';
import type { Problem } from '../../assembly/source.ts';
import type { Host } from '../host.ts';
import { encodeWithAs } from './gnu-as.ts';
import { encodeWithGcc } from './gcc.ts';

export type EncoderName = 'embedded' | 'as' | 'gcc';

export interface EncodeRequest {
  readonly unit: GasUnit;
  readonly host: Host;
  /** Absolute folders for #include, most important first; virtual ones among them. */
  readonly includePaths: readonly string[];
  /** Read before the source, as with -include. */
  readonly preincludes?: readonly string[];
  readonly defines: Readonly<Record<string, string>>;
  /** Stand-ins by virtual path: real compilers do not know them. */
  readonly virtual: ReadonlyMap<string, string>;
}

export interface Encoded {
  /** Absent if nothing could be encoded at all. */
  readonly object?: ObjectFile;
  readonly problems: readonly Problem[];
}

const ENCODERS: Readonly<Record<EncoderName, (request: EncodeRequest) => Encoded | Promise<Encoded>>> = {
  embedded: ({ unit }) => assemble(unit),
  as: encodeWithAs,
  gcc: encodeWithGcc,
};

/** Encodes one unit. Never rejects for what is wrong with the source or the toolchain: that is among the problems. */
export async function encode(name: EncoderName, request: EncodeRequest): Promise<Encoded> {
  return ENCODERS[name](request);
}
