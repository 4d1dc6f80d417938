/** Every feature of the server, in the order capabilities are merged. */
import type { Provider } from '../provider.ts';
import { coveredInstructions } from './covered-instructions.ts';
import { definition } from './definition.ts';
import { diagnostics } from './diagnostics.ts';
import { documentSymbols } from './document-symbols.ts';
import { hover } from './hover.ts';
import { workspaceFiles } from './workspace-files.ts';

export const PROVIDERS: readonly Provider[] = [hover, definition, documentSymbols, diagnostics, coveredInstructions, workspaceFiles];
