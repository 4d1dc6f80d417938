/**
 * The runner's wire format, little-endian: a header, the regions with their contents, the cases; and its answers.
 * The structures stand in runner.c.
 */
import type { OracleCase, Outcome, Patch, Ending } from './case.ts';
import { baseContents, FS_BASE, GS_BASE, REGIONS } from './layout.ts';
import type { Region } from './layout.ts';

const MAGIC = 0x31524f4d;
const HEADER_SIZE = 32;
const CASE_SIZE = 18 * 8 + 512 + 256 + 8;
const RESULT_SIZE = 8 + 3 * 8 + 18 * 8 + 512 + 256 + 8;
/** Offset of xmm0 in an FXSAVE image. */
const XMM_OFFSET = 160;
/** Of st0, 16 bytes each, of status and of tag word. */
const ST_OFFSET = 32, STATUS_OFFSET = 2, TAG_OFFSET = 4;

const bases = new Map<Region, Uint8Array>(REGIONS.map((region) => [region, baseContents(region)]));

/** The code region's contents for a batch: every case's bytes at its rip, `int3` elsewhere. */
export function codeContents(region: Region, cases: readonly OracleCase[]): Uint8Array {
  const bytes = bases.get(region)!.slice();
  for (const one of cases) {
    const at = Number(one.rip - region.address);
    if (at < 0 || at + one.code.length > bytes.length) throw new Error(`code outside the code region at 0x${one.rip.toString(16)}`);
    bytes.set(one.code, at);
  }
  return bytes;
}

export function encodeBatch(cases: readonly OracleCase[]): Uint8Array {
  let size = HEADER_SIZE + REGIONS.reduce((sum, region) => sum + 24 + region.size, 0);
  for (const one of cases) size += CASE_SIZE + one.patches.reduce((sum, patch) => sum + 16 + ((patch.bytes.length + 7) & ~7), 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, REGIONS.length, true);
  view.setUint32(8, cases.length, true);
  view.setBigUint64(16, FS_BASE, true);
  view.setBigUint64(24, GS_BASE, true);
  let at = HEADER_SIZE;
  for (const region of REGIONS) {
    view.setBigUint64(at, region.address, true);
    view.setBigUint64(at + 8, BigInt(region.size), true);
    view.setBigUint64(at + 16, BigInt((region.read ? 1 : 0) | (region.write ? 2 : 0) | (region.execute ? 4 : 0)), true);
    bytes.set(region.execute ? codeContents(region, cases) : bases.get(region)!, at + 24);
    at += 24 + region.size;
  }
  for (const one of cases) {
    view.setBigUint64(at, one.rip, true);
    view.setBigUint64(at + 8, one.rflags, true);
    for (let i = 0; i < 16; i++) view.setBigUint64(at + 16 + i * 8, one.gpr[i]!, true);
    const fxsave = at + 18 * 8;
    view.setUint16(fxsave, 0x37f, true);
    view.setUint32(fxsave + 24, 0x1f80, true);
    for (let i = 0; i < 8; i++) bytes.set(one.x87.subarray(i * 10, i * 10 + 10), fxsave + ST_OFFSET + i * 16);
    for (let i = 0; i < 16; i++) {
      bytes.set(one.vectors.subarray(i * 32, i * 32 + 16), fxsave + XMM_OFFSET + i * 16);
      bytes.set(one.vectors.subarray(i * 32 + 16, i * 32 + 32), fxsave + 512 + i * 16);
    }
    view.setUint32(fxsave + 768, one.patches.length, true);
    at += CASE_SIZE;
    for (const patch of one.patches) {
      view.setBigUint64(at, patch.address, true);
      view.setBigUint64(at + 8, BigInt(patch.bytes.length), true);
      bytes.set(patch.bytes, at + 16);
      at += 16 + ((patch.bytes.length + 7) & ~7);
    }
  }
  return bytes;
}

const SIGVTALRM = 26;
const SIGSYS = 31;

function ending(signal: number, vector: number, error: number, cr2: bigint): Ending {
  if (signal === SIGVTALRM) return { kind: 'timeout' };
  if (signal === SIGSYS) return { kind: 'system-call' };
  return { kind: 'exception', vector, error, cr2 };
}

/** As many answers as came back whole. */
export function decodeAnswers(bytes: Uint8Array): Outcome[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const outcomes: Outcome[] = [];
  let at = 0;
  while (at + RESULT_SIZE <= bytes.length) {
    const result = at;
    const fxsave = result + 32 + 18 * 8;
    const vectors = new Uint8Array(512);
    for (let i = 0; i < 16; i++) {
      vectors.set(bytes.subarray(fxsave + XMM_OFFSET + i * 16, fxsave + XMM_OFFSET + i * 16 + 16), i * 32);
      vectors.set(bytes.subarray(fxsave + 512 + i * 16, fxsave + 512 + i * 16 + 16), i * 32 + 16);
    }
    const x87 = new Uint8Array(80);
    for (let i = 0; i < 8; i++) x87.set(bytes.subarray(fxsave + ST_OFFSET + i * 16, fxsave + ST_OFFSET + i * 16 + 10), i * 10);
    const x87Status = view.getUint16(fxsave + STATUS_OFFSET, true), x87Tag = bytes[fxsave + TAG_OFFSET]!;
    const gpr: bigint[] = [];
    for (let i = 0; i < 16; i++) gpr.push(view.getBigUint64(result + 48 + i * 8, true));
    const ranges = view.getUint32(fxsave + 768, true);
    const changes: Patch[] = [];
    at += RESULT_SIZE;
    for (let i = 0; i < ranges; i++) {
      if (at + 16 > bytes.length) return outcomes;
      const size = Number(view.getBigUint64(at + 8, true));
      if (at + 16 + size > bytes.length) return outcomes;
      changes.push({ address: view.getBigUint64(at, true), bytes: bytes.slice(at + 16, at + 16 + size) });
      at += 16 + size;
    }
    outcomes.push({
      ending: ending(view.getUint32(result, true), Number(view.getBigUint64(result + 8, true)), Number(view.getBigUint64(result + 16, true)), view.getBigUint64(result + 24, true)),
      rip: view.getBigUint64(result + 32, true),
      rflags: view.getBigUint64(result + 40, true),
      gpr, vectors, x87, x87Status, x87Tag, changes,
    });
  }
  return outcomes;
}
