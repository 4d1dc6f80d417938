/**
 * Sequences of messages that no client sends on purpose: each request is answered once, none with an internal error, and the server goes on.
 */
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { frame, FrameReader } from '../../host/framing.ts';
import { nodeHost } from '../../host/node/host.ts';
import { openConnection } from '../../language-server/node.ts';
import { serve } from '../../language-server/server.ts';

const URIS = ['file:///work/a.S', 'file:///work/b%20c.S', 'file:///c%3A/x.S', 'file://host/a.S', 'untitled:U-1', '%%%'];
const AT_A_PLACE = ['hover', 'definition', 'declaration', 'implementation', 'references', 'documentHighlight', 'completion', 'signatureHelp', 'prepareRename', 'rename', 'prepareCallHierarchy', 'prepareTypeHierarchy', 'codeAction', 'inlayHint', 'selectionRange', 'foldingRange', 'documentSymbol', 'documentLink', 'semanticTokens/full', 'semanticTokens/full/delta', 'diagnostic'].map((name) => `textDocument/${name}`);
const ELSEWHERE = ['workspace/symbol', 'completionItem/resolve', 'codeAction/resolve', 'codeLens/resolve', 'inlayHint/resolve', 'callHierarchy/incomingCalls', 'initialize', 'toString', '$/unknown', 'no/such/request'];
const NONSENSE = ['Content-Length: 4\r\n\r\nnull', 'Content-Length: 2\r\n\r\n[]', 'Content-Length: -1\r\n\r\n', 'Content-Length: 3\r\n\r\n{"a', 'nothing\r\n\r\n'];

const position = fc.record({ line: fc.oneof(fc.nat(6), fc.constant(99_999)), character: fc.oneof(fc.nat(20), fc.constant(99_999)) });
const range = fc.record({ start: position, end: position });
const text = fc.array(fc.constantFrom('\n', '\r\n', '\t', 'copy:', '.globl copy', ' ret', '1: movq (%rsi), %rax', '_ASM_EXTABLE(1b, copy)', '.macro m a', '.endm', '#define X(a) a', '/*', '*/', '"', '😀', '\ud800'), { maxLength: 12 }).map((pieces) => pieces.join(''));
const textDocument = fc.record({ uri: fc.constantFrom(...URIS), version: fc.nat(3), languageId: fc.constant('gas'), text });
const parameters = fc.record({
  textDocument, position, range, positions: fc.array(position, { maxLength: 2 }), newName: fc.constantFrom('other', '1', ''), query: fc.constantFrom('', 'c'),
  previousResultId: fc.constant('1'), context: fc.constant({ diagnostics: [], includeDeclaration: true }),
});
const message = fc.oneof(
  { weight: 3, arbitrary: fc.record({ method: fc.constantFrom('textDocument/didOpen', 'textDocument/didClose'), params: fc.record({ textDocument }) }) },
  { weight: 4, arbitrary: fc.record({ method: fc.constant('textDocument/didChange'), params: fc.record({ textDocument, contentChanges: fc.array(fc.oneof(fc.record({ range, text }), fc.record({ text })), { minLength: 1, maxLength: 3 }) }) }) },
  { weight: 1, arbitrary: fc.record({ method: fc.constantFrom('$/cancelRequest', '$/setTrace', 'workspace/didChangeWatchedFiles', 'workspace/didChangeConfiguration', 'no/such/notification'), params: fc.jsonValue() }) },
  { weight: 8, arbitrary: fc.record({ isRequest: fc.constant(true), method: fc.constantFrom(...AT_A_PLACE, ...ELSEWHERE), params: fc.oneof({ weight: 9, arbitrary: parameters }, { weight: 1, arbitrary: fc.jsonValue() }) }) },
  { weight: 1, arbitrary: fc.constantFrom(...NONSENSE) },
);

it('every request is answered once, whatever comes before and between', async () => {
  await fc.assert(fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 60 }), async (messages) => {
    const [up, down] = [new PassThrough(), new PassThrough()];
    const answers: { readonly id: number; readonly error?: { readonly code: number; readonly message: string } }[] = [];
    const reader = new FrameReader((sent) => { if (!('method' in (sent as object)) && (sent as { id: unknown }).id !== null) answers.push(sent as typeof answers[number]); });
    down.on('data', (bytes: Uint8Array) => { reader.push(bytes); });
    const ended = new Promise((resolve) => { serve(openConnection(up, down, resolve), nodeHost()); });
    let next = 1;
    const send = (one: object, isRequest = false): void => { up.write(frame({ jsonrpc: '2.0', ...one, ...(isRequest ? { id: next++ } : {}) })); };
    send({ method: 'initialize', params: { processId: null, rootUri: null, capabilities: {} } }, true);
    send({ method: 'initialized', params: {} });
    for (const one of messages) {
      if (typeof one === 'string') up.write(one);
      else send({ method: one.method, params: one.params }, 'isRequest' in one);
    }
    send({ method: 'shutdown' }, true);
    up.end();
    expect(await ended).toBe(true);
    expect(answers.map(({ id }) => id).sort((a, b) => a - b)).toEqual(Array.from({ length: next - 1 }, (_, index) => index + 1));
    expect(answers.filter(({ error }) => error?.code === -32603).map(({ error }) => error!.message)).toEqual([]);
  }), { numRuns: 1500, seed: 17 });
}, 600_000);
