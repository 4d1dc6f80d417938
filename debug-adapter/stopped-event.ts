/**
 * `stopped`: why, in the protocol's words and in ours.
 */
import { StoppedEvent } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { decodeInstruction, MAX_INSTRUCTION_LENGTH } from '../assembly/x86/decode.ts';
import type { Machine } from '../machine/machine.ts';
import type { WatchedAccess } from '../machine/memory/memory.ts';
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

const DONE: Readonly<Record<WatchedAccess['kind'], string>> = { 'read': 'read', 'write': 'written', 'read-write': 'read and written' };

/** `8 bytes at dst+0x10 written by mov %r8,(%rdi) at copy_mc+0x11`. */
function accessText({ access: { address, size, kind }, ip }: Extract<StopCause, { kind: 'watch' }>, machine: Machine): string {
  const { text } = decodeInstruction(machine.memory.read(ip, MAX_INSTRUCTION_LENGTH), ip);
  return `${String(size)} ${size === 1 ? 'byte' : 'bytes'} at ${machine.describe(address)} ${DONE[kind]} by ${text} at ${machine.describe(ip)}`;
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
    case 'watch':
      return { reason: 'data breakpoint', description: 'Paused on data breakpoint', text: accessText(cause, machine), hitBreakpointIds: cause.breakpoints };
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
