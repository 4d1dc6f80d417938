/**
 * Both CPUs side by side: runs cases natively and emulated, and collects every difference as one line that reproduces it.
 */
import { Mnemonic } from 'iced-x86';
import { CPU_PROFILES } from '../../machine/cpu/profiles.ts';
import type { CpuProfile } from '../../machine/cpu/cpu.ts';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import { claimedFlags } from '../../machine/cpu/undefined-flags.ts';
import { compare } from './compare.ts';
import { formatCase } from './case.ts';
import type { OracleCase, Outcome } from './case.ts';
import { EmulatedCpu, PATIENCE } from './emulated.ts';
import type { Form } from './generate.ts';
import { nativeCpu } from './native.ts';
import { hostDiffers } from './host-model.ts';
import type { HostCpu, NativeCpu } from './native.ts';

export interface Question {
  readonly label: string;
  readonly state: OracleCase;
  /** RFLAGS bits that are not compared. */
  readonly undefinedFlags: bigint;
  /** That it fails on a memory access is compared, not how. */
  readonly partly?: boolean;
}

/** The flags that an instruction leaves undefined and that the emulator does not claim to know on this host. */
export function unknownFlags(form: Form, host: NativeCpu['host']): bigint {
  const claimed = host.vendor === 'other' ? 0 : claimedFlags(Mnemonic[form.mnemonic]!.toLowerCase(), host.vendor, host.family);
  return form.undefinedFlags & ~BigInt(claimed);
}

export type Verdict = 'agree' | 'differ' | 'unsupported' | 'not comparable';

export interface Answer {
  readonly question: Question;
  readonly verdict: Verdict;
  /** One line: the label, the differences, and the case that reproduces them. Empty unless the two differ. */
  readonly report: string;
  /** Why a host of this model says nothing here; only of what is not comparable. */
  readonly hostDiffers?: string;
  readonly native: Outcome;
  readonly emulated: Outcome;
}

/** The profile of the host's vendor, so that what vendors do differently can be compared. */
export function profileOf(vendor: NativeCpu['host']['vendor']): CpuProfile {
  return CPU_PROFILES.find((profile) => profile.vendor === vendor) ?? CPU_PROFILES[0]!;
}

const isDebug = ({ ending }: Outcome): boolean => ending.kind === 'exception' && ending.vector === VECTOR.DB;

function judge(host: HostCpu, question: Question, native: Outcome, emulated: Outcome): Answer {
  const answer = (verdict: Verdict, report = ''): Answer => ({ question, verdict, report, native, emulated });
  if (emulated.ending.kind === 'unsupported') return answer('unsupported');
  if (native.ending.kind === 'system-call') return answer('not comparable');
  // The host's kernel cannot always come back to a stack pointer that is not canonical; when a clock tick interrupts it, other signals show.
  if (native.gpr[4] === emulated.gpr[4] && BigInt.asUintN(64, BigInt.asIntN(48, native.gpr[4]!)) !== native.gpr[4]) return answer('not comparable');
  // Some hypervisors put the trap of int1 in front of it.
  if (isDebug(native) && isDebug(emulated) && native.rip !== emulated.rip) return answer('not comparable');
  const found = compare(native, emulated, question.undefinedFlags, question.partly);
  if (found.length === 0) return answer('agree');
  const reason = hostDiffers(host, question.state, native, emulated);
  return reason !== undefined ? { ...answer('not comparable'), hostDiffers: reason } : answer('differ', `${question.label}: ${found.join('; ')} | ${formatCase(question.state)}`);
}

export class Oracle {
  readonly emulated: EmulatedCpu;
  readonly native: NativeCpu;
  /** Time spent on each side. */
  readonly milliseconds = { native: 0, emulated: 0 };

  constructor(native: NativeCpu, compiled: boolean) {
    this.native = native;
    this.emulated = new EmulatedCpu(profileOf(native.host.vendor), compiled);
  }

  /** True if the emulator executes or faults on it, false if it says it does not model it. */
  supports(state: OracleCase): boolean {
    return this.emulated.run([state])[0]!.ending.kind !== 'unsupported';
  }

  /** Questions must have slots of their own: at most {@link SLOTS} at once. */
  ask(questions: readonly Question[]): Answer[] {
    const cases = questions.map((question) => question.state);
    let start = performance.now();
    const native = this.native.run(cases);
    this.milliseconds.native += performance.now() - start;
    start = performance.now();
    const emulated = this.emulated.run(cases);
    for (const [i, { ending }] of emulated.entries()) {
      if (ending.kind === 'timeout' && native[i]!.ending.kind !== 'timeout') emulated[i] = this.emulated.run([cases[i]!], PATIENCE)[0]!;
    }
    this.milliseconds.emulated += performance.now() - start;
    return questions.map((question, i) => judge(this.native.host, question, native[i]!, emulated[i]!));
  }
}

/** The oracle, or undefined after saying why there is none here. `compiled`: it judges compiled regions, not the interpreter. */
export function openOracle(compiled = false): Oracle | undefined {
  const native = nativeCpu();
  if (!('skipped' in native)) return new Oracle(native, compiled);
  if (process.env['MCSAFE_REQUIRE'] === 'all' && native.skipped.includes('gcc')) throw new Error(native.skipped);
  console.log(`skipped: ${native.skipped}`);
  return undefined;
}

/** Time that one test may take, in milliseconds: minutes in CI, as long as it needs in `npm run long`. */
export const TEST_TIMEOUT = process.env['MCSAFE_ORACLE_CASES'] === undefined ? 600_000 : 86_400_000;

/** Cases a `Code`: 200, or what `MCSAFE_ORACLE_CASES` says. */
export function casesPerCode(): number {
  const given = process.env['MCSAFE_ORACLE_CASES'];
  if (given === undefined || given === '') return 200;
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1) throw new Error(`MCSAFE_ORACLE_CASES must be a positive integer, not ${given}`);
  return count;
}
