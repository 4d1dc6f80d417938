/**
 * What each handler type writes, told by running it on a frame of known registers.
 */
import { describe, expect, test } from 'vitest';
import { EX_TYPE, namedHandler } from '../../fault-model/ex-type.ts';
import { HANDLER_TYPES, handlerType, registersWritten } from '../../fault-model/handler-types.ts';
import { kernelGeneration } from '../../fault-model/kernel-generation.ts';

const NAMES = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const FIXUP = 0x2000n, IP = 0x1000n;

interface Case {
  readonly trapnr?: number;
  readonly faultAddress?: bigint;
  readonly register?: number;
  readonly flags?: number;
  readonly immediate?: number;
  readonly generation?: string;
  readonly bytes?: readonly number[];
  readonly fixup?: bigint;
  readonly fixupWord?: number;
}

/** Runs a type on registers 0x10 to 0x1f and says what it did. */
function run(type: number, one: Case = {}): { readonly wrote: Readonly<Record<string, bigint>>; readonly resumeAt: bigint | undefined; readonly warnings: number; readonly refusal: string | undefined; readonly memory: readonly (readonly [bigint, number])[] } {
  const registers = NAMES.map((_, number) => 0x10n + BigInt(number));
  const wrote: Record<string, bigint> = {};
  const memory: [bigint, number][] = [];
  const outcome = handlerType(type)!.run({
    getRegister: (register) => registers[register]!,
    setRegister: (register, value) => { wrote[NAMES[register]!] = registers[register] = value; },
    trapnr: one.trapnr ?? 14, errorCode: 0, faultAddress: one.faultAddress ?? 0n, ip: IP, instructionBytes: Uint8Array.from(one.bytes ?? []),
    generation: kernelGeneration(one.generation ?? '6.12')!, la57: false, rflags: 2n,
    readQuad: () => 0x8877665544332211n,
    writeLong: (address, value) => { memory.push([address, value]); return true; },
    clearFs: () => { wrote['fs'] = 0n; },
    resetFpu: () => { wrote['fpu'] = 0n; },
  }, { type, fixup: one.fixup ?? FIXUP, fixupWord: one.fixupWord ?? 0, register: one.register ?? 0, flags: one.flags ?? 0, immediate: one.immediate ?? 0 });
  return { wrote, resumeAt: outcome.resumeAt, warnings: outcome.warnings.length, refusal: outcome.refusal, memory };
}

describe('a handler type', () => {
  test.for<readonly [keyof typeof EX_TYPE, Case, Readonly<Record<string, bigint>>, number]>([
    ['DEFAULT', {}, {}, 0],
    ['DEFAULT', { flags: 3 }, { ax: 0n, dx: 0n }, 0],
    ['FAULT', { trapnr: 18 }, { ax: 18n }, 0],
    ['UACCESS', { flags: 1 }, { ax: 0n }, 0],
    ['UACCESS', { trapnr: 13, generation: '6.1' }, {}, 1],
    ['UACCESS', { trapnr: 13 }, {}, 0],
    ['UACCESS', { trapnr: 13, faultAddress: 0xffff_8000_0000_0000n }, {}, 1],
    ['COPY', { trapnr: 14 }, { ax: 14n }, 0],
    ['CLEAR_FS', {}, { fs: 0n }, 0],
    ['FPU_RESTORE', {}, { fpu: 0n }, 1],
    ['WRMSR', {}, {}, 1],
    ['RDMSR', {}, { ax: 0n, dx: 0n }, 1],
    ['WRMSR_SAFE', { register: 6 }, { si: 0xffff_ffff_ffff_fffbn }, 0],
    ['RDMSR_SAFE', { register: 9 }, { ax: 0n, dx: 0n, r9: 0xffff_ffff_ffff_fffbn }, 0],
    ['DEFAULT_MCE_SAFE', {}, {}, 0],
    ['FAULT_MCE_SAFE', { trapnr: 18 }, { ax: 18n }, 0],
    ['POP_REG', { register: 3, immediate: 5 }, { sp: 0x1cn, bx: 5n }, 0],
    ['IMM_REG', { register: 0, immediate: -14 }, { ax: 0xffff_ffff_ffff_fff2n }, 0],
    ['FAULT_SGX', { trapnr: 14 }, { ax: 0x4000_000en }, 0],
    ['UCOPY_LEN', { register: 3, immediate: 8 }, { cx: 8n * 0x11n + 0x13n }, 0],
    ['EXT', {}, {}, 0],
  ])('%s %o writes %o', ([name, one, wrote, warnings]) => {
    expect(run(EX_TYPE[name], one)).toMatchObject({ wrote, warnings, resumeAt: FIXUP });
  });

  test('ZEROPAD gives what lies in front of the page end', () => {
    // mov 0x13(%rax), %rbx: at 0x23, of which 5 bytes lie in the word at 0x20.
    const load = { bytes: [0x48, 0x8b, 0x58, 0x13], fixup: IP + 4n, faultAddress: 0x28n };
    expect(run(EX_TYPE.ZEROPAD, load)).toMatchObject({ wrote: { bx: 0x8877665544n }, resumeAt: IP + 4n });
    expect(run(EX_TYPE.ZEROPAD, { ...load, faultAddress: 0n }).refusal).toContain('not on the word after');
    expect(run(EX_TYPE.ZEROPAD, { ...load, bytes: [0x8b, 0x58, 0x13] }).refusal).toBe('the operand is not 8 bytes');
    expect(run(EX_TYPE.ZEROPAD, { ...load, bytes: [0x48, 0x03, 0x58, 0x13] }).refusal).toBe('the instruction is not MOV r64, m64');
    expect(run(EX_TYPE.ZEROPAD, { ...load, fixup: IP + 5n }).refusal).toBe('the instruction does not end at the landing pad');
  });

  test('BPF skips the instruction, and clears the register that the entry names in place of a landing pad', () => {
    expect(run(EX_TYPE.BPF, { fixupWord: 112 * 256 + 4 })).toMatchObject({ wrote: { di: 0n }, resumeAt: IP + 4n });
    expect(run(EX_TYPE.BPF, { fixupWord: 1 * 256 + 7 })).toMatchObject({ wrote: {}, resumeAt: IP + 7n });
    expect(run(EX_TYPE.BPF, { fixupWord: 152 * 256 + 4 }).refusal).toContain('offset 152 of pt_regs');
  });

  test('REFCOUNT saturates the counter', () => {
    expect(run(EX_TYPE.REFCOUNT)).toMatchObject({ memory: [[0x11n, -0x4000_0000]], warnings: 1, resumeAt: FIXUP });
  });

  test('in a machine check\'s own MSR access never returns', () => {
    expect([EX_TYPE.WRMSR_IN_MCE, EX_TYPE.RDMSR_IN_MCE].map((type) => run(type).resumeAt)).toEqual([undefined, undefined]);
  });

  test('says what it may write', () => {
    expect(HANDLER_TYPES.filter(({ type, writes }) => run(type, { bytes: [0x48, 0x8b, 0x58, 0x13], fixup: IP + 4n, faultAddress: 0x28n, register: 3, fixupWord: 40 * 256 + 3 }).wrote !== undefined
      && Object.keys(run(type, { bytes: [0x48, 0x8b, 0x58, 0x13], fixup: IP + 4n, faultAddress: 0x28n, register: 3, fixupWord: 40 * 256 + 3 }).wrote).some((name) => !writes.includes(name) && !writes.includes(`r${name}`) && !(name === 'bx' && writes.includes('reg'))))).toEqual([]);
  });

  test('writes what its entry names', () => {
    const of = (type: number, register: number, flags = 0): readonly string[] => registersWritten({ type, register, flags });
    expect([of(EX_TYPE.IMM_REG, 8), of(EX_TYPE.IMM_REG, 2, 1), of(EX_TYPE.RDMSR_SAFE, 0), of(EX_TYPE.UACCESS, 0, 3), of(EX_TYPE.POP_REG, 3), of(77, 0)]).toEqual([
      ['r8'], ['rax', 'rdx'], ['rax', 'rdx'], ['rax', 'rdx'], ['rsp', 'rbx'], [],
    ]);
  });

  test('of 4.6 to 5.15 is found by its function\'s name', () => {
    expect(['default', 'fault', 'ext', 'refcount', 'fprestore', 'uaccess', 'copy', 'rdmsr_unsafe', 'wrmsr_unsafe', 'clear_fs', 'sgx'].map((name) => namedHandler(`ex_handler_${name}`))).toEqual([
      EX_TYPE.DEFAULT, EX_TYPE.FAULT, EX_TYPE.EXT, EX_TYPE.REFCOUNT, EX_TYPE.FPU_RESTORE, EX_TYPE.UACCESS, EX_TYPE.COPY, EX_TYPE.RDMSR, EX_TYPE.WRMSR, EX_TYPE.CLEAR_FS, EX_TYPE.FAULT_SGX,
    ]);
    expect(namedHandler('ex_handler_of_mine')).toBeUndefined();
  });
});
