import { readGas } from '../../assembly/gas/read.ts';
import type { GasUnit } from '../../assembly/gas/statement.ts';

/** Reads a source that includes nothing, without the C preprocessor. */
export function read(source: string): GasUnit {
  return readGas('test.s', source, { provider: { read: () => undefined }, preprocess: false });
}
