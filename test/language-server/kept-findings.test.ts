/**
 * What is found out of a routine is kept while the file is edited, and is what would be found out anew.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writtenPosition } from '../../assembly/source.ts';
import { checkAll } from '../../language-server/checks/index.ts';
import type { RoutineCheck } from '../../language-server/checks/check.ts';
import { random } from '../gas/rereading.ts';
import { checkEditedFindings, Versions } from './edited.ts';
import { manyRoutines } from './many-routines.ts';

const HEAD = '#include <linux/linkage.h>\n#include <asm/asm.h>\n#include <asm/smap.h>\n#include <asm/alternative.h>\n';

/** Three routines, of which the first two share a landing pad in front of the third. */
const SHARED = `${HEAD}
SYM_FUNC_START(first)
	stac
1:	movq (%rsi), %rax
	clac
	RET
	_ASM_EXTABLE_UA(1b, .Lshared)
SYM_FUNC_END(first)
SYM_FUNC_START(second)
	stac
2:	movq (%rsi), %rax
	clac
	RET
	_ASM_EXTABLE_UA(2b, .Lshared)
SYM_FUNC_END(second)
SYM_CODE_START_LOCAL(.Lshared)
	clac
	movq $-14, %rax
	RET
SYM_CODE_END(.Lshared)
SYM_FUNC_START(third)
	stac
3:	movq (%rsi), %rax
.Lthird_pad:
	clac
	RET
	_ASM_EXTABLE_UA(3b, .Lthird_pad)
SYM_FUNC_END(third)
`;

/** Tells which routines it is run for. */
class Counted implements RoutineCheck {
  readonly codes = [];
  readonly severity = 'hint';
  readonly #names: string[] = [];

  inRoutine({ code: { subject: { routine } }, paths }: Parameters<RoutineCheck['inRoutine']>[0]): readonly never[] {
    this.#names.push(`${routine?.name ?? '?'}${paths === undefined ? ' beside' : ''}`);
    return [];
  }

  /** Since it was asked last, sorted. */
  take(): readonly string[] {
    return this.#names.splice(0).sort();
  }
}

/** Which routines are looked at for each of the texts, one after the other. */
function lookedAt(...texts: readonly string[]): readonly (readonly string[])[] {
  const versions = new Versions('/work/kept.S');
  const counted = new Counted();
  return texts.map((text) => {
    checkAll(versions.next(text), [counted]);
    return counted.take();
  });
}

describe('an edit costs', () => {
  it('nothing where no code changes, although lines and places move', () => {
    expect(lookedAt(SHARED, SHARED.replace(HEAD, `${HEAD}\n# A comment.\nSYM_FUNC_START(bare)\n\tnop\n\tRET\nSYM_FUNC_END(bare)\n`))).toEqual([['first', 'second', 'third'], []]);
  });

  it('its routine', () => {
    expect(lookedAt(SHARED, SHARED.replace('3:	movq (%rsi)', '3:	movq 8(%rsi)'))).toEqual([['first', 'second', 'third'], ['third']]);
  });

  it('the routines that lead through the landing pad it is in', () => {
    expect(lookedAt(SHARED, SHARED.replace('$-14', '$-12'))[1]).toEqual(['first', 'second']);
  });

  it('the routine whose entry it changes', () => {
    expect(lookedAt(SHARED, SHARED.replace('_ASM_EXTABLE_UA(2b', '_ASM_EXTABLE(2b'))[1]).toEqual(['second']);
  });

  it('the routine whose contract it changes', () => {
    const counting = SHARED.replace('SYM_FUNC_START(third)', '# mcsafe: contract copy n=rdx returns=rax\nSYM_FUNC_START(third)');
    const versions = new Versions('/work/kept.S');
    const found = [SHARED.replace('	clac\n	RET\n	_ASM_EXTABLE_UA(3b', '	clac\n	xorl %eax, %eax\n	RET\n	_ASM_EXTABLE_UA(3b'), counting.replace('	clac\n	RET\n	_ASM_EXTABLE_UA(3b', '	clac\n	xorl %eax, %eax\n	RET\n	_ASM_EXTABLE_UA(3b')]
      .map((text) => checkAll(versions.next(text)).map(({ code }) => code));
    expect(found).toEqual([[], ['claims-success']]);
  });

  it('the routine that calls a name, when the name is another one\'s', () => {
    const calling = SHARED.replace('2:	movq', '	call helper\n2:	movq');
    expect(lookedAt(calling, `${calling}SYM_FUNC_START(helper)\n\tRET\nSYM_FUNC_END(helper)\n`)[1]).toEqual(['second']);
  });
});

describe('what is kept', () => {
  it('is shown where it stands in each version', () => {
    const wrong = SHARED.replace('.Lthird_pad:\n	clac\n	RET', '	clac\n	RET\n.Lthird_pad:\n	RET');
    const versions = new Versions('/work/kept.S');
    const lines = [wrong, wrong.replace(HEAD, `${HEAD}\n\n`), wrong.replaceAll('third', 'renamed')].map((text) =>
      checkAll(versions.next(text)).map(({ code, message, range, related }) => `${code} in line ${String(writtenPosition(range.start).line)}, the entry in line ${String(related?.[0]?.range.start.line)}: ${message.split(' ')[0]!}`));
    expect(lines).toMatchInlineSnapshot(`
      [
        [
          "ac-set-at-return in line 31, the entry in line 32: third",
        ],
        [
          "ac-set-at-return in line 33, the entry in line 34: third",
        ],
        [
          "ac-set-at-return in line 31, the entry in line 32: renamed",
        ],
      ]
    `);
  });

  it.each([
    ['samples/copy_mc.S', readFileSync('samples/copy_mc.S', 'utf8')],
    ['routines that share a landing pad', SHARED],
    ['generated routines, each wrong in its way', HEAD + manyRoutines(12)],
  ])('is what would be found anew: %s', (_, text) => {
    checkEditedFindings('/work/edited.S', text, random(1), 20);
  });
});
