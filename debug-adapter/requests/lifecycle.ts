/**
 * terminate, disconnect: the end of a session.
 */
import { defineRequest, noArguments } from '../request.ts';

export const lifecycleRequests = [
  defineRequest({
    command: 'terminate',
    capabilities: { supportsTerminateRequest: true },
    arguments: noArguments,
    handle: (adapter) => {
      adapter.terminate();
      adapter.defer(() => { adapter.tellTerminated(); });
    },
  }),
  defineRequest({
    command: 'disconnect',
    // The program lives in the adapter: it ends with it, whatever `terminateDebuggee` says, which is not announced therefore.
    arguments: noArguments,
    handle: (adapter) => { adapter.defer(() => { adapter.end(); }); },
  }),
];
