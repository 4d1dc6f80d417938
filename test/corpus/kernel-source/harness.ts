/**
 * Builds the kernel's own severity.c, extable.c and instruction decoder into a user program (main.c, kernel-side.c) and asks it cases.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { kernelCFlags } from '../corpus.ts';
import type { Corpus } from '../corpus.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../.cache/corpus-objects/', import.meta.url));
const KERNEL_FILES = ['kernel/cpu/mce/severity.c', 'mm/extable.c', 'lib/insn.c', 'lib/inat.c', 'lib/insn-eval.c'];
const OURS = ['case.h', 'kernel-side.c', 'main.c'];

/** Where the harness puts the interrupted instruction, and a page of data. */
export const ORACLE_TEXT = 0x2000_0000n;
export const ORACLE_DATA = 0x3000_0000n;

const CASE_FIELDS = 12;
export const CASE_SIZE = 8 * (CASE_FIELDS + 16) + 32;
const ANSWER_SIZE = 8 * (2 + 8 + 4 + 1 + 16);

export interface OracleCase {
  readonly status: bigint;
  readonly misc: bigint;
  readonly address: bigint;
  readonly mcgStatus: bigint;
  readonly cs: number;
  readonly bank: number;
  readonly ser: boolean;
  readonly inException: boolean;
  readonly amd: boolean;
  readonly overflowRecovery: boolean;
  readonly succor: boolean;
  readonly skylakeX: boolean;
  readonly stepping: number;
  readonly la57: boolean;
  readonly hasEntry: boolean;
  /** The entry's third word, 32 bits. */
  readonly data: number;
  readonly trapnr: number;
  readonly errorCode: number;
  readonly faultAddress: bigint;
  readonly fixup: bigint;
  /** 16, by encoding number. */
  readonly registers: readonly bigint[];
  /** 16 bytes at ORACLE_TEXT. */
  readonly text: Uint8Array;
  /** 16 bytes at ORACLE_DATA. */
  readonly word: Uint8Array;
}

export interface OracleAnswer {
  /** Number in the kernel's enum. */
  readonly severity: number;
  readonly kflags: bigint;
  readonly message: string;
  readonly handled: 'refused' | 'handled' | 'died';
  readonly warned: boolean;
  readonly fpuReset: boolean;
  readonly fsCleared: boolean;
  readonly ip: bigint;
  readonly registers: readonly bigint[];
}

/** Compiles the harness for `from` once and returns the program's path. */
export function buildHarness(from: Corpus): string {
  const key = createHash('sha256').update(JSON.stringify(from.packages));
  for (const file of OURS) key.update(readFileSync(join(HERE, file)));
  const program = join(CACHE, from.generation, `oracle-${key.digest('hex').slice(0, 12)}`);
  if (existsSync(program)) return program;
  mkdirSync(join(CACHE, from.generation), { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'mcsafe-oracle-'));
  const arch = join(from.source, 'arch/x86');
  const tables = execFileSync('awk', ['-f', join(arch, 'tools/gen-insn-attr-x86.awk'), join(arch, 'lib/x86-opcode-map.txt')]);
  writeFileSync(join(work, 'inat-tables.c'), tables);
  const objects = [...KERNEL_FILES.map((file) => join(arch, file)), join(HERE, 'kernel-side.c')].map((file, index) => {
    const object = join(work, `${String(index)}.o`);
    execFileSync('gcc', [...kernelCFlags(from), `-I${work}`, `-I${HERE}`, `-I${join(arch, 'kernel/cpu/mce')}`, '-c', '-o', object, file], { stdio: 'pipe' });
    // WARN_ONCE's marks, under a name that the linker gives start and stop symbols for.
    execFileSync('objcopy', ['--rename-section', '.data..once=data_once', '--rename-section', '.data.once=data_once', object], { stdio: 'pipe' });
    return object;
  });
  const linked = join(work, 'oracle');
  // What these files call and no case reaches (debugfs, paravirt …) stays undefined.
  execFileSync('gcc', ['-O2', '-fno-pie', '-no-pie', '-static', '-w', '-Wl,--unresolved-symbols=ignore-all', '-o', linked, join(HERE, 'main.c'), ...objects], { stdio: 'pipe' });
  const fresh = `${program}.${String(process.pid)}`;
  copyFileSync(linked, fresh);
  renameSync(fresh, program);
  return program;
}

/** The kernel's answers to `cases`. */
export function askKernel(program: string, cases: readonly OracleCase[]): readonly OracleAnswer[] {
  const input = Buffer.alloc(CASE_SIZE * cases.length);
  cases.forEach((one, index) => { encodeCase(one, input, index * CASE_SIZE); });
  const { status, stdout, signal } = spawnSync(program, [], { input, maxBuffer: ANSWER_SIZE * cases.length + 4096 });
  if (status !== 0 || stdout.length !== ANSWER_SIZE * cases.length) {
    throw new Error(`the harness ended with ${String(signal ?? status)} after ${String(stdout.length / ANSWER_SIZE)} of ${String(cases.length)} answers`);
  }
  return cases.map((_, index) => decodeAnswer(stdout, index * ANSWER_SIZE));
}

function encodeCase(one: OracleCase, into: Buffer, start: number): void {
  const flags = [one.ser, one.inException, one.amd, one.overflowRecovery, one.succor, one.skylakeX, one.la57, one.hasEntry];
  const options = flags.reduce((bits, flag, index) => bits | (Number(flag) << index), one.stepping << 8);
  let at = start;
  const put = (value: bigint | number): void => { at = into.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at); };
  [one.status, one.misc, one.address, one.mcgStatus, one.cs, one.bank, options, BigInt.asUintN(32, BigInt(one.data)), one.trapnr, one.errorCode, one.faultAddress, one.fixup].forEach(put);
  one.registers.forEach(put);
  into.set(one.text, at);
  into.set(one.word, at + 16);
}

function decodeAnswer(from: Buffer, start: number): OracleAnswer {
  const field = (index: number): bigint => from.readBigUInt64LE(start + 8 * index);
  const message = from.subarray(start + 16, start + 80);
  return {
    severity: Number(field(0)), kflags: field(1), message: message.subarray(0, message.indexOf(0)).toString('latin1'),
    handled: (['refused', 'handled', 'died'] as const)[Number(field(10))]!,
    warned: field(11) !== 0n, fpuReset: field(12) !== 0n, fsCleared: field(13) !== 0n, ip: field(14),
    registers: Array.from({ length: 16 }, (_, index) => field(15 + index)),
  };
}
