/** Sources made to explode. */
import { expect, it } from 'vitest';
import { readGas } from '../../assembly/gas/read.ts';

/** Defines a test for each source, by name: it is read to an end, within the reader's bounds, and told what is wrong with it. A source may include itself as `self.S`. */
export function endsAndSaysWhy(sources: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(sources)) {
    it(`ends, and says why, for ${name}`, () => {
      const unit = readGas('self.S', text, { provider: { read: (path) => (path === 'self.S' ? text : undefined) } });
      expect(unit.problems.some((problem) => problem.severity === 'error')).toBe(true);
      expect(unit.problems.length).toBeLessThanOrEqual(10_001);
    }, 120_000);
  }
}
