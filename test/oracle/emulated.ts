/**
 * The emulated CPU, put into the state a case describes: ring 3, the oracle's pages, Linux's user selectors.
 */
import type { CpuExit, CpuProfile } from '../../machine/cpu/cpu.ts';
import { createCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';
import type { MemoryCheckpoint } from '../../machine/memory/memory.ts';
import type { Ending, OracleCase, Outcome, Patch } from './case.ts';
import { baseContents, CODE, DATA_REGIONS, FS_BASE, GS_BASE, REGIONS, USER_CS, USER_SS } from './layout.ts';
import type { Region } from './layout.ts';
import { codeContents } from './wire.ts';

/** Instructions after which a case counts as endless … */
const LIMIT = 200_000;
/** … unless the other side found an end: it has 10 to 20 ms, in which a processor retires no more than this. */
export const PATIENCE = 400_000_000;
/** x86 segment numbers. */
const SEGMENT = { ES: 0, CS: 1, SS: 2, DS: 3, FS: 4, GS: 5 } as const;

/** PG AM WP NE ET PE, and FSGSBASE OSXSAVE OSXMMEXCPT OSFXSR PAE: as Linux sets them. */
const CR0 = 0x8005_0031n;
const CR4 = 0x5_0620n;

const bases = new Map<Region, Uint8Array>(DATA_REGIONS.map((region) => [region, baseContents(region)]));

function ending(exit: CpuExit): Ending {
  switch (exit.kind) {
    case 'limit': return { kind: 'timeout' };
    case 'exception': return { kind: 'exception', vector: exit.vector, error: exit.errorCode ?? 0, cr2: exit.address ?? 0n };
    case 'unsupported': return { kind: 'unsupported', text: exit.text };
    default: return { kind: 'unsupported', text: `exit ${exit.kind}` };
  }
}

/** Stretches of `now` that differ from `base`, in whole 8-byte words, as the runner reports them. */
export function differences(address: bigint, now: Uint8Array, base: Uint8Array): Patch[] {
  const changes: Patch[] = [];
  if (Buffer.compare(now, base) === 0) return changes;
  const [left, right] = [now, base].map((bytes) => new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)) as [BigUint64Array, BigUint64Array];
  const same = (word: number): boolean => left[word] === right[word];
  const words = now.length / 8;
  for (let i = 0; i < words; i++) {
    if (same(i)) continue;
    let end = i + 1;
    while (end < words && !same(end)) end++;
    changes.push({ address: address + BigInt(i * 8), bytes: now.slice(i * 8, end * 8) });
    i = end;
  }
  return changes;
}

export class EmulatedCpu {
  readonly cpu: WasmCpu;
  private readonly compiled: boolean;
  /** Cases that really ran as regions. */
  compilations = 0;
  private code: Uint8Array;

  /** `compiled`: every case runs as a compiled region instead of in the interpreter. */
  constructor(profile: CpuProfile, compiled = false) {
    this.compiled = compiled;
    this.cpu = createCpu({ profile, granule: 'line' });
    this.cpu.regions.enabled = compiled;
    for (const region of REGIONS) {
      this.cpu.memory.map(region.address, region.size, { read: region.read, write: region.write, execute: region.execute, user: true });
      this.cpu.memory.write(region.address, baseContents(region));
    }
    this.code = baseContents(CODE);
    this.cpu.registers.setControl(0, CR0);
    this.cpu.registers.setControl(4, CR4);
    this.cpu.registers.setSegment(SEGMENT.CS, USER_CS);
    this.cpu.registers.setSegment(SEGMENT.SS, USER_SS);
    this.cpu.registers.setSegmentBase(SEGMENT.FS, FS_BASE);
    this.cpu.registers.setSegmentBase(SEGMENT.GS, GS_BASE);
  }

  /** Runs the cases in order; one outcome each. */
  run(cases: readonly OracleCase[], limit = LIMIT): Outcome[] {
    const { memory } = this.cpu;
    this.code = codeContents(CODE, cases);
    memory.write(CODE.address, this.code);
    const registers = this.cpu.registers.save();
    const checkpoint = memory.checkpoint();
    const outcomes = cases.map((one) => {
      for (const patch of one.patches) memory.write(patch.address, patch.bytes);
      const outcome = this.runOne(one, checkpoint, limit);
      memory.restore(checkpoint);
      this.cpu.registers.restore(registers);
      return outcome;
    });
    memory.release(checkpoint);
    return outcomes;
  }

  private runOne(one: OracleCase, before: MemoryCheckpoint, limit: number): Outcome {
    const { registers, memory } = this.cpu;
    one.gpr.forEach((value, i) => { registers.set(i, value); });
    registers.rip = one.rip;
    registers.rflags = one.rflags;
    for (let i = 0; i < 16; i++) registers.setVector(i, one.vectors.subarray(i * 32, i * 32 + 32));
    for (let i = 0; i < 8; i++) registers.setX87(i, one.x87.subarray(i * 10, i * 10 + 10));
    if (this.compiled && this.cpu.regions.compile(one.rip)) this.compilations++;
    const exit = this.cpu.run(limit);
    const vectors = new Uint8Array(512);
    for (let i = 0; i < 16; i++) vectors.set(registers.getVector(i, 32), i * 32);
    const x87 = new Uint8Array(80);
    const { status: x87Status, tag: x87Tag } = registers.x87;
    for (let i = 0; i < 8; i++) x87.set(registers.getX87((i + (x87Status >> 11)) & 7), i * 10);
    const written = memory.changedSince(before);
    const touched = DATA_REGIONS.filter((region) => written.some(({ address, size }) => address < region.address + BigInt(region.size) && region.address < address + BigInt(size)));
    return {
      ending: ending(exit),
      rip: registers.rip,
      rflags: registers.rflags,
      gpr: Array.from({ length: 16 }, (_, i) => registers.get(i)),
      vectors, x87, x87Status, x87Tag,
      changes: touched.flatMap((region) => differences(region.address, memory.read(region.address, region.size), bases.get(region)!)),
    };
  }
}
