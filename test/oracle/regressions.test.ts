import { describe, expect, test } from 'vitest';
import { parseCase } from './case.ts';
import { decodeForm } from './generate.ts';
import { openOracle, unknownFlags } from './oracle.ts';
import { REGRESSIONS } from './regressions.ts';

describe('cases that once went wrong', () => {
  const oracle = openOracle();
  for (const { about, state } of REGRESSIONS) {
    test.skipIf(!oracle)(about, () => {
      const one = parseCase(state);
      const answer = oracle!.ask([{ label: about, state: one, undefinedFlags: unknownFlags(decodeForm(one.code, one.rip), oracle!.native.host) }])[0]!;
      if (answer.hostDiffers !== undefined) {
        console.log(`skipped: ${answer.hostDiffers}`);
        return;
      }
      expect(answer.report).toBe('');
      expect(answer.verdict).toBe('agree');
    });
  }

  test('are written as the oracle prints them', () => {
    for (const { state } of REGRESSIONS) expect(() => parseCase(state)).not.toThrow();
  });
});
