/**
 * setBreakpoints, setFunctionBreakpoints, setInstructionBreakpoints, breakpointLocations.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as z from 'zod/mini';
import type { Adapter } from '../adapter.ts';
import type { Breakpoint, BreakpointRequest } from '../breakpoints/breakpoints.ts';
import type { BreakpointOptions } from '../breakpoints/conditions.ts';
import { fileOf, linesWithCode } from '../breakpoints/locations.ts';
import { errors } from '../errors.ts';
import { hex, parseAddress } from '../format.ts';
import { defineRequest, wholeNumber } from '../request.ts';

export const breakpointOptions = { condition: z.optional(z.string()), hitCondition: z.optional(z.string()) };
/** More than anybody sets; the list comes from outside. */
export const BREAKPOINT_LIMIT = 10_000;

export const breakpointRequests = [
  defineRequest({
    command: 'setBreakpoints',
    capabilities: { supportsConditionalBreakpoints: true, supportsHitConditionalBreakpoints: true, supportsLogPoints: true },
    arguments: z.object({
      source: z.object({ path: z.optional(z.string()), name: z.optional(z.string()) }),
      breakpoints: z.optional(z.array(z.object({ line: wholeNumber, ...breakpointOptions, logMessage: z.optional(z.string()) })).check(z.maxLength(BREAKPOINT_LIMIT))),
      lines: z.optional(z.array(wholeNumber).check(z.maxLength(BREAKPOINT_LIMIT))),
    }),
    handle: (adapter, { source, breakpoints, lines }) => {
      const path = adapter.pathFromClient(source.path ?? source.name ?? '');
      const wanted: NonNullable<typeof breakpoints> = breakpoints ?? (lines ?? []).map((line) => ({ line }));
      const requests = wanted.map((one): BreakpointRequest => ({ kind: 'line', path, line: adapter.lineFromClient(one.line), ...chosen(one) }));
      return setBreakpoints(adapter, `source ${path}`, requests);
    },
  }),
  defineRequest({
    command: 'setFunctionBreakpoints',
    capabilities: { supportsFunctionBreakpoints: true },
    arguments: z.object({ breakpoints: z.array(z.object({ name: z.string(), ...breakpointOptions })).check(z.maxLength(BREAKPOINT_LIMIT)) }),
    handle: (adapter, { breakpoints }) => setBreakpoints(adapter, 'functions', breakpoints.map((one) => ({ kind: 'function', name: one.name, ...chosen(one) }))),
  }),
  defineRequest({
    command: 'setInstructionBreakpoints',
    capabilities: { supportsInstructionBreakpoints: true },
    arguments: z.object({ breakpoints: z.array(z.object({ instructionReference: z.string(), offset: z.optional(wholeNumber), ...breakpointOptions })).check(z.maxLength(BREAKPOINT_LIMIT)) }),
    handle: (adapter, { breakpoints }) => setBreakpoints(adapter, 'instructions', breakpoints.map((one) => {
      const address = parseAddress(one.instructionReference);
      if (address === undefined) throw errors.badMemoryReference(one.instructionReference);
      return { kind: 'instruction', address: BigInt.asUintN(64, address + BigInt(one.offset ?? 0)), ...chosen(one) };
    })),
  }),
  defineRequest({
    command: 'breakpointLocations',
    capabilities: { supportsBreakpointLocationsRequest: true },
    arguments: z.object({ source: z.object({ path: z.optional(z.string()), name: z.optional(z.string()) }), line: wholeNumber, endLine: z.optional(wholeNumber) }),
    handle: (adapter, { source, line, endLine }) => {
      if (!adapter.launched) return { breakpoints: [] };
      const { image } = adapter.debuggee('breakpointLocations').machine;
      const file = fileOf(image, adapter.pathFromClient(source.path ?? source.name ?? ''));
      const first = adapter.lineFromClient(line);
      const last = adapter.lineFromClient(endLine ?? line);
      const lines = file === undefined ? [] : linesWithCode(image, file).filter((one) => one >= first && one <= last);
      return { breakpoints: lines.map((one) => ({ line: one - first + line })) };
    },
  }),
];

/** The options that were given. */
export function chosen({ condition, hitCondition, logMessage }: { readonly [Name in keyof BreakpointOptions]?: string | undefined }): BreakpointOptions {
  const given = (text: string | undefined): text is string => text !== undefined && text.trim() !== '';
  return {
    ...(given(condition) ? { condition } : {}), ...(given(hitCondition) ? { hitCondition } : {}), ...(given(logMessage) ? { logMessage } : {}),
  };
}

/** Replaces a group and tells the client what became of each. */
export function setBreakpoints(adapter: Adapter, group: string, requests: readonly BreakpointRequest[]): DebugProtocol.SetBreakpointsResponse['body'] {
  const made = adapter.breakpoints.set(group, requests);
  if (adapter.launched) adapter.debuggee('setBreakpoints').execution.breakpointsChanged();
  return { breakpoints: made.map((breakpoint) => toClient(adapter, breakpoint)) };
}

/** A breakpoint as the client is told of it. */
export function toClient(adapter: Adapter, { id, request, addresses, line, problem }: Breakpoint): DebugProtocol.Breakpoint {
  const [first] = addresses;
  return {
    id,
    verified: first !== undefined || (request.kind === 'data' && problem === undefined),
    ...(line === undefined ? {} : { line: adapter.lineToClient(line) }),
    ...(request.kind === 'line' ? { source: adapter.sourceToClient({ path: request.path }) } : {}),
    ...(first === undefined ? {} : { instructionReference: hex(first) }),
    ...(problem === undefined ? {} : { message: problem }),
  };
}
