/**
 * Paths as URIs.
 */

/** `file:///home/me/copy.S` for `/home/me/copy.S`; what is no absolute path stays as it is. */
export function uriOf(path: string): string {
  if (!path.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(path)) return path;
  const slashed = path.replaceAll('\\', '/');
  const rooted = slashed.startsWith('/') ? slashed : `/${slashed}`;
  return `file://${rooted.split('/').map(encodeURIComponent).join('/')}`;
}
