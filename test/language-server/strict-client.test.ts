/**
 * Clients that hold the server to the letter of the protocol: nothing that they did not announce, ranges inside of their texts, an answer to
 * whatever they send.
 */
import { PassThrough } from 'node:stream';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ClientCapabilities, CodeAction, CompletionList, DocumentSymbol, Hover, InitializeResult, SemanticTokens, ServerCapabilities, SignatureHelp, SymbolInformation, WorkspaceEdit } from 'vscode-languageserver';
import { createProtocolConnection } from 'vscode-languageserver/node';
import type { ProtocolConnection } from 'vscode-languageserver/node';
import { frame, FrameReader } from '../../host/framing.ts';
import { nodeHost } from '../../host/node/host.ts';
import { openConnection } from '../../language-server/node.ts';
import { serve } from '../../language-server/server.ts';
import { startClient } from './client.ts';

const URI = 'file:///work/some.S';
const INITIALIZE = { processId: null, rootUri: null, capabilities: {} };

/** A client with these capabilities and no others, and what the server said to them. */
async function bare(capabilities: ClientCapabilities): Promise<{ readonly connection: ProtocolConnection; readonly server: ServerCapabilities }> {
  const [up, down] = [new PassThrough(), new PassThrough()];
  serve(openConnection(up, down), nodeHost());
  const connection = createProtocolConnection(down, up);
  connection.listen();
  const { capabilities: server } = await connection.sendRequest<InitializeResult>('initialize', { ...INITIALIZE, capabilities });
  await connection.sendNotification('initialized', {});
  return { connection, server };
}

const at = (line: number, character: number): object => ({ textDocument: { uri: URI }, position: { line, character } });
async function open(connection: ProtocolConnection, text: string, version = 1): Promise<void> {
  await connection.sendNotification('textDocument/didOpen', { textDocument: { uri: URI, languageId: 'gas', version, text } });
}

describe('what a client did not announce', () => {
  const TEXT = '#include <linux/linkage.h>\n#include <asm/asm.h>\nSYM_FUNC_START(copy)\n1:\tmovq (%rsi), %rax\n.Lout:\n\tRET\n\t_ASM_EXTABLE(1b, .Lout)\nSYM_FUNC_END(copy)\n';

  it('is no part of the server\'s capabilities: options of rename and of code actions', async () => {
    const none = await bare({});
    expect(none.server).toMatchObject({ renameProvider: true, codeActionProvider: true });
    const all = await bare({ textDocument: { rename: { prepareSupport: true }, codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: [] } } } } });
    expect(all.server).toMatchObject({ renameProvider: { prepareProvider: true }, codeActionProvider: { resolveProvider: true } });
  });

  it('is not sent: later kinds of symbols and completions, places in labels, versions, preferred actions', async () => {
    const { connection } = await bare({ textDocument: { codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ['quickfix'] } } } } });
    const pushed = new Promise<{ readonly version?: number }>((resolve) => { connection.onNotification('textDocument/publishDiagnostics', resolve); });
    await open(connection, TEXT.replace('RET', 'movvq %rax, %rbx'));
    expect(await pushed).not.toHaveProperty('version');
    const symbols = await connection.sendRequest<SymbolInformation[]>('textDocument/documentSymbol', { textDocument: { uri: URI } });
    expect(symbols.map(({ name }) => name)).toContain('.Lout');
    expect(Math.max(...symbols.map(({ kind }) => kind))).toBeLessThanOrEqual(18);
    const { items } = await connection.sendRequest<CompletionList>('textDocument/completion', at(6, 1));
    expect(items.map(({ label }) => label)).toContain('RET');
    expect(Math.max(...items.map(({ kind }) => kind ?? 0))).toBeLessThanOrEqual(18);
    const help = await connection.sendRequest<SignatureHelp>('textDocument/signatureHelp', at(6, 15));
    expect(help.signatures[0]!.parameters!.map(({ label }) => label)).toEqual([expect.any(String), expect.any(String)]);
    for (const { label } of help.signatures[0]!.parameters!) expect(help.signatures[0]!.label).toContain(label);
    const range = { start: { line: 5, character: 0 }, end: { line: 5, character: 0 } };
    const actions = await connection.sendRequest<CodeAction[]>('textDocument/codeAction', { textDocument: { uri: URI }, range, context: { diagnostics: [] } });
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).not.toHaveProperty('isPreferred');
  });

  it('or would rather not have: Markdown is shown to those who name it first', async () => {
    for (const [contentFormat, kind] of [[['plaintext', 'markdown'], 'plaintext'], [['markdown', 'plaintext'], 'markdown']] as const) {
      const { connection } = await bare({ textDocument: { hover: { contentFormat: [...contentFormat] } } });
      await open(connection, TEXT);
      expect((await connection.sendRequest<Hover>('textDocument/hover', at(3, 5))).contents).toMatchObject({ kind });
    }
  });
});

it('a client that does not answer what it announced gets its answers all the same', async () => {
  const [up, down] = [new PassThrough(), new PassThrough()];
  serve(openConnection(up, down), nodeHost());
  const answers: unknown[] = [];
  const asked: string[] = [];
  const reader = new FrameReader((message) => {
    const { id, method } = message as { readonly id?: unknown; readonly method?: string };
    if (method === undefined) answers.push(id);
    else if (id !== undefined) asked.push(method);
  });
  down.on('data', (bytes: Uint8Array) => { reader.push(bytes); });
  const send = (message: object): void => { up.write(frame({ jsonrpc: '2.0', ...message })); };
  send({ id: 1, method: 'initialize', params: { ...INITIALIZE, capabilities: { workspace: { configuration: true }, window: { workDoneProgress: true }, textDocument: { diagnostic: {} } } } });
  send({ method: 'initialized', params: {} });
  send({ method: 'textDocument/didOpen', params: { textDocument: { uri: URI, languageId: 'gas', version: 1, text: 'copy:\tret\n' } } });
  send({ id: 2, method: 'textDocument/diagnostic', params: { textDocument: { uri: URI } } });
  send({ id: 3, method: 'workspace/symbol', params: { query: '' } });
  await expect.poll(() => answers, { timeout: 20_000 }).toEqual([1, 2, 3]);
  expect(new Set(asked)).toEqual(new Set(['workspace/configuration', 'window/workDoneProgress/create']));
}, 30_000);

describe('a text', () => {
  it('is the one that was sent last, even if its version does not say so', async () => {
    const client = await startClient();
    const names = async (): Promise<readonly string[]> => (await client.connection.sendRequest<DocumentSymbol[]>('textDocument/documentSymbol', { textDocument: { uri: URI } })).map(({ name }) => name);
    await open(client.connection, 'first:\tret\n');
    expect(await names()).toEqual(['first']);
    await open(client.connection, 'other:\tret\n');
    expect(await names()).toEqual(['other']);
    await client.connection.sendNotification('textDocument/didChange', { textDocument: { uri: URI, version: 1 }, contentChanges: [{ text: 'third:\tret\n' }] });
    expect(await names()).toEqual(['third']);
    await client.close();
  });

  it('ends where it ends: a completion behind it replaces nothing that is not there', async () => {
    const client = await startClient();
    await open(client.connection, '\tnop\n\tre');
    for (const position of [{ line: 1, character: 99 }, { line: 99, character: 0 }]) {
      const { items } = await client.connection.sendRequest<CompletionList>('textDocument/completion', { textDocument: { uri: URI }, position });
      expect(items.find(({ label }) => label === 'ret')).toMatchObject({ textEdit: { range: { start: { line: 1, character: 1 }, end: { line: 1, character: 3 } } } });
    }
    await client.close();
  });

  it('is renamed in as it is now, in other files too that were changed a moment ago', async () => {
    const client = await startClient();
    const OTHER = 'file:///work/other.S';
    await open(client.connection, '\t.globl copy\ncopy:\tret\n');
    client.open(OTHER, '\tcall copy\n');
    const rename = { textDocument: { uri: URI }, position: { line: 1, character: 1 }, newName: 'moved' };
    expect(Object.keys((await client.connection.sendRequest<WorkspaceEdit>('textDocument/rename', rename)).changes!).sort()).toEqual([OTHER, URI]);
    await client.connection.sendNotification('textDocument/didChange', { textDocument: { uri: OTHER, version: 2 }, contentChanges: [{ text: '\n\n\t call copy\n' }] });
    const { changes } = await client.connection.sendRequest<WorkspaceEdit>('textDocument/rename', rename);
    expect(changes![OTHER]).toEqual([{ range: { start: { line: 2, character: 7 }, end: { line: 2, character: 11 } }, newText: 'moved' }]);
    await client.close();
  });

  it('has the same tokens whatever its lines end with', async () => {
    const client = await startClient();
    const lines = ['/* a comment', ' * of lines */', '#include <asm/unfinished', 'copy: ret # done', ''];
    const tokens: unknown[] = [];
    for (const end of ['\n', '\r\n']) {
      await open(client.connection, lines.join(end));
      tokens.push((await client.connection.sendRequest<SemanticTokens>('textDocument/semanticTokens/full', { textDocument: { uri: URI } })).data);
    }
    expect(tokens[1]).toEqual(tokens[0]);
    await client.close();
  });

  it('holds every range: a routine ends with its last line, however long the line of its name is', async () => {
    const client = await startClient();
    const last = '\tret';
    await open(client.connection, `\t.globl copy; .type copy, @function; copy: xorl %eax, %eax\n${last}\n\t.size copy, . - copy\n`);
    const [symbol] = await client.connection.sendRequest<DocumentSymbol[]>('textDocument/documentSymbol', { textDocument: { uri: URI } });
    expect(symbol!.range.end).toEqual({ line: 1, character: last.length });
    await client.close();
  });
});

describe('what is no request', () => {
  let sent: object[];
  let send: (bytes: string | object) => void;
  beforeAll(() => {
    const [up, down] = [new PassThrough(), new PassThrough()];
    serve(openConnection(up, down), nodeHost());
    sent = [];
    const reader = new FrameReader((message) => { sent.push(message as object); });
    down.on('data', (bytes: Uint8Array) => { reader.push(bytes); });
    send = (bytes) => { up.write(typeof bytes === 'string' ? bytes : frame(bytes)); };
  });
  const body = (text: string): string => `Content-Length: ${String(Buffer.byteLength(text))}\r\n\r\n${text}`;
  const INVALID = -32600, PARSE = -32700;

  it.each([
    ['a batch', body('[{"jsonrpc":"2.0","id":5,"method":"shutdown"}]'), { id: null, code: INVALID }],
    ['no object', body('null'), { id: null, code: INVALID }],
    ['an object of nothing', body('{}'), { id: null, code: INVALID }],
    ['a method that is no name', body('{"jsonrpc":"2.0","id":5,"method":7}'), { id: 5, code: INVALID }],
    ['an id that is none', body('{"jsonrpc":"2.0","id":{},"method":"shutdown"}'), { id: null, code: INVALID }],
    ['no JSON', body('{"jsonrpc":'), { id: null, code: PARSE }],
    ['a negative length', 'Content-Length: -5\r\n\r\n', { id: null, code: PARSE }],
    ['a length that is no number', 'Content-Length: many\r\n\r\n', { id: null, code: PARSE }],
    ['another protocol', 'GET / HTTP/1.1\r\nHost: here\r\n\r\n', { id: null, code: PARSE }],
    ['an initialize without capabilities', body('{"jsonrpc":"2.0","id":5,"method":"initialize","params":{"processId":null,"rootUri":null}}'), { id: 5, code: -32602 }],
  ])('%s is refused, and the next message is read', async (_, bytes, { id, code }) => {
    sent.length = 0;
    send(bytes);
    send({ jsonrpc: '2.0', id: 'next', method: 'textDocument/hover', params: {} });
    await expect.poll(() => sent.length).toBe(2);
    expect(sent).toMatchObject([{ id, error: { code } }, { id: 'next', error: { code: -32002 } }]);
  });

  it('a cancellation of nothing is ignored', async () => {
    sent.length = 0;
    for (const params of [undefined, {}, { id: 99 }, { id: null }]) send({ jsonrpc: '2.0', method: '$/cancelRequest', params });
    send({ jsonrpc: '2.0', id: 6, method: 'initialize', params: INITIALIZE });
    await expect.poll(() => sent.find((message) => 'result' in message)).toMatchObject({ id: 6 });
  });
});

describe('the end of the input', () => {
  /** Ids of what is answered to `messages`, behind which nothing comes; and whether the server holds that for an orderly end. */
  async function piped(messages: readonly object[]): Promise<{ readonly ids: readonly unknown[]; readonly orderly: boolean }> {
    const [up, down] = [new PassThrough(), new PassThrough()];
    const ids: unknown[] = [];
    const reader = new FrameReader((message) => { if ('id' in (message as object)) ids.push((message as { readonly id: unknown }).id); });
    down.on('data', (bytes: Uint8Array) => { reader.push(bytes); });
    const orderly = new Promise<boolean>((resolve) => { serve(openConnection(up, down, resolve), nodeHost()); });
    for (const message of messages) up.write(frame({ jsonrpc: '2.0', ...message }));
    up.end();
    return { orderly: await orderly, ids };
  }

  it('is the end of the server, once it has answered', async () => {
    const initialize = { id: 1, method: 'initialize', params: INITIALIZE };
    expect(await piped([])).toEqual({ ids: [], orderly: false });
    expect(await piped([initialize, { id: 2, method: 'textDocument/foldingRange', params: { textDocument: { uri: URI } } }])).toEqual({ ids: [1, 2], orderly: false });
    expect(await piped([initialize, { id: 2, method: 'shutdown' }])).toEqual({ ids: [1, 2], orderly: true });
  });
});
