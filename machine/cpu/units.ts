/**
 * Which instructions of the x87, MMX, SSE and AVX units may run, by control registers and pending x87 exceptions: SDM 3A table 14-1 and 2.5,
 * SDM 2A tables 2-18 to 2-30. It is settled when code is decoded, so that running it costs nothing.
 */
import { EncodingKind, Mnemonic, OpKind, RegisterExt, CpuidFeature } from 'iced-x86';
import type { Instruction , Code} from 'iced-x86';

/** Bits of a units word: what keeps instructions from running. 0: nothing does. */
export const UNITS = {
  /** CR0.TS */
  TASK_SWITCHED: 1,
  /** CR0.EM */
  EMULATED: 2,
  /** CR0.MP: `wait` obeys TS, too. */
  MONITORED: 4,
  /** CR4.OSFXSR is clear. */
  NO_SSE: 8,
  /** CR4.OSXSAVE is clear. */
  NO_XSAVE: 16,
  /** CR4.OSXSAVE is clear, or XCR0 does not have both SSE and AVX. */
  NO_AVX: 32,
  /** An x87 exception that is not masked waits, and CR0.NE says that it is to be raised. */
  PENDING: 64,
} as const;

type Unit = 'x87' | 'x87 without waiting' | 'wait' | 'mmx' | 'sse' | 'mmx and sse' | 'avx' | 'fxsave' | 'xsave';

/** Instructions of the x87 unit that do not look for pending exceptions. */
const WITHOUT_WAITING: ReadonlySet<Mnemonic> = new Set([
  Mnemonic.Fninit, Mnemonic.Fnclex, Mnemonic.Fnstcw, Mnemonic.Fnstsw, Mnemonic.Fnstenv, Mnemonic.Fnsave, Mnemonic.Fneni, Mnemonic.Fndisi, Mnemonic.Fnsetpm,
]);
const FXSAVE: ReadonlySet<Mnemonic> = new Set([Mnemonic.Fxsave, Mnemonic.Fxsave64, Mnemonic.Fxrstor, Mnemonic.Fxrstor64]);
const XSAVE: ReadonlySet<Mnemonic> = new Set([
  Mnemonic.Xsave, Mnemonic.Xsave64, Mnemonic.Xsaveopt, Mnemonic.Xsaveopt64, Mnemonic.Xsavec, Mnemonic.Xsavec64, Mnemonic.Xsaves, Mnemonic.Xsaves64,
  Mnemonic.Xrstor, Mnemonic.Xrstor64, Mnemonic.Xrstors, Mnemonic.Xrstors64,
]);
/** Vector instructions that name no vector register. */
const AVX_WITHOUT_OPERANDS: ReadonlySet<Mnemonic> = new Set([Mnemonic.Vzeroupper, Mnemonic.Vzeroall, Mnemonic.Vldmxcsr, Mnemonic.Vstmxcsr]);
const X87_FEATURES: ReadonlySet<CpuidFeature> = new Set([CpuidFeature.FPU, CpuidFeature.FPU287, CpuidFeature.FPU387]);

const units = new Map<Code, Unit | undefined>();

function unitOf(instruction: Instruction): Unit | undefined {
  const { code } = instruction;
  if (!units.has(code)) units.set(code, classify(instruction));
  return units.get(code);
}

/** The same for all encodings of a `Code`: an operand is a vector register or memory, and another one then tells the unit. */
function classify(instruction: Instruction): Unit | undefined {
  const { mnemonic } = instruction;
  if (mnemonic === Mnemonic.Wait) return 'wait';
  if (FXSAVE.has(mnemonic)) return 'fxsave';
  if (XSAVE.has(mnemonic)) return 'xsave';
  let mmx = mnemonic === Mnemonic.Emms || mnemonic === Mnemonic.Maskmovq;
  let vector = false;
  for (let k = 0; k < instruction.opCount; k++) {
    if (instruction.opKind(k) !== OpKind.Register) continue;
    const register = instruction.opRegister(k);
    if (RegisterExt.isMM(register)) mmx = true;
    else if (RegisterExt.isVectorRegister(register)) vector = true;
  }
  if (instruction.encoding !== EncodingKind.Legacy) return vector || AVX_WITHOUT_OPERANDS.has(mnemonic) ? 'avx' : undefined;
  if (mmx) return vector ? 'mmx and sse' : 'mmx';
  if (vector || mnemonic === Mnemonic.Ldmxcsr || mnemonic === Mnemonic.Stmxcsr) return 'sse';
  if (!instruction.cpuidFeatures().some((feature) => X87_FEATURES.has(feature))) return undefined;
  return WITHOUT_WAITING.has(mnemonic) ? 'x87 without waiting' : 'x87';
}

/** The lift that raises what `instruction` raises under `word` instead of running: #UD before #NM before #MF. Undefined if it may run. */
export function unavailable(instruction: Instruction, word: number): 'ud2' | 'nm' | 'mf' | undefined {
  if (word === 0) return undefined;
  const is = (bits: number): boolean => (word & bits) !== 0;
  const { TASK_SWITCHED, EMULATED, MONITORED, NO_SSE, NO_XSAVE, NO_AVX, PENDING } = UNITS;
  const checks = (undefinedIf: number, unavailableIf: number, pending = false): 'ud2' | 'nm' | 'mf' | undefined =>
    (is(undefinedIf) ? 'ud2' : is(unavailableIf) ? 'nm' : pending && is(PENDING) ? 'mf' : undefined);
  switch (unitOf(instruction)) {
    case 'x87': return checks(0, TASK_SWITCHED | EMULATED, true);
    case 'x87 without waiting': return checks(0, TASK_SWITCHED | EMULATED);
    case 'wait': return is(TASK_SWITCHED) && is(MONITORED) ? 'nm' : is(PENDING) ? 'mf' : undefined;
    case 'mmx': return checks(EMULATED, TASK_SWITCHED, true);
    case 'sse': return checks(EMULATED | NO_SSE, TASK_SWITCHED);
    case 'mmx and sse': return checks(EMULATED | NO_SSE, TASK_SWITCHED, true);
    case 'avx': return checks(NO_AVX, TASK_SWITCHED);
    case 'fxsave': return checks(0, TASK_SWITCHED | EMULATED);
    case 'xsave': return checks(NO_XSAVE, TASK_SWITCHED);
    case undefined: return undefined;
  }
}
