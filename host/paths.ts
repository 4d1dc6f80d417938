/**
 * Slash-separated paths by text alone, for hosts that have no path module.
 */

/** `base` and `path` joined, `.` and `..` resolved. An absolute `path` wins; `..` at the root stays there. */
export function resolvePath(base: string, path: string): string {
  const whole = path.startsWith('/') ? path : `${base}/${path}`;
  const parts: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The folder that holds `path`. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
