/**
 * Marks the instructions that have an exception-table entry: a bar in the gutter side of the line and a tick in the overview ruler.
 */
import { MarkdownString, OverviewRulerLane, Range, ThemeColor, window, workspace } from 'vscode';
import type { DecorationOptions, ExtensionContext, TextEditor } from 'vscode';
import { isAssembly } from '../languages.ts';
import type { LanguageServer } from '../language-server.ts';

/** The server's answer for one covered instruction. Positions as in LSP, from 0. */
interface CoveredInstruction {
  readonly range: { readonly start: { readonly line: number; readonly character: number }; readonly end: { readonly line: number; readonly character: number } };
  /** Who catches a fault there, in a sentence. */
  readonly summary: string;
}

/** Keystrokes come faster than anybody looks at the margin. */
const DELAY = 150;

export function registerCoverage(context: ExtensionContext, server: LanguageServer): void {
  const decoration = window.createTextEditorDecorationType({
    borderColor: new ThemeColor('charts.green'),
    borderWidth: '0 0 0 2px',
    borderStyle: 'solid',
    overviewRulerColor: new ThemeColor('charts.green'),
    overviewRulerLane: OverviewRulerLane.Left,
  });
  let timer: NodeJS.Timeout | undefined;
  const refreshSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      for (const editor of window.visibleTextEditors) void decorate(editor);
    }, DELAY);
  };
  const decorate = async (editor: TextEditor): Promise<void> => {
    if (!isAssembly(editor.document)) return;
    const { version } = editor.document;
    const covered = isOn() ? await request(server, editor) : [];
    // An answer for an older text would mark the wrong lines; a fresh request is on its way.
    if (editor.document.version === version) editor.setDecorations(decoration, covered.map(decorationFor));
  };
  context.subscriptions.push(
    decoration,
    { dispose: () => { clearTimeout(timer); } },
    server.onDidStart(refreshSoon),
    window.onDidChangeVisibleTextEditors(refreshSoon),
    workspace.onDidChangeTextDocument(refreshSoon),
    workspace.onDidChangeConfiguration((change) => { if (change.affectsConfiguration('mcsafe')) refreshSoon(); }),
  );
  refreshSoon();
}

function isOn(): boolean {
  return workspace.getConfiguration('mcsafe').get('decorateCoveredInstructions', true);
}

async function request({ client }: LanguageServer, { document }: TextEditor): Promise<readonly CoveredInstruction[]> {
  if (client?.isRunning() !== true) return [];
  try {
    return await client.sendRequest<readonly CoveredInstruction[]>('mcsafe/coveredInstructions', { textDocument: { uri: client.code2ProtocolConverter.asUri(document.uri) } });
  } catch {
    // The document was closed, or the server is on its way down: there is nothing to mark.
    return [];
  }
}

function decorationFor({ range, summary }: CoveredInstruction): DecorationOptions {
  return { range: new Range(range.start.line, range.start.character, range.end.line, range.end.character), hoverMessage: new MarkdownString().appendText(summary) };
}
