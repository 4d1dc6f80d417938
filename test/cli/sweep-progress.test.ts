import { describe, expect, test } from 'vitest';
import { SweepProgress, timeText } from '../../cli/sweep-progress.ts';

/** What is written while `steps` of done cases pass, one each `ms`. */
function written(steps: readonly number[], ms: number, { isTTY = true, columns = 100, before = 0, violating = 0 } = {}): readonly string[] {
  const texts: string[] = [];
  let now = 0;
  const progress = new SweepProgress({ isTTY, columns, write: (text) => { texts.push(text); } }, 1000, before, () => now);
  for (const done of steps) {
    now += ms;
    progress.update({ done, violating });
  }
  progress.end();
  return texts;
}

describe('on a terminal', () => {
  test('a bar with what is done, the rate and the time left, which is taken away at the end', () => {
    const [first, last] = written([250], 1000, { violating: 3 });
    expect(first).toBe('\r[#####...............] 25 %  250 of 1,000 cases, 250/s, 3 s left, 3 violating\u001b[K');
    expect(last).toBe('\r\u001b[K');
  });

  test('it is drawn ten times a second, however often cases end', () => {
    expect(written(Array.from({ length: 100 }, (_, i) => i), 10)).toHaveLength(10 + 1);
  });

  test('it never wraps: a narrow terminal gets the numbers alone', () => {
    const [narrow] = written([250], 1000, { columns: 30 });
    expect(narrow!.replaceAll('\r', '').replaceAll('\u001b[K', '')).toBe('25 %  250 of 1,000 cases, 250');
  });

  test('cases of an earlier run are done, but were not done at this rate', () => {
    expect(written([600], 1000, { before: 500 })[0]).toContain('60 %  600 of 1,000 cases, 100/s, 4 s left');
  });
});

test('in a log there is a line every half minute, and nothing for a short run', () => {
  expect(written([100, 200], 1000, { isTTY: false })).toEqual([]);
  expect(written([100, 200, 300], 20_000, { isTTY: false })).toEqual(['mcsafe: 20 %  200 of 1,000 cases, 5/s, 2 min 40 s left\n']);
});

test.each([[0.2, '1 s'], [59, '59 s'], [200, '3 min 20 s'], [7500, '2 h 5 min'], [1e9, 'a long time'], [Infinity, 'a long time']])('%d seconds are %s', (seconds, text) => {
  expect(timeText(seconds)).toBe(text);
});
