/**
 * A session as text that is the same on every run: one line a message, numbers that only count replaced by letters, paths by `<root>`.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';

const COUNTERS: Readonly<Record<string, string>> = { variablesReference: 'v', frameId: 'f', sourceReference: 's', id: 'f', hitBreakpointIds: 'b' };

export function transcript(messages: readonly DebugProtocol.ProtocolMessage[]): string {
  const names = new Map<string, string>();
  const stable = (key: string, value: unknown): unknown => {
    if (typeof value === 'string') return value.replaceAll(process.cwd(), '<root>');
    const letter = COUNTERS[key];
    if (letter === undefined || typeof value !== 'number' || value === 0) return value;
    const known = `${letter}${String(value)}`;
    if (!names.has(known)) names.set(known, `${letter}${String([...names.keys()].filter((name) => name.startsWith(letter)).length + 1)}`);
    return names.get(known);
  };
  return `${messages.map((message) => line(message, (value) => JSON.stringify(value, stable) ?? '')).join('\n')}\n`;
}

function line(message: DebugProtocol.ProtocolMessage, text: (value: unknown) => string): string {
  if (message.type === 'event') {
    const { event, body } = message as DebugProtocol.Event;
    return `* ${event} ${text(body)}`.trimEnd();
  }
  if (message.type === 'request') {
    const request = message as DebugProtocol.Request;
    return `→ ${request.command} ${text(request.arguments)}`.trimEnd();
  }
  const { command, success, body, message: error } = message as DebugProtocol.Response;
  return `← ${command}${success ? '' : ` failed: ${text(error)}`} ${text(body)}`.trimEnd();
}
