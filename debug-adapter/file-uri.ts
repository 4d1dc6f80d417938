/**
 * File URIs, for clients that name files so.
 */

export function fileUri(path: string): string {
  return `file://${path.split('/').map((part) => encodeURIComponent(part)).join('/')}`;
}

/** The path of a file URI; anything else is taken for a path already. */
export function filePath(uri: string): string {
  if (!uri.startsWith('file:')) return uri;
  try {
    return decodeURIComponent(new URL(uri).pathname);
  } catch {
    return uri;
  }
}
