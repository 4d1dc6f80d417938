/**
 * variables, setVariable, setExpression: values of the stopped program.
 */
import { InvalidatedEvent } from '@vscode/debugadapter';
import * as z from 'zod/mini';
import type { Adapter } from '../adapter.ts';
import { THREAD_ID } from '../adapter.ts';
import type { Debuggee } from '../debuggee.ts';
import { errors } from '../errors.ts';
import { assign } from '../expressions/evaluate.ts';
import { hex, valueText } from '../format.ts';
import { defineRequest, wholeNumber } from '../request.ts';
import type { Container } from '../scopes/container.ts';
import { asked } from '../expressions/asked.ts';

export const variableRequests = [
  defineRequest({
    command: 'variables',
    arguments: z.object({ variablesReference: wholeNumber, filter: z.optional(z.enum(['indexed', 'named'])), start: z.optional(wholeNumber), count: z.optional(wholeNumber) }),
    handle: (adapter, { variablesReference, filter, start = 0, count = 0 }) => {
      const debuggee = adapter.stopped('variables');
      const rows = container(debuggee, variablesReference).rows();
      // All rows have names.
      if (filter === 'indexed') return { variables: [] };
      const from = Math.max(0, start);
      const shown = adapter.client.supportsVariablePaging ? rows.slice(from, count > 0 ? from + count : undefined) : rows;
      return { variables: shown.map((row) => debuggee.references.variable(row, adapter.client)) };
    },
  }),
  defineRequest({
    command: 'setVariable',
    capabilities: { supportsSetVariable: true },
    arguments: z.object({ variablesReference: wholeNumber, name: z.string(), value: z.string() }),
    handle: (adapter, { variablesReference, name, value }) => {
      const debuggee = adapter.stopped('setVariable');
      const target = container(debuggee, variablesReference);
      if (target.set === undefined) {
        throw target.rows().some((row) => row.name === name) ? errors.readOnlyVariable(name) : errors.unknownVariable(name);
      }
      const row = asked(() => target.set!(name, value));
      stateChanged(adapter, debuggee);
      const { value: text, type, variablesReference: reference, memoryReference: memory } = debuggee.references.variable(row, adapter.client);
      return { value: text, variablesReference: reference, ...(type === undefined ? {} : { type }), ...(memory === undefined ? {} : { memoryReference: memory }) };
    },
  }),
  defineRequest({
    command: 'setExpression',
    capabilities: { supportsSetExpression: true },
    arguments: z.object({ expression: z.string(), value: z.string(), frameId: z.optional(wholeNumber) }),
    handle: (adapter, { expression, value, frameId }) => {
      const debuggee = adapter.stopped('setExpression');
      if (frameId !== undefined) debuggee.frame(frameId);
      const result = asked(() => assign(expression, value, debuggee.machine));
      stateChanged(adapter, debuggee);
      return { value: valueText(debuggee.machine, result), variablesReference: 0, ...memoryReference(adapter, result.bits === 64 ? result.value : undefined) };
    },
  }),
];

/** Where a value of the answer lies or points to, for a client with a memory view. */
export function memoryReference({ client }: Adapter, address: bigint | undefined): { readonly memoryReference?: string } {
  return address === undefined || !client.supportsMemoryReferences ? {} : { memoryReference: hex(address) };
}

/** What stands behind a reference of this stop. */
export function container(debuggee: Debuggee, reference: number): Container {
  const found = debuggee.references.get(reference);
  if (found === undefined) throw errors.unknownVariables(reference);
  return found;
}

/** Registers, flags and places depend on one another: the client reads them again; and the stack, if execution now stands elsewhere. */
export function stateChanged(adapter: Adapter, debuggee: Debuggee): void {
  debuggee.execution.edited();
  if (!adapter.client.supportsInvalidatedEvent) return;
  const moved = ![...debuggee.frames.values()].some((frame) => frame.kind === 'code' && frame.depth === 0 && frame.ip === debuggee.machine.registers.rip);
  if (moved) debuggee.forget();
  adapter.defer(() => { adapter.send(new InvalidatedEvent([moved ? 'all' : 'variables'], THREAD_ID)); });
}
