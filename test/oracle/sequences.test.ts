import { describe, expect, test } from 'vitest';
import { openOracle, TEST_TIMEOUT } from './oracle.ts';
import { chooseSeed, Random } from './random.ts';
import { randomForm, slotEntry, stateFor } from './generate.ts';
import { randomSequence, SEQUENCE_CODES, SEQUENCES } from './sequences.ts';

/** Sequences in one run of each. */
const COUNT = Number(process.env['MCSAFE_ORACLE_SEQUENCES'] ?? 3000);

describe('random sequences of 5 to 30 instructions with jumps', () => {
  test.each([['the interpreter', false], ['compiled regions', true]])('end in %s as they end on the real CPU', (what, compiled) => {
    const oracle = openOracle(compiled);
    if (!oracle) return;
    const seed = chooseSeed();
    const random = new Random(seed ^ 0x5e9);
    const codes = SEQUENCE_CODES.filter((one) => {
      const form = randomForm(random, one);
      return form !== undefined && oracle.supports(stateFor(random, form, slotEntry(0)));
    });
    let asked = 0;
    const reports: string[] = [];
    while (asked < COUNT) {
      const questions = Array.from({ length: SEQUENCES }, (_, slot) => randomSequence(random, codes, slot)).filter((one) => one !== undefined);
      for (const answer of oracle.ask(questions)) if (answer.verdict === 'differ') reports.push(answer.report);
      asked += questions.length;
    }
    console.log(`seed ${seed}, ${what}: ${asked} sequences of ${codes.length} codes, ${(Number(oracle.emulated.cpu.instructions) / asked).toFixed(1)} instructions on average, ${oracle.emulated.compilations} compiled; ${reports.length} differ`);
    if (reports.length > 0) console.log(reports.slice(0, 10).join('\n'));
    expect(reports.length).toBe(0);
  }, TEST_TIMEOUT);
});
