/**
 * How a run ended, in a sentence.
 */
import type { Machine, Stop } from '../machine/machine.ts';
import { GENERAL_REGISTERS } from '../machine/cpu/cpu.ts';
import { hex } from './format.ts';

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
}

export function reportEnd(stop: Stop, machine: Machine): EndReport {
  return {
    reason: stop.reason,
    text: endText(stop, machine),
    at: machine.describe(machine.registers.rip),
    registers: Object.fromEntries(GENERAL_REGISTERS.map((name, number) => [name, hex(machine.registers.get(number))])),
    returns: machine.scenario.contract?.returns ?? 'rax',
    exceptions: machine.deliveries.length,
    fixups: machine.fixups.length,
  };
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
