/**
 * How a feature joins the server: it announces what it can do and registers its handlers. The server itself is never edited to add one.
 */
import type { Connection, ServerCapabilities } from 'vscode-languageserver';
import type { Workspace } from './workspace.ts';

export interface Provider {
  /** Merged into the answer to `initialize`. */
  readonly capabilities: Partial<ServerCapabilities>;
  register(connection: Connection, workspace: Workspace): void;
}
