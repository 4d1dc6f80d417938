/**
 * A client for the language server, in process; and sources with cursors: `«name»` in a text marks a place and is taken out.
 */
import { PassThrough } from 'node:stream';
import { createProtocolConnection } from 'vscode-languageserver/node';
import type { ProtocolConnection } from 'vscode-languageserver/node';
import type { ClientCapabilities, CompletionItemKind, Diagnostic, InitializeResult, Position, SymbolKind } from 'vscode-languageserver';
import { nodeHost } from '../../host/node/host.ts';
import { openConnection } from '../../language-server/node.ts';
import { serve } from '../../language-server/server.ts';

/** A text without its cursor marks, and where they stood. */
export interface Marked {
  readonly text: string;
  at(name: string): Position;
}

export function marked(source: string): Marked {
  const places = new Map<string, Position>();
  const lines = source.split('\n').map((line, number) => {
    let plain = '';
    let rest = line;
    for (let match = /«([a-z]+)»/.exec(rest); match !== null; match = /«([a-z]+)»/.exec(rest)) {
      plain += rest.slice(0, match.index);
      places.set(match[1]!, { line: number, character: plain.length });
      rest = rest.slice(match.index + match[0].length);
    }
    return plain + rest;
  });
  return {
    text: lines.join('\n'),
    at(name) {
      const place = places.get(name);
      if (place === undefined) throw new Error(`no cursor «${name}»`);
      return place;
    },
  };
}

export interface Client {
  readonly connection: ProtocolConnection;
  readonly initialized: InitializeResult;
  open(uri: string, text: string, languageId?: string): void;
  /** Resolves with the next diagnostics pushed for `uri`. */
  pushed(uri: string): Promise<readonly Diagnostic[]>;
  close(): Promise<void>;
}

/** What editors of today announce, beside what a test is about. */
const EDITOR: NonNullable<ClientCapabilities['textDocument']> = {
  hover: { contentFormat: ['markdown', 'plaintext'] },
  completion: { completionItem: { documentationFormat: ['markdown', 'plaintext'] }, completionItemKind: { valueSet: [...Array(25).keys()].map((kind) => kind + 1 as CompletionItemKind) } },
  signatureHelp: { signatureInformation: { parameterInformation: { labelOffsetSupport: true } } },
  documentSymbol: { hierarchicalDocumentSymbolSupport: true, symbolKind: { valueSet: [...Array(26).keys()].map((kind) => kind + 1 as SymbolKind) } },
  documentLink: { tooltipSupport: true },
  rename: { prepareSupport: true },
  codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: [] } }, isPreferredSupport: true },
  publishDiagnostics: { relatedInformation: true },
};

/** Both, member by member; where both say something, what `more` says. */
function merged(base: unknown, more: unknown): unknown {
  if (!isPlain(base) || !isPlain(more)) return more ?? base;
  return Object.fromEntries([...new Set([...Object.keys(base), ...Object.keys(more)])].map((name) => [name, merged(base[name], more[name])]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export interface ClientOptions {
  /** URIs of the workspace's folders. */
  readonly folders?: readonly string[];
  readonly initializationOptions?: unknown;
}

export async function startClient(capabilities: ClientCapabilities = {}, { folders, initializationOptions }: ClientOptions = {}): Promise<Client> {
  const up = new PassThrough();
  const down = new PassThrough();
  serve(openConnection(up, down), nodeHost());
  const connection = createProtocolConnection(down, up);
  const waiting = new Map<string, (diagnostics: readonly Diagnostic[]) => void>();
  connection.onNotification('textDocument/publishDiagnostics', ({ uri, diagnostics }: { uri: string; diagnostics: Diagnostic[] }) => {
    waiting.get(uri)?.(diagnostics);
  });
  connection.listen();
  const initialized = await connection.sendRequest<InitializeResult>('initialize', {
    processId: null, rootUri: folders?.[0] ?? null, capabilities: merged({ textDocument: EDITOR }, capabilities), initializationOptions,
    workspaceFolders: folders?.map((uri) => ({ uri, name: uri })) ?? null,
  });
  await connection.sendNotification('initialized', {});
  return {
    connection,
    initialized,
    open(uri, text, languageId = 'gas') {
      void connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId, version: 1, text } });
    },
    pushed: (uri) => new Promise((resolve) => { waiting.set(uri, resolve); }),
    async close() {
      await connection.sendRequest('shutdown');
      connection.dispose();
    },
  };
}
