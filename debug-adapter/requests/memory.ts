/**
 * readMemory, writeMemory: the debugger's view, which never consumes poison.
 */
import { MemoryEvent } from '@vscode/debugadapter';
import * as z from 'zod/mini';
import { fromBase64, toBase64 } from '../base64.ts';
import { errors } from '../errors.ts';
import { hex, parseAddress } from '../format.ts';
import { PAGE_SIZE } from '../../machine/memory/memory.ts';
import type { PagedMemory } from '../../machine/memory/memory.ts';
import { defineRequest, wholeNumber } from '../request.ts';
import { stateChanged } from './variables.ts';

/** Bytes of one request. */
const LIMIT = 16 << 20;

export const memoryRequests = [
  defineRequest({
    command: 'readMemory',
    capabilities: { supportsReadMemoryRequest: true },
    arguments: z.object({ memoryReference: z.string(), offset: z.optional(wholeNumber), count: wholeNumber.check(z.minimum(0)) }),
    handle: (adapter, { memoryReference, offset = 0, count }) => {
      const { memory } = adapter.stopped('readMemory').machine;
      if (count > LIMIT) throw errors.tooMuchMemory(count, LIMIT);
      const address = addressOf(memoryReference, offset);
      const bytes = memory.read(address, count);
      const unreadable = bytes.length === count ? 0 : unmappedFrom(memory, address + BigInt(bytes.length), count - bytes.length);
      return { address: hex(address), data: toBase64(bytes), ...(unreadable > 0 ? { unreadableBytes: unreadable } : {}) };
    },
  }),
  defineRequest({
    command: 'writeMemory',
    capabilities: { supportsWriteMemoryRequest: true },
    arguments: z.object({ memoryReference: z.string(), offset: z.optional(wholeNumber), data: z.string(), allowPartial: z.optional(z.boolean()) }),
    handle: (adapter, { memoryReference, offset = 0, data, allowPartial = false }) => {
      const debuggee = adapter.stopped('writeMemory');
      const { memory } = debuggee.machine;
      const bytes = fromBase64(data);
      if (bytes === undefined) throw errors.badBase64();
      if (bytes.length > LIMIT) throw errors.tooMuchMemory(bytes.length, LIMIT);
      const address = addressOf(memoryReference, offset);
      const mapped = memory.read(address, bytes.length).length;
      if (mapped < bytes.length && !allowPartial) throw errors.notMapped(hex(address + BigInt(mapped)));
      const bytesWritten = memory.write(address, bytes.subarray(0, mapped));
      stateChanged(adapter, debuggee);
      if (adapter.client.supportsMemoryEvent) adapter.defer(() => { adapter.send(new MemoryEvent(memoryReference, offset, bytesWritten)); });
      return { bytesWritten };
    },
  }),
];

export function addressOf(memoryReference: string, offset: number): bigint {
  const base = parseAddress(memoryReference);
  if (base === undefined) throw errors.badMemoryReference(memoryReference);
  return BigInt.asUintN(64, base + BigInt(offset));
}

/** How many of the next `count` bytes, from an unmapped one on, are unmapped without a break. */
function unmappedFrom(memory: PagedMemory, address: bigint, count: number): number {
  let length = 0;
  while (length < count && memory.permissions(BigInt.asUintN(64, address + BigInt(length))) === undefined) {
    const inPage = Number((address + BigInt(length)) % BigInt(PAGE_SIZE));
    length += PAGE_SIZE - inPage;
  }
  return Math.min(length, count);
}
