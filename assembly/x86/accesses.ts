/**
 * The memory an instruction touches, in the order in which the CPU does it, from iced's tables.
 */
import { Mnemonic, MemorySizeExt, OpAccess, OpKind, Register } from 'iced-x86';
import type { Instruction as IcedInstruction, InstructionInfo } from 'iced-x86';
import type { AccessKind, MemoryAccess } from './instruction.ts';
import { fullRegisterName, registerName } from './names.ts';

const KINDS: Readonly<Record<number, AccessKind>> = {
  [OpAccess.None]: 'none', [OpAccess.NoMemAccess]: 'none',
  [OpAccess.Read]: 'read', [OpAccess.CondRead]: 'read',
  [OpAccess.Write]: 'write', [OpAccess.CondWrite]: 'write',
  [OpAccess.ReadWrite]: 'read-write', [OpAccess.ReadCondWrite]: 'read-write',
};

/** Instructions that translate an address and neither load nor store its data (SDM 2A CLFLUSH: "may fault as a load"). */
const LINE_CONTROL = new Set<Mnemonic>([Mnemonic.Clflush, Mnemonic.Clflushopt, Mnemonic.Clwb, Mnemonic.Cldemote]);

/** True for CLFLUSH and its like. */
export function isLineControl(mnemonic: Mnemonic): boolean {
  return LINE_CONTROL.has(mnemonic);
}

/** Bytes of an element where iced says 0 because `rep` makes the number unknown. */
const STRING_SIZES: Readonly<Partial<Record<Mnemonic, number>>> = {
  [Mnemonic.Movsb]: 1, [Mnemonic.Stosb]: 1, [Mnemonic.Lodsb]: 1, [Mnemonic.Scasb]: 1, [Mnemonic.Cmpsb]: 1, [Mnemonic.Insb]: 1, [Mnemonic.Outsb]: 1,
  [Mnemonic.Movsw]: 2, [Mnemonic.Stosw]: 2, [Mnemonic.Lodsw]: 2, [Mnemonic.Scasw]: 2, [Mnemonic.Cmpsw]: 2, [Mnemonic.Insw]: 2, [Mnemonic.Outsw]: 2,
  [Mnemonic.Movsd]: 4, [Mnemonic.Stosd]: 4, [Mnemonic.Lodsd]: 4, [Mnemonic.Scasd]: 4, [Mnemonic.Cmpsd]: 4, [Mnemonic.Insd]: 4, [Mnemonic.Outsd]: 4,
  [Mnemonic.Movsq]: 8, [Mnemonic.Stosq]: 8, [Mnemonic.Lodsq]: 8, [Mnemonic.Scasq]: 8, [Mnemonic.Cmpsq]: 8,
};

/** The accesses of `instruction`: what it reads before what it writes, sources in operand order. */
export function memoryAccesses(instruction: IcedInstruction, info: InstructionInfo): MemoryAccess[] {
  if (isLineControl(instruction.mnemonic)) return [];
  const accesses: MemoryAccess[] = [];
  for (const used of info.usedMemory() as ReturnType<InstructionInfo['usedMemory']>) {
    const { access, base, index, scale, displacement, segment, memorySize } = used;
    (used as { free(): void }).free();
    const kind = KINDS[access as OpAccess] ?? 'none';
    if (kind === 'none') continue;
    accesses.push(describe(instruction, kind, { base, index, scale, displacement: BigInt.asIntN(64, displacement), segment, memorySize }));
  }
  const order = { read: 0, 'read-write': 1, write: 2 };
  return accesses.sort((a, b) => order[a.kind] - order[b.kind]);
}

interface UsedAddress {
  readonly base: Register;
  readonly index: Register;
  readonly scale: number;
  readonly displacement: bigint;
  readonly segment: Register;
  readonly memorySize: number;
}

function describe(instruction: IcedInstruction, kind: MemoryAccess['kind'], used: UsedAddress): MemoryAccess {
  const { base, index, scale, displacement, segment } = used;
  const ripRelative = instruction.isIpRelMemoryOperand && base === Register.None && displacement === BigInt.asIntN(64, instruction.ipRelMemoryAddress);
  const isStack = segment === Register.SS && (base === Register.RSP || base === Register.RBP) && index === Register.None;
  const implicit = isStack && !namesMemory(instruction, base, displacement);
  return {
    kind, scale, implicit,
    size: STRING_SIZES[instruction.mnemonic] ?? MemorySizeExt.size(used.memorySize),
    text: ripRelative ? ripText(instruction) : addressText(used, instruction.segmentPrefix),
    ...(ripRelative ? { base: 'rip' } : base === Register.None ? {} : { base: fullRegisterName(base) }),
    ...(index === Register.None ? {} : { index: fullRegisterName(index) }),
    displacement: ripRelative ? displacement - BigInt.asIntN(64, instruction.nextIP) : displacement,
    segment: registerName(segment),
  };
}

/** Whether the instruction has an operand for this very address, or it comes from pushing, popping, calling and the like. */
function namesMemory(instruction: IcedInstruction, base: Register, displacement: bigint): boolean {
  for (let operand = 0; operand < instruction.opCount; operand++) {
    if (instruction.opKind(operand) === OpKind.Memory) return instruction.memoryBase === base && BigInt.asIntN(64, instruction.memoryDisplacement) === displacement;
  }
  return false;
}

function ripText(instruction: IcedInstruction): string {
  return `${signedHex(BigInt.asIntN(64, instruction.ipRelMemoryAddress - instruction.nextIP))}(%rip)`;
}

function addressText({ base, index, scale, displacement }: UsedAddress, override: Register): string {
  const prefix = override === Register.FS || override === Register.GS ? `%${registerName(override)}:` : '';
  if (base === Register.None && index === Register.None) return `${prefix}${signedHex(displacement)}`;
  const inside = [base === Register.None ? '' : `%${registerName(base)}`, ...(index === Register.None ? [] : [`%${registerName(index)}`, String(scale)])].join(',');
  return `${prefix}${displacement === 0n ? '' : smallNumber(displacement)}(${inside})`;
}

function signedHex(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/** Small displacements as people write them. */
function smallNumber(value: bigint): string {
  return value > -1024n && value < 1024n ? String(value) : signedHex(value);
}
