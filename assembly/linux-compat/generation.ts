/**
 * What differs between the kernels whose headers we stand in for. Each line was observed in what the real headers make of a source
 * (Debian's linux-headers-6.1 and -6.12, by `gcc -E` and `gcc -c`), or, for older kernels, is a layout described in the kernel's history.
 */

/** How `_ASM_EXTABLE` lays an entry out (see ARCHITECTURE.md, "Exception-table layouts"). */
export type EntryForm = 'relative' | 'handler' | 'type';

/** The record `ALTERNATIVE` writes into `.altinstructions`. */
export type AlternativeForm = 'padded-13' | 'feature16-12' | 'feature32-14';

export interface CompatGeneration {
  /** As in the launch configuration's `kernelGeneration`. */
  readonly id: string;
  readonly entry: EntryForm;
  /** `_ASM_EXTABLE_TYPE`'s numbers may carry register, flags and an immediate (5.17 and later). */
  readonly dataWord: boolean;
  /** Macros besides `_ASM_EXTABLE` and (from 4.6 on) `_ASM_EXTABLE_FAULT`. */
  readonly entryMacros: readonly ('EX' | 'MCEX' | 'HANDLE' | 'UA' | 'CPY' | 'TYPE')[];
  /** EX_TYPE_COPY and EX_TYPE_ERETU come and go. */
  readonly hasCopyType: boolean;
  readonly hasEretuType: boolean;
  readonly alternative: AlternativeForm;
  /** `RET` jumps to the return thunk; a plain `ret` before. */
  readonly returnThunk: boolean;
  /** `endbr64` at the start of each SYM_FUNC. */
  readonly endbr: boolean;
  /** Bytes of 0x90 in front of each SYM_FUNC, for call-depth thunks. */
  readonly functionPadding: number;
  /** EXPORT_SYMBOL writes `.export_symbol` (6.5 and later), or a `___ksymtab+name` section before. */
  readonly exportSection: boolean;
  /** per-cpu variables are addressed relative to rip. */
  readonly percpuRip: boolean;
}

const MODERN = { entry: 'type', dataWord: true, returnThunk: true } as const;
const OLD = { dataWord: false, hasCopyType: false, hasEretuType: false, returnThunk: false, endbr: false, functionPadding: 0, exportSection: false, percpuRip: false } as const;

/** Newest first. */
export const COMPAT_GENERATIONS: readonly CompatGeneration[] = [
  {
    id: '6.12', ...MODERN, entryMacros: ['UA', 'TYPE'], hasCopyType: false, hasEretuType: true, alternative: 'feature32-14',
    endbr: true, functionPadding: 16, exportSection: true, percpuRip: true,
  },
  {
    id: '6.1', ...MODERN, entryMacros: ['UA', 'CPY', 'TYPE'], hasCopyType: true, hasEretuType: false, alternative: 'feature16-12',
    endbr: false, functionPadding: 0, exportSection: false, percpuRip: false,
  },
  { ...OLD, id: '5.16', entry: 'type', entryMacros: ['UA', 'CPY', 'TYPE'], hasCopyType: true, alternative: 'feature16-12' },
  { ...OLD, id: '5.10', entry: 'handler', entryMacros: ['HANDLE', 'UA', 'CPY'], alternative: 'padded-13' },
  { ...OLD, id: '4.6', entry: 'handler', entryMacros: ['HANDLE', 'EX', 'UA'], alternative: 'padded-13' },
  { ...OLD, id: '4.4', entry: 'relative', entryMacros: ['EX', 'MCEX'], alternative: 'padded-13' },
];

/** The generation named `id`, or the newest if there is none of that name. */
export function compatGeneration(id: string): CompatGeneration {
  return COMPAT_GENERATIONS.find((generation) => generation.id === id) ?? COMPAT_GENERATIONS[0]!;
}
