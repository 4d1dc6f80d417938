/**
 * The host of the extension: Node's, with what the user sees in the editor in place of what is on disk.
 */
import { workspace } from 'vscode';
import { nodeHost } from '../host/node/host.ts';
import type { Host } from '../host/host.ts';

/** In an untrusted workspace it starts no program. */
export function editorHost(workingFolder: string | undefined): Host {
  const host = nodeHost({ trusted: workspace.isTrusted, ...(workingFolder === undefined ? {} : { workingFolder }) });
  return { ...host, files: { read: (path) => unsavedText(path) ?? host.files.read(path) } };
}

/** The text of a file that is open and differs from the disk. */
function unsavedText(path: string): Uint8Array | undefined {
  const document = workspace.textDocuments.find(({ isDirty, uri }) => isDirty && uri.scheme === 'file' && uri.fsPath === path);
  return document === undefined ? undefined : new TextEncoder().encode(document.getText());
}
