/**
 * threads, stackTrace, scopes: where the program stands.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as z from 'zod/mini';
import { THREAD_ID } from '../adapter.ts';
import type { Adapter } from '../adapter.ts';
import type { Debuggee, Frame } from '../debuggee.ts';
import { errors } from '../errors.ts';
import { hex } from '../format.ts';
import { defineRequest, noArguments, wholeNumber } from '../request.ts';
import { scopesOf } from '../scopes/index.ts';

export const stackRequests = [
  defineRequest({
    command: 'threads',
    arguments: noArguments,
    handle: (adapter) => ({ threads: adapter.launched ? [{ id: THREAD_ID, name: adapter.debuggee('threads').machine.scenario.entry.name }] : [] }),
  }),
  defineRequest({
    command: 'stackTrace',
    capabilities: { supportsDelayedStackTraceLoading: true },
    arguments: z.object({ threadId: wholeNumber, startFrame: z.optional(wholeNumber), levels: z.optional(wholeNumber) }),
    handle: (adapter, { threadId, startFrame = 0, levels = 0 }) => {
      const debuggee = adapter.stopped('stackTrace');
      if (threadId !== THREAD_ID) throw errors.unknownThread(threadId);
      const all = [...debuggee.frames];
      const from = Math.max(0, startFrame);
      const asked = all.slice(from, levels > 0 ? from + levels : undefined);
      return { stackFrames: asked.map(([id, frame]) => stackFrame(adapter, debuggee, id, frame)), totalFrames: all.length };
    },
  }),
  defineRequest({
    command: 'scopes',
    arguments: z.object({ frameId: wholeNumber }),
    handle: (adapter, { frameId }) => {
      const debuggee = adapter.stopped('scopes');
      return { scopes: scopesOf(debuggee, debuggee.frame(frameId)) };
    },
  }),
];

function stackFrame(adapter: Adapter, debuggee: Debuggee, id: number, frame: Frame): DebugProtocol.StackFrame {
  const { machine } = debuggee;
  if (frame.kind === 'exception') {
    const { delivery } = frame;
    const name = `${delivery.exception.mnemonic} delivery`;
    return {
      id, name: `${name}: ${delivery.exception.summary}`,
      source: debuggee.sources.generated(`${name} ${String(delivery.sequence)}`, () => debuggee.deliveryText(delivery)),
      line: adapter.lineToClient(1), column: adapter.client.columnsStartAt1 ? 1 : 0,
      presentationHint: 'subtle',
    };
  }
  const place = debuggee.place(frame.at);
  return {
    id, name: machine.describe(frame.ip), instructionPointerReference: hex(frame.ip),
    ...(place === undefined ? { line: 0, column: 0 } : { ...adapter.toClient(place) }),
  };
}
