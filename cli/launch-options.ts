/**
 * From flags to a launch configuration. What the flags do not say is left to the same inference F5 uses.
 */
import { CommandError } from './exit-codes.ts';

/** Flags of all commands that read sources. */
export interface SourceOptions {
  readonly include?: readonly string[];
  readonly define?: readonly string[];
  readonly kernel?: string;
  readonly encoder?: string;
}

/** Flags of `mcsafe run`. */
export interface RunOptions extends SourceOptions {
  readonly entry?: string;
  readonly n?: number;
  /** `REGISTER=VALUE`, `NAME=SIZE`. */
  readonly set?: readonly string[];
  readonly buffer?: readonly string[];
  readonly poison?: readonly string[];
  readonly granule?: string;
  readonly profile?: string;
  readonly contract?: string;
  readonly budget?: number;
}

/** The configuration as somebody would write it in launch.json; it is checked like one. */
export function launchAttributes(files: readonly string[], options: RunOptions): Record<string, unknown> {
  const { entry, n, set, buffer, granule, profile, contract, budget } = options;
  const poison = poisonAttribute(options.poison);
  const attributes = {
    ...sourceAttributes(files, options), entry, n, poison, poisonGranule: granule, cpuProfile: profile, contract, budget,
    arguments: set === undefined ? undefined : Object.fromEntries(set.map((text) => readPair('--set', text))),
    buffers: buffer === undefined ? undefined : Object.fromEntries(buffer.map(readBuffer)),
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** The part of a configuration that says how sources are read. */
export function sourceAttributes(files: readonly string[], { include, define, kernel, encoder }: SourceOptions): Record<string, unknown> {
  const attributes = {
    program: files.length === 1 ? files[0] : [...files],
    includePaths: include, kernelGeneration: kernel, encoder,
    defines: define === undefined ? undefined : Object.fromEntries(define.map(readDefine)),
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

function poisonAttribute(places: readonly string[] | undefined): unknown {
  if (places === undefined) return undefined;
  return places.includes('none') ? false : [...places];
}

function readPair(option: string, text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new CommandError(`${option} ${text}: write a name, = and a value`);
  return [text.slice(0, equals).replace(/^%/, ''), text.slice(equals + 1)];
}

function readBuffer(text: string): readonly [string, { readonly size: number }] {
  const [name, size] = readPair('--buffer', text);
  if (!/^(?:0x[\da-f]+|\d+)$/i.test(size)) throw new CommandError(`--buffer ${text}: the size is a whole number of bytes`);
  return [name, { size: Number(size) }];
}

/** `NAME` is defined as 1, `NAME=VALUE` as VALUE, as with `cc -D`. */
function readDefine(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, '1'] : [text.slice(0, equals), text.slice(equals + 1)];
}
