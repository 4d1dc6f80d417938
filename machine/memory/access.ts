/**
 * Whether the processor may make an access: what of its state decides, and why it may not.
 */
import { ACCESS } from './layout.ts';
import { PAGE_SIZE } from './memory.ts';
import type { PagePermissions } from './memory.ts';

/** What of the processor's state decides whether an access is allowed. */
export interface AccessMode {
  readonly user: boolean;
  /** Supervisor accesses to user pages fault: CR4.SMAP set and EFLAGS.AC clear. */
  readonly smap: boolean;
  readonly smep: boolean;
  /** CR0.WP: supervisor writes obey read-only pages. */
  readonly writeProtect: boolean;
  /** Accesses must lie at multiples of their size: ring 3 with EFLAGS.AC and CR0.AM set. */
  readonly aligned?: boolean;
  /** Bits of a linear address: 48, or 57 with CR4.LA57. */
  readonly addressBits: number;
}

/** Why an access is not possible. */
export type MemoryFault =
  | { readonly kind: 'non-canonical' }
  | { readonly kind: 'misaligned' }
  | { readonly kind: 'page'; readonly address: bigint; readonly errorCode: number }
  | { readonly kind: 'poison'; readonly address: bigint };

const PAGE_MASK = BigInt(PAGE_SIZE - 1);

/** Pages in 64 bits of address. */
export const PAGE_COUNT = 2 ** 52;

/** Linear address >> 12. */
export function pageNumber(address: bigint): number {
  return Number(BigInt.asUintN(64, address) >> 12n);
}

/** Offset of `address` in its page. */
export function pageOffset(address: bigint): number {
  return Number(address & PAGE_MASK);
}

/** Whether an address of `bits` bits, 48 or 57, is sign-extended to 64 (SDM 1 3.3.7.1). */
export function isCanonical(address: bigint, bits: number): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(bits, address)) === BigInt.asUintN(64, address);
}

/** #PF error code of an access that the page's permissions forbid (SDM 3A 4.6, 4.7). */
export function whyNot(permissions: PagePermissions | undefined, kind: number, mode: AccessMode): number | undefined {
  const code = ((kind & ACCESS.WRITE) !== 0 ? 2 : 0) | (mode.user ? 4 : 0);
  if (permissions?.read !== true) return code;
  if (mode.user && !permissions.user) return code | 1;
  if (!mode.user && permissions.user && mode.smap) return code | 1;
  if ((kind & ACCESS.WRITE) !== 0 && !permissions.write && (mode.user || mode.writeProtect)) return code | 1;
  return undefined;
}

/** #PF error code of an instruction fetch, or undefined if it is allowed. */
export function whyNotFetch(permissions: PagePermissions | undefined, mode: AccessMode): number | undefined {
  const code = (mode.user ? 4 : 0) | 16;
  if (permissions?.read !== true) return code;
  if (mode.user !== permissions.user && (mode.user || mode.smep)) return code | 1;
  return permissions.execute ? undefined : code | 1;
}
