import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { frame, FrameReader } from '../../host/framing.ts';
import { serveStreams } from '../../debug-adapter/transport/streams.ts';
import { nodeHost } from '../../host/node/host.ts';
import { listen, nodeStreams } from '../../host/node/streams.ts';

interface Answer {
  readonly type: string;
  readonly request_seq?: number;
  readonly success?: boolean;
}

/** Collects messages and gives the answer to a request. */
function answers(onData: (listener: (bytes: Uint8Array) => void) => void): (seq: number) => Promise<Answer> {
  const messages: Answer[] = [];
  const reader = new FrameReader((message) => { messages.push(message as Answer); });
  onData((bytes) => { reader.push(bytes); });
  return async (seq) => {
    for (;;) {
      const found = messages.find(({ type, request_seq }) => type === 'response' && request_seq === seq);
      if (found !== undefined) return found;
      await new Promise((resolve) => { setTimeout(resolve, 5); });
    }
  };
}

const request = (seq: number, command: string, args?: unknown): Uint8Array => frame({ seq, type: 'request', command, arguments: args });

describe('a session', () => {
  it('on streams survives garbage and ends with disconnect', async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    const ended = new Promise<void>((resolve) => { serveStreams(nodeStreams(input, output), nodeHost(), resolve); });
    const answer = answers((listener) => { output.on('data', listener); });
    input.write('Content-Length: 7\r\n\r\n{"seq":');
    input.write(frame('not a message'));
    input.write(frame({ type: 'request', seq: 1 }));
    input.write(request(2, 'initialize', { adapterID: 'mcsafe' }));
    expect(await answer(2)).toMatchObject({ success: true });
    input.write(request(3, 'disconnect'));
    expect(await answer(3)).toMatchObject({ success: true });
    await ended;
  });

  it('on streams ends when they close', async () => {
    const input = new PassThrough();
    const ended = new Promise<void>((resolve) => { serveStreams(nodeStreams(input, new PassThrough()), nodeHost(), resolve); });
    input.end();
    input.resume();
    await ended;
  });

  it('on a socket is one for each connection', async () => {
    const server = await listen(0, (streams, end) => { serveStreams(streams, nodeHost(), end); });
    for (let connection = 0; connection < 2; connection++) {
      const socket = connect(server.port, '127.0.0.1');
      const answer = answers((listener) => { socket.on('data', listener); });
      const closed = new Promise((resolve) => { socket.on('close', resolve); });
      socket.write(request(1, 'initialize', { adapterID: 'mcsafe' }));
      expect(await answer(1)).toMatchObject({ success: true });
      socket.write(request(2, 'disconnect'));
      await closed;
    }
    server.close();
  });
});
