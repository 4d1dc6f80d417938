/**
 * Handler ranges in sources: what crosses, doubles or covers nothing is found, what nests is not.
 */
import { describe, expect, it } from 'vitest';
import { problemsOf } from './findings.ts';

/** `code` of what is found of `ranges`, in a routine `f` with labels `a` to `e` between its instructions and a function `bare` without a size. */
function found(ranges: string): readonly string[] {
  return problemsOf(`#include <mcsafe/extable.h>
	extable_note
	.text
	.globl f
	.type f, @function
f:
.La:	movq (%rdi), %rax
.Lb:	movq (%rsi), %rcx
.Lc:	movq %rax, (%rsi)
.Ld:	ret
f_end:
	.size f, . - f
bare:
.Le:	ret
${ranges}
	EXTABLE_DESCRIPTOR handler, take, EXTABLE_PF
	EXTABLE_DESCRIPTOR other, take, EXTABLE_MC
	.data
.Ldata:	.quad 0
.Ldata_end:
`).map(({ code }) => code);
}

describe('ranges', () => {
  it.each([
    ['that nest', '\tEXTABLE_RANGE .La, .Ld, handler\n\tEXTABLE_RANGE .Lb, .Lc, other', []],
    ['that touch', '\tEXTABLE_RANGE .La, .Lb, handler\n\tEXTABLE_RANGE .Lb, .Ld, other', []],
    ['that begin together', '\tEXTABLE_RANGE .La, .Ld, handler\n\tEXTABLE_RANGE .La, .Lb, other', []],
    ['that cross', '\tEXTABLE_RANGE .La, .Lc, handler\n\tEXTABLE_RANGE .Lb, .Ld, other', ['partial-overlap']],
    ['that are the same', '\tEXTABLE_RANGE .La, .Lc, handler\n\tEXTABLE_RANGE .La, .Lc, other', ['identical-ranges']],
    ['of length 0 at a function with a size', '\tEXTABLE_RANGE f, f, handler', []],
    ['of length 0 at a function without', '\tEXTABLE_RANGE bare, bare, handler', ['no-symbol-size']],
    ['of length 0 inside of a function', '\tEXTABLE_RANGE .Lb, .Lb, handler', ['no-symbol-size']],
    ['up to an end label where the size says the same', '\tEXTABLE_RANGE f, f_end, handler', ['end-label']],
    ['in data', '\tEXTABLE_RANGE .Ldata, .Ldata_end, handler', ['site-outside-code']],
    ['whose handler is no descriptor', '\tEXTABLE_RANGE .La, .Lb, .Lc', ['no-descriptor']],
  ])('%s', (_, ranges, codes) => {
    expect(found(ranges)).toEqual(codes);
  });
});
