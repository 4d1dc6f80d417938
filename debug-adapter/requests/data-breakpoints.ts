/**
 * dataBreakpointInfo, setDataBreakpoints: stops behind instructions that touch memory, forwards and backwards.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as z from 'zod/mini';
import type { Machine } from '../../machine/machine.ts';
import type { WatchArea } from '../../machine/memory/memory.ts';
import type { Debuggee } from '../debuggee.ts';
import { errors } from '../errors.ts';
import { asked } from '../expressions/asked.ts';
import { evaluate } from '../expressions/evaluate.ts';
import { hex, parseAddress } from '../format.ts';
import { defineRequest, wholeNumber } from '../request.ts';
import { BREAKPOINT_LIMIT, breakpointOptions, chosen, setBreakpoints } from './breakpoints.ts';
import { container } from './variables.ts';

/** Bytes watched where nobody says how many: a register's worth. */
const DEFAULT_SIZE = 8;
const LARGEST = 1 << 20;
const ACCESS_TYPES = { write: 'write', read: 'read', readWrite: 'read-write' } as const;
const DATA_ID = /^(0x[0-9a-f]+)\/(\d+)$/;

export const dataBreakpointRequests = [
  defineRequest({
    command: 'dataBreakpointInfo',
    capabilities: { supportsDataBreakpoints: true, supportsDataBreakpointBytes: true },
    arguments: z.object({
      variablesReference: z.optional(wholeNumber), name: z.string(), frameId: z.optional(wholeNumber),
      bytes: z.optional(z.int().check(z.minimum(1), z.maximum(LARGEST))), asAddress: z.optional(z.boolean()),
    }),
    handle: (adapter, { variablesReference, name, frameId, bytes, asAddress }): DebugProtocol.DataBreakpointInfoResponse['body'] => {
      const debuggee = adapter.stopped('dataBreakpointInfo');
      if (frameId !== undefined) debuggee.frame(frameId);
      const place = asAddress === true ? addressed(name) : variablesReference === undefined ? named(name, debuggee) : row(name, variablesReference, debuggee);
      if (place === undefined) return { dataId: null, description: `${name} is not in memory, and holds no address` };
      const size = bytes ?? place.size;
      const { machine } = debuggee;
      if (machine.memory.read(place.address, 1).length === 0) return { dataId: null, description: `nothing is mapped at ${machine.describe(place.address)}` };
      return { dataId: `${hex(place.address)}/${String(size)}`, description: areaText(place.address, size, machine), accessTypes: ['write', 'read', 'readWrite'] };
    },
  }),
  defineRequest({
    command: 'setDataBreakpoints',
    arguments: z.object({
      breakpoints: z.array(z.object({ dataId: z.string(), accessType: z.optional(z.enum(['write', 'read', 'readWrite'])), ...breakpointOptions })).check(z.maxLength(BREAKPOINT_LIMIT)),
    }),
    handle: (adapter, { breakpoints }) => setBreakpoints(adapter, 'data', breakpoints.map((one) => ({
      kind: 'data', area: areaOf(one.dataId, ACCESS_TYPES[one.accessType ?? 'write']), ...chosen(one),
    }))),
  }),
];

interface Place {
  readonly address: bigint;
  readonly size: number;
}

function addressed(name: string): Place {
  const address = parseAddress(name);
  if (address === undefined) throw errors.badMemoryReference(name);
  return { address, size: DEFAULT_SIZE };
}

/** Of an expression: the memory it stands for, `byte [dst+3]`, or that it points at. */
function named(name: string, { machine }: Debuggee): Place | undefined {
  const { value, bits, address } = asked(() => evaluate(name, machine));
  if (address !== undefined) return { address, size: address === value ? DEFAULT_SIZE : bits / 8 };
  return bits === 64 ? { address: value, size: DEFAULT_SIZE } : undefined;
}

/** Of a row of a scope: what the client would show in its memory view. */
function row(name: string, reference: number, debuggee: Debuggee): Place | undefined {
  const found = container(debuggee, reference).rows().find((one) => one.name === name);
  if (found === undefined) throw errors.unknownVariable(name);
  return found.memory === undefined ? undefined : { address: found.memory, size: DEFAULT_SIZE };
}

function areaText(address: bigint, size: number, machine: Machine): string {
  return `${String(size)} ${size === 1 ? 'byte' : 'bytes'} at ${machine.describe(address)}`;
}

function areaOf(dataId: string, kind: WatchArea['kind']): WatchArea {
  const match = DATA_ID.exec(dataId);
  const size = Number(match?.[2]);
  if (match === null || size < 1 || size > LARGEST) throw errors.badDataId(dataId);
  return { address: BigInt.asUintN(64, BigInt(match[1]!)), size, kind };
}
