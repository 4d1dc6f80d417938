/**
 * `stopped`: why, in the protocol's words and in ours.
 */
import { StoppedEvent } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Machine } from '../machine/machine.ts';
import { THREAD_ID } from './adapter.ts';
import { GOAL } from './breakpoints/goal.ts';
import { endText } from './end-text.ts';
import type { StopCause } from './execution/execution.ts';

interface Reason {
  readonly reason: string;
  readonly description: string;
  readonly text?: string;
  readonly hitBreakpointIds?: readonly number[];
}

export function stoppedEvent(cause: StopCause, machine: Machine): DebugProtocol.StoppedEvent {
  const { reason, ...rest } = reasonOf(cause, machine);
  const event: DebugProtocol.StoppedEvent = new StoppedEvent(reason, THREAD_ID);
  Object.assign(event.body, { ...rest, allThreadsStopped: true });
  return event;
}

function reasonOf(cause: StopCause, machine: Machine): Reason {
  switch (cause.kind) {
    case 'entry':
      return { reason: 'entry', description: 'At the start of the run' };
    case 'step':
      return { reason: 'step', description: 'Paused on step' };
    case 'pause':
      return { reason: 'pause', description: 'Paused' };
    case 'breakpoint':
      return { reason: 'breakpoint', description: cause.breakpoints.includes(GOAL) ? 'Paused where the configuration says' : 'Paused on breakpoint', hitBreakpointIds: cause.breakpoints.filter((id) => id !== GOAL) };
    case 'delivered':
      return { reason: 'exception', description: `${cause.delivery.exception.mnemonic} delivered`, text: cause.delivery.exception.summary };
    case 'fixup': {
      const { exception } = cause.fixup.delivery;
      return { reason: cause.stepped ? 'step' : 'exception', description: 'Fixup executed', text: `${exception.mnemonic} at ${machine.describe(exception.ip)}: now at ${machine.describe(cause.fixup.to)}` };
    }
    case 'ended':
      return { reason: 'exception', description: cause.stop.reason === 'died' ? 'Unhandled exception' : 'Run ended', text: endText(cause.stop, machine) };
  }
}
