/**
 * The phases of a delivery as rows: what the CPU raised, how it was graded, which entry was found, what the handler did, where it went on.
 */
import type { Delivery, DeliveryPhase, EntryMatch, RegisterChange } from '../../machine/kernel/delivery.ts';
import { handlerType, registersWritten } from '../../fault-model/handler-types.ts';
import { mcgStatusText, statusText } from '../../fault-model/machine-check.ts';
import { pageFaultText } from '../../fault-model/vectors.ts';
import { VECTOR } from '../../machine/cpu/cpu.ts';
import type { Machine } from '../../machine/machine.ts';
import { severityRowsOf } from '../end-text.ts';
import { hex, placeText, pointerText } from '../format.ts';
import type { Container, Row } from './container.ts';
import { fixedRows } from './container.ts';

type Phase<Name extends DeliveryPhase['phase']> = Extract<DeliveryPhase, { phase: Name }>;

/** The phase called `name`, if the delivery has come that far. */
export function phaseOf<Name extends DeliveryPhase['phase']>(delivery: Delivery, name: Name): Phase<Name> | undefined {
  return delivery.phases.find((phase): phase is Phase<Name> => phase.phase === name);
}

/** The name of a phase for people. */
export const PHASE_TITLES: Readonly<Record<DeliveryPhase['phase'], string>> = {
  raised: 'Raised', graded: 'Graded', searched: 'Exception table searched', entered: 'Handler entered', handled: 'Handled', resumed: 'Resumed', died: 'Not survived',
};

/** One phase in a line. */
export function phaseSummary(phase: DeliveryPhase, machine: Machine): string {
  switch (phase.phase) {
    case 'raised':
      return `${phase.exception.mnemonic} ${phase.exception.summary}`;
    case 'graded': {
      const { grade, context } = phase;
      const row = grade.row === 0 ? '' : `row ${String(grade.row)} `;
      return `severity ${grade.severity}: ${row}"${grade.message}"; context ${context.context} because ${context.because}`;
    }
    case 'searched':
      if (phase.notConsulted !== undefined) return `not consulted: ${phase.notConsulted}`;
      return phase.match === undefined
        ? `none of the ${String(phase.tableSize)} entries is for this ip`
        : `${entryText(phase.match, phase.tableSize)}: ${phase.match.typeName}, ${phase.match.handler === undefined ? 'landing pad ' : ''}${landingPad(phase.match, machine)}`;
    case 'entered':
      return `${phase.handler.name} at depth ${String(phase.depth)}, pt_regs at ${machine.describe(phase.frame)}`;
    case 'handled':
      return phase.accepted ? `${phase.match.typeName}: ${phase.effect}` : `${phase.match.typeName} refused: ${phase.reason ?? 'no reason given'}`;
    case 'resumed':
      return `at ${machine.describe(phase.at)}`;
    case 'died':
      return `${phase.death.kind}: ${phase.death.reason}`;
  }
}

/** All that is known of one phase. */
export function phaseRows(phase: DeliveryPhase, machine: Machine): Container {
  switch (phase.phase) {
    case 'raised':
      return fixedRows(raisedRows(phase, machine));
    case 'graded':
      return fixedRows(gradedRows(phase, machine));
    case 'searched':
      return fixedRows(searchedRows(phase, machine));
    case 'entered':
      return fixedRows([
        { name: 'handler', value: pointerText(machine, phase.handler.address), memory: phase.handler.address },
        { name: 'self', value: pointerText(machine, phase.handler.self), memory: phase.handler.self },
        { name: 'pt_regs', value: pointerText(machine, phase.frame), memory: phase.frame },
        { name: 'depth', value: String(phase.depth) },
      ]);
    case 'handled':
      return fixedRows([
        { name: 'type', value: phase.match.typeName },
        { name: 'accepted', value: phase.accepted ? 'yes' : 'no' },
        { name: 'effect', value: phase.effect },
        ...(phase.reason === undefined ? [] : [{ name: 'reason', value: phase.reason }]),
        ...phase.warnings.map((value) => ({ name: 'kernel log', value })),
      ]);
    case 'resumed':
      return fixedRows([{ name: 'at', value: pointerText(machine, phase.at), memory: phase.at }, { name: 'changed', value: countText(phase.changes.length, 'register'), children: changeRows(phase.changes, machine) }]);
    case 'died':
      return fixedRows([{ name: phase.death.kind, value: phase.death.reason }]);
  }
}

function raisedRows({ exception }: Phase<'raised'>, machine: Machine): readonly Row[] {
  const { errorCode, address, access } = exception;
  return [
    { name: 'vector', value: `${String(exception.vector)} (${exception.mnemonic})` },
    { name: 'what', value: exception.summary },
    { name: 'ip', value: pointerText(machine, exception.ip), memory: exception.ip },
    ...(errorCode === undefined ? [] : [{ name: 'error code', value: `${hex(BigInt(errorCode))}${exception.vector === VECTOR.PF ? ` (${pageFaultText(errorCode)})` : ''}` }]),
    ...(address === undefined ? [] : [{ name: exception.vector === VECTOR.PF ? 'cr2' : 'address', value: pointerText(machine, address), memory: address }]),
    ...(access === undefined ? [] : [{ name: 'access', value: `${access.kind} of ${countText(access.size, 'byte')} at ${machine.describe(access.address)}`, memory: access.address }]),
  ];
}

function gradedRows({ bank, context, grade }: Phase<'graded'>, machine: Machine): readonly Row[] {
  const counted = severityRowsOf(machine)?.find(({ row, message }) => row === grade.row && message === grade.message);
  const passed = grade.passedOver.map(({ row, message, because }): Row => ({ name: row === 0 ? message : `row ${String(row)}`, value: row === 0 ? because : `${message}: ${because}` }));
  return [
    { name: 'severity', value: grade.severity },
    { name: 'row', value: grade.row === 0 ? grade.message : `${String(grade.row)}: ${grade.message}` },
    ...(counted === undefined ? [] : [{ name: 'hits of this row', value: `${String(counted.hits)} in this run` }]),
    { name: 'context', value: `${context.context}: ${context.because}` },
    ...(context.copyin ? [{ name: 'copy-in', value: 'the instruction copies from user memory: the page is taken from the process too' }] : []),
    { name: 'rows passed over', value: String(passed.length), children: fixedRows(passed) },
    { name: 'BANK', value: String(bank.bank) },
    { name: 'STATUS', value: `${hex(bank.status)} (${statusText(bank.status)})` },
    { name: 'ADDR', value: hex(bank.address) },
    { name: 'MISC', value: hex(bank.misc) },
    { name: 'MCGSTATUS', value: `${hex(bank.mcgStatus)} (${mcgStatusText(bank.mcgStatus)})` },
  ];
}

function searchedRows(phase: Phase<'searched'>, machine: Machine): readonly Row[] {
  const { match } = phase;
  if (match === undefined) return [phase.notConsulted === undefined ? { name: 'entry', value: `none of ${String(phase.tableSize)} is for this ip` } : { name: 'not consulted', value: phase.notConsulted }];
  const { entry } = match;
  const handler = handlerType(entry.type);
  const made = placeText(entry.position);
  return [
    match.range === undefined ? { name: 'entry', value: `${String(entry.index)} of ${String(phase.tableSize)}` } : { name: 'range', value: rangeText(match.range, machine) },
    { name: 'type', value: match.typeName },
    ...(handler === undefined ? [] : [{ name: 'handler', value: handler.summary }, { name: 'writes', value: ['rip', ...registersWritten(entry)].join(', ') }]),
    { name: 'instruction', value: pointerText(machine, match.insn), memory: match.insn },
    { name: match.handler === undefined ? 'landing pad' : 'goes to', value: landingPad(match, machine), memory: match.fixup },
    // Eight-byte entries and ranges have no third word.
    ...(match.range !== undefined ? [] : [entry.class === undefined ? { name: 'data word', value: hex(BigInt(entry.data >>> 0)) } : { name: 'class', value: entry.class }]),
    ...(made === undefined ? [] : [{ name: 'written at', value: made }]),
  ];
}

/** `entry 3 of 7`, or `range 1`. */
export function entryText({ entry, range }: EntryMatch, tableSize: number): string {
  return range === undefined ? `entry ${String(entry.index)} of ${String(tableSize)}` : `range ${String(range.index)}`;
}

function rangeText({ index, start, length }: NonNullable<EntryMatch['range']>, machine: Machine): string {
  return `${String(index)}: ${String(length)} bytes from ${machine.describe(start)}`;
}

/** `.Lfaulted (copy_mc+0x3d) at copy_mc.S:48`: the label people wrote, where it is, and its line; of a handler its name and line. */
export function landingPad(match: EntryMatch, machine: Machine): string {
  const { handler } = match;
  if (handler !== undefined) {
    const written = placeText(machine.image.lineAt(handler.address));
    return `handler ${handler.name}${written === undefined ? '' : ` at ${written}`}`;
  }
  const label = machine.image.labels.find(({ address }) => address === match.fixup)?.name;
  const name = machine.describe(match.fixup);
  const place = placeText(machine.image.lineAt(match.fixup));
  return `${label === undefined ? name : `${label} (${name})`}${place === undefined ? '' : ` at ${place}`}`;
}

/** Changed registers: old, new and who changed it. */
export function changeRows(changes: readonly RegisterChange[], machine: Machine): Container {
  return fixedRows(changes.map((change) => ({
    name: change.register,
    value: `${pointerText(machine, change.old)} → ${pointerText(machine, change.new)} (${change.changedBy})`,
    type: change.changedBy,
    children: fixedRows([
      { name: 'old', value: pointerText(machine, change.old) },
      { name: 'new', value: pointerText(machine, change.new) },
      { name: 'changed by', value: change.changedBy },
    ]),
  })));
}

export function countText(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}
