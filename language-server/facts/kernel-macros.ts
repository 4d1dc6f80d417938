/**
 * Macros that the kernel's headers of a generation have, by name, and the header to include for each: taken from the stand-ins.
 */
import { COMPAT_FOLDER, linuxCompat } from '../../assembly/linux-compat/linux-compat.ts';

export interface KernelMacro {
  readonly name: string;
  readonly parameters: readonly string[];
  /** A gas macro: its arguments follow without parentheses. */
  readonly isGas: boolean;
  /** `asm/asm.h` */
  readonly header: string;
}

const cache = new Map<string, ReadonlyMap<string, KernelMacro>>();

/** The macros for assembly sources of the kernel called `generation`. */
export function kernelMacros(generation: string): ReadonlyMap<string, KernelMacro> {
  let found = cache.get(generation);
  if (found === undefined) cache.set(generation, found = read(generation));
  return found;
}

const DEFINITION = /^(?:#define[ \t]+(\w+)(?:\(([^)]*)\))?[ \t]|\.macro[ \t]+(\w+)[ \t]*(.*))/gm;

function read(generation: string): ReadonlyMap<string, KernelMacro> {
  const { files, provider } = linuxCompat(generation);
  const macros = new Map<string, KernelMacro>();
  for (const file of files) {
    for (const [, cpp, cppParameters, gas, gasParameters] of (provider.read(file) ?? '').matchAll(DEFINITION)) {
      const name = cpp ?? gas!;
      if (macros.has(name) || /^MCSAFE_/i.test(name)) continue;
      const parameters = (cppParameters ?? gasParameters ?? '').split(cpp === undefined ? /[\s,]+/ : ',').map((one) => one.trim().replace(/[:=].*/, '')).filter((one) => one !== '');
      macros.set(name, { name, parameters, isGas: cpp === undefined, header: file.replace(`${COMPAT_FOLDER}/`, '') });
    }
  }
  return macros;
}

/** True for a macro that makes an exception-table entry. */
export function isEntryMacro(name: string): boolean {
  return /^_ASM_(MC|VDSO_)?EXTABLE/.test(name) || /^EXTABLE(_(TRAPNR|USER|HANDLER|RANGE))?$/.test(name);
}

/** What an entry macro's name promises, for the list of completions. */
export function entryMacroText(name: string): string {
  const suffix = /_EXTABLE_?(\w*)$/.exec(name)?.[1] ?? '';
  return ENTRY_MACROS[suffix] ?? 'an exception-table entry';
}

const ENTRY_MACROS: Readonly<Record<string, string>> = {
  '': 'entry: after any fault, go on at the landing pad',
  TYPE: 'entry of the handler type that is named',
  FAULT: 'entry: the vector in ax, then the landing pad',
  UA: 'entry of an access to user memory',
  CPY: 'entry of a copy from or to user memory: the vector in ax, then the landing pad',
  EX: 'entry of an access to user memory whose failure is noted',
  HANDLE: 'entry with a C function as handler',
  REFCOUNT: 'entry of a reference count that overflows',
};
