/**
 * Which scopes a frame has, in the order they are shown.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee, Frame } from '../debuggee.ts';
import { hex, pointerText } from '../format.ts';
import { fixedRows } from './container.ts';
import type { Container } from './container.ts';
import { changeRows, phaseOf, phaseRows, PHASE_TITLES } from './phases.ts';
import { flags, generalRegisters, systemRegisters, vectorRegisters } from './registers.ts';

interface ScopeDefinition {
  readonly name: string;
  readonly container: Container;
  readonly hint?: string;
  readonly expensive?: boolean;
}

/** The frame's scopes, with references that last until the program runs on. */
export function scopesOf(debuggee: Debuggee, frame: Frame): DebugProtocol.Scope[] {
  return definitions(debuggee, frame).map(({ name, container, hint, expensive }) => ({
    name,
    variablesReference: debuggee.references.add(container),
    expensive: expensive ?? false,
    ...(hint === undefined ? {} : { presentationHint: hint }),
  }));
}

function definitions(debuggee: Debuggee, frame: Frame): readonly ScopeDefinition[] {
  if (frame.kind === 'exception') return exceptionScopes(debuggee, frame);
  if (frame.depth > 0) return [{ name: 'Registers', container: callerRegisters(debuggee, frame), hint: 'registers' }];
  const { machine } = debuggee;
  return [
    { name: 'General registers', container: generalRegisters(machine), hint: 'registers' },
    { name: 'Flags', container: flags(machine, () => debuggee.execution.undefinedFlags) },
    ...faultScopes(debuggee),
    { name: 'System registers', container: systemRegisters(machine), expensive: true },
    { name: 'Vector registers', container: vectorRegisters(machine), expensive: true },
  ];
}

/** What the last exception and its fixup left to look at. */
function faultScopes({ lastDelivery, lastFixup, machine }: Debuggee): readonly ScopeDefinition[] {
  const graded = lastDelivery && phaseOf(lastDelivery, 'graded');
  const searched = lastDelivery && phaseOf(lastDelivery, 'searched');
  return [
    ...(graded === undefined ? [] : [{ name: 'Machine check', container: phaseRows(graded, machine) }]),
    ...(searched === undefined ? [] : [{ name: 'Exception entry', container: phaseRows(searched, machine) }]),
    ...(lastFixup === undefined ? [] : [{ name: 'Changed by fixup', container: changeRows(lastFixup.changes, machine) }]),
  ];
}

function exceptionScopes({ machine }: Debuggee, { delivery }: Extract<Frame, { kind: 'exception' }>): readonly ScopeDefinition[] {
  return delivery.phases.map((phase) => ({ name: PHASE_TITLES[phase.phase], container: phaseRows(phase, machine) }));
}

/** Of a caller only the two registers are known that a call leaves behind. */
function callerRegisters({ machine }: Debuggee, frame: Extract<Frame, { kind: 'code' }>): Container {
  return fixedRows([
    { name: 'rip', value: pointerText(machine, frame.ip), memory: frame.ip },
    ...(frame.slot === undefined ? [] : [{ name: 'rsp', value: hex(frame.slot + 8n), memory: frame.slot + 8n }]),
  ]);
}
