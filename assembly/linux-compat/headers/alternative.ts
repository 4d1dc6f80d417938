import { cpuFeatureNumbers } from '../cpu-features.ts';
import type { AlternativeForm, CompatGeneration } from '../generation.ts';

/** The fields behind the two offsets of an `.altinstructions` record. */
const RECORD_TAIL: Readonly<Record<AlternativeForm, string>> = {
  'padded-13': String.raw`	.short \feature
	.byte \length, \newlength, \padding`,
  'feature16-12': String.raw`	.short \feature
	.byte \length, \newlength`,
  'feature32-14': String.raw`	.long \feature
	.byte \length, \newlength`,
};

/**
 * `asm/alternative.h`: code that is patched at boot when the CPU has a feature. The old code is padded with 0x90 up to the length of the
 * longest replacement; replacements live in `.altinstr_replacement`, one record each in `.altinstructions`.
 * Newer kernels nest: the second replacement sees the first, padded, as the old code. Older ones give both records the full length.
 */
export function alternativeHeader({ alternative, id }: CompatGeneration): string {
  const nested = id === '6.12';
  return String.raw`
#ifndef MCSAFE_ASM_ALTERNATIVE_H
#define MCSAFE_ASM_ALTERNATIVE_H
#include <linux/stringify.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>

/* A comparison gives -1 when it holds. */
#define MCSAFE_MAX(a, b) ((a) - ((b) > (a)) * ((b) - (a)))
#define MCSAFE_PAD(old, new) .skip MCSAFE_MAX(old, new) - (old), 0x90

${alternative === 'feature32-14'
    ? '#define ALT_FLAGS_SHIFT 16\n#define ALT_FLAG_NOT (1 << 0)\n#define ALT_NOT(feature) ((ALT_FLAG_NOT << ALT_FLAGS_SHIFT) | (feature))'
    : '#define ALTINSTR_FLAG_INV (1 << 15)\n#define ALT_NOT(feature) ((feature) | ALTINSTR_FLAG_INV)'}

.macro mcsafe_alternative old, new, feature, length, newlength, padding
	.pushsection .altinstructions,"a"
	.long \old - .
	.long \new - .
${RECORD_TAIL[alternative]}
	.popsection
.endm

.macro ALTERNATIVE oldinstr, newinstr, feature
7700:	\oldinstr
7701:	MCSAFE_PAD(7701b-7700b, 7704f-7703f)
7702:	mcsafe_alternative 7700b, 7703f, "\feature", 7702b-7700b, 7704f-7703f, 7702b-7701b
	.pushsection .altinstr_replacement,"ax"
7703:	\newinstr
7704:	.popsection
.endm

.macro ALTERNATIVE_2 oldinstr, newinstr1, feature1, newinstr2, feature2
7700:	\oldinstr
${nested ? NESTED : FLAT}
.endm

.macro LOCK_PREFIX
	lock
.endm

#endif
`;
}

const NESTED = String.raw`7701:	MCSAFE_PAD(7701b-7700b, 7704f-7703f)
7702:	mcsafe_alternative 7700b, 7703f, "\feature1", 7702b-7700b, 7704f-7703f, 7702b-7701b
	.pushsection .altinstr_replacement,"ax"
7703:	\newinstr1
7704:	.popsection
	MCSAFE_PAD(7702b-7700b, 7707f-7706f)
7705:	mcsafe_alternative 7700b, 7706f, "\feature2", 7705b-7700b, 7707f-7706f, 7705b-7702b
	.pushsection .altinstr_replacement,"ax"
7706:	\newinstr2
7707:	.popsection`;

const FLAT = String.raw`7701:	MCSAFE_PAD(7701b-7700b, MCSAFE_MAX(7704f-7703f, 7706f-7705f))
7702:	mcsafe_alternative 7700b, 7703f, "\feature1", 7702b-7700b, 7704f-7703f, 7702b-7701b
	mcsafe_alternative 7700b, 7705f, "\feature2", 7702b-7700b, 7706f-7705f, 7702b-7701b
	.pushsection .altinstr_replacement,"ax"
7703:	\newinstr1
7704:
7705:	\newinstr2
7706:	.popsection`;

/** `asm/cpufeatures.h`: feature numbers. */
export function cpufeaturesHeader({ id }: CompatGeneration): string {
  const features = [...cpuFeatureNumbers(id)].map(([name, number]) => `#define X86_FEATURE_${name.toUpperCase()} ${String(number)}`);
  return `
#ifndef MCSAFE_ASM_CPUFEATURES_H
#define MCSAFE_ASM_CPUFEATURES_H
${features.join('\n')}
#endif
`;
}

/** `asm/smap.h`: opening and closing access to user memory. */
export function smapHeader(): string {
  return `
#ifndef MCSAFE_ASM_SMAP_H
#define MCSAFE_ASM_SMAP_H
#include <asm/nops.h>
#include <asm/cpufeatures.h>
#include <asm/alternative.h>
#define ASM_CLAC ALTERNATIVE "", "clac", X86_FEATURE_SMAP
#define ASM_STAC ALTERNATIVE "", "stac", X86_FEATURE_SMAP
#endif
`;
}
