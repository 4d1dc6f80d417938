/**
 * initialize: what the client can do, and what the adapter can: every handler's capabilities together.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as z from 'zod/mini';
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
      supportsMemoryEvent: z.optional(z.boolean()),
      supportsInvalidatedEvent: z.optional(z.boolean()),
    }),
    handle: ({ client }, args) => {
      client.linesStartAt1 = args.linesStartAt1 ?? true;
      client.columnsStartAt1 = args.columnsStartAt1 ?? true;
      client.pathsAreUris = args.pathFormat === 'uri';
      client.supportsMemoryEvent = args.supportsMemoryEvent ?? false;
      client.supportsInvalidatedEvent = args.supportsInvalidatedEvent ?? false;
      return capabilities;
    },
  });
}
