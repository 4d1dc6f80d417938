/**
 * Marks the instructions that have an exception-table entry: a bar before each, and a tick in the overview ruler.
 */
import { OverviewRulerLane, ThemeColor, window, workspace } from 'vscode';
import type { ExtensionContext, Range, TextEditor } from 'vscode';
import type { Range as ProtocolRange } from 'vscode-languageclient/node';
import { COVERED_INSTRUCTIONS } from '../../language-server/providers/covered-instructions.ts';
import { isAssembly } from '../languages.ts';
import type { LanguageServer } from '../language-server.ts';

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
    if (editor.document.version === version) editor.setDecorations(decoration, covered);
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

async function request({ client }: LanguageServer, { document }: TextEditor): Promise<Range[]> {
  if (client?.isRunning() !== true) return [];
  try {
    const ranges = await client.sendRequest<readonly ProtocolRange[]>(COVERED_INSTRUCTIONS, { textDocument: client.code2ProtocolConverter.asTextDocumentIdentifier(document) });
    return ranges.map((range) => client.protocol2CodeConverter.asRange(range));
  } catch {
    // The document was closed, or the server is on its way down: there is nothing to mark.
    return [];
  }
}
