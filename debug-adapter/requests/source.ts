/**
 * source: texts that are on no disk.
 */
import * as z from 'zod/mini';
import { defineRequest, wholeNumber } from '../request.ts';

export const sourceRequests = [
  defineRequest({
    command: 'source',
    arguments: z.object({ sourceReference: z.optional(wholeNumber), source: z.optional(z.object({ sourceReference: z.optional(wholeNumber) })) }),
    handle: (adapter, { sourceReference, source }) => {
      const reference = source?.sourceReference ?? sourceReference ?? 0;
      return { content: adapter.debuggee('source').sources.text(reference), mimeType: 'text/x-gas' };
    },
  }),
];
