/**
 * How a feature joins the server: it announces what it can do and registers its handlers. The server itself is never edited to add one.
 */
import type { ClientCapabilities, Connection, ServerCapabilities } from 'vscode-languageserver';
import type { Workspace } from './workspace.ts';

export interface Provider {
  /** Merged into the answer to `initialize`; a function where some clients may only be told a part. */
  readonly capabilities: Partial<ServerCapabilities> | ((client: ClientCapabilities) => Partial<ServerCapabilities>);
  register(connection: Connection, workspace: Workspace): void;
}
