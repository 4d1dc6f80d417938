/**
 * KVM and the emulator side by side in ring 0: runs cases on both, and collects every difference as one line that reproduces it.
 */
import { Mnemonic } from 'iced-x86';
import { compareRing } from './compare.ts';
import { formatRingCase } from './case.ts';
import type { RingOutcome } from './case.ts';
import { EmulatedRing } from './emulated.ts';
import type { RingQuestion } from './generate.ts';
import { kvmCpu } from './kvm.ts';
import type { KvmCpu } from './kvm.ts';
import { softwareGap } from './software.ts';

export type RingVerdict = 'agree' | 'differ' | 'unsupported' | 'not comparable';

export interface RingAnswer {
  readonly question: RingQuestion;
  readonly verdict: RingVerdict;
  readonly report: string;
  readonly native: RingOutcome;
  readonly emulated: RingOutcome;
}

export class Ring {
  readonly kvm: KvmCpu;
  readonly emulated: EmulatedRing;
  readonly milliseconds = { kvm: 0, emulated: 0 };

  constructor(kvm: KvmCpu) {
    this.kvm = kvm;
    this.emulated = new EmulatedRing(kvm.host, kvm.software);
  }

  ask(questions: readonly RingQuestion[]): RingAnswer[] {
    const cases = questions.map(({ state }) => state);
    let start = performance.now();
    const native = this.kvm.run(cases);
    this.milliseconds.kvm += performance.now() - start;
    start = performance.now();
    const emulated = this.emulated.run(cases);
    this.milliseconds.emulated += performance.now() - start;
    return questions.map((question, i) => judge(question, native[i]!, emulated[i]!, this.kvm.software));
  }
}

function judge(question: RingQuestion, native: RingOutcome, emulated: RingOutcome, software: boolean): RingAnswer {
  const answer = (verdict: RingVerdict, report = ''): RingAnswer => ({ question, verdict, report, native, emulated });
  if (emulated.ending.kind === 'unsupported') return answer('unsupported');
  if (native.ending.kind === 'unsupported' || native.ending.kind === 'device') return answer('not comparable');
  // Behind an lgdt or lidt there is no way to a handler any more; the emulator is asked no further than to where an exception is raised.
  const replacesTables = [Mnemonic.Lgdt, Mnemonic.Lidt].includes(question.code.info.mnemonic) && emulated.rip !== question.state.rip;
  if (replacesTables && native.ending.kind === 'shutdown' && emulated.ending.kind === 'exception') return answer('not comparable');
  const found = compareRing(native, emulated, question.ignored);
  if (found.length > 0 && software && softwareGap(question, native, emulated) !== undefined) return answer('not comparable');
  return found.length === 0 ? answer('agree') : answer('differ', `${question.code.name}: ${found.join('; ')} | ${formatRingCase(question.state)}`);
}

/** Ring 0, or undefined after saying why there is none here: missing hardware, which no setting makes a failure. */
export function openRing(): Ring | undefined {
  const kvm = kvmCpu();
  if (!('skipped' in kvm)) return new Ring(kvm);
  console.log(`skipped: ${kvm.skipped}`);
  return undefined;
}
