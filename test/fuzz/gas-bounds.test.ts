/** Sources made to explode end within the reader's bounds, which are far above what real sources need. */
import { describe, expect, it } from 'vitest';
import { readGas } from '../../assembly/gas/read.ts';

describe('readGas', () => {
  const exploding: Record<string, string> = {
    'macros that double': `#define A0 x x\n${Array.from({ length: 60 }, (_, index) => `#define A${String(index + 1)} A${String(index)} A${String(index)}`).join('\n')}\n.byte A60\n`,
    'arguments that double': '.macro m a\nm "\\a\\a"\n.endm\nm xxxxxxxx\n',
    'endless repetition': '.rept 0x7fffffff\n.rept 0x7fffffff\nx = 1\n.endr\n.endr\n',
    'nested invocations': `#define F(x) x\n${'F('.repeat(20_000)}1${')'.repeat(20_000)}\n`,
  };
  for (const [name, text] of Object.entries(exploding)) {
    it(`ends, and says why, for ${name}`, () => {
      const unit = readGas('self.S', text, { provider: { read: (path) => (path === 'self.S' ? text : undefined) } });
      expect(unit.problems.some((problem) => problem.severity === 'error')).toBe(true);
      expect(unit.problems.length).toBeLessThanOrEqual(10_001);
    }, 120_000);
  }
});
