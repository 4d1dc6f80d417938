/**
 * setExceptionBreakpoints, exceptionInfo.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as z from 'zod/mini';
import { THREAD_ID } from '../adapter.ts';
import type { Debuggee } from '../debuggee.ts';
import { errors } from '../errors.ts';
import { EXCEPTION_FILTERS, isExceptionFilter } from '../exception-filters.ts';
import { endText } from '../end-text.ts';
import { phaseOf } from '../scopes/phases.ts';
import { defineRequest, threadArguments } from '../request.ts';

export const exceptionRequests = [
  defineRequest({
    command: 'setExceptionBreakpoints',
    capabilities: { exceptionBreakpointFilters: EXCEPTION_FILTERS.map((filter) => ({ ...filter })) },
    arguments: z.object({ filters: z.array(z.string()), filterOptions: z.optional(z.array(z.object({ filterId: z.string() }))) }),
    handle: (adapter, { filters, filterOptions = [] }) => {
      const asked = [...filters, ...filterOptions.map(({ filterId }) => filterId)];
      adapter.filters = new Set(asked.filter(isExceptionFilter));
      return {
        breakpoints: asked.map((name) => (isExceptionFilter(name)
          ? { verified: true }
          : { verified: false, message: `no exception filter "${name}"; there are ${EXCEPTION_FILTERS.map(({ filter }) => filter).join(', ')}` })),
      };
    },
  }),
  defineRequest({
    command: 'exceptionInfo',
    capabilities: { supportsExceptionInfoRequest: true },
    arguments: threadArguments,
    handle: (adapter, { threadId }) => {
      const debuggee = adapter.stopped('exceptionInfo');
      if (threadId !== THREAD_ID) throw errors.unknownThread(threadId);
      return exceptionInfo(debuggee);
    },
  }),
];

function exceptionInfo(debuggee: Debuggee): DebugProtocol.ExceptionInfoResponse['body'] {
  const { cause } = debuggee.execution;
  if (cause?.kind === 'ended' && cause.stop.reason !== 'died' && cause.stop.reason !== 'no-progress') {
    return { exceptionId: cause.stop.reason, description: endText(cause.stop, debuggee.machine), breakMode: 'unhandled' };
  }
  const delivery = debuggee.lastDelivery;
  if (delivery === undefined || (cause?.kind !== 'delivered' && cause?.kind !== 'fixup' && cause?.kind !== 'ended')) throw errors.noException();
  const { exception } = delivery;
  const outcome = cause.kind === 'ended' ? endText(cause.stop, debuggee.machine) : undefined;
  return {
    exceptionId: exception.mnemonic,
    description: outcome ?? exception.summary,
    breakMode: cause.kind === 'ended' ? 'unhandled' : 'always',
    details: {
      message: exception.summary,
      typeName: exception.mnemonic,
      fullTypeName: `vector ${String(exception.vector)}${phaseOf(delivery, 'graded') === undefined ? '' : `, severity ${phaseOf(delivery, 'graded')!.grade.severity}`}`,
      stackTrace: debuggee.deliveryText(delivery),
    },
  };
}
