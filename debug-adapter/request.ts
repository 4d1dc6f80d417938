/**
 * A request family's building block: the command, what its arguments look like, and the capabilities that announce it.
 * What is announced cannot drift from what is handled, since both stand in one object.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as z from 'zod/mini';
import type { Adapter } from './adapter.ts';

z.config({ ...z.locales.en(), jitless: true });

export interface RequestHandler {
  readonly command: string;
  readonly capabilities?: DebugProtocol.Capabilities;
  /** Checks and types the arguments; what it does not name is ignored, as the protocol demands. */
  readonly arguments: z.ZodMiniType;
  /** Gives the response's body, or throws an AdapterError. */
  handle(adapter: Adapter, args: unknown): unknown;
}

interface Definition<Schema extends z.ZodMiniType> {
  readonly command: string;
  readonly capabilities?: DebugProtocol.Capabilities;
  readonly arguments: Schema;
  readonly handle: (adapter: Adapter, args: z.output<Schema>) => unknown;
}

/** Ties a handler to its arguments' schema, so that `handle` gets them typed and checked. */
export function defineRequest<Schema extends z.ZodMiniType>(definition: Definition<Schema>): RequestHandler {
  const { handle, ...rest } = definition;
  return { ...rest, handle: (adapter, args) => handle(adapter, args as z.output<Schema>) };
}

/** For requests whose arguments do not matter. */
export const noArguments = z.unknown();
export const threadArguments = z.object({ threadId: z.int() });
export const wholeNumber = z.int();
