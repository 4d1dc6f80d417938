/**
 * As much instruction decoding as the kernel's fault code does itself: opcode, and the address of the ModRM operand.
 * Sources: kernel 6.12 arch/x86/kernel/cpu/mce/severity.c (is_copy_from_user), arch/x86/mm/extable.c (ex_handler_zeropad); SDM 2A 2.1.
 */

/** An instruction with the opcodes of {@link decodeMemoryOperand}. */
export interface MemoryOperandFacts {
  /** The opcode byte, or 0x0F00 | byte for the two-byte map. */
  readonly opcode: number;
  /** Bytes of prefixes, opcode and operand. */
  readonly length: number;
  /** 8 with REX.W, 2 with an operand-size prefix, else 4. */
  readonly operandSize: 2 | 4 | 8;
  /** Register operand (ModRM.reg) by encoding number. */
  readonly register: number;
  /** False: the other operand is a register. */
  readonly isMemory: boolean;
  /** Linear address of the operand (segment bases taken as 0); the register's contents if it is none. */
  readonly address: bigint;
}

const LEGACY_PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);
const MOVS = [0xa4, 0xa5];
const RSI = 6;

/** The opcode behind the prefixes, or 0x0F00 | byte for the two-byte map; undefined if `bytes` ends before it. */
export function opcodeOf(bytes: Uint8Array): number | undefined {
  const { at } = prefixesOf(bytes);
  const opcode = bytes[at];
  if (opcode !== 0x0f) return opcode;
  const second = bytes[at + 1];
  return second === undefined ? undefined : 0x0f00 | second;
}

function prefixesOf(bytes: Uint8Array): { readonly at: number; readonly rex: number; readonly operandSize: boolean } {
  let at = 0;
  let operandSize = false;
  while (at < bytes.length && LEGACY_PREFIXES.has(bytes[at]!)) {
    if (bytes[at] === 0x66) operandSize = true;
    at++;
  }
  const rex = at < bytes.length && (bytes[at]! & 0xf0) === 0x40 ? bytes[at++]! : 0;
  return { at, rex, operandSize };
}

/**
 * Decodes MOV, MOVZX and the like (opcode, ModRM, no immediate) and MOVS, whose operand is at rsi.
 * Undefined if the bytes end before the instruction does.
 */
export function decodeMemoryOperand(bytes: Uint8Array, ip: bigint, getRegister: (register: number) => bigint): MemoryOperandFacts | undefined {
  const { at: start, rex, operandSize: small } = prefixesOf(bytes);
  const opcode = opcodeOf(bytes);
  if (opcode === undefined) return undefined;
  const operandSize = (rex & 8) !== 0 ? 8 : small ? 2 : 4;
  let at = start + (opcode > 0xff ? 2 : 1);
  if (MOVS.includes(opcode)) return { opcode, length: at, operandSize, register: 0, isMemory: true, address: getRegister(RSI) };
  const modrm = bytes[at++];
  if (modrm === undefined) return undefined;
  const register = ((modrm >> 3) & 7) | ((rex & 4) << 1);
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (mod === 3) return { opcode, length: at, operandSize, register, isMemory: false, address: getRegister(rm | ((rex & 1) << 3)) };
  const sib = rm === 4 ? bytes[at++] : undefined;
  if (rm === 4 && sib === undefined) return undefined;
  const base = sib === undefined ? rm : sib & 7;
  const noBase = mod === 0 && base === 5;
  const displacementSize = mod === 1 ? 1 : mod === 2 || noBase ? 4 : 0;
  if (at + displacementSize > bytes.length) return undefined;
  const length = at + displacementSize;
  let address = signed(bytes.subarray(at, length));
  if (!noBase) address += getRegister(base | ((rex & 1) << 3));
  else if (sib === undefined) address += ip + BigInt(length);
  const index = sib === undefined ? 4 : ((sib >> 3) & 7) | ((rex & 2) << 2);
  if (index !== 4) address += getRegister(index) << BigInt(sib! >> 6);
  return { opcode, length, operandSize, register, isMemory: true, address: BigInt.asUintN(64, address) };
}

function signed(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]!);
  return BigInt.asIntN(8 * bytes.length, value);
}
