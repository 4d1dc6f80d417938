/**
 * terminate, disconnect: the end of a session.
 */
import { TerminatedEvent } from '@vscode/debugadapter';
import { defineRequest, noArguments } from '../request.ts';

export const lifecycleRequests = [
  defineRequest({
    command: 'terminate',
    capabilities: { supportsTerminateRequest: true },
    arguments: noArguments,
    handle: (adapter) => {
      adapter.dispose();
      adapter.defer(() => { adapter.send(new TerminatedEvent()); });
    },
  }),
  defineRequest({
    command: 'disconnect',
    capabilities: { supportTerminateDebuggee: true },
    arguments: noArguments,
    handle: (adapter) => { adapter.defer(() => { adapter.end(); }); },
  }),
];
