/** Every feature of the server, in the order capabilities are merged. */
import type { Provider } from '../provider.ts';
import { callHierarchy } from './call-hierarchy.ts';
import { codeActions } from './code-actions.ts';
import { codeLenses } from './code-lenses.ts';
import { completion } from './completion.ts';
import { coveredInstructions } from './covered-instructions.ts';
import { declaration } from './declaration.ts';
import { definition } from './definition.ts';
import { diagnostics } from './diagnostics.ts';
import { documentHighlight } from './document-highlight.ts';
import { documentLinks } from './document-links.ts';
import { documentSymbols } from './document-symbols.ts';
import { faultHierarchy } from './fault-hierarchy.ts';
import { folding } from './folding.ts';
import { hover } from './hover.ts';
import { implementation } from './implementation.ts';
import { inlayHints } from './inlay-hints.ts';
import { references } from './references.ts';
import { refresh } from './refresh.ts';
import { rename } from './rename.ts';
import { selectionRanges } from './selection-ranges.ts';
import { semanticTokens } from './semantic-tokens.ts';
import { signatureHelp } from './signature-help.ts';
import { workspaceFiles } from './workspace-files.ts';
import { workspaceSymbols } from './workspace-symbols.ts';

export const PROVIDERS: readonly Provider[] = [
  hover, definition, declaration, implementation, references, rename, documentHighlight, documentSymbols, workspaceSymbols, documentLinks,
  callHierarchy, faultHierarchy, folding, selectionRanges, diagnostics, coveredInstructions, workspaceFiles, completion, signatureHelp,
  semanticTokens, inlayHints, codeLenses, codeActions, refresh,
];
