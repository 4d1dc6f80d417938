/**
 * Unpacks compressed modules and kernels: gzip, and zstd where Node has it, by itself, the others by the programs the system has for them.
 */
import * as zlib from 'node:zlib';
import type { ByteSource } from '../../assembly/elf/byte-source.ts';
import type { Packed, Packing } from '../../assembly/elf/packed.ts';
import { ProcessError } from '../host.ts';
import type { HostProcesses } from '../host.ts';

/** More than any kernel or module: what says it is larger, or turns out to be, is refused. */
const MOST = 1 << 30;

/** The program that writes the unpacked bytes to its standard output, and the Debian package it is in. */
const PROGRAMS: Readonly<Record<Exclude<Packing, 'gzip'>, { readonly command: string; readonly arguments: readonly string[]; readonly package: string }>> = {
  xz: { command: 'xz', arguments: ['-dc'], package: 'xz-utils' },
  lzma: { command: 'xz', arguments: ['-dc', '--format=lzma'], package: 'xz-utils' },
  zstd: { command: 'zstd', arguments: ['-dcq'], package: 'zstd' },
  bzip2: { command: 'bzip2', arguments: ['-dc'], package: 'bzip2' },
  lz4: { command: 'lz4', arguments: ['-dcq'], package: 'lz4' },
  lzo: { command: 'lzop', arguments: ['-dcq'], package: 'lzop' },
};

/** What could not be unpacked, in one sentence that says what to do. */
export class UnpackError extends Error {
  override readonly name = 'UnpackError';
}

/** zlib of Node 22.15 and later has it. */
type ZstdDecompress = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;
const zstdDecompress = (zlib as { readonly zstdDecompressSync?: ZstdDecompress }).zstdDecompressSync;

/** The bytes that `packed` holds. Rejects with {@link UnpackError}. */
export async function unpack(file: string, source: ByteSource, packed: Packed, processes: HostProcesses | undefined): Promise<Uint8Array> {
  const { packing, size } = packed;
  const what = `${file}${packed.kernel ? ' is a kernel whose payload' : ''} is compressed with ${packing}`;
  if (size !== undefined && size > MOST) throw new UnpackError(`${what} and says that it unpacks to ${String(size)} bytes, which no kernel does`);
  const bytes = source.read(packed.offset, packed.length);
  try {
    if (packing === 'gzip') return zlib.gunzipSync(bytes, { maxOutputLength: MOST });
    if (packing === 'zstd' && zstdDecompress !== undefined) return zstdDecompress(bytes, { maxOutputLength: MOST });
  } catch (error) {
    throw new UnpackError(`${what}, but cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
  }
  const program = PROGRAMS[packing as Exclude<Packing, 'gzip'>];
  if (processes === undefined) throw new UnpackError(`${what}; unpack it first`);
  try {
    const { status, stdout, stderr } = await processes.run({ command: program.command, arguments: program.arguments, input: bytes, timeLimit: 120_000, outputLimit: MOST });
    if (status !== 0) throw new UnpackError(`${what}, but ${program.command} cannot unpack it: ${stderr.trim() || `it ended with status ${String(status)}`}`);
    return stdout;
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    throw new UnpackError(error.kind === 'not-found' ? `${what}: install ${program.command} (Debian: apt-get install ${program.package}), or unpack it first` : `${what}: ${error.message}`);
  }
}
