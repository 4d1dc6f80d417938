import { PassThrough } from 'node:stream';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createConnection, createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node';
import type { MessageConnection, ServerCapabilities } from 'vscode-languageserver/node';
import { nodeHost } from '../../host/node/host.ts';
import { serve } from '../../language-server/server.ts';
import { typeErrors } from '../protocol-types.ts';
import type { SentValue } from '../protocol-types.ts';

const IMPORTS = "import type * as lsp from 'vscode-languageserver';";
const FILES = ['samples/copy_mc.S', 'samples/faulty/wrong_label.S'];

/** Types of answers, by method, for all that takes a place in a text. */
const AT_A_PLACE: Readonly<Record<string, string>> = {
  'textDocument/hover': 'lsp.Hover | null',
  'textDocument/definition': 'lsp.Definition | lsp.DefinitionLink[] | null',
  'textDocument/declaration': 'lsp.Declaration | lsp.DeclarationLink[] | null',
  'textDocument/implementation': 'lsp.Definition | lsp.DefinitionLink[] | null',
  'textDocument/references': 'lsp.Location[] | null',
  'textDocument/documentHighlight': 'lsp.DocumentHighlight[] | null',
  'textDocument/prepareRename': 'lsp.PrepareRenameResult | null',
  'textDocument/rename': 'lsp.WorkspaceEdit | null',
  'textDocument/prepareCallHierarchy': 'lsp.CallHierarchyItem[] | null',
  'textDocument/prepareTypeHierarchy': 'lsp.TypeHierarchyItem[] | null',
  'textDocument/selectionRange': 'lsp.SelectionRange[] | null',
  'textDocument/completion': 'lsp.CompletionList | lsp.CompletionItem[] | null',
  'textDocument/signatureHelp': 'lsp.SignatureHelp | null',
  'textDocument/codeAction': '(lsp.Command | lsp.CodeAction)[] | null',
};
/** For all that takes a text. */
const OF_A_TEXT: Readonly<Record<string, string>> = {
  'textDocument/documentSymbol': 'lsp.DocumentSymbol[] | lsp.SymbolInformation[] | null',
  'textDocument/documentLink': 'lsp.DocumentLink[] | null',
  'textDocument/foldingRange': 'lsp.FoldingRange[] | null',
  'textDocument/diagnostic': 'lsp.DocumentDiagnosticReport',
  'textDocument/semanticTokens/full': 'lsp.SemanticTokens | null',
  'textDocument/semanticTokens/range': 'lsp.SemanticTokens | null',
  'textDocument/inlayHint': 'lsp.InlayHint[] | null',
  'textDocument/codeLens': 'lsp.CodeLens[] | null',
};
/** What an item of an answer is asked for next. */
const NEXT: Readonly<Record<string, readonly (readonly [method: string, type: string])[]>> = {
  'textDocument/prepareCallHierarchy': [['callHierarchy/incomingCalls', 'lsp.CallHierarchyIncomingCall[] | null'], ['callHierarchy/outgoingCalls', 'lsp.CallHierarchyOutgoingCall[] | null']],
  'textDocument/prepareTypeHierarchy': [['typeHierarchy/supertypes', 'lsp.TypeHierarchyItem[] | null'], ['typeHierarchy/subtypes', 'lsp.TypeHierarchyItem[] | null']],
  'textDocument/completion': [['completionItem/resolve', 'lsp.CompletionItem']],
  'textDocument/codeAction': [['codeAction/resolve', 'lsp.CodeAction']],
  'textDocument/documentLink': [['documentLink/resolve', 'lsp.DocumentLink']],
  'textDocument/inlayHint': [['inlayHint/resolve', 'lsp.InlayHint']],
  'textDocument/codeLens': [['codeLens/resolve', 'lsp.CodeLens']],
};
/** Capabilities without a request of their own, and those whose requests are asked beside the tables. */
const OTHER_CAPABILITIES = ['positionEncoding', 'textDocumentSync', 'workspace', 'workspaceSymbolProvider', 'experimental'];
/** Notifications and requests of the server's own accord. */
const FROM_SERVER: Readonly<Record<string, string>> = {
  'textDocument/publishDiagnostics': 'lsp.PublishDiagnosticsParams', 'window/logMessage': 'lsp.LogMessageParams', 'window/showMessage': 'lsp.ShowMessageParams',
  'client/registerCapability': 'lsp.RegistrationParams', 'workspace/configuration': 'lsp.ConfigurationParams', 'window/workDoneProgress/create': 'lsp.WorkDoneProgressCreateParams',
  '$/progress': 'lsp.ProgressParams<lsp.WorkDoneProgressBegin | lsp.WorkDoneProgressReport | lsp.WorkDoneProgressEnd>',
};

const sent = new Map<string, SentValue>();
const surprises: string[] = [];
let connection: MessageConnection;
let capabilities: ServerCapabilities;

function note(type: string | undefined, value: unknown, what: string): void {
  if (type === undefined) surprises.push(what);
  else sent.set(`${type} ${JSON.stringify(value)}`, { type, value: value ?? null });
}

async function ask(method: string, type: string, params: unknown): Promise<unknown> {
  const answer = await connection.sendRequest<unknown>(method, params);
  note(type, answer, method);
  return answer;
}

/** Items of an answer, and no more than a few of them. */
function items(answer: unknown): readonly unknown[] {
  const list = answer as { readonly items?: readonly unknown[] } | readonly unknown[] | null;
  return (Array.isArray(list) ? list as readonly unknown[] : (list as { readonly items?: readonly unknown[] } | null)?.items ?? []).slice(0, 3);
}

async function follow(method: string, answer: unknown): Promise<void> {
  for (const [next, type] of NEXT[method] ?? []) for (const item of items(answer)) await ask(next, type, next.includes('Hierarchy/') ? { item } : item);
}

beforeAll(async () => {
  const up = new PassThrough(), down = new PassThrough();
  serve(createConnection(up, down), nodeHost());
  connection = createMessageConnection(new StreamMessageReader(down), new StreamMessageWriter(up));
  connection.onNotification((method: string, params: unknown) => { note(FROM_SERVER[method], params, method); });
  connection.onRequest((method: string, params: unknown) => {
    if (!method.endsWith('/refresh')) note(FROM_SERVER[method], params, method);
    return method === 'workspace/configuration' ? [null, null, null] : null;
  });
  connection.listen();
  const folder = pathToFileURL(`${process.cwd()}/samples`).href;
  const answer = await ask('initialize', 'lsp.InitializeResult', {
    processId: null, rootUri: folder, workspaceFolders: [{ uri: folder, name: 'samples' }],
    initializationOptions: { commands: ['mcsafe.debugRoutine', 'mcsafe.sweep'] },
    capabilities: {
      window: { workDoneProgress: true }, workspace: { configuration: true, workspaceFolders: true, didChangeWatchedFiles: { dynamicRegistration: true }, workspaceEdit: { documentChanges: true } },
      textDocument: {
        publishDiagnostics: { relatedInformation: true, codeDescriptionSupport: true, versionSupport: true }, rename: { prepareSupport: true }, definition: { linkSupport: true },
        documentSymbol: { hierarchicalDocumentSymbolSupport: true }, codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ['quickfix', 'source.fixAll'] } }, resolveSupport: { properties: ['edit'] } },
        completion: { completionItem: { snippetSupport: true, documentationFormat: ['markdown'], resolveSupport: { properties: ['documentation'] } } },
        semanticTokens: { requests: { full: { delta: true }, range: true }, tokenTypes: [], tokenModifiers: [], formats: ['relative'] },
      },
    },
  }) as { readonly capabilities: ServerCapabilities };
  ({ capabilities } = answer);
  await connection.sendNotification('initialized', {});
});
afterAll(async () => {
  await connection.sendRequest('shutdown');
  connection.dispose();
});

it('everything the language server sends is of the type that the protocol gives it, all over the samples', async () => {
  for (const file of FILES) {
    const uri = pathToFileURL(`${process.cwd()}/${file}`).href;
    const text = readFileSync(file, 'utf8');
    const lines = text.split('\n');
    const textDocument = { uri };
    const range = { start: { line: 0, character: 0 }, end: { line: lines.length, character: 0 } };
    await connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId: 'gas', version: 1, text } });
    for (const [method, type] of Object.entries(OF_A_TEXT)) await follow(method, await ask(method, type, { textDocument, range }));
    const tokens = await connection.sendRequest<{ readonly resultId?: string }>('textDocument/semanticTokens/full', { textDocument });
    await ask('textDocument/semanticTokens/full/delta', 'lsp.SemanticTokens | lsp.SemanticTokensDelta | null', { textDocument, previousResultId: tokens.resultId });
    for (let line = 0; line < lines.length; line++) {
      // Another word of each line, so that all kinds come up.
      const places = [...lines[line]!.matchAll(/[\w.%$(]+/g)].map((word) => word.index + 1);
      for (const character of places.slice(line % Math.max(places.length, 1)).slice(0, 1)) {
        const position = { line, character };
        for (const [method, type] of Object.entries(AT_A_PLACE)) {
          // A rename that is refused is an error, which is right.
          if (method === 'textDocument/rename' && await connection.sendRequest('textDocument/prepareRename', { textDocument, position }).catch(() => null) === null) continue;
          const params = { textDocument, position, positions: [position], range: { start: position, end: position }, context: { includeDeclaration: true, diagnostics: [], triggerKind: 1, isRetrigger: false }, newName: 'other' };
          const answer = await ask(method, type, params).catch((error: unknown) => { if (method !== 'textDocument/prepareRename') throw error; });
          await follow(method, answer);
        }
      }
    }
  }
  for (const symbol of items(await ask('workspace/symbol', 'lsp.SymbolInformation[] | lsp.WorkspaceSymbol[] | null', { query: 'copy' }))) await ask('workspaceSymbol/resolve', 'lsp.WorkspaceSymbol', symbol);

  const methods = [...Object.keys(AT_A_PLACE), ...Object.keys(OF_A_TEXT)].map((method) => method.split('/')[1]!.replace(/^prepare(?=\w+Hierarchy)/, '').toLowerCase());
  const missing = Object.keys(capabilities).filter((name) => !OTHER_CAPABILITIES.includes(name) && !methods.some((method) => name.toLowerCase().startsWith(method)));
  expect(missing).toEqual([]);
  expect(surprises).toEqual([]);
  expect(sent.size).toBeGreaterThan(200);
  expect(typeErrors(IMPORTS, [...sent.values()])).toEqual([]);
});
