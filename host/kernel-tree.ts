/**
 * The kernel tree that a file lies in, recognised by its own files: where its headers are, and which version it is.
 */
import { KERNEL_GENERATIONS } from '../fault-model/kernel-generation.ts';
import type { Host } from './host.ts';

export interface KernelTree {
  readonly root: string;
  /** Id of the generation that its version belongs to; undefined where its Makefile does not say. */
  readonly generation?: string;
  /** Built, or prepared to be: the headers that a build generates are there. */
  readonly configured: boolean;
  /** Where the kernel's build looks for `<…>`, in its order (kernel 6.1 Makefile, LINUXINCLUDE and USERINCLUDE). */
  readonly includePaths: readonly string[];
  /** What its build reads before each source, and the macros it defines besides. */
  readonly preincludes: readonly string[];
  readonly defines: Readonly<Record<string, string>>;
}

/** Only a kernel's root has both. */
const MARKS = ['arch/x86/include/asm/asm.h', 'include/linux/kconfig.h'];
const INCLUDE_PATHS = [
  'arch/x86/include', 'arch/x86/include/generated', 'include', 'arch/x86/include/uapi', 'arch/x86/include/generated/uapi', 'include/uapi', 'include/generated/uapi',
];
/** Made by `make oldconfig` and `make prepare`. */
const GENERATED = ['include/generated/autoconf.h', 'include/generated/asm-offsets.h'];
/** Of compilers whose `-mfentry` the build has tried (kernel 6.1 Makefile, CC_FLAGS_USING). */
const DEFINES = { CC_USING_FENTRY: '1' };
const PREINCLUDES = ['include/linux/compiler-version.h', 'include/linux/kconfig.h'];

/** The tree that the file at `path` (absolute) lies in. */
export function kernelTree(path: string, host: Host): KernelTree | undefined {
  const has = (folder: string, file: string): boolean => host.files.read(host.resolve(folder, file)) !== undefined;
  for (let folder = host.folder(path), child = ''; folder !== child; child = folder, folder = host.folder(folder)) {
    if (!MARKS.every((mark) => has(folder, mark))) continue;
    const inTree = (files: readonly string[]): readonly string[] => files.map((file) => host.resolve(folder, file));
    const generation = generationOf(host.files.read(host.resolve(folder, 'Makefile')));
    return {
      root: folder, ...(generation === undefined ? {} : { generation }),
      configured: GENERATED.every((file) => has(folder, file)),
      includePaths: inTree(INCLUDE_PATHS), preincludes: inTree(PREINCLUDES.filter((file) => has(folder, file))), defines: DEFINES,
    };
  }
  return undefined;
}

/**
 * Where `<…>` is looked for in a kernel tree: a configured one has all headers, and they come before the stand-ins; in any other, headers that
 * a build generates are missing, so that the stand-ins come first and the tree has what they do not.
 */
export function searchedWith(tree: KernelTree | undefined, standIns: readonly string[]): readonly string[] {
  if (tree === undefined) return standIns;
  return tree.configured ? [...tree.includePaths, ...standIns] : [...standIns, ...tree.includePaths];
}

/** The generation of the version that a kernel's Makefile begins with: `VERSION = 6`, `PATCHLEVEL = 1`. */
function generationOf(makefile: Uint8Array | undefined): string | undefined {
  if (makefile === undefined) return undefined;
  const text = new TextDecoder().decode(makefile.subarray(0, 4096));
  const number = (name: string): number => Number(new RegExp(`^${name} *= *(\\d+)$`, 'm').exec(text)?.[1]);
  const version = number('VERSION') * 1000 + number('PATCHLEVEL');
  return KERNEL_GENERATIONS.find(({ since: [major, minor] }) => version >= major * 1000 + minor)?.id;
}
