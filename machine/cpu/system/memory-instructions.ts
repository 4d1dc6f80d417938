/** Cache-line instructions, direct stores, and the integer instructions with too many steps for a lift: enter, xlat. */
import { Code, OpKind, Register, RegisterExt } from 'iced-x86';
import { LINE_SIZE } from '../../memory/memory.ts';
import { VECTOR } from '../cpu.ts';
import { REG } from '../lift/access.ts';
import { NotModelled, SystemFault } from './context.ts';
import type { SystemInstruction } from './context.ts';
import { loadInteger, readRegister, storeInteger, toBytes, writeRegister } from './operands.ts';

/** clflush, clflushopt, clwb: the line must be readable; what is in it does not matter, poison neither. */
const flushLine: SystemInstruction = (cpu, instruction) => {
  cpu.checkPresent(cpu.address(instruction), 1);
  return undefined;
};

const lineOf = (address: bigint): bigint => address & ~BigInt(LINE_SIZE - 1);

/** clzero: the line at rax becomes zero, and no longer poisoned (AMD APM 3). */
const clzero: SystemInstruction = (cpu, instruction) => {
  const width = instruction.code === Code.Clzerod ? 32 : 64;
  const segment = instruction.segmentPrefix === Register.FS ? 4 : instruction.segmentPrefix === Register.GS ? 5 : 0;
  const address = lineOf(BigInt.asUintN(64, BigInt.asUintN(width, cpu.state.getGeneral(REG.RAX)) + cpu.state.getSegmentBase(segment)));
  cpu.store(address, new Uint8Array(LINE_SIZE));
  cpu.memory.unpoison(address, LINE_SIZE);
  cpu.state.pendingNonTemporal = true;
  return undefined;
};

/** movdir64b: 64 bytes at once, to an aligned line. */
const movdir64b: SystemInstruction = (cpu, instruction) => {
  const to = readRegister(cpu.state, instruction.op0Register);
  const bytes = cpu.load(cpu.address(instruction), 64);
  if (to % 64n !== 0n) throw new SystemFault(VECTOR.GP, 0);
  cpu.store(to, bytes);
  cpu.state.pendingNonTemporal = true;
  return undefined;
};

const movdiri: SystemInstruction = (cpu, instruction) => {
  const size = RegisterExt.size(instruction.op1Register);
  storeInteger(cpu, cpu.address(instruction), size, readRegister(cpu.state, instruction.op1Register));
  cpu.state.pendingNonTemporal = true;
  return undefined;
};

/** maskmovq, maskmovdqu: the bytes whose mask byte is negative go to rdi. All bytes are checked as if they were written (measured on a family 1Ah processor). */
const maskedStore: SystemInstruction = (cpu, instruction) => {
  const { state } = cpu;
  const [from, mask] = [instruction.op1Register, instruction.op2Register].map((register) =>
    (RegisterExt.isMM(register) ? state.getX87(RegisterExt.number(register)).subarray(0, 8) : state.getVector(RegisterExt.number(register), 16))) as [Uint8Array, Uint8Array];
  const narrow = instruction.op0Kind === OpKind.MemorySegEDI;
  const segment = instruction.memorySegment === Register.FS ? 4 : instruction.memorySegment === Register.GS ? 5 : 0;
  const base = BigInt.asUintN(narrow ? 32 : 64, state.getGeneral(REG.RDI)) + state.getSegmentBase(segment);
  const stores = [...from.keys()].filter((i) => mask[i]! >= 0x80).map((i) => ({ address: BigInt.asUintN(64, base + BigInt(i)), byte: from[i]! }));
  const mmx = RegisterExt.isMM(instruction.op1Register);
  const enterMmx = (): void => { if (mmx) state.x87 = { ...state.x87, tag: 0xff, status: state.x87.status & ~0x3800 }; };
  // AMD's processors are in MMX mode by the time the store faults.
  if (cpu.profile.vendor === 'amd') enterMmx();
  // The 16-byte forms are two of 8 bytes, as is seen where the second has no canonical address.
  for (let half = 0; half < from.length; half += 8) cpu.checkStore(BigInt.asUintN(64, base + BigInt(half)), 8);
  for (const { address, byte } of stores) cpu.store(address, Uint8Array.of(byte));
  enterMmx();
  state.pendingNonTemporal = true;
  return undefined;
};

/** xlatb: al = byte at rbx + al. */
const xlat: SystemInstruction = (cpu, instruction) => {
  const narrow = RegisterExt.size(instruction.memoryBase) === 4;
  let address = cpu.state.getGeneral(REG.RBX) + (cpu.state.getGeneral(REG.RAX) & 0xffn);
  address = BigInt.asUintN(narrow ? 32 : 64, address);
  const segment = instruction.memorySegment === Register.FS ? 4 : instruction.memorySegment === Register.GS ? 5 : 0;
  writeRegister(cpu.state, Register.AL, loadInteger(cpu, address + cpu.state.getSegmentBase(segment), 1));
  return undefined;
};

/** enter: a frame with `level` links to outer frames (SDM 2A). All its pushes succeed or none happens. */
const enter: SystemInstruction = (cpu, instruction) => {
  const { state } = cpu;
  const size = instruction.code === Code.Enterw_imm16_imm8 ? 2 : 8;
  const step = BigInt(size);
  const space = BigInt(instruction.immediate(0)) & 0xffffn;
  const level = instruction.immediate8_2nd & 31;
  let top = state.getGeneral(REG.RSP);
  let base = state.getGeneral(REG.RBP);
  const stores: { address: bigint; bytes: Uint8Array }[] = [];
  const push = (value: bigint): void => {
    top = BigInt.asUintN(64, top - step);
    cpu.checkStore(top, size);
    stores.push({ address: top, bytes: toBytes(value, size) });
  };
  // A link that was pushed a moment ago is read back as pushed.
  const read = (address: bigint): bigint => {
    const bytes = cpu.load(address, size);
    for (const one of stores) {
      for (let i = 0; i < size; i++) {
        const at = Number(BigInt.asIntN(64, one.address + BigInt(i) - address));
        if (at >= 0 && at < size) bytes[at] = one.bytes[i]!;
      }
    }
    return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  };
  push(base);
  const frame = top;
  for (let i = 1; i < level; i++) {
    base = BigInt.asUintN(64, base - step);
    push(read(base));
  }
  if (level > 0) push(frame);
  top = BigInt.asUintN(64, top - space);
  // The new top of the stack is probed as if it were written.
  cpu.checkStore(top, size);
  for (const { address, bytes } of stores) cpu.store(address, bytes);
  writeRegister(state, size === 8 ? Register.RBP : Register.BP, frame);
  state.setGeneral(REG.RSP, top);
  return undefined;
};

/** in, out, ins, outs: there are no devices, and ring 3 has no I/O permission. */
const port: SystemInstruction = (cpu) => {
  if (cpu.state.privilege > ((cpu.state.systemFlags >> 12) & 3)) throw new SystemFault(VECTOR.GP, 0);
  throw new NotModelled('I/O ports');
};

export const memoryInstructions: Record<string, SystemInstruction> = {
  clflush: flushLine, clflushopt: flushLine, clwb: flushLine, clzero, maskmovq: maskedStore, maskmovdqu: maskedStore, vmaskmovdqu: maskedStore, movdir64b, movdiri, xlatb: xlat, enter,
  in: port, out: port, insb: port, insw: port, insd: port, outsb: port, outsw: port, outsd: port,
};
