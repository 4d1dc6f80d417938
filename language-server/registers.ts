/**
 * The general registers by every name they have.
 */

const LEGACY = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
const NAMES = new Map<string, { readonly full: string; readonly bits: number }>();
for (const name of LEGACY) {
  const full = `r${name}`;
  NAMES.set(full, { full, bits: 64 }).set(`e${name}`, { full, bits: 32 }).set(name, { full, bits: 16 });
  NAMES.set(name.endsWith('x') ? `${name[0]!}l` : `${name}l`, { full, bits: 8 });
  if (name.endsWith('x')) NAMES.set(`${name[0]!}h`, { full, bits: 8 });
}
for (let number = 8; number < 16; number++) {
  const full = `r${String(number)}`;
  NAMES.set(full, { full, bits: 64 }).set(`${full}d`, { full, bits: 32 }).set(`${full}w`, { full, bits: 16 }).set(`${full}b`, { full, bits: 8 });
}

/** The 64-bit register `name` (without `%`) is part of, and its width; undefined for other registers. */
export function fullRegister(name: string): { readonly full: string; readonly bits: number } | undefined {
  return NAMES.get(name.toLowerCase());
}

/** Every name of a general register, without `%`. */
export const GENERAL_REGISTERS: readonly string[] = [...NAMES.keys()];
