/**
 * Every entry layout x86-64 kernels have had (and a few only patches had): how an entry's bytes are read.
 * Sources: kernel commits 706276543b69 (relative), 548acf19234d (handler), 46d28947d987 (type), 4b5305decc84 (data);
 * the machine-check patches of December 2015 to February 2016 (mcex, class, index); kernel 5.11 arch/x86/entry/vdso/extable.h (vdso).
 */
import type { EntryClass, ExtableEntry, ExtableLayout } from './entry.ts';
import { EX_TYPE_HANDLER } from './entry.ts';
import type { RawWord, TableFields } from './fields.ts';

export interface LayoutFacts {
  readonly layout: ExtableLayout;
  /** Bytes of an entry. */
  readonly stride: number;
  /** The kernels that have it. */
  readonly kernels: string;
  /** Reads the entry at `offset`; undefined where a relocatable file has no relocation that could make one. */
  readonly read: (fields: TableFields, offset: number) => Omit<ExtableEntry, 'index' | 'offset'> | undefined;
}

/** EX_TYPE_* numbers (kernel 6.12 asm/extable_fixup_types.h) that stand for what older layouts do. */
const TYPE = { DEFAULT: 1, FAULT: 2, UACCESS: 3, COPY: 4, CLEAR_FS: 5, FPU_RESTORE: 6, WRMSR: 8, RDMSR: 9, FAULT_SGX: 18 } as const;

/** C handlers of 4.6 to 5.15, by the type that took over their work. `ex_handler_ext` and `_refcount` have no successor: 0. */
export const HANDLER_TYPES: Readonly<Record<string, number>> = {
  ex_handler_default: TYPE.DEFAULT, ex_handler_fault: TYPE.FAULT, ex_handler_uaccess: TYPE.UACCESS, ex_handler_copy: TYPE.COPY,
  ex_handler_clear_fs: TYPE.CLEAR_FS, ex_handler_fprestore: TYPE.FPU_RESTORE, ex_handler_wrmsr_unsafe: TYPE.WRMSR, ex_handler_rdmsr_unsafe: TYPE.RDMSR,
  ex_handler_sgx: TYPE.FAULT_SGX, ex_handler_ext: 0, ex_handler_refcount: 0,
};

const NO_DATA = { register: 0, flags: 0, immediate: 0, data: 0 } as const;

/** The type of a class: what the machine does for it. */
const CLASS_TYPES: Readonly<Record<EntryClass, number>> = { plain: TYPE.DEFAULT, 'trap-number': TYPE.FAULT, 'user-access': TYPE.DEFAULT, handler: EX_TYPE_HANDLER };

function target({ word, base }: RawWord): bigint {
  return BigInt.asUintN(64, base + word);
}

function ends(insn: RawWord, insnAt: bigint, fixup: RawWord, fixupAt: bigint): Pick<ExtableEntry, 'insn' | 'fixup' | 'insnSection' | 'fixupSection' | 'insnExternal' | 'fixupExternal'> {
  return {
    insn: insnAt, fixup: fixupAt,
    ...(insn.section === undefined ? {} : { insnSection: insn.section }),
    ...(fixup.section === undefined ? {} : { fixupSection: fixup.section }),
    ...(insn.external === undefined ? {} : { insnExternal: insn.external }),
    ...(fixup.external === undefined ? {} : { fixupExternal: fixup.external }),
  };
}

/** Two self-relative words; undefined without both. */
function pair(fields: TableFields, offset: number): { readonly insn: RawWord; readonly fixup: RawWord } | undefined {
  const insn = fields.relative(offset);
  const fixup = fields.relative(offset + 4);
  return insn === undefined || fixup === undefined ? undefined : { insn, fixup };
}

/** Kernel 3.5 to 4.5 marks `_ASM_EXTABLE_EX` by adding this to the second word. */
const EX_BIAS = 0x7ffffff0n;

function readRelative(fields: TableFields, offset: number): ReturnType<LayoutFacts['read']> {
  const words = pair(fields, offset);
  if (words === undefined) return undefined;
  const { insn, fixup } = words;
  // In a linked file the kernel's own test; a landing pad is never 2 GiB away.
  const biased = BigInt.asIntN(64, fixup.word) >= 0x7000_0000n;
  const entryClass: EntryClass = biased ? 'user-access' : 'plain';
  const fixupAt = biased ? BigInt.asUintN(64, target(fixup) - EX_BIAS) : target(fixup);
  return { ...ends(insn, target(insn), fixup, fixupAt), type: CLASS_TYPES[entryClass], ...NO_DATA, class: entryClass };
}

const CLASSES: readonly EntryClass[] = ['plain', 'trap-number', 'user-access', 'handler'];

/** Class 0 is offset by this, so that a negative distance leaves the class bits alone. */
const CLASS_BIAS = 0x2000_0000n;

function readClass(fields: TableFields, offset: number): ReturnType<LayoutFacts['read']> {
  const words = pair(fields, offset);
  if (words === undefined) return undefined;
  const { insn, fixup } = words;
  const where = BigInt.asUintN(32, fixup.word);
  const entryClass = CLASSES[Number(where >> 30n)]!;
  const fixupAt = BigInt.asUintN(64, fixup.base + BigInt.asIntN(32, (where & 0x3fff_ffffn) - CLASS_BIAS));
  return {
    ...ends(insn, target(insn), fixup, fixupAt), type: CLASS_TYPES[entryClass], ...NO_DATA, class: entryClass,
    ...(entryClass === 'handler' ? { handler: fixupAt } : {}),
  };
}

function readAbsolute(fields: TableFields, offset: number): ReturnType<LayoutFacts['read']> {
  const insn = fields.absolute(offset);
  if (insn === undefined) return undefined;
  const fixup = fields.absolute(offset + 8);
  // Kernels up to 3.4 mark `_ASM_EXTABLE_EX` by a landing pad below 16: a distance from the instruction.
  const small = fixup?.word ?? fields.u64(offset + 8);
  if (small < 16n && fixup?.section === undefined) {
    return { ...ends(insn, target(insn), insn, target(insn) + small), type: TYPE.DEFAULT, ...NO_DATA, class: 'user-access' };
  }
  return fixup === undefined ? undefined : { ...ends(insn, target(insn), fixup, target(fixup)), type: TYPE.DEFAULT, ...NO_DATA, class: 'plain' };
}

/** V8 of the patches: the third word is an index into the kernel's array of handlers. */
const INDEX_TYPES: readonly (readonly [number, EntryClass])[] = [[TYPE.DEFAULT, 'plain'], [TYPE.FAULT, 'trap-number'], [TYPE.DEFAULT, 'user-access']];

function readIndex(fields: TableFields, offset: number): ReturnType<LayoutFacts['read']> {
  const words = pair(fields, offset);
  if (words === undefined) return undefined;
  const data = fields.u32(offset + 8);
  const [type, entryClass] = INDEX_TYPES[data] ?? [0, 'plain' as const];
  return { ...ends(words.insn, target(words.insn), words.fixup, target(words.fixup)), ...NO_DATA, type, data, class: entryClass };
}

function readHandler(fields: TableFields, offset: number): ReturnType<LayoutFacts['read']> {
  const words = pair(fields, offset);
  const handler = fields.relative(offset + 8);
  if (words === undefined || handler === undefined) return undefined;
  return {
    ...ends(words.insn, target(words.insn), words.fixup, target(words.fixup)), ...NO_DATA, data: fields.u32(offset + 8),
    type: HANDLER_TYPES[handler.symbol ?? ''] ?? 0, handler: target(handler),
    ...(handler.symbol === undefined ? {} : { handlerName: handler.symbol }),
  };
}

function readType(fields: TableFields, offset: number): ReturnType<LayoutFacts['read']> {
  const words = pair(fields, offset);
  if (words === undefined) return undefined;
  const data = fields.u32(offset + 8);
  return { ...ends(words.insn, target(words.insn), words.fixup, target(words.fixup)), ...NO_DATA, type: data, data };
}

/** Kernel 6.12 extable_fixup_types.h: type [7:0], register [11:8], flags [15:12], immediate [31:16]. */
function readData(fields: TableFields, offset: number): ReturnType<LayoutFacts['read']> {
  const words = pair(fields, offset);
  if (words === undefined) return undefined;
  const data = fields.u32(offset + 8);
  const fixup = target(words.fixup);
  const type = data & 0xff;
  return {
    ...ends(words.insn, target(words.insn), words.fixup, fixup),
    type, register: (data >>> 8) & 0xf, flags: (data >>> 12) & 0xf, immediate: data >> 16, data,
    ...(type === EX_TYPE_HANDLER ? { handler: fixup } : {}),
  };
}

/** Both words count from the start of the table, not from themselves. */
function readVdso(fields: TableFields, offset: number): ReturnType<LayoutFacts['read']> {
  const words = pair(fields, offset);
  if (words === undefined) return undefined;
  const { insn, fixup } = words;
  const from = (word: RawWord, at: number): bigint => BigInt.asUintN(64, target(word) - BigInt(at));
  return { ...ends(insn, from(insn, offset), fixup, from(fixup, offset + 4)), type: TYPE.DEFAULT, ...NO_DATA };
}

export const LAYOUTS: Readonly<Record<ExtableLayout, LayoutFacts>> = {
  absolute: { layout: 'absolute', stride: 16, kernels: 'up to 3.4', read: readAbsolute },
  relative: { layout: 'relative', stride: 8, kernels: '3.5 to 4.5', read: readRelative },
  class: { layout: 'class', stride: 8, kernels: 'the patches of December 2015 (V6, V7); mcsafe handlers', read: readClass },
  mcex: { layout: 'mcex', stride: 8, kernels: 'the patches of December 2015 (V1 to V5)', read: readRelative },
  index: { layout: 'index', stride: 12, kernels: 'the patches of January 2016 (V8)', read: readIndex },
  handler: { layout: 'handler', stride: 12, kernels: '4.6 to 5.15', read: readHandler },
  type: { layout: 'type', stride: 12, kernels: '5.16', read: readType },
  data: { layout: 'data', stride: 12, kernels: '5.17 and later', read: readData },
  vdso: { layout: 'vdso', stride: 8, kernels: 'the vDSO of 5.11 and later', read: readVdso },
};

/** The layout that kernel `version` has (`6.1`, `5.15.0-91-generic`); undefined if the text is no version. */
export function layoutOfVersion(version: string): ExtableLayout | undefined {
  const match = /^(\d+)\.(\d+)/.exec(version);
  if (match === null) return undefined;
  const number = Number(match[1]) * 1000 + Number(match[2]);
  if (number >= 5017) return 'data';
  if (number === 5016) return 'type';
  if (number >= 4006) return 'handler';
  return number >= 3005 ? 'relative' : 'absolute';
}
