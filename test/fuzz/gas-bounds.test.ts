/** Sources made to explode end within the reader's bounds, which are far above what real sources need. */
import { describe } from 'vitest';
import { endsAndSaysWhy } from '../gas/exploding.ts';

describe('readGas', () => {
  endsAndSaysWhy({
    'macros that double': `#define A0 x x\n${Array.from({ length: 60 }, (_, index) => `#define A${String(index + 1)} A${String(index)} A${String(index)}`).join('\n')}\n.byte A60\n`,
    'arguments that double': '.macro m a\nm "\\a\\a"\n.endm\nm xxxxxxxx\n',
    'endless repetition': '.rept 0x7fffffff\n.rept 0x7fffffff\nx = 1\n.endr\n.endr\n',
    'nested invocations': `#define F(x) x\n${'F('.repeat(20_000)}1${')'.repeat(20_000)}\n`,
  });
});
