/**
 * The main question to ring 0: random cases of one `Code` after the other, accesses under all rules of pages, and the tally by `Code`.
 */
import type { CodeFacts } from '../codes.ts';
import { Random } from '../random.ts';
import { accessQuestion, RING_CODES, ringQuestion, UNIT_CODES, unitQuestion } from './generate.ts';
import type { RingQuestion } from './generate.ts';
import type { Ring, RingAnswer } from './ring.ts';

const BATCH = 2000;
const REPORTS_PER_CODE = 3;
/** Plain accesses, as a multiple of the cases a `Code`: they are many kinds in one. */
const ACCESSES = 60;

export interface RingTally {
  readonly code: CodeFacts;
  agreed: number;
  /** Of these, how many got past the instruction. */
  completed: number;
  differed: number;
  readonly reports: string[];
}

function completed({ question, native }: RingAnswer): boolean {
  return native.ending.kind !== 'exception' || native.rip !== question.state.rip || native.segments[1] !== question.state.segments[1];
}

/** Asks `cases` cases about every `Code` of ring 0 and about every unit's; plain accesses besides. */
export function askRing(ring: Ring, seed: number, cases: number): RingTally[] {
  const random = new Random(seed ^ 0x0419);
  const host = { vendor: ring.kvm.host.vendor, software: ring.kvm.software };
  const tallies = new Map<CodeFacts, RingTally>();
  const batch: RingQuestion[] = [];
  const flush = (): void => {
    for (const answer of ring.ask(batch)) {
      const { code } = answer.question;
      let tally = tallies.get(code);
      if (tally === undefined) tallies.set(code, tally = { code, agreed: 0, completed: 0, differed: 0, reports: [] });
      if (answer.verdict === 'agree') {
        tally.agreed++;
        if (completed(answer)) tally.completed++;
      } else if (answer.verdict === 'differ') {
        tally.differed++;
        if (tally.reports.length < REPORTS_PER_CODE) tally.reports.push(answer.report);
      }
    }
    batch.length = 0;
  };
  const add = (question: RingQuestion | undefined): void => {
    if (question !== undefined) batch.push(question);
    if (batch.length >= BATCH) flush();
  };
  for (let i = 0; i < cases; i++) for (const code of RING_CODES) add(ringQuestion(random, code, host));
  for (let i = 0; i < cases; i++) for (const code of UNIT_CODES) add(unitQuestion(random, code, host));
  for (let i = 0; i < ACCESSES * cases; i++) add(accessQuestion(random, host));
  flush();
  return [...tallies.values()];
}
