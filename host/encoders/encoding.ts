/** What every encoder is asked, and what it answers. */
import type { ObjectFile } from '../../assembly/elf/object.ts';
import type { GasUnit } from '../../assembly/gas/statement.ts';
import type { Problem } from '../../assembly/source.ts';
import type { Host } from '../host.ts';

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
