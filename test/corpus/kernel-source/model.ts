/**
 * Our model's answer to a case of the harness.
 */
import { errorContext, isCopyOpcode } from '../../../fault-model/error-context.ts';
import { inKernelSpace } from '../../../fault-model/address-space.ts';
import { EX_TYPE } from '../../../fault-model/ex-type.ts';
import { handlerType } from '../../../fault-model/handler-types.ts';
import { decodeMemoryOperand } from '../../../fault-model/memory-operand.ts';
import { entryType } from '../../../fault-model/kernel-generation.ts';
import type { KernelGeneration } from '../../../fault-model/kernel-generation.ts';
import { SEVERITIES, gradeMachineCheck } from '../../../fault-model/severity.ts';
import { ORACLE_DATA, ORACLE_TEXT } from './harness.ts';
import type { OracleAnswer, OracleCase } from './harness.ts';

const COPYIN = 1n << 7n, RECOV = 1n << 6n;

export interface ModelAnswer extends Omit<OracleAnswer, 'message'> {
  readonly message: string;
  readonly row: number;
}

export function askModel(one: OracleCase, generation: KernelGeneration): ModelAnswer {
  const type = one.hasEntry ? one.data & 0xff : undefined;
  const source = decodeMemoryOperand(one.text, ORACLE_TEXT, (register) => one.registers[register]!);
  const context = errorContext({
    cs: one.cs, mcgStatus: one.mcgStatus,
    entryType: type === undefined ? undefined : entryType(type, generation),
    copiesFromUser: source !== undefined && isCopyOpcode(source.opcode) && !inKernelSpace(source.address, one.la57),
  }, generation);
  const grade = gradeMachineCheck(
    { bank: one.bank, status: one.status, address: one.address, misc: one.misc, mcgStatus: one.mcgStatus }, context,
    {
      generation, vendor: one.amd ? 'amd' : 'intel', ser: one.ser, inException: one.inException, overflowRecovery: one.overflowRecovery, succor: one.succor,
      ...(one.skylakeX ? { model: { name: 'skylake-x', stepping: one.stepping } } : {}),
    },
  );
  return {
    severity: SEVERITIES.indexOf(grade.severity), row: grade.row, message: grade.message,
    kflags: (context.context === 'KERNEL_RECOV' ? RECOV : 0n) | (context.copyin ? COPYIN : 0n),
    ...runHandler(one, type === undefined ? undefined : entryType(type, generation), generation),
  };
}

function runHandler(one: OracleCase, type: number | undefined, generation: KernelGeneration): Omit<ModelAnswer, 'severity' | 'kflags' | 'message' | 'row'> {
  const registers = [...one.registers];
  let fsCleared = false, fpuReset = false;
  const unhandled = { registers: one.registers, ip: ORACLE_TEXT, warned: false, fsCleared, fpuReset };
  if (!one.hasEntry) return { ...unhandled, handled: 'refused' };
  const handler = type === undefined ? undefined : handlerType(type);
  if (handler === undefined) return { ...unhandled, handled: 'died' };
  const view = new DataView(one.word.buffer, one.word.byteOffset, 16);
  const outcome = handler.run({
    getRegister: (register) => registers[register]!,
    setRegister: (register, value) => { registers[register] = value; },
    trapnr: one.trapnr, errorCode: one.errorCode, faultAddress: one.faultAddress, ip: ORACLE_TEXT, instructionBytes: one.text, generation, la57: one.la57, rflags: 2n,
    readQuad: (address) => {
      const offset = Number(address - ORACLE_DATA);
      return offset >= 0 && offset <= 8 ? view.getBigUint64(offset, true) : offset >= 0 && offset <= 4088 ? 0n : undefined;
    },
    writeLong: () => false,
    clearFs: () => { fsCleared = true; },
    resetFpu: () => { fpuReset = true; },
  }, {
    type: type!, fixup: one.fixup, fixupWord: 0, register: (one.data >> 8) & 15, flags: (one.data >> 12) & 15, immediate: one.data >> 16,
  });
  const warned = outcome.warnings.length > 0;
  const handled = outcome.resumeAt !== undefined ? 'handled' : type === EX_TYPE.WRMSR_IN_MCE || type === EX_TYPE.RDMSR_IN_MCE ? 'died' : 'refused';
  return { registers, ip: outcome.resumeAt ?? ORACLE_TEXT, warned, fsCleared, fpuReset, handled };
}
