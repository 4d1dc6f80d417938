/**
 * The kernel's fault-tolerant routines by name: what they promise, and in which registers they take what.
 * Source: kernel 4.6 to 6.12 arch/x86/lib.
 */

export interface KnownRoutine {
  readonly pattern: RegExp;
  /** How people write the family: `copy_mc_*`. */
  readonly family: string;
  /** `copy`: returns the bytes not copied, exactly; `copy-partial`: at least those; `clear`, `get`, `put`, `csum` by their names. */
  readonly kind: 'copy' | 'copy-partial' | 'clear' | 'get' | 'put' | 'csum';
  /** 64-bit registers by role. */
  readonly arguments: Readonly<Partial<Record<'dst' | 'src' | 'n' | 'ptr' | 'value' | 'zero', KnownRegister>>>;
  readonly returns: KnownRegister;
  /** Roles that are user pointers. */
  readonly user: readonly ('dst' | 'src' | 'ptr')[];
  /** Registers it changes although the C calling convention keeps them: its callers know. */
  readonly clobbers?: readonly 'rbx'[];
  /** The length is a 32-bit number where the code takes it so. */
  readonly shortLength?: true;
}

type KnownRegister = 'rax' | 'rcx' | 'rdx' | 'rsi' | 'rdi';

const DST_SRC_N = { dst: 'rdi', src: 'rsi', n: 'rdx' } as const;

/** First match wins. */
export const KNOWN_ROUTINES: readonly KnownRoutine[] = [
  { pattern: /^(copy_mc_(fragile|enhanced_fast_string)|_*memcpy_mcsafe(_unrolled|_fast|_slow)?|__mcsafe_copy)$/, family: 'copy_mc_*', kind: 'copy', arguments: DST_SRC_N, returns: 'rax', user: [], shortLength: true },
  { pattern: /copy_mc_to_user/, family: 'copy_mc_to_user', kind: 'copy', arguments: DST_SRC_N, returns: 'rax', user: ['dst'] },
  { pattern: /copy_mc|mcsafe/, family: 'copy_mc_*', kind: 'copy', arguments: DST_SRC_N, returns: 'rax', user: [] },
  { pattern: /^rep_movs_alternative$/, family: 'rep_movs_alternative', kind: 'copy-partial', arguments: { dst: 'rdi', src: 'rsi', n: 'rcx' }, returns: 'rcx', user: ['src'] },
  { pattern: /^(copy_user_generic_(unrolled|string)|copy_user_enhanced_fast_string|__copy_user_nocache|copy_to_nontemporal)$/, family: 'copy_user_*', kind: 'copy-partial', arguments: DST_SRC_N, returns: 'rax', user: ['src'], shortLength: true },
  { pattern: /copy_(to|in)_user/, family: 'copy_to_user*', kind: 'copy-partial', arguments: DST_SRC_N, returns: 'rax', user: ['dst'] },
  { pattern: /copy_(from_)?user|copy_user_nocache/, family: 'copy_user_*', kind: 'copy-partial', arguments: DST_SRC_N, returns: 'rax', user: ['src'] },
  { pattern: /^(clear_user_|rep_stos_alternative)/, family: 'clear_user_*', kind: 'clear', arguments: { dst: 'rdi', n: 'rcx', zero: 'rax' }, returns: 'rcx', user: ['dst'] },
  { pattern: /get_user/, family: '__get_user_*', kind: 'get', arguments: { ptr: 'rax' }, returns: 'rax', user: ['ptr'] },
  { pattern: /put_user/, family: '__put_user_*', kind: 'put', arguments: { ptr: 'rcx', value: 'rax' }, returns: 'rcx', user: ['ptr'], clobbers: ['rbx'] },
  { pattern: /csum_partial_copy/, family: 'csum_partial_copy_*', kind: 'csum', arguments: { src: 'rdi', dst: 'rsi', n: 'rdx' }, returns: 'rax', user: ['src'], shortLength: true },
];

/** What a routine of that name promises; undefined for a name that no kernel has. */
export function knownRoutine(name: string): KnownRoutine | undefined {
  return KNOWN_ROUTINES.find(({ pattern }) => pattern.test(name));
}
