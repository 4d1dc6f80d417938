/**
 * The script of the fixup view: shows what the extension sends, tells it what the user clicked. Nothing is kept here; the extension sends all again.
 */
import { FixupElement } from './fixup-element.ts';
import type { RevealEvent } from './fixup-element.ts';
import type { ShowMessage, ViewMessage } from './messages.ts';

declare function acquireVsCodeApi(): { postMessage(message: ViewMessage): void };

const vscode = acquireVsCodeApi();
const element = document.querySelector('mcsafe-fixup');
if (!(element instanceof FixupElement)) throw new Error('the page has no <mcsafe-fixup>');

// The editor gives every webview wide margins, which a side bar has no room for.
document.body.style.padding = '0';
element.addEventListener('reveal', (event) => {
  vscode.postMessage({ kind: 'reveal', ...(event as RevealEvent).source });
});
window.addEventListener('message', ({ data }: MessageEvent<ShowMessage>) => {
  if (data.kind === 'show') element.show(data.fixups);
});
vscode.postMessage({ kind: 'ready' });
