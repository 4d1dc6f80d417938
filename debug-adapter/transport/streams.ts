/**
 * A session over a pair of byte streams: standard input and output, or a socket.
 */
import type { Host } from '../../host/host.ts';
import { McsafeDebugSession } from '../session.ts';
import { frame, FrameReader } from '../../host/framing.ts';

export interface ByteStreams {
  onData(listener: (bytes: Uint8Array) => void): void;
  onClose(listener: () => void): void;
  write(bytes: Uint8Array): void;
}

/** Serves one session until the client disconnects or the stream closes; then calls `onEnd`, once. */
export function serveStreams(streams: ByteStreams, host: Host, onEnd: () => void): void {
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    session.dispose();
    onEnd();
  };
  const session = new McsafeDebugSession(host, end);
  session.onDidSendMessage((message) => { if (!ended) streams.write(frame(message)); });
  const reader = new FrameReader((message) => { session.handleMessage(message); });
  streams.onData((bytes) => { reader.push(bytes); });
  streams.onClose(end);
}
