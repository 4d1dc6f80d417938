/**
 * Between paths and URIs. A URI that is no file keeps its text as its "path".
 */

/** `file:///home/me/copy.S` for `/home/me/copy.S`; what is no absolute path stays as it is. */
export function uriOf(path: string): string {
  if (!path.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(path)) return path;
  const slashed = path.replaceAll('\\', '/');
  const rooted = slashed.startsWith('/') ? slashed : `/${slashed}`;
  return `file://${rooted.split('/').map(encodeURIComponent).join('/')}`;
}

/** `/home/me/copy.S` for `file:///home/me/copy.S`; `untitled:Untitled-1` stays as it is. The inverse of {@link uriOf}. */
export function pathOf(uri: string): string {
  const match = /^file:\/\/[^/]*(\/.*)$/i.exec(uri);
  if (match === null) return uri;
  const path = decode(match[1]!);
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
}

/** Percent-escapes a client got wrong are left as they are. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
