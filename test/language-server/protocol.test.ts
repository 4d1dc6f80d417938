/**
 * The protocol itself: what comes before `initialize` and after `shutdown`, unknown requests, encodings, odd texts and places, cancelling,
 * and what the server asks of the client.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createProtocolConnection } from 'vscode-languageserver/node';
import { CancellationTokenSource } from 'vscode-languageserver';
import type { Diagnostic, Location, MessageConnection, ProtocolConnection, WorkspaceSymbol } from 'vscode-languageserver';
import { nodeHost } from '../../host/node/host.ts';
import { openConnection } from '../../language-server/node.ts';
import { serve } from '../../language-server/server.ts';
import { startClient } from './client.ts';

const URI = 'file:///work/some.S';
const done: (() => unknown)[] = [];
afterEach(async () => { for (const one of done.splice(0)) await one(); });

/** A connection to a server that has been told nothing yet. */
function connect(): ProtocolConnection {
  const [up, down] = [new PassThrough(), new PassThrough()];
  serve(openConnection(up, down), nodeHost());
  const connection = createProtocolConnection(down, up);
  connection.listen();
  done.push(() => { connection.dispose(); });
  return connection;
}

const initialize = { processId: null, rootUri: null, capabilities: {} };
const codeOf = (request: Promise<unknown>): Promise<unknown> => request.then(() => 'an answer', (error: unknown) => (error as { code: number }).code);

describe('the protocol', () => {
  it('refuses requests before initialize, and answers none it does not know', async () => {
    const connection = connect();
    expect(await codeOf(connection.sendRequest('textDocument/hover', { textDocument: { uri: URI }, position: { line: 0, character: 0 } }))).toBe(-32002);
    await connection.sendRequest('initialize', initialize);
    expect(await codeOf(connection.sendRequest('textDocument/moniker', { textDocument: { uri: URI }, position: { line: 0, character: 0 } }))).toBe(-32601);
    expect(await codeOf(connection.sendRequest('no/such/request', {}))).toBe(-32601);
    // Notifications that nobody knows are ignored.
    await connection.sendNotification('no/such/notification', {});
    await connection.sendNotification('$/setTrace', { value: 'off' });
    expect(await connection.sendRequest('textDocument/foldingRange', { textDocument: { uri: URI } })).toBeNull();
  });

  it('refuses a second initialize, and whatever comes after shutdown', async () => {
    const connection = connect();
    await connection.sendRequest('initialize', initialize);
    expect(await codeOf(connection.sendRequest('initialize', initialize))).toBe(-32600);
    await connection.sendRequest('shutdown');
    expect(await codeOf(connection.sendRequest('textDocument/hover', { textDocument: { uri: URI }, position: { line: 0, character: 0 } }))).toBe(-32600);
  });

  it('tells a client what its parameters lack, and goes on', async () => {
    const connection = connect();
    await connection.sendRequest('initialize', initialize);
    const textDocument = { uri: URI };
    const wrong = async (method: string, parameters: object): Promise<string> => connection.sendRequest(method, parameters).then(() => 'an answer', (error: unknown) => `${String((error as { code: number }).code)} ${(error as Error).message}`);
    expect(await wrong('textDocument/hover', { textDocument })).toBe('-32602 textDocument/hover: `position` is missing or malformed');
    expect(await wrong('textDocument/hover', { textDocument, position: { line: -1, character: 1.5 } })).toMatch(/^-32602 .*`position`/);
    expect(await wrong('textDocument/semanticTokens/range', {})).toBe('-32602 textDocument/semanticTokens/range: `textDocument` and `range` are missing or malformed');
    expect(await wrong('textDocument/codeAction', { textDocument, range: { start: { line: 0, character: 0 } }, context: { diagnostics: [] } })).toMatch(/^-32602 .*`range`/);
    expect(await wrong('callHierarchy/incomingCalls', { item: {} })).toMatch(/^-32602 /);
    expect(await wrong('workspace/symbol', {})).toMatch(/^-32602 /);
    // Our own name for a refusal is no request.
    expect(await wrong('mcsafe/refused', { code: 1, message: 'made up' })).toMatch(/^-32601 /);
    await connection.sendNotification('textDocument/didChange', { textDocument, contentChanges: [{ range: {}, text: 5 }] });
    await connection.sendNotification('textDocument/didOpen', { textDocument: {} });
    expect(await wrong('textDocument/documentSymbol', { textDocument })).toBe('an answer');
  });

  it('answers what is no JSON with a parse error, and reads on', async () => {
    const [up, down] = [new PassThrough(), new PassThrough()];
    serve(openConnection(up, down), nodeHost());
    done.push(() => { up.end(); });
    let answers = '';
    down.on('data', (chunk: Buffer) => { answers += chunk.toString(); });
    const send = (body: string): void => { up.write(`content-length: ${String(Buffer.byteLength(body))}\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n${body}`); };
    send('{"jsonrpc": "2.0", "id": 1, ');
    await expect.poll(() => answers).toContain('"code":-32700');
    send(JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'initialize', params: initialize }));
    await expect.poll(() => answers).toContain('"id":2,"result"');
  });

  it('gives a client without capabilities nothing that it did not announce', async () => {
    const connection = connect();
    const asked: string[] = [];
    // Every request; the protocol's own type of a connection leaves that form out.
    (connection as unknown as MessageConnection).onRequest((method) => {
      asked.push(method);
      return null;
    });
    await connection.sendRequest('initialize', initialize);
    await connection.sendNotification('initialized', {});
    const text = '\t.globl copy\ncopy:\n1:\tmovq (%rsi), %rax\n.Lout:\tret\n\t.section __ex_table, "a"\n\t.long 1b - ., .Lout - ., 1\n\t.text\n\tbogus\n';
    await connection.sendNotification('textDocument/didOpen', { textDocument: { uri: URI, languageId: 'gas', version: 1, text } });
    const textDocument = { uri: URI };
    const hover = await connection.sendRequest<{ contents: { kind: string; value: string } }>('textDocument/hover', { textDocument, position: { line: 2, character: 4 } });
    expect(hover.contents.kind).toBe('plaintext');
    expect(hover.contents.value).toContain('Can fault:\n');
    expect(hover.contents.value).not.toMatch(/`|\*\*/);
    const symbols = await connection.sendRequest<object[]>('textDocument/documentSymbol', { textDocument });
    expect(symbols).toContainEqual(expect.objectContaining({ name: '.Lout', containerName: 'copy', location: expect.objectContaining({ uri: URI }) as object }));
    expect(await connection.sendRequest('textDocument/codeAction', { textDocument, range: { start: { line: 0, character: 0 }, end: { line: 8, character: 0 } }, context: { diagnostics: [] } })).toEqual([]);
    const { documentation } = await connection.sendRequest<{ documentation: { kind: string } }>('completionItem/resolve', { label: 'movq', data: { uri: URI, kind: 'instruction' } });
    expect(documentation.kind).toBe('plaintext');
    await connection.sendNotification('workspace/didChangeConfiguration', { settings: {} });
    await connection.sendRequest('textDocument/documentSymbol', { textDocument });
    expect(asked).toEqual([]);
  });

  it('counts in UTF-16, which every client knows', async () => {
    for (const positionEncodings of [undefined, ['utf-8', 'utf-16'], ['utf-32', 'utf-16', 'utf-8']]) {
      const connection = connect();
      const { capabilities } = await connection.sendRequest<{ capabilities: { positionEncoding: string } }>('initialize', { ...initialize, capabilities: { general: { positionEncodings } } });
      expect(capabilities.positionEncoding).toBe('utf-16');
    }
  });

  it('takes texts that are not ASCII, with every kind of line end', async () => {
    const client = await startClient({ textDocument: { diagnostic: {} } });
    done.push(() => client.close());
    const lines = ['größe: # 😀 a comment', '\tjmp größe # 😀', '/* 😀 */ jmp größe', '\tret'];
    for (const [index, end] of ['\n', '\r\n'].entries()) {
      const uri = `untitled:${String(index)}`;
      client.open(uri, lines.join(end));
      const found = await client.connection.sendRequest<Location>('textDocument/definition', { textDocument: { uri }, position: { line: 2, character: '/* 😀 */ jmp gr'.length } });
      expect(found.range).toEqual({ start: { line: 0, character: 0 }, end: { line: 0, character: 5 } });
      const places = await client.connection.sendRequest<Location[]>('textDocument/references', { textDocument: { uri }, position: { line: 0, character: 1 }, context: { includeDeclaration: true } });
      expect(places.map(({ range }) => `${String(range.start.line)}:${String(range.start.character)}-${String(range.end.character)}`)).toEqual(['0:0-5', '1:5-10', '2:13-18']);
      const { items } = await client.connection.sendRequest<{ items: Diagnostic[] }>('textDocument/diagnostic', { textDocument: { uri } });
      expect(items).toEqual([]);
    }
  });

  it('survives places that are none, and lines that have no end', async () => {
    const client = await startClient({ textDocument: { diagnostic: {} } });
    done.push(() => client.close());
    client.open(URI, `\tmovq %rax, %rbx\n# ${'x'.repeat(100_000)}\n\t.byte ${'1,'.repeat(10_000)}1\n\tret`);
    for (const position of [{ line: 0, character: 9999 }, { line: 9999, character: 0 }, { line: 1, character: 99_999 }, { line: 2, character: 20_001 }, { line: 3, character: 5 }]) {
      for (const method of ['hover', 'definition', 'declaration', 'implementation', 'documentHighlight', 'prepareCallHierarchy', 'prepareTypeHierarchy']) {
        expect(await codeOf(client.connection.sendRequest(`textDocument/${method}`, { textDocument: { uri: URI }, position }))).toBe('an answer');
      }
      expect(await codeOf(client.connection.sendRequest('textDocument/selectionRange', { textDocument: { uri: URI }, positions: [position] }))).toBe('an answer');
    }
  });

  it('does what it is told about texts in the order it is told', async () => {
    const client = await startClient({ textDocument: { diagnostic: {} } });
    done.push(() => client.close());
    client.open(URI, '\tnop\n');
    const codes = async (): Promise<readonly unknown[]> =>
      (await client.connection.sendRequest<{ items: Diagnostic[] }>('textDocument/diagnostic', { textDocument: { uri: URI } })).items.map(({ code }) => code);
    const change = (version: number, text: string, character: number, end = character): void => {
      void client.connection.sendNotification('textDocument/didChange', { textDocument: { uri: URI, version }, contentChanges: [{ range: { start: { line: 0, character }, end: { line: 0, character: end } }, text }] });
    };
    change(2, 'x', 4);
    expect(await codes()).toEqual(['unknown-mnemonic']);
    change(3, '', 4, 5);
    change(4, 'y', 4);
    change(5, '', 4, 5);
    expect(await codes()).toEqual([]);
  });

  it('cancels what waits, and goes on', async () => {
    const client = await startClient();
    done.push(() => client.close());
    client.open(URI, '\tnop\nhere:\tret\n');
    const source = new CancellationTokenSource();
    const request = client.connection.sendRequest<WorkspaceSymbol[]>('workspace/symbol', { query: 'h' }, source.token);
    source.cancel();
    // Cancelled, or answered already: never left open.
    expect(['an answer', -32800]).toContain(await codeOf(request));
    expect(await codeOf(client.connection.sendRequest('textDocument/hover', { textDocument: { uri: URI }, position: { line: 0, character: 2 } }))).toBe('an answer');
  });
});

describe('the workspace', () => {
  function makeFolder(files: Readonly<Record<string, string>>): string {
    const folder = mkdtempSync(join(tmpdir(), 'mcsafe-workspace-'));
    done.push(() => { rmSync(folder, { recursive: true }); });
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return folder;
  }
  const uriOf = (folder: string, name = ''): string => pathToFileURL(join(folder, name)).href;
  const global = (name: string): string => `\t.globl ${name}\n${name}:\tret\n`;

  it('has several folders, which come and go, and leaves other machines alone', async () => {
    const [first, second] = [makeFolder({ 'a.S': global('alpha'), 'arch/arm64/b.S': global('arm') }), makeFolder({ 'sub/b.s': global('beta'), 'node_modules/c.S': global('gamma') })];
    const client = await startClient({ workspace: { workspaceFolders: true } }, { folders: [uriOf(first)] });
    done.push(() => client.close());
    const names = async (): Promise<readonly string[]> => (await client.connection.sendRequest<WorkspaceSymbol[]>('workspace/symbol', { query: '' })).map(({ name }) => name).sort();
    expect(await names()).toEqual(['alpha']);
    await client.connection.sendNotification('workspace/didChangeWorkspaceFolders', { event: { added: [{ uri: uriOf(second), name: 'second' }], removed: [] } });
    expect(await names()).toEqual(['alpha', 'beta']);
    await client.connection.sendNotification('workspace/didChangeWorkspaceFolders', { event: { added: [], removed: [{ uri: uriOf(first), name: 'first' }] } });
    expect(await names()).toEqual(['beta']);
  });

  it('follows files that change, appear, move and go', async () => {
    const folder = makeFolder({ 'a.S': global('alpha') });
    const client = await startClient({}, { folders: [uriOf(folder)] });
    done.push(() => client.close());
    const names = async (): Promise<readonly string[]> => (await client.connection.sendRequest<WorkspaceSymbol[]>('workspace/symbol', { query: '' })).map(({ name }) => name).sort();
    expect(await names()).toEqual(['alpha']);
    writeFileSync(join(folder, 'a.S'), global('changed'));
    writeFileSync(join(folder, 'b.S'), global('beta'));
    await client.connection.sendNotification('workspace/didChangeWatchedFiles', { changes: [{ uri: uriOf(folder, 'a.S'), type: 2 }, { uri: uriOf(folder, 'b.S'), type: 1 }] });
    expect(await names()).toEqual(['beta', 'changed']);
    writeFileSync(join(folder, 'c.S'), global('moved'));
    rmSync(join(folder, 'b.S'));
    await client.connection.sendNotification('workspace/didRenameFiles', { files: [{ oldUri: uriOf(folder, 'b.S'), newUri: uriOf(folder, 'c.S') }] });
    expect(await names()).toEqual(['changed', 'moved']);
    rmSync(join(folder, 'a.S'));
    await client.connection.sendNotification('workspace/didDeleteFiles', { files: [{ uri: uriOf(folder, 'a.S') }] });
    expect(await names()).toEqual(['moved']);
  });

  it('reads what includes a header again when the header changes', async () => {
    const source = (name: string): string => `#include "which.h"\n#ifdef NEW\n${global(`${name}_after`)}#else\n${global(`${name}_before`)}#endif\n`;
    const folder = makeFolder({ 'which.h': '#undef NEW\n', 'a.S': source('a'), 'b.S': source('b') });
    const client = await startClient({}, { folders: [uriOf(folder)] });
    done.push(() => client.close());
    const names = async (): Promise<readonly string[]> => (await client.connection.sendRequest<WorkspaceSymbol[]>('workspace/symbol', { query: '' })).map(({ name }) => name).sort();
    expect(await names()).toEqual(['a_before', 'b_before']);
    writeFileSync(join(folder, 'which.h'), '#define NEW\n');
    await client.connection.sendNotification('workspace/didChangeWatchedFiles', { changes: [{ uri: uriOf(folder, 'which.h'), type: 2 }] });
    expect(await names()).toEqual(['NEW', 'a_after', 'b_after']);
  });

  it('says what is wrong with a document before all sources have been read', async () => {
    const long = `.macro many\n${'\tcall elsewhere\n'.repeat(40)}.endm\n${'\tmany\n'.repeat(40)}`;
    const folder = makeFolder(Object.fromEntries(Array.from({ length: 80 }, (_, number) => [`${String(number)}.S`, `${global(`f${String(number)}`)}${long}`])));
    const client = await startClient({}, { folders: [uriOf(folder)] });
    done.push(() => client.close());
    const uri = uriOf(folder, '79.S');
    const told = client.pushed(uri).then(() => 'diagnostics');
    const indexed = client.connection.sendRequest<WorkspaceSymbol[]>('workspace/symbol', { query: 'f' }).then((symbols) => `${String(symbols.length)} symbols`);
    client.open(uri, `${global('f79')}\tmovq %rax\n`);
    expect(await Promise.race([told, indexed])).toBe('diagnostics');
    expect(await indexed).toBe('80 symbols');
  });

  it('reads no more files than it may, assembler first, and shows how far it is', async () => {
    const folder = makeFolder({ 'a.S': global('alpha'), 'b.S': global('beta'), 'c.c': 'int gamma(void)\n{\n}\n' });
    const client = await startClient({ window: { workDoneProgress: true } }, { folders: [uriOf(folder)], initializationOptions: { index: { maxFiles: 2 } } });
    done.push(() => client.close());
    expect((await client.connection.sendRequest<WorkspaceSymbol[]>('workspace/symbol', { query: '' })).map(({ name }) => name).sort()).toEqual(['alpha', 'beta']);
  });

  it('asks a client that can be asked to watch files and to tell of settings', async () => {
    const [up, down] = [new PassThrough(), new PassThrough()];
    serve(openConnection(up, down), nodeHost());
    const connection = createProtocolConnection(down, up);
    done.push(() => { connection.dispose(); });
    const registered: string[] = [];
    const asked: unknown[] = [];
    connection.onRequest('client/registerCapability', ({ registrations }: { registrations: { method: string }[] }) => { registered.push(...registrations.map(({ method }) => method)); });
    connection.onRequest('workspace/configuration', ({ items }: { items: { section: string }[] }) => {
      asked.push(...items.map(({ section }) => section));
      return items.map(() => ({ maxFiles: 0 }));
    });
    connection.listen();
    const folder = makeFolder({ 'a.S': global('alpha') });
    await connection.sendRequest('initialize', {
      ...initialize, workspaceFolders: [{ uri: uriOf(folder), name: 'one' }],
      capabilities: { workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true }, didChangeWatchedFiles: { dynamicRegistration: true } } },
    });
    await connection.sendNotification('initialized', {});
    await expect.poll(() => [...registered].sort()).toEqual(['workspace/didChangeConfiguration', 'workspace/didChangeWatchedFiles']);
    await expect.poll(() => asked).toContain('mcsafe.index');
    // The cap it was told is none at all.
    expect(await connection.sendRequest('workspace/symbol', { query: '' })).toEqual([]);
  });
});
