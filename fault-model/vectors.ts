/**
 * The exception vectors of x86-64 and what Linux does with each in kernel mode.
 * Sources: SDM 3A table 6-1 and 6.13-6.15; kernel 6.12 arch/x86/kernel/traps.c, arch/x86/mm/fault.c.
 */

export interface VectorFacts {
  readonly vector: number;
  /** `#PF` */
  readonly mnemonic: string;
  /** `page fault` */
  readonly name: string;
  readonly kind: 'fault' | 'trap' | 'fault or trap' | 'abort' | 'interrupt';
  readonly hasErrorCode: boolean;
  /** Whether the kernel looks the ip up in the exception table when this vector hits kernel code. */
  readonly offeredToTable: boolean;
}

function row(
  vector: number, mnemonic: string, name: string, kind: VectorFacts['kind'], hasErrorCode: boolean, offeredToTable: boolean,
): VectorFacts {
  return { vector, mnemonic, name, kind, hasErrorCode, offeredToTable };
}

export const VECTORS: readonly VectorFacts[] = [
  row(0, '#DE', 'divide error', 'fault', false, true),
  row(1, '#DB', 'debug exception', 'fault or trap', false, false),
  row(2, 'NMI', 'non-maskable interrupt', 'interrupt', false, false),
  row(3, '#BP', 'breakpoint', 'trap', false, false),
  row(4, '#OF', 'overflow', 'trap', false, true),
  row(5, '#BR', 'bound range exceeded', 'fault', false, true),
  row(6, '#UD', 'invalid opcode', 'fault', false, true),
  row(7, '#NM', 'device not available', 'fault', false, false),
  row(8, '#DF', 'double fault', 'abort', true, false),
  row(10, '#TS', 'invalid TSS', 'fault', true, true),
  row(11, '#NP', 'segment not present', 'fault', true, true),
  row(12, '#SS', 'stack-segment fault', 'fault', true, true),
  row(13, '#GP', 'general protection fault', 'fault', true, true),
  row(14, '#PF', 'page fault', 'fault', true, true),
  row(16, '#MF', 'x87 floating-point error', 'fault', false, true),
  row(17, '#AC', 'alignment check', 'fault', true, true),
  row(18, '#MC', 'machine check', 'abort', false, true),
  row(19, '#XM', 'SIMD floating-point exception', 'fault', false, true),
  row(20, '#VE', 'virtualization exception', 'fault', false, true),
  row(21, '#CP', 'control protection exception', 'fault', true, false),
];

const byNumber = new Map(VECTORS.map((facts) => [facts.vector, facts]));

/** Facts for any vector 0-255; the ones the architecture leaves to software are plain interrupts. */
export function vectorFacts(vector: number): VectorFacts {
  return byNumber.get(vector) ?? row(vector, `INT ${String(vector)}`, `interrupt ${String(vector)}`, 'interrupt', false, false);
}

/** `#PF` error-code bits (SDM 3A 4.7). */
export const PAGE_FAULT = { PRESENT: 1, WRITE: 2, USER: 4, RESERVED: 8, FETCH: 16, PROTECTION_KEY: 32 } as const;

/** `not present, write, kernel` and so on: a #PF error code in words. */
export function pageFaultText(errorCode: number): string {
  const words = [
    errorCode & PAGE_FAULT.PRESENT ? 'protection violation' : 'page not present',
    errorCode & PAGE_FAULT.FETCH ? 'instruction fetch' : errorCode & PAGE_FAULT.WRITE ? 'write' : 'read',
    errorCode & PAGE_FAULT.USER ? 'user mode' : 'kernel mode',
  ];
  if (errorCode & PAGE_FAULT.RESERVED) words.push('reserved bit set');
  if (errorCode & PAGE_FAULT.PROTECTION_KEY) words.push('protection key');
  return words.join(', ');
}
