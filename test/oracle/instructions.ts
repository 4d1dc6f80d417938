/**
 * The oracle's main question: random cases of one `Code` after the other, and the tally by `Code`.
 */
import type { CodeFacts } from './codes.ts';
import { CODES } from './codes.ts';
import { failsPartly, randomForm, SLOTS, slotEntry, stateFor } from './generate.ts';
import type { Form } from './generate.ts';
import { hostKnows } from './host-knows.ts';
import { composable } from './operands.ts';
import { unknownFlags } from './oracle.ts';
import type { Answer, Oracle, Question } from './oracle.ts';
import { Random } from './random.ts';

/** Cases that share one encoding: encoding is dearer than a state. */
const STATES_PER_FORM = 8;
const REPORTS_PER_CODE = 3;

export interface Tally {
  readonly code: CodeFacts;
  agreed: number;
  /** Of these, how many got past the instruction. */
  completed: number;
  differed: number;
  unsupported: number;
  /** The emulator executes at least some of its encodings. */
  supported: boolean;
  notComparable: number;
  readonly reports: string[];
}

interface Asked extends Question {
  readonly tally: Tally;
}

function tallyFor(code: CodeFacts): Tally {
  return { code, agreed: 0, completed: 0, differed: 0, unsupported: 0, supported: false, notComparable: 0, reports: [] };
}

function note(tally: Tally, answer: Answer): void {
  switch (answer.verdict) {
    case 'agree': {
      tally.agreed++;
      // Past the instruction, or somewhere else: then it did what it does.
      if (answer.native.ending.kind === 'exception' && answer.native.rip !== answer.question.state.rip) tally.completed++;
      return;
    }
    case 'differ':
      tally.differed++;
      if (tally.reports.length < REPORTS_PER_CODE) tally.reports.push(answer.report);
      return;
    case 'unsupported':
      tally.unsupported++;
      return;
    default:
      tally.notComparable++;
  }
}

/** Asks about every `Code` that can be composed; those the emulator does not support are found with a few cases first. */
export function askAll(oracle: Oracle, seed: number, cases: number, codes: readonly CodeFacts[] = CODES): Tally[] {
  const random = new Random(seed);
  const batch: Asked[] = [];
  const flush = (): void => {
    for (const [i, answer] of oracle.ask(batch).entries()) note(batch[i]!.tally, answer);
    batch.length = 0;
  };
  const add = (tally: Tally, form: Form): void => {
    batch.push({ label: tally.code.name, state: stateFor(random, form, slotEntry(batch.length)), undefinedFlags: unknownFlags(form, oracle.native.host), partly: failsPartly(form), tally });
    if (batch.length === SLOTS) flush();
  };
  const tallies = codes.map(tallyFor);
  const probes = tallies.filter((tally) => composable(tally.code)).map((tally) => {
    const forms = Array.from({ length: 4 }, () => randomForm(random, tally.code)).filter((form) => form !== undefined);
    return { tally, supported: forms.length > 0 && forms.some((form) => oracle.supports(stateFor(random, form, slotEntry(0)))) };
  });
  for (const { tally, supported } of probes) {
    tally.supported = supported;
    if (hostKnows(tally.code) !== undefined) continue;
    if (!supported) {
      tally.unsupported++;
      continue;
    }
    for (let left = cases; left > 0; left -= STATES_PER_FORM) {
      const form = randomForm(random, tally.code);
      if (form) for (let i = 0; i < Math.min(left, STATES_PER_FORM); i++) add(tally, form);
    }
  }
  flush();
  return tallies;
}
