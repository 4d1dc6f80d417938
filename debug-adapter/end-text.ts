/**
 * How a run ended, in a sentence.
 */
import { DEFAULT_KERNEL_GENERATION, kernelGeneration } from '../fault-model/kernel-generation.ts';
import { severityCounts } from '../fault-model/severity-counts.ts';
import type { SeverityRowCount } from '../fault-model/severity-counts.ts';
import type { Machine, Stop } from '../machine/machine.ts';
import { GENERAL_REGISTERS } from '../machine/cpu/cpu.ts';
import { hex, placeText } from './format.ts';

const RAX = 0;

export function endText(stop: Stop, machine: Machine): string {
  const at = machine.describe(machine.registers.rip);
  switch (stop.reason) {
    case 'died': {
      const last = stop.delivery.phases.at(-1);
      return last?.phase === 'died' ? `${last.death.kind}: ${last.death.reason}` : `${stop.delivery.exception.summary}: nobody took it`;
    }
    case 'no-progress':
      return `no progress: ${stop.delivery.exception.mnemonic} at ${machine.describe(stop.delivery.exception.ip)} is handled again and again with the same registers`;
    case 'stray-store': {
      const { delivery, field, how } = stop.store;
      const where = machine.image.lineAt(stop.store.at);
      const by = where === undefined ? machine.describe(stop.store.at) : `${machine.describe(stop.store.at)} (${placeText(where)!})`;
      const frame = `${field} in the live pt_regs of ${delivery.exception.mnemonic} at ${machine.describe(delivery.exception.ip)}`;
      return `stray store: the handler at ${by} stored into ${frame} other than through its regs: ${how === 'outer' ? 'that is the frame of a fault outside of the one it handles' : 'it ran over its own stack'}`;
    }
    case 'external':
      return `${stop.name} was called, which the program does not define and which has no stub; give it one under "stubs"`;
    case 'unsupported':
      return `the emulator does not model "${stop.text}" (bytes ${[...stop.bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}) at ${at}`;
    case 'halted':
      return `halted at ${at}`;
    case 'budget':
      return `given up at ${at} after ${stop.instructions.toString()} instructions; raise "budget" if that is too soon`;
    case 'returned':
      return returnText(machine);
    default:
      return stop.reason;
  }
}

/** The body of the custom event `mcsafe/ended`, sent once before `exited`. */
export interface EndReport {
  /** `returned`, `died`, `budget` …: the machine's reasons. */
  readonly reason: string;
  readonly text: string;
  /** Where execution stands. */
  readonly at: string;
  /** All general registers as hex strings. */
  readonly registers: Readonly<Record<string, string>>;
  /** The register the routine's contract returns its result in. */
  readonly returns: string;
  readonly exceptions: number;
  readonly fixups: number;
  /** How often each row of the severity table graded a machine check of the run; absent if there was none. */
  readonly severityRows?: readonly SeverityRowCount[];
}

export function reportEnd(stop: Stop, machine: Machine): EndReport {
  const severityRows = severityRowsOf(machine);
  return {
    reason: stop.reason,
    text: endText(stop, machine),
    at: machine.describe(machine.registers.rip),
    registers: Object.fromEntries(GENERAL_REGISTERS.map((name, number) => [name, hex(machine.registers.get(number))])),
    returns: machine.scenario.contract?.returns ?? 'rax',
    exceptions: machine.deliveries.length,
    fixups: machine.fixups.length,
    ...(severityRows === undefined ? {} : { severityRows }),
  };
}

/** The severity rows of the machine's kernel and CPU with their counts so far; undefined before the first machine check. */
export function severityRowsOf({ deliveries, scenario }: Machine): readonly SeverityRowCount[] | undefined {
  const grades = deliveries.flatMap(({ phases }) => phases.flatMap((phase) => (phase.phase === 'graded' ? [phase.grade] : [])));
  return grades.length === 0 ? undefined : severityCounts(grades, scenario.cpu.vendor, kernelGeneration(scenario.kernelGeneration) ?? DEFAULT_KERNEL_GENERATION);
}

/** `row 17 AR: 2 hits (Action required: …)`. */
export function severityRowText({ row, severity, message, hits, passedOver }: SeverityRowCount): string {
  const count = (n: number, what: string): string => `${String(n)} ${what}${n === 1 ? '' : 's'}`;
  return `${row === 0 ? '' : `row ${String(row)} `}${severity}: ${count(hits, 'hit')}${passedOver === 0 ? '' : `, passed over ${count(passedOver, 'time')}`} (${message})`;
}

/** What the routine gave back, in the register its contract names and in those people look at. */
export function returnText(machine: Machine): string {
  const { contract, entry } = machine.scenario;
  const rax = machine.registers.get(RAX);
  const parts = [`rax = ${decimal(rax)}`];
  const { returns } = contract ?? {};
  if (returns !== undefined && returns !== 'rax') {
    parts.push(`${returns} = ${decimal(machine.registers.get(GENERAL_REGISTERS.indexOf(returns)))}`);
  }
  return `${entry.name} returned ${parts.join(', ')}`;
}

/** Small values in decimal, others in hex. */
function decimal(value: bigint): string {
  const signed = BigInt.asIntN(64, value);
  return signed >= -999_999n && signed <= 999_999n ? signed.toString() : hex(value);
}
