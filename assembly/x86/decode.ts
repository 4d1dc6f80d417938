/**
 * Bytes to {@link Instruction}: iced-x86 behind one function that gives plain data and leaks nothing.
 */
import { Code, CpuidFeature, Decoder, DecoderOptions, FlowControl, Instruction as IcedInstruction, InstructionInfoFactory, Mnemonic, OpAccess } from 'iced-x86';
import { memoryAccesses } from './accesses.ts';
import { attText } from './att-text.ts';
import { possibleFaults } from './faults.ts';
import type { Instruction } from './instruction.ts';
import { flagLetters, fullRegisterName } from './names.ts';

export interface DecodeOptions {
  /** Name of an address (`memcpy+0x10`), shown behind branch targets and rip-relative operands. */
  readonly symbol?: (address: bigint) => string | undefined;
}

/** Longest instruction (SDM 2A 2.3.11). */
export const MAX_INSTRUCTION_LENGTH = 15;

const CACHE_LIMIT = 20_000;
const cache = new Map<string, Instruction>();
// One of each for all calls; every other iced object is freed where it is made.
let scratch: { readonly instruction: IcedInstruction; readonly infos: InstructionInfoFactory } | undefined;

/**
 * Decodes the 64-bit instruction at the start of `bytes`, which lies at `address`. Never throws: bytes that are no instruction,
 * or end within one, give the mnemonic `(bad)` and the length 1, so that reading goes on with the next byte.
 */
export function decodeInstruction(bytes: Uint8Array, address: bigint, options: DecodeOptions = {}): Instruction {
  const window = bytes.length > MAX_INSTRUCTION_LENGTH ? bytes.subarray(0, MAX_INSTRUCTION_LENGTH) : bytes;
  const key = keyOf(window, address);
  let instruction = cache.get(key);
  if (instruction === undefined) {
    instruction = decode(window, address);
    if (cache.size >= CACHE_LIMIT) cache.clear();
    cache.set(key, instruction);
  }
  return options.symbol === undefined ? instruction : withSymbol(instruction, options.symbol);
}

/** Decodes one instruction after the other until `bytes` end. */
export function* decodeAll(bytes: Uint8Array, address: bigint, options: DecodeOptions = {}): Generator<Instruction> {
  for (let offset = 0; offset < bytes.length;) {
    const instruction = decodeInstruction(bytes.subarray(offset, offset + MAX_INSTRUCTION_LENGTH), address + BigInt(offset), options);
    yield instruction;
    offset += instruction.length;
  }
}

function keyOf(bytes: Uint8Array, address: bigint): string {
  return `${address.toString(36)} ${String.fromCharCode(...bytes)}`;
}

function decode(bytes: Uint8Array, address: bigint): Instruction {
  scratch ??= { instruction: new IcedInstruction(), infos: new InstructionInfoFactory() };
  const { instruction } = scratch;
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  try {
    decoder.ip = BigInt.asUintN(64, address);
    decoder.decodeOut(instruction);
    return describe(instruction, bytes, address);
  } finally {
    decoder.free();
  }
}

const FLOWS: Readonly<Record<number, Instruction['flow']>> = {
  [FlowControl.Next]: 'next', [FlowControl.UnconditionalBranch]: 'jump', [FlowControl.IndirectBranch]: 'indirect-jump',
  [FlowControl.ConditionalBranch]: 'conditional', [FlowControl.Return]: 'return', [FlowControl.Call]: 'call', [FlowControl.IndirectCall]: 'indirect-call',
  [FlowControl.Interrupt]: 'interrupt', [FlowControl.XbeginXabortXend]: 'other', [FlowControl.Exception]: 'exception',
};

function describe(instruction: IcedInstruction, bytes: Uint8Array, address: bigint): Instruction {
  const info = scratch!.infos.info(instruction);
  try {
    const length = instruction.isInvalid ? 1 : instruction.length;
    const accesses = memoryAccesses(instruction, info);
    const registers = usedRegisters(info);
    const features = [...instruction.cpuidFeatures()].map((feature) => CpuidFeature[feature] ?? String(feature));
    const mnemonic = instruction.isInvalid ? '(bad)' : (Mnemonic[instruction.mnemonic] ?? '').toLowerCase();
    const flow = instruction.isInvalid ? 'exception' : FLOWS[instruction.flowControl] ?? 'other';
    const direct = flow === 'jump' || flow === 'conditional' || (flow === 'call' && instruction.isCallNear);
    return {
      address, length, bytes: Uint8Array.from(bytes.subarray(0, length)), code: instruction.code, codeName: Code[instruction.code] ?? 'INVALID',
      mnemonic, text: attText(instruction, bytes),
      repeat: instruction.hasRepnePrefix ? 'repne' : instruction.hasRepPrefix || instruction.hasRepePrefix ? 'rep' : 'none',
      lock: instruction.hasLockPrefix,
      accesses,
      registersRead: registers.read, registersWritten: registers.written,
      flagsRead: flagLetters(instruction.rflagsRead),
      flagsWritten: flagLetters(instruction.rflagsModified & ~instruction.rflagsUndefined),
      flagsUndefined: flagLetters(instruction.rflagsUndefined),
      flow, ...(direct ? { target: instruction.nearBranchTarget } : {}),
      features, privileged: instruction.isPrivileged,
      faults: possibleFaults({ instruction, mnemonic, accesses, features }),
    };
  } finally {
    info.free();
  }
}

const READS = new Set<OpAccess>([OpAccess.Read, OpAccess.CondRead, OpAccess.ReadWrite, OpAccess.ReadCondWrite]);
const WRITES = new Set<OpAccess>([OpAccess.Write, OpAccess.CondWrite, OpAccess.ReadWrite, OpAccess.ReadCondWrite]);

function usedRegisters(info: ReturnType<InstructionInfoFactory['info']>): { readonly read: string[]; readonly written: string[] } {
  const read = new Set<string>();
  const written = new Set<string>();
  for (const used of info.usedRegisters()) {
    const { register, access } = used as { readonly register: number; readonly access: OpAccess };
    (used as { free(): void }).free();
    const name = fullRegisterName(register);
    if (READS.has(access)) read.add(name);
    if (WRITES.has(access)) written.add(name);
  }
  return { read: [...read], written: [...written] };
}

function withSymbol(instruction: Instruction, symbol: NonNullable<DecodeOptions['symbol']>): Instruction {
  const rip = instruction.accesses.find(({ base }) => base === 'rip');
  const address = instruction.target ?? (rip === undefined ? undefined : BigInt.asUintN(64, instruction.address + BigInt(instruction.length) + rip.displacement));
  const name = address === undefined ? undefined : symbol(address);
  return name === undefined ? instruction : { ...instruction, text: `${instruction.text} <${name}>` };
}
