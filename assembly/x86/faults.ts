/**
 * Which exceptions an instruction can raise while it runs in 64-bit mode, and why. What every instruction can meet
 * (a fetch that faults, #DB by a breakpoint, #UD because the CPU is too old) is left out.
 * Sources: the exception tables of SDM 2, and SDM 3B 15 for what reads memory (#MC).
 */
import { Mnemonic, Register } from 'iced-x86';
import type { Instruction as IcedInstruction } from 'iced-x86';
import { isLineControl } from './accesses.ts';
import type { MemoryAccess, PossibleFault } from './instruction.ts';

const VECTOR = { DE: 0, BP: 3, OF: 4, UD: 6, NM: 7, NP: 11, SS: 12, GP: 13, PF: 14, MF: 16, AC: 17, MC: 18, XM: 19 } as const;

const UNDEFINED = new Set<Mnemonic>([Mnemonic.Ud0, Mnemonic.Ud1, Mnemonic.Ud2]);
const MSR = new Set<Mnemonic>([Mnemonic.Rdmsr, Mnemonic.Wrmsr, Mnemonic.Rdpmc, Mnemonic.Wrmsrns, Mnemonic.Rdmsrlist, Mnemonic.Wrmsrlist]);
/** #GP for values they do not take, at any privilege. */
const CHECKED_VALUES = new Set<Mnemonic>([
  Mnemonic.Xsetbv, Mnemonic.Xrstor, Mnemonic.Xrstor64, Mnemonic.Xrstors, Mnemonic.Xrstors64, Mnemonic.Xsaves, Mnemonic.Xsaves64, Mnemonic.Fxrstor, Mnemonic.Fxrstor64, Mnemonic.Fxsave, Mnemonic.Fxsave64,
  Mnemonic.Ldmxcsr, Mnemonic.Wrfsbase, Mnemonic.Wrgsbase, Mnemonic.Invpcid, Mnemonic.Invept, Mnemonic.Invvpid, Mnemonic.Lgdt, Mnemonic.Lidt, Mnemonic.Monitor, Mnemonic.Mwait,
  Mnemonic.Sysretq, Mnemonic.Sysret, Mnemonic.Sysexitq, Mnemonic.Sysexit, Mnemonic.Xgetbv, Mnemonic.Enqcmd, Mnemonic.Enqcmds, Mnemonic.Xsave, Mnemonic.Xsave64, Mnemonic.Xsaveopt, Mnemonic.Xsaveopt64, Mnemonic.Xsavec, Mnemonic.Xsavec64,
  Mnemonic.Vmrun, Mnemonic.Vmload, Mnemonic.Vmsave, Mnemonic.Vmxon, Mnemonic.Vmclear, Mnemonic.Vmptrld, Mnemonic.Vmread, Mnemonic.Vmwrite, Mnemonic.Vmlaunch, Mnemonic.Vmresume, Mnemonic.Vmptrst, Mnemonic.Vmxoff,
  Mnemonic.Encls, Mnemonic.Enclu, Mnemonic.Enclv, Mnemonic.Getsec, Mnemonic.Tdcall, Mnemonic.Seamcall, Mnemonic.Seamret, Mnemonic.Erets, Mnemonic.Eretu, Mnemonic.Lkgs,
  Mnemonic.Stgi, Mnemonic.Clgi, Mnemonic.Invlpgb, Mnemonic.Pvalidate, Mnemonic.Rmpadjust, Mnemonic.Rmpupdate, Mnemonic.Psmash, Mnemonic.Wrpkru, Mnemonic.Wrssd, Mnemonic.Wrssq, Mnemonic.Wrussd, Mnemonic.Wrussq, Mnemonic.Rstorssp, Mnemonic.Setssbsy, Mnemonic.Clrssbsy,
]);
/** Virtualisation instructions raise #UD where they are not enabled, which kernels rely on. */
const VIRTUALISATION = /^(vm|inv(ept|vpid)|stgi|clgi|tdcall|seam|encl|getsec|skinit)/;
const LOADS_SEGMENT = new Set<Mnemonic>([Mnemonic.Lds, Mnemonic.Les, Mnemonic.Lfs, Mnemonic.Lgs, Mnemonic.Lss, Mnemonic.Ltr, Mnemonic.Lldt, Mnemonic.Lkgs]);
const RETURNS_FAR = new Set<Mnemonic>([Mnemonic.Iret, Mnemonic.Iretd, Mnemonic.Iretq, Mnemonic.Retf, Mnemonic.Erets, Mnemonic.Eretu]);
const PORTS = new Set<Mnemonic>([Mnemonic.In, Mnemonic.Out, Mnemonic.Insb, Mnemonic.Insw, Mnemonic.Insd, Mnemonic.Outsb, Mnemonic.Outsw, Mnemonic.Outsd, Mnemonic.Cli, Mnemonic.Sti]);
/** Loads and stores that insist on 16, 32 or 64-byte alignment. */
const ALIGNED = /^v?(mova(ps|pd)|movdqa(32|64)?|movnt(ps|pd|dq|dqa)|cmpxchg16b|fxsave(64)?|fxrstor(64)?|xsave(c|s|opt)?(64)?|xrstors?(64)?)$/;

export interface FaultInput {
  readonly instruction: IcedInstruction;
  readonly mnemonic: string;
  readonly accesses: readonly MemoryAccess[];
  readonly features: readonly string[];
}

/** Exceptions in ascending order of vector, each vector once for each reason. */
export function possibleFaults(input: FaultInput): PossibleFault[] {
  const faults: PossibleFault[] = [];
  const add = (vector: number, reason: string): void => {
    if (!faults.some((fault) => fault.vector === vector && fault.reason === reason)) faults.push({ vector, reason });
  };
  const { instruction, mnemonic, accesses, features } = input;
  const code = instruction.mnemonic;
  for (const access of accesses) addAccess(access, add);
  if (isLineControl(code)) {
    add(VECTOR.PF, `translates ${lineOperand(instruction)}; neither reads nor writes its data`);
    add(VECTOR.GP, 'the address may be non-canonical');
  }
  if (accesses.length > 0 && needsAlignment(mnemonic, accesses, features)) add(VECTOR.GP, 'the operand must be aligned');
  if (code === Mnemonic.Div || code === Mnemonic.Idiv) add(VECTOR.DE, 'the divisor is 0 or the quotient does not fit');
  if (UNDEFINED.has(code) || instruction.isInvalid) add(VECTOR.UD, instruction.isInvalid ? 'no such instruction' : `${mnemonic} is undefined on purpose`);
  if (code === Mnemonic.Int3) add(VECTOR.BP, 'breakpoint');
  if (code === Mnemonic.Into) add(VECTOR.OF, 'overflow flag set');
  if (code === Mnemonic.Int) add(VECTOR.GP, 'the gate may be closed to this privilege');
  if (MSR.has(code)) add(VECTOR.GP, 'the register number or the value may not exist');
  if (CHECKED_VALUES.has(code)) add(VECTOR.GP, 'an operand may be one it does not take');
  if (VIRTUALISATION.test(mnemonic)) add(VECTOR.UD, 'not enabled, or not in this mode');
  if (LOADS_SEGMENT.has(code) || RETURNS_FAR.has(code) || writesSegment(instruction)) addSegment(instruction, add);
  if (writesControl(instruction)) add(VECTOR.GP, 'reserved bits, or a combination that is not allowed');
  if (PORTS.has(code)) add(VECTOR.GP, 'in user mode, unless the I/O privilege allows it');
  if (instruction.isPrivileged && !MSR.has(code)) add(VECTOR.GP, 'only at privilege level 0');
  addFloatingPoint(mnemonic, features, add);
  return faults.sort((a, b) => a.vector - b.vector);
}

function addAccess(access: MemoryAccess, add: (vector: number, reason: string) => void): void {
  const { text, kind } = access;
  const verb = kind === 'read' ? 'reads' : kind === 'write' ? 'writes' : 'reads and writes';
  const what = `${verb} ${text}`;
  add(VECTOR.PF, what);
  const stack = access.segment === 'ss';
  if (access.base !== 'rip') add(stack ? VECTOR.SS : VECTOR.GP, `${what}: the address may be non-canonical`);
  // A store is posted: it neither reports nor clears an error in the line (SDM 3B 15.6.3: only loads and fetches are action required).
  if (kind !== 'write') add(VECTOR.MC, `reads ${text}`);
  if (access.size > 1) add(VECTOR.AC, `${what}: unaligned, in user mode with alignment checks on`);
}

function lineOperand(instruction: IcedInstruction): string {
  return instruction.memoryBase === Register.None ? 'its address' : `the line at %${(Register[instruction.memoryBase] ?? '').toLowerCase()}`;
}

function needsAlignment(mnemonic: string, accesses: readonly MemoryAccess[], features: readonly string[]): boolean {
  if (ALIGNED.test(mnemonic)) return true;
  // Legacy SSE arithmetic on 16 bytes of memory wants alignment; VEX and EVEX forms and the unaligned moves do not (SDM 1 14.9).
  const legacy = features.some((feature) => /^S?SSE/.test(feature));
  return legacy && accesses.some(({ size }) => size === 16) && !/^(movu|lddqu|movdqu|pcmp[ei]str)/.test(mnemonic);
}

function writesSegment(instruction: IcedInstruction): boolean {
  const target = instruction.opCount > 0 ? instruction.opRegister(0) : Register.None;
  return target >= Register.ES && target <= Register.GS && (instruction.mnemonic === Mnemonic.Mov || instruction.mnemonic === Mnemonic.Pop);
}

function addSegment(instruction: IcedInstruction, add: (vector: number, reason: string) => void): void {
  add(VECTOR.GP, 'the selector may be bad');
  add(VECTOR.NP, 'the segment may not be present');
  if (RETURNS_FAR.has(instruction.mnemonic) || instruction.mnemonic === Mnemonic.Lss || (instruction.opCount > 0 && instruction.opRegister(0) === Register.SS)) {
    add(VECTOR.SS, 'the stack segment may not be present');
  }
}

function writesControl(instruction: IcedInstruction): boolean {
  const target = instruction.opCount > 0 ? instruction.opRegister(0) : Register.None;
  return (target >= Register.CR0 && target <= Register.CR15) || (target >= Register.DR0 && target <= Register.DR15);
}

/** SSE and AVX operations that compute in floating point: the mnemonic ends in the element type. */
const FLOAT_ARITHMETIC = /^v?(add|sub|mul|div|sqrt|min|max|cmp|u?comi|cvt|round|rndscale|dp|hadd|hsub|fn?m(add|sub)|addsub|reduce|range|scale|getexp|getmant|fixupimm).*(ss|sd|ps|pd|sh|ph)/;

function addFloatingPoint(mnemonic: string, features: readonly string[], add: (vector: number, reason: string) => void): void {
  if (features.includes('FPU') || mnemonic === 'wait') {
    add(VECTOR.NM, 'the FPU may be switched off');
    if (!/^fn/.test(mnemonic)) add(VECTOR.MF, 'an earlier x87 operation may have left an exception pending');
    return;
  }
  if (!features.some((feature) => /^(S?SSE|AVX|MMX|FMA|F16C)/.test(feature)) || /^(prefetch|[lms]fence|movnti|sfence|crc32|popcnt|pause)/.test(mnemonic)) return;
  add(VECTOR.NM, 'the vector unit may be switched off');
  if (FLOAT_ARITHMETIC.test(mnemonic)) add(VECTOR.XM, 'a floating-point exception may be unmasked');
}
