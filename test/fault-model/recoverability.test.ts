/**
 * Is a machine check at this entry recoverable? The answer, and its reason, by kernel generation.
 */
import { describe, expect, test } from 'vitest';
import { errorContext, recoverability } from '../../fault-model/error-context.ts';
import { EX_TYPE } from '../../fault-model/ex-type.ts';
import { kernelGeneration } from '../../fault-model/kernel-generation.ts';

const MOV = 0x8b, MOVS = 0xa4, MOVZX = 0x0fb6, CMPXCHG = 0x0fb1, MOVSX = 0x0fbe, LODS = 0xac;
const answer = (generation: string, type: number, opcode: number): string => recoverability(type, opcode, kernelGeneration(generation)!).recoverable;
const IF_USER = 'if the address is a user address';

describe('recoverability', () => {
  test.for([
    ['6.12', EX_TYPE.DEFAULT_MCE_SAFE, MOV, 'yes'],
    ['6.12', EX_TYPE.FAULT_MCE_SAFE, CMPXCHG, 'yes'],
    ['6.12', EX_TYPE.UACCESS, MOV, IF_USER],
    ['6.12', EX_TYPE.UACCESS, MOVS, IF_USER],
    // The change of 6.15, backported: the type does not matter, so get_user and futex recover again.
    ['6.12', EX_TYPE.IMM_REG, MOVZX, IF_USER],
    ['6.12', EX_TYPE.IMM_REG, CMPXCHG, 'no'],
    ['6.12', EX_TYPE.UACCESS, MOVSX, 'no'],
    ['6.12', EX_TYPE.UACCESS, LODS, 'no'],
    ['6.12', EX_TYPE.FAULT, CMPXCHG, 'no'],
    ['5.16', EX_TYPE.UACCESS, MOV, IF_USER],
    ['5.16', EX_TYPE.DEFAULT, MOV, 'no'],
    ['5.10', EX_TYPE.COPY, MOV, IF_USER],
    ['5.10', EX_TYPE.FAULT, LODS, 'yes'],
    ['4.6', EX_TYPE.FAULT, MOV, 'yes'],
    ['4.6', EX_TYPE.UACCESS, MOV, 'no'],
    ['4.4', EX_TYPE.DEFAULT, MOV, 'no'],
    ['4.4', EX_TYPE.DEFAULT_MCE_SAFE, MOV, 'yes'],
  ] as const)('of %s, type %i, opcode %i: %s', ([generation, type, opcode, expected]) => {
    expect(answer(generation, type, opcode)).toBe(expected);
  });

  test('an instruction that reads user memory counts even without an entry, from 6.15 on', () => {
    const at = { cs: 0x10, mcgStatus: 7n, entryType: undefined, copiesFromUser: true };
    expect(errorContext(at, kernelGeneration('6.12')!)).toMatchObject({ context: 'KERNEL_RECOV', copyin: true });
    expect(errorContext(at, kernelGeneration('5.16')!).context).toBe('KERNEL');
  });

  test('user code is user code, and a saved ip that means nothing is the worst case', () => {
    const at = { cs: 0x33, mcgStatus: 0n, entryType: undefined, copiesFromUser: false };
    expect(errorContext(at, kernelGeneration('6.12')!).context).toBe('USER');
    expect(errorContext({ ...at, cs: 0x10, entryType: EX_TYPE.DEFAULT_MCE_SAFE, mcgStatus: 1n }, kernelGeneration('6.12')!).context).toBe('KERNEL');
  });
});
