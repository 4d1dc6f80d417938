/**
 * evaluate, completions: expressions, and the commands of the debug console.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as z from 'zod/mini';
import type { Debuggee } from '../debuggee.ts';
import { runCommand } from '../console-commands.ts';
import { asked } from '../expressions/asked.ts';
import { evaluate } from '../expressions/evaluate.ts';
import { REGISTER_NAMES } from '../expressions/registers.ts';
import { valueText } from '../format.ts';
import { defineRequest, wholeNumber } from '../request.ts';
import { memoryReference, stateChanged } from './variables.ts';

export const evaluateRequests = [
  defineRequest({
    command: 'evaluate',
    capabilities: { supportsEvaluateForHovers: true },
    arguments: z.object({ expression: z.string(), context: z.optional(z.string()), frameId: z.optional(wholeNumber) }),
    handle: (adapter, { expression, context, frameId }) => {
      const debuggee = adapter.stopped('evaluate');
      if (frameId !== undefined) debuggee.frame(frameId);
      const repl = context === 'repl';
      const answer = repl ? asked(() => runCommand(expression, debuggee.machine)) : undefined;
      if (answer !== undefined) {
        if (answer.changed) stateChanged(adapter, debuggee);
        return { result: answer.text, variablesReference: 0 };
      }
      const { machine } = debuggee;
      const value = asked(() => evaluate(expression, machine, repl));
      if (repl && /[^=!<>]=[^=]/.test(expression)) stateChanged(adapter, debuggee);
      return { result: valueText(machine, value), variablesReference: 0, ...memoryReference(adapter, value.address ?? (value.bits === 64 ? value.value : undefined)) };
    },
  }),
  defineRequest({
    command: 'completions',
    capabilities: { supportsCompletionsRequest: true },
    arguments: z.object({ text: z.string(), column: wholeNumber, line: z.optional(wholeNumber) }),
    handle: (adapter, { text, column, line }) => {
      const base = adapter.client.columnsStartAt1 ? 1 : 0;
      const before = (text.split('\n')[line === undefined ? 0 : adapter.lineFromClient(line) - 1] ?? '').slice(0, Math.max(0, column - base));
      const prefix = /[\w.$]*$/.exec(before)![0];
      // What is not said to be overwritten stays, in front of the completion.
      const overwritten = { start: before.length - prefix.length + base, length: prefix.length };
      return { targets: completions(adapter.debuggee('completions'), prefix).map((item) => ({ ...item, ...overwritten })) };
    },
  }),
];

const COMPLETION_LIMIT = 200;

function completions({ machine }: Debuggee, prefix: string): DebugProtocol.CompletionItem[] {
  const { scenario, image } = machine;
  const items: readonly DebugProtocol.CompletionItem[] = [
    ...['poison', 'unpoison', 'help'].map((label) => ({ label, type: 'keyword' as const })),
    ...REGISTER_NAMES.map((label) => ({ label, type: 'variable' as const })),
    ...scenario.buffers.map(({ name }) => ({ label: name, type: 'value' as const })),
    ...image.symbols.map(({ name }) => ({ label: name, type: 'function' as const })),
  ];
  return items.filter(({ label }) => label.startsWith(prefix)).slice(0, COMPLETION_LIMIT);
}
