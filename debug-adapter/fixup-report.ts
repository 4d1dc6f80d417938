/**
 * A fixup as data for a view (the body of the custom event `mcsafe/fixup`) and as a line for the console.
 * 64-bit values are hex strings, since JSON numbers cannot hold them.
 */
import { handlerType } from '../fault-model/handler-types.ts';
import { writtenPosition } from '../assembly/source.ts';
import { GENERAL_REGISTERS } from '../machine/cpu/cpu.ts';
import type { FixupRecord, Machine } from '../machine/machine.ts';
import { hex } from './format.ts';
import { entryText, landingPad, phaseOf, phaseSummary } from './scopes/phases.ts';

export interface ReportedPlace {
  readonly address: string;
  /** `copy_mc+0x10` */
  readonly name: string;
  readonly path?: string;
  /** 1-based. */
  readonly line?: number;
}

export interface ReportedChange {
  readonly register: string;
  readonly old: string;
  readonly new: string;
  readonly changedBy: string;
}

export interface FixupReport {
  /** 1 for the first exception of the run. */
  readonly sequence: number;
  readonly vector: number;
  /** `#MC` */
  readonly mnemonic: string;
  readonly summary: string;
  readonly from: ReportedPlace;
  readonly to: ReportedPlace;
  /** The landing pad as the source calls it. */
  readonly landingPad: string;
  readonly entry: {
    /** `entry 3 of 7`, or `range 1` for the handler of a range. */
    readonly text: string;
    readonly index: number;
    readonly tableSize: number;
    readonly insn: string;
    readonly fixup: string;
    readonly type: number;
    readonly typeName: string;
    /** What the handler type does, in a sentence. */
    readonly handler?: string;
    readonly effect: string;
  };
  /** Machine checks only. */
  readonly severity?: {
    readonly severity: string;
    readonly row: number;
    readonly message: string;
    readonly context: string;
    readonly because: string;
    readonly passedOver: readonly { readonly row: number; readonly message: string; readonly because: string }[];
  };
  /** What happened on the way, a sentence for each phase: handlers that refused are among them. */
  readonly phases: readonly { readonly phase: string; readonly summary: string }[];
  readonly changes: readonly ReportedChange[];
  /** All general registers, rip and rflags in fixed order; `changedBy` where the fixup changed one. */
  readonly registers: readonly { readonly register: string; readonly old: string; readonly new: string; readonly changedBy?: string }[];
  /** Exceptions before this one, and instructions since: where in the run it was. */
  readonly position: { readonly exceptions: number; readonly instructions: string };
}

/** The report of `fixup`; `machine` stands at the landing pad. */
export function reportFixup(fixup: FixupRecord, machine: Machine): FixupReport {
  const { delivery } = fixup;
  const { exception } = delivery;
  const graded = phaseOf(delivery, 'graded');
  const searched = phaseOf(delivery, 'searched');
  // Handlers that refused come before the one that took it.
  const handled = delivery.phases.findLast((phase) => phase.phase === 'handled')!;
  const { match } = handled;
  const handler = handlerType(match.entry.type)?.summary;
  return {
    sequence: delivery.sequence,
    vector: exception.vector,
    mnemonic: exception.mnemonic,
    summary: exception.summary,
    from: place(fixup.from, machine),
    to: place(fixup.to, machine),
    landingPad: match.handler === undefined ? landingPad(match, machine) : `${machine.describe(fixup.to)} by ${landingPad(match, machine)}`,
    entry: {
      text: entryText(match, searched?.tableSize ?? 0), index: match.entry.index, tableSize: searched?.tableSize ?? 0, insn: hex(match.insn), fixup: hex(match.fixup),
      type: match.entry.type, typeName: match.typeName, effect: handled.effect,
      ...(handler === undefined ? {} : { handler }),
    },
    ...(graded === undefined ? {} : {
      severity: {
        severity: graded.grade.severity, row: graded.grade.row, message: graded.grade.message,
        context: graded.context.context, because: graded.context.because, passedOver: graded.grade.passedOver,
      },
    }),
    phases: delivery.phases.map((phase) => ({ phase: phase.phase, summary: phaseSummary(phase, machine) })),
    changes: fixup.changes.map((change) => ({ register: change.register, old: hex(change.old), new: hex(change.new), changedBy: change.changedBy })),
    registers: allRegisters(fixup, machine),
    position: { exceptions: fixup.position.exceptions, instructions: fixup.position.instructions.toString() },
  };
}

/** One line for the console, the same facts in the same order. */
export function fixupLine(report: FixupReport): string {
  const from = report.from.line === undefined ? report.from.name : `${report.from.name} (line ${String(report.from.line)})`;
  const changes = report.changes.map((change) => `${change.register} ${change.old} → ${change.new} by ${change.changedBy}`);
  return `fixup: ${report.mnemonic} at ${from}, ${report.entry.text}, ${report.entry.typeName} → ${report.landingPad}; ${changes.join('; ')}`;
}

function place(address: bigint, machine: Machine): ReportedPlace {
  const position = machine.image.lineAt(address);
  const written = position === undefined ? undefined : writtenPosition(position);
  return { address: hex(address), name: machine.describe(address), ...(written === undefined ? {} : { path: written.file, line: written.line }) };
}

function allRegisters(fixup: FixupRecord, machine: Machine): FixupReport['registers'] {
  const { registers } = machine;
  const now: readonly (readonly [string, bigint])[] = [
    ...GENERAL_REGISTERS.map((name, number) => [name, registers.get(number)] as const),
    ['rip', registers.rip], ['rflags', registers.rflags],
  ];
  return now.map(([register, value]) => {
    const change = fixup.changes.find((one) => one.register === register);
    return change === undefined
      ? { register, old: hex(value), new: hex(value) }
      : { register, old: hex(change.old), new: hex(change.new), changedBy: change.changedBy };
  });
}
