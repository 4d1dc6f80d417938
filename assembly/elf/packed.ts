/**
 * Compressed files around an ELF file: modules such as `kvm.ko.xz`, and kernels such as `vmlinuz`, whose payload the boot protocol says where to find.
 * Sources: kernel 6.12 Documentation/arch/x86/boot.rst (header fields, payload formats); the formats' own magic numbers.
 */
import type { ByteSource } from './byte-source.ts';

export type Packing = 'gzip' | 'xz' | 'zstd' | 'bzip2' | 'lzma' | 'lz4' | 'lzo';

/** Where the compressed bytes lie. */
export interface Packed {
  readonly packing: Packing;
  readonly offset: number;
  readonly length: number;
  /** Bytes it says it unpacks to, where it does. */
  readonly size?: number;
  /** It is the payload of a kernel. */
  readonly kernel: boolean;
}

const MAGIC: readonly (readonly [Packing, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]], ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]], ['zstd', [0x28, 0xb5, 0x2f, 0xfd]], ['bzip2', [0x42, 0x5a, 0x68]],
  ['lzma', [0x5d, 0x00, 0x00]], ['lz4', [0x02, 0x21, 0x4c, 0x18]], ['lz4', [0x04, 0x22, 0x4d, 0x18]], ['lzo', [0x89, 0x4c, 0x5a, 0x4f]],
];
const LONGEST_MAGIC = 6;

/** The setup header of a bzImage; the payload's place is in it since protocol 2.08. */
const SETUP = { sectors: 0x1f1, magic: 0x202, version: 0x206, payload: 0x248, end: 0x250 } as const;
const HDRS = 0x5372_6448;
const PAYLOAD_VERSION = 0x208;
const SECTOR = 512;

/** What `source` is compressed with; undefined if it is no compressed file, or none that is known. Nothing of it is believed that lies outside of the file. */
export function packedAs(source: ByteSource): Packed | undefined {
  const packing = packingAt(source, 0);
  if (packing !== undefined) return { packing, offset: 0, length: source.size, kernel: false };
  if (source.size < SETUP.end) return undefined;
  const bytes = source.read(0, SETUP.end);
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (header.getUint32(SETUP.magic, true) !== HDRS || header.getUint16(SETUP.version, true) < PAYLOAD_VERSION) return undefined;
  // 0 means 4, as in kernels of old.
  const start = ((header.getUint8(SETUP.sectors) || 4) + 1) * SECTOR + header.getUint32(SETUP.payload, true);
  const length = header.getUint32(SETUP.payload + 4, true);
  if (length < LONGEST_MAGIC || start + length > source.size) return undefined;
  const kind = packingAt(source, start);
  if (kind === undefined) return undefined;
  // gzip ends with the unpacked size by itself; behind the others the build appends it.
  const tail = source.read(start + length - 4, 4);
  const size = new DataView(tail.buffer, tail.byteOffset, 4).getUint32(0, true);
  return { packing: kind, offset: start, length: kind === 'gzip' ? length : length - 4, size, kernel: true };
}

function packingAt(source: ByteSource, offset: number): Packing | undefined {
  const bytes = source.read(offset, Math.min(LONGEST_MAGIC, source.size - offset));
  return MAGIC.find(([, magic]) => magic.every((byte, at) => bytes[at] === byte))?.[0];
}
