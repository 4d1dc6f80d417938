/**
 * Glue: starts the parts of the extension. What each does is in its own file.
 */
import type { ExtensionContext } from 'vscode';
import { registerCommands } from './commands.ts';
import { registerDebugger } from './debug/debugger.ts';
import { registerCoverage } from './editor/coverage.ts';
import { registerFixupView } from './fixup-view/view.ts';
import { LanguageServer } from './language-server.ts';
import { registerSweeps } from './sweep/tests.ts';

/** VS Code calls this when an assembly source is opened or a debug session of ours starts. */
export async function activate(context: ExtensionContext): Promise<void> {
  const server = new LanguageServer(context);
  registerDebugger(context);
  registerFixupView(context);
  registerCommands(context, server);
  registerCoverage(context, server);
  registerSweeps(context);
  await server.start();
}
