/**
 * What hosts of one vendor do differently from each other: instructions that some do not have, and what the manuals leave to a processor.
 * The emulator does as the newest does.
 */
import { Decoder, Mnemonic } from 'iced-x86';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import { opcodeIndex } from '../../machine/cpu/length.ts';
import type { Ending, OracleCase, Outcome } from './case.ts';
import { codeFacts } from './codes.ts';
import { hostDecoding } from './native.ts';
import type { HostCpu } from './native.ts';

/** iced-x86's names of CPUID features that not every host has, as /proc/cpuinfo lists them. Without them the instruction is undefined. */
const OPTIONAL: Readonly<Record<string, string>> = {
  ADX: 'adx', AES: 'aes', AVX: 'avx', AVX2: 'avx2', AVX512BW: 'avx512bw', AVX512CD: 'avx512cd', AVX512DQ: 'avx512dq', AVX512F: 'avx512f', AVX512VL: 'avx512vl', AVX512_VBMI: 'avx512vbmi',
  AVX512_VBMI2: 'avx512_vbmi2', BMI1: 'bmi1', BMI2: 'bmi2', CLFLUSHOPT: 'clflushopt', CLWB: 'clwb', CLZERO: 'clzero', CMPXCHG16B: 'cx16', FSGSBASE: 'fsgsbase', GFNI: 'gfni', MOVBE: 'movbe',
  MOVDIR64B: 'movdir64b', MOVDIRI: 'movdiri', PCLMULQDQ: 'pclmulqdq', PKU: 'ospke', POPCNT: 'popcnt', RDPID: 'rdpid', RDPRU: 'rdpru', RDRAND: 'rdrand', RDSEED: 'rdseed', RDTSCP: 'rdtscp', SERIALIZE: 'serialize',
  SHA: 'sha_ni', SSE3: 'pni', SSE4A: 'sse4a', SSE4_1: 'sse4_1', SSE4_2: 'sse4_2', SSSE3: 'ssse3', VAES: 'vaes', VPCLMULQDQ: 'vpclmulqdq', XSAVE: 'xsave', XSAVEC: 'xsavec', XSAVEOPT: 'xsaveopt',
};

/** AMD's Zen 5. */
const NEWEST_AMD = 0x1a;
const COMPARES: ReadonlySet<Mnemonic> = new Set([Mnemonic.Cmpsb, Mnemonic.Cmpsw, Mnemonic.Cmpsd, Mnemonic.Cmpsq]);
const MASKED: ReadonlySet<Mnemonic> = new Set([Mnemonic.Vmaskmovps, Mnemonic.Vmaskmovpd, Mnemonic.Vpmaskmovd, Mnemonic.Vpmaskmovq]);
const EXTENDED_RESTORES: ReadonlySet<Mnemonic> = new Set([Mnemonic.Xrstor, Mnemonic.Xrstor64]);
const MEMORY_FAULTS: ReadonlySet<number> = new Set([VECTOR.SS, VECTOR.GP, VECTOR.PF, VECTOR.AC]);

/** The first of `features` that the host does not have. */
export function lacking(host: HostCpu, features: readonly string[]): string | undefined {
  return features.find((feature) => OPTIONAL[feature] !== undefined && !host.features.has(OPTIONAL[feature]));
}

/** Why an answer of this host says nothing about the emulator's, which differs: judged by the instruction at which one of them stopped. */
export function hostDiffers(host: HostCpu, state: OracleCase, native: Outcome, emulated: Outcome): string | undefined {
  const undefinedFor = [native, emulated].find(({ ending }) => isException(ending, [VECTOR.UD]));
  const at = Number((undefinedFor ?? native).rip - state.rip);
  if (at < 0 || at >= state.code.length) return undefined;
  const bytes = state.code.subarray(at);
  const older = host.vendor === 'amd' && host.family < NEWEST_AMD;
  if (undefinedFor === native) {
    const feature = isEvex(bytes) ? lacking(host, ['AVX512F']) : lacking(host, instructionAt(bytes).features);
    return feature === undefined ? undefined : `this host has no ${feature}`;
  }
  if (undefinedFor === emulated) return older && isRepeated0F01(bytes) ? 'this host takes repeat prefixes with opcodes 0F 01' : undefined;
  if (!older || !faultsInMemory(native.ending)) return undefined;
  const { mnemonic } = instructionAt(bytes);
  if (EXTENDED_RESTORES.has(mnemonic)) return 'this host looks for all of an extended area that is asked for, whether it restores it or not';
  if (!faultsInMemory(emulated.ending)) return undefined;
  if (COMPARES.has(mnemonic)) return 'of two operands that fault, this host reports the second';
  return MASKED.has(mnemonic) ? 'this host wraps the address of each element at the address size' : undefined;
}

/** Also of what is too long to be decoded. */
function isEvex(bytes: Uint8Array): boolean {
  return bytes[opcodeIndex(bytes)] === 0x62;
}

function isRepeated0F01(bytes: Uint8Array): boolean {
  const opcode = opcodeIndex(bytes);
  return bytes[opcode] === 0x0f && bytes[opcode + 1] === 0x01 && bytes.subarray(0, opcode).some((byte) => byte === 0xf2 || byte === 0xf3);
}

function isException(ending: Ending, vectors: readonly number[]): boolean {
  return ending.kind === 'exception' && vectors.includes(ending.vector);
}

function faultsInMemory(ending: Ending): boolean {
  return ending.kind === 'exception' && MEMORY_FAULTS.has(ending.vector);
}

function instructionAt(bytes: Uint8Array): { readonly mnemonic: Mnemonic; readonly features: readonly string[] } {
  const decoder = new Decoder(64, bytes, hostDecoding);
  const instruction = decoder.decode();
  const { mnemonic, code } = instruction;
  instruction.free();
  decoder.free();
  return { mnemonic, features: codeFacts.get(code)?.features ?? [] };
}
