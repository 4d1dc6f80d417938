/**
 * initialize: what the client can do, and what the adapter can: every handler's capabilities together.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as z from 'zod/mini';
import { errors } from '../errors.ts';
import { defineRequest } from '../request.ts';
import type { RequestHandler } from '../request.ts';

/** The handler announces `others` as well as itself: all handlers there are. */
export function initializeRequest(others: readonly RequestHandler[]): RequestHandler {
  const capabilities: DebugProtocol.Capabilities = Object.assign({}, ...others.map((handler) => handler.capabilities));
  return defineRequest({
    command: 'initialize',
    arguments: z.object({
      linesStartAt1: z.optional(z.boolean()),
      columnsStartAt1: z.optional(z.boolean()),
      pathFormat: z.optional(z.string()),
      supportsVariableType: z.optional(z.boolean()),
      supportsVariablePaging: z.optional(z.boolean()),
      supportsMemoryReferences: z.optional(z.boolean()),
      supportsMemoryEvent: z.optional(z.boolean()),
      supportsInvalidatedEvent: z.optional(z.boolean()),
    }),
    handle: (adapter, { linesStartAt1 = true, columnsStartAt1 = true, pathFormat, ...supports }) => {
      if (adapter.initialized) throw errors.alreadyInitialized();
      adapter.initialize({
        linesStartAt1, columnsStartAt1, pathsAreUris: pathFormat === 'uri',
        supportsVariableType: supports.supportsVariableType === true, supportsVariablePaging: supports.supportsVariablePaging === true,
        supportsMemoryReferences: supports.supportsMemoryReferences === true, supportsMemoryEvent: supports.supportsMemoryEvent === true,
        supportsInvalidatedEvent: supports.supportsInvalidatedEvent === true,
      });
      return capabilities;
    },
  });
}
