import { describe, expect, it } from 'vitest';
import { frame, FrameReader } from '../../host/framing.ts';

const text = (string: string): Uint8Array => new TextEncoder().encode(string);

function reader(): { readonly messages: unknown[]; push(bytes: Uint8Array): void } {
  const messages: unknown[] = [];
  const frames = new FrameReader((message) => { messages.push(message); });
  return { messages, push: (bytes) => { frames.push(bytes); } };
}

describe('frames on a stream', () => {
  it('arrive in whatever pieces the stream makes', () => {
    const { messages, push } = reader();
    const bytes = [frame({ seq: 1, text: 'häßlich' }), frame({ seq: 2 })].flatMap((one) => [...one]);
    for (const byte of bytes) push(Uint8Array.of(byte));
    push(Uint8Array.from([...frame({ seq: 3 }), ...frame({ seq: 4 })]));
    expect(messages).toEqual([{ seq: 1, text: 'häßlich' }, { seq: 2 }, { seq: 3 }, { seq: 4 }]);
  });

  it('may carry other headers, in any case', () => {
    const { messages, push } = reader();
    push(text('Content-Type: application/json\r\ncontent-LENGTH: 2\r\n\r\n{}'));
    expect(messages).toEqual([{}]);
  });

  it('that make no sense are skipped, and the next one is read', () => {
    for (const nonsense of ['Content-Length: 3\r\n\r\n{}}', 'Content-Length: many\r\n\r\n', 'Content-Length: -5\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'Content-Length: 0\r\n\r\n']) {
      const { messages, push } = reader();
      push(text(nonsense));
      push(frame({ seq: 7 }));
      expect(messages, nonsense).toEqual([{ seq: 7 }]);
    }
  });

  it('of absurd length are thrown away without being kept', () => {
    const { messages, push } = reader();
    const length = 200 << 20;
    push(text(`Content-Length: ${String(length)}\r\n\r\n`));
    const piece = new Uint8Array(1 << 20);
    for (let sent = 0; sent < length; sent += piece.length) push(piece);
    push(frame({ seq: 8 }));
    expect(messages).toEqual([{ seq: 8 }]);
  });

  it('without any header are not collected for ever', () => {
    const { messages, push } = reader();
    for (let piece = 0; piece < 100; piece++) push(text('x'.repeat(10_000)));
    push(text('\r\n\r\n'));
    push(frame({ seq: 9 }));
    expect(messages).toEqual([{ seq: 9 }]);
  });
});
