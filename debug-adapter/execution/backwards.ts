/**
 * Steps backwards, in small pieces, so that the adapter always answers.
 */
import { decodeInstruction, MAX_INSTRUCTION_LENGTH } from '../../assembly/x86/decode.ts';
import type { Machine } from '../../machine/machine.ts';
import type { Found, SearchRequest, Timeline } from '../../machine/timeline/timeline.ts';
import { lineKey } from './plan.ts';
import type { Granularity } from './plan.ts';

const RSP = 4;
/** A line is a macro's or a string instruction's at most; a loop on one line is left after so many instructions. */
const MOST_STEPS_OF_A_LINE = 2_000;

/** What a step backwards needs to know of its surroundings. */
export interface BackwardsSurroundings {
  /** What else would have stopped the program on the way, as forwards. */
  readonly stops: SearchRequest;
  /** Breakpoints for the time of a search, besides the user's. */
  readonly setTemporary: (addresses: readonly bigint[]) => void;
}

/** How a step backwards ended: where it was to, or at something that would have stopped the program. */
export type SteppedBack = { readonly reason: 'step' } | Exclude<Found, { readonly reason: 'start' }>;

/**
 * One instruction, or one line with the calls in it, back; a delivery is a step of its own. Yields between stretches of re-execution;
 * given up, it leaves the machine at some earlier moment.
 */
export function* stepBack(timeline: Timeline, granularity: Granularity, surroundings: BackwardsSurroundings): Generator<undefined, SteppedBack> {
  const { machine } = timeline;
  const first = yield* instructionBack(timeline, granularity === 'line', surroundings);
  const line = granularity === 'line' ? lineKey(machine) : undefined;
  if (first !== undefined) return first;
  // A line of many instructions is gone back over as a whole, to its first.
  for (let steps = 0; line !== undefined && machine.delivery === undefined && steps < MOST_STEPS_OF_A_LINE; steps++) {
    const moment = timeline.now;
    if (timeline.atStart) break;
    const found = yield* instructionBack(timeline, true, surroundings);
    if (found !== undefined) return found;
    if (lineKey(machine) === line && machine.delivery === undefined) continue;
    timeline.goTo(moment);
    break;
  }
  return machine.delivery === undefined ? { reason: 'step' } : { reason: 'delivered', delivery: machine.delivery };
}

/** An instruction or a delivery back, over the call that has just returned if `over`. What it met on the way in that call, if anything. */
function* instructionBack(timeline: Timeline, over: boolean, { stops, setTemporary }: BackwardsSurroundings): Generator<undefined, SteppedBack | undefined> {
  const { machine } = timeline;
  const here = machine.registers.rip;
  // The return that ended the run belongs to no call of the program's.
  const ended = machine.ended !== undefined;
  if (!timeline.stepBack() || !over || ended || machine.delivery !== undefined || flowAt(machine, machine.registers.rip) !== 'return') return undefined;
  const calls = callsEndingAt(machine, here);
  if (calls.length === 0) return undefined;
  const returned = timeline.now;
  const stack = BigInt.asUintN(64, machine.registers.get(RSP) + 8n);
  const isCall = (address: bigint): boolean => calls.includes(address) && machine.registers.get(RSP) === stack;
  setTemporary(calls);
  const found = yield* timeline.searchBack({ ...stops, stopsAtBreakpoint: (address) => isCall(address) || stops.stopsAtBreakpoint(address) });
  setTemporary([]);
  if (found.reason === 'start') {
    // The address that was returned to came from elsewhere.
    timeline.goTo(returned);
    return undefined;
  }
  return found.reason === 'breakpoint' && isCall(found.address) ? undefined : found;
}

/** Where calls may stand that return to `address`. */
function callsEndingAt(machine: Machine, address: bigint): bigint[] {
  const calls: bigint[] = [];
  for (let length = 2; length <= MAX_INSTRUCTION_LENGTH; length++) {
    const at = BigInt.asUintN(64, address - BigInt(length));
    const instruction = decodeInstruction(machine.memory.read(at, length), at);
    if (instruction.length === length && (instruction.flow === 'call' || instruction.flow === 'indirect-call')) calls.push(at);
  }
  return calls;
}

function flowAt(machine: Machine, address: bigint): string {
  return decodeInstruction(machine.memory.read(address, MAX_INSTRUCTION_LENGTH), address).flow;
}
