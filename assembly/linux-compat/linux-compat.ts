/**
 * Own stand-ins for the kernel headers that `.S` files include, so that they assemble outside a kernel tree. They are written from what the
 * real headers make of a source, never from their text; a configured kernel tree, searched first, wins over them.
 */
import type { SourceProvider } from '../gas/statement.ts';
import { compatGeneration } from './generation.ts';
import type { CompatGeneration } from './generation.ts';
import { alternativeHeader, cpufeaturesHeader, smapHeader } from './headers/alternative.ts';
import { asmHeader } from './headers/asm.ts';
import { exportHeader } from './headers/export.ts';
import { extableFixupTypesHeader } from './headers/extable.ts';
import { EXTABLE_HANDLERS_HEADER } from './headers/extable-handlers.ts';
import { linkageHeader } from './headers/linkage.ts';
import { smallHeaders } from './headers/small.ts';

/** Folder that exists on no disk; the stand-ins are files in it. */
export const COMPAT_FOLDER = '<linux-compat>';

export interface LinuxCompat {
  readonly provider: SourceProvider;
  /** To be searched after the user's own include paths. */
  readonly includePaths: readonly string[];
  /** Macros the kernel's build defines for every `.S` file. */
  readonly defines: Readonly<Record<string, string>>;
  /** Paths of all stand-ins. */
  readonly files: readonly string[];
}

const cache = new Map<string, LinuxCompat>();

/** The stand-ins for the kernel called `generation` (`6.12`, `6.1` …); the newest for a name not known. */
export function linuxCompat(generation: string): LinuxCompat {
  const wanted = compatGeneration(generation);
  const known = cache.get(wanted.id);
  if (known !== undefined) return known;
  const files = headersOf(wanted);
  const compat: LinuxCompat = {
    provider: { read: (path) => files.get(path) },
    includePaths: [COMPAT_FOLDER],
    defines: {
      __KERNEL__: '1', __ASSEMBLY__: '1', CONFIG_64BIT: '1', CONFIG_X86: '1', CONFIG_X86_64: '1', CONFIG_X86_5LEVEL: '1', CONFIG_X86_MCE: '1',
      CONFIG_SMP: '1', CONFIG_MEMORY_FAILURE: '1',
    },
    files: [...files.keys()],
  };
  cache.set(wanted.id, compat);
  return compat;
}

function headersOf(generation: CompatGeneration): ReadonlyMap<string, string> {
  const headers = new Map<string, string>([
    ['linux/linkage.h', linkageHeader(generation)],
    ['linux/export.h', exportHeader(generation)],
    ['asm/asm.h', asmHeader(generation)],
    ['asm/extable_fixup_types.h', extableFixupTypesHeader(generation)],
    ['asm/extable.h', '#include <asm/asm.h>\n'],
    ['asm/alternative.h', alternativeHeader(generation)],
    ['asm/alternative-asm.h', '#include <asm/alternative.h>\n'],
    ['asm/cpufeatures.h', cpufeaturesHeader(generation)],
    ['asm/cpufeature.h', '#include <asm/cpufeatures.h>\n'],
    ['asm/smap.h', smapHeader()],
    ['mcsafe/extable.h', EXTABLE_HANDLERS_HEADER],
    ...smallHeaders(generation),
  ]);
  return new Map([...headers].map(([path, text]) => [`${COMPAT_FOLDER}/${path}`, text.trimStart()]));
}
