/** No input throws, hangs or grows without end. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGas } from '../../assembly/gas/read.ts';
import { endsAndSaysWhy } from './exploding.ts';

const WORDS = [
  '.macro m a, b=1, c:vararg', '.endm', 'm 1, 2, 3', 'm \\a', '\\a', '\\@', '\\()', '.rept 3', '.rept 1000000', '.irp x, 1, 2', '.irpc x, abc', '.endr', '.exitm', '.purgem m', '.altmacro',
  '.noaltmacro', 'LOCAL q', '<a b>', '%1+1', '.if 1', '.if x', '.ifdef x', '.ifc a, b', '.ifb', '.else', '.elseif 0', '.endif', '.set x, 1', 'x = x + 1', '.equiv y, .', '1:', '1b', '1f',
  '.include "a.h"', '#include "a.h"', '#include "self.S"', '#define F(x, ...) x ## __VA_ARGS__ #x F(x)', '#define G G F', 'F(1, 2)', 'F(', ')', 'G', '#if F(1) + defined G', '#elif', '#else',
  '#endif', '#undef G', '#error no', '#pragma once', '/*', '*/', '//', '#', '"', "'", '\\', ';', ',', '(', '{', '}', '$', '%', '*', '-8(%rax,%rbx,4)', '%eax', '$x', 'mov', 'rep', 'lock',
  '{vex3}', '.intel_syntax noprefix', '.att_syntax', 'mov dword ptr [rax+4*rbx], 1', '[', ']', '.code32', '.byte 1, 2', '.ascii "x"', '.end', '\u0000', '\ud800', 'é', '0x', '08', '9999999999999999999999',
];
const soup = fc.array(fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 6 })), { maxLength: 60 })
  .chain((words) => fc.array(fc.constantFrom(' ', '\n', '\n\t', ''), { minLength: words.length, maxLength: words.length }).map((gaps) => words.map((word, index) => word + gaps[index]!).join('')));

describe('readGas', () => {
  for (const file of ['self.S', 'self.s']) {
    it(`reads anything called ${file}`, () => {
      fc.assert(fc.property(soup, (text) => {
        const unit = readGas(file, text, { provider: { read: (path) => (path === 'self.S' ? text : path === 'a.h' ? '#define H 1\nnop\n' : undefined) } });
        for (const statement of unit.statements.slice(0, 200)) {
          expect(statement.range.start.line).toBeGreaterThan(0);
          expect(statement.range.start.column).toBeGreaterThan(0);
        }
      }), { numRuns: 200, seed: 7 });
    }, 120_000);
  }

  endsAndSaysWhy({
    'a macro that calls itself': '.macro m\nm\nm\n.endm\nm\n',
    'a file that includes itself': '#include "self.S"\n#include "self.S"\n',
    'deep parentheses': `.long ${'('.repeat(100_000)}1\n#if ${'('.repeat(100_000)}1\n#endif\n`,
  });
});
