/**
 * Finds the sources of a workspace's folders.
 */
import type { Host } from '../../host/host.ts';

export type SourceKind = 'assembly' | 'c';

export interface FoundSource {
  readonly path: string;
  readonly kind: SourceKind;
}

/** Folders in which nobody writes sources. */
const SKIPPED = new Set(['node_modules', 'CVS', '__pycache__']);
const ASSEMBLY = /\.(?:S|s|sx)$/;
const C = /\.[ch]$/;
/** Folders nested deeper than this are left out. */
const MAX_DEPTH = 40;

/** What `path` is by its name; undefined for what the index has no use for. */
export function sourceKind(path: string): SourceKind | undefined {
  if (ASSEMBLY.test(path)) return 'assembly';
  return C.test(path) ? 'c' : undefined;
}

/** True for sources of other machines in a tree that is laid out as the kernel's: `arch/arm64/…`. */
export function isForeignPath(path: string): boolean {
  const folder = /(?:^|[\\/])arch[\\/]([\w-]+)[\\/]/.exec(`${path}/`)?.[1];
  return folder !== undefined && folder !== 'x86' && folder !== 'um';
}

/** The sources below `folder`, folder by folder, in the order of their names. Gives nothing where folders cannot be listed. */
export function* sourcesBelow(folder: string, host: Host, depth = 0): Generator<FoundSource | undefined> {
  const entries = [...host.files.list?.(folder) ?? []].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, isFolder } of entries) {
    if (isFolder) continue;
    const kind = sourceKind(name);
    if (kind !== undefined) yield { path: host.resolve(folder, name), kind };
  }
  // A turn for the caller, so that he can do something else between two folders.
  yield undefined;
  if (depth >= MAX_DEPTH) return;
  for (const { name, isFolder } of entries) {
    if (!isFolder || name.startsWith('.') || SKIPPED.has(name)) continue;
    const path = host.resolve(folder, name);
    if (!isForeignPath(path)) yield* sourcesBelow(path, host, depth + 1);
  }
}
