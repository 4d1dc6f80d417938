/**
 * The fixup view in the Run and Debug side bar: gathers the fixups of a session and hands them to the page.
 */
import { randomBytes } from 'node:crypto';
import { Range, Uri, commands, debug, window, workspace } from 'vscode';
import type { ExtensionContext, WebviewView, WebviewViewProvider } from 'vscode';
import type { FixupReport } from '../../debug-adapter/fixup-report.ts';
import type { ShowMessage, ViewMessage } from '../webview/messages.ts';
import { fixupPage } from './page.ts';

export const FIXUP_VIEW = 'mcsafe.fixup';
/** The adapter's event for each fixup executed. */
const FIXUP_EVENT = 'mcsafe/fixup';
/** More than anybody pages through; a routine that faults at every byte must not fill the memory. */
const KEPT = 1000;

export function registerFixupView(context: ExtensionContext): void {
  const view = new FixupView(context.extensionUri);
  context.subscriptions.push(
    window.registerWebviewViewProvider(FIXUP_VIEW, view),
    debug.onDidStartDebugSession(({ type }) => { if (type === 'mcsafe') view.clear(); }),
    debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
      if (session.type === 'mcsafe' && event === FIXUP_EVENT) view.add(body as FixupReport);
    }),
  );
}

class FixupView implements WebviewViewProvider {
  readonly #extension: Uri;
  #fixups: FixupReport[] = [];
  #view: WebviewView | undefined;

  constructor(extension: Uri) {
    this.#extension = extension;
  }

  resolveWebviewView(view: WebviewView): void {
    const dist = Uri.joinPath(this.#extension, 'dist');
    this.#view = view;
    view.webview.options = { enableScripts: true, localResourceRoots: [dist] };
    view.webview.onDidReceiveMessage((message: ViewMessage) => {
      if (message.kind === 'ready') this.#send();
      else void reveal(message.path, message.line);
    });
    view.onDidDispose(() => { this.#view = undefined; });
    view.webview.html = fixupPage({
      script: String(view.webview.asWebviewUri(Uri.joinPath(dist, 'fixup-view.js'))),
      cspSource: view.webview.cspSource,
      nonce: randomBytes(16).toString('hex'),
    });
  }

  add(fixup: FixupReport): void {
    this.#fixups = [...this.#fixups.slice(1 - KEPT), fixup];
    void commands.executeCommand('setContext', 'mcsafe.hasFixups', true);
    this.#send();
    if (this.#fixups.length === 1 && workspace.getConfiguration('mcsafe').get('revealFixupView', true)) {
      void commands.executeCommand(`${FIXUP_VIEW}.focus`, { preserveFocus: true });
    }
  }

  clear(): void {
    this.#fixups = [];
    this.#send();
  }

  #send(): void {
    const message: ShowMessage = { kind: 'show', fixups: this.#fixups };
    void this.#view?.webview.postMessage(message);
  }
}

async function reveal(path: string, line: number): Promise<void> {
  const start = Math.max(line - 1, 0);
  await window.showTextDocument(Uri.file(path), { selection: new Range(start, 0, start, 0), preserveFocus: false });
}
