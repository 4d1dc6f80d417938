/**
 * Compressed modules and kernels: where the compressed bytes lie, and what is said of files that lie about it.
 */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../assembly/elf/byte-source.ts';
import { packedAs } from '../../assembly/elf/packed.ts';
import { ProcessError } from '../../host/host.ts';
import type { HostProcesses, ProcessRequest } from '../../host/host.ts';
import { UnpackError, unpack } from '../../host/node/unpack.ts';

const CONTENTS = new TextEncoder().encode('\x7fELF and so on');

/** A bzImage with one setup sector and `payload` 16 bytes into what follows it. */
function bzImage(payload: Uint8Array, change: (header: DataView) => void = () => undefined): Uint8Array {
  const bytes = new Uint8Array(1024 + 16 + payload.length + 8);
  const header = new DataView(bytes.buffer);
  header.setUint8(0x1f1, 1);
  header.setUint32(0x202, 0x5372_6448, true);
  header.setUint16(0x206, 0x20f, true);
  header.setUint32(0x248, 16, true);
  header.setUint32(0x24c, payload.length, true);
  change(header);
  bytes.set(payload, 1024 + 16);
  return bytes;
}

function processes(answer: (request: ProcessRequest) => Uint8Array): HostProcesses {
  return { run: (request) => Promise.resolve().then(() => ({ status: 0, stdout: answer(request), stderr: '', files: new Map() })) };
}

const xz = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 2, 3);
const withSize = (bytes: Uint8Array, size: number): Uint8Array => {
  const all = new Uint8Array(bytes.length + 4);
  all.set(bytes);
  new DataView(all.buffer).setUint32(bytes.length, size, true);
  return all;
};

describe('a compressed file', () => {
  test('is known by its first bytes', () => {
    for (const [packing, magic] of [
      ['gzip', [0x1f, 0x8b]], ['xz', [...xz]], ['zstd', [0x28, 0xb5, 0x2f, 0xfd]], ['bzip2', [0x42, 0x5a, 0x68]], ['lz4', [0x02, 0x21, 0x4c, 0x18]],
    ] as const) expect(packedAs(bytesSource(Uint8Array.from([...magic, 0, 0, 0, 0, 0, 0])))).toMatchObject({ packing, offset: 0, kernel: false });
    for (const other of [[], [0x1f], [...CONTENTS]]) expect(packedAs(bytesSource(Uint8Array.from(other)))).toBeUndefined();
  });

  test('is unpacked by Node where that can, else by the system\'s program, which gets no byte too many', async () => {
    const zipped = bytesSource(gzipSync(CONTENTS));
    expect(Buffer.from(await unpack('a.ko.gz', zipped, packedAs(zipped)!, undefined))).toEqual(Buffer.from(CONTENTS));
    const kernel = bytesSource(bzImage(withSize(xz, CONTENTS.length)));
    const asked: ProcessRequest[] = [];
    const unpacked = await unpack('vmlinuz', kernel, packedAs(kernel)!, processes((request) => { asked.push(request); return CONTENTS; }));
    expect([unpacked, asked[0]!.command, asked[0]!.input]).toEqual([CONTENTS, 'xz', xz]);
  });

  test('that needs a program which is not there says which to install', async () => {
    const source = bytesSource(xz);
    const packed = packedAs(source)!;
    const missing: HostProcesses = { run: () => Promise.reject(new ProcessError('not-found', 'xz is not installed or not on the PATH')) };
    await expect(unpack('a.ko.xz', source, packed, missing)).rejects.toThrow('a.ko.xz is compressed with xz: install xz (Debian: apt-get install xz-utils), or unpack it first');
    await expect(unpack('a.ko.xz', source, packed, undefined)).rejects.toThrow(UnpackError);
    const fails: HostProcesses = { run: () => Promise.resolve({ status: 1, stdout: new Uint8Array(0), stderr: 'xz: (stdin): Compressed data is corrupt\n', files: new Map() }) };
    await expect(unpack('a.ko.xz', source, packed, fails)).rejects.toThrow('but xz cannot unpack it: xz: (stdin): Compressed data is corrupt');
  });

  test('that is damaged says so', async () => {
    const source = bytesSource(gzipSync(CONTENTS).subarray(0, 20));
    await expect(unpack('a.ko.gz', source, packedAs(source)!, undefined)).rejects.toThrow('a.ko.gz is compressed with gzip, but cannot be unpacked');
  });
});

describe('a kernel', () => {
  test('says where its payload is, and how large it gets', () => {
    expect(packedAs(bytesSource(bzImage(withSize(xz, 1234))))).toEqual({ packing: 'xz', offset: 1040, length: xz.length, size: 1234, kernel: true });
    const zipped = gzipSync(CONTENTS);
    expect(packedAs(bytesSource(bzImage(zipped)))).toEqual({ packing: 'gzip', offset: 1040, length: zipped.length, size: CONTENTS.length, kernel: true });
  });

  test('is not believed where it names bytes outside of itself, or an older protocol', () => {
    const payload = withSize(xz, 1234);
    for (const change of [
      (header: DataView) => { header.setUint32(0x24c, 0xffff_ffff, true); },
      (header: DataView) => { header.setUint32(0x248, 0xffff_fff0, true); },
      (header: DataView) => { header.setUint32(0x24c, 2, true); },
      (header: DataView) => { header.setUint16(0x206, 0x207, true); },
      (header: DataView) => { header.setUint8(0x1f1, 200); },
    ]) expect(packedAs(bytesSource(bzImage(payload, change)))).toBeUndefined();
  });

  test('that claims to be larger than any is refused before it is unpacked', async () => {
    const source = bytesSource(bzImage(withSize(xz, 0xffff_ffff)));
    await expect(unpack('vmlinuz', source, packedAs(source)!, processes(() => CONTENTS))).rejects.toThrow('says that it unpacks to 4294967295 bytes, which no kernel does');
  });
});
