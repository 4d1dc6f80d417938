/**
 * Where `#include` looks for files.
 */
import type { PreparedFile } from './prepared-file.ts';

export interface FoundInclude {
  readonly path: string;
  readonly prepared: PreparedFile;
  /** Index of the include path it was found under; -1 for the including file's own folder. */
  readonly index: number;
}

export interface IncludeSearch {
  /** Of the including file. */
  readonly folder: string;
  readonly includePaths: readonly string[];
  /** For `#include_next`: the search begins behind the include path of this index. */
  readonly after: number | undefined;
  readonly open: (path: string) => PreparedFile | undefined;
}

/** The folder of `path`, without a slash at the end; '' for a name alone. */
export function folderOf(path: string): string {
  const slash = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  return slash < 0 ? '' : slash === 0 ? '/' : path.slice(0, slash);
}

/** `folder/name`; `name` alone if that is a whole path or there is no folder. */
export function joinPath(folder: string, name: string): string {
  if (folder === '' || name.startsWith('/') || /^[A-Za-z]:[\\/]/.test(name)) return name;
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

/** Finds the file for `written`, which is `"name"` or `<name>`. */
export function findInclude(written: string, search: IncludeSearch): FoundInclude | undefined {
  const name = written.slice(1, -1);
  const attempt = (folder: string, index: number): FoundInclude | undefined => {
    const path = joinPath(folder, name);
    const prepared = search.open(path);
    return prepared === undefined ? undefined : { path, prepared, index };
  };
  if (search.after === undefined && written.startsWith('"')) {
    const own = attempt(search.folder, -1);
    if (own !== undefined) return own;
  }
  for (let index = (search.after ?? -1) + 1; index < search.includePaths.length; index++) {
    const found = attempt(search.includePaths[index]!, index);
    if (found !== undefined) return found;
  }
  return undefined;
}
