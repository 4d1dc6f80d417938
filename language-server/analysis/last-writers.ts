/**
 * Which instructions may have written a register last, on the ways that lead to a place of a routine, faults included.
 */
import { handlerType } from '../../fault-model/handler-types.ts';
import { placeKey } from './analysis.ts';
import type { Analysis, EntrySite, InstructionSite, ObjectPlace, Routine } from './analysis.ts';
import { fileFlow } from './flow/routine-flow.ts';
import { pushTo } from './multimap.ts';

export interface Writers {
  readonly instructions: readonly InstructionSite[];
  /** Handlers that write the register on the way of a fault. */
  readonly entries: readonly EntrySite[];
  /** On some way nothing in the routine has written it: it is the caller's. */
  readonly caller: boolean;
}

interface Way {
  readonly from: InstructionSite;
  readonly entry?: EntrySite;
}

/** Places visited at most. */
const MOST_VISITS = 5000;
const CALLED: readonly string[] = ['rax', 'rcx', 'rdx', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11'];

/** The last writers of `register` (its full name) in front of `site`; undefined where control cannot be followed. */
export function lastWriters(site: InstructionSite, register: string, analysis: Analysis): Writers | undefined {
  const { routine } = site;
  if (routine === undefined) return undefined;
  const before = waysOf(routine, analysis);
  if (before === undefined) return undefined;
  const instructions = new Set<InstructionSite>();
  const entries = new Set<EntrySite>();
  let caller = false;
  const seen = new Set<string>();
  const queue = [site];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (seen.size > MOST_VISITS) return undefined;
    const ways = before.get(placeKey(at)) ?? [];
    if (at.offset === routine.start && at.section === routine.section) caller = true;
    for (const { from, entry } of ways) {
      const key = `${placeKey(from)} ${entry === undefined ? '' : String(entry.type)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      // A fault leaves the instruction undone, and the handler may write.
      if (entry === undefined ? writes(from, register) : handlerWrites(entry, register)) {
        if (entry === undefined) instructions.add(from);
        else entries.add(entry);
      } else queue.push(from);
    }
  }
  return { instructions: [...instructions].sort((a, b) => a.offset - b.offset), entries: [...entries], caller };
}

function writes({ instruction }: InstructionSite, register: string): boolean {
  return instruction.registersWritten.includes(register) || (instruction.flow.includes('call') && CALLED.includes(register));
}

const NUMBERED = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];

function handlerWrites(entry: EntrySite, register: string): boolean {
  const short = register.replace(/^r(?=[a-z])/, '');
  return handlerType(entry.type)?.writes.some((written) => (written === 'reg' ? NUMBERED[entry.register] === register : written === short || written === register)) === true;
}

const known = new WeakMap<Analysis, Map<Routine, ReadonlyMap<string, readonly Way[]> | undefined>>();

/** The ways that lead to each place that the routine's start leads to; undefined if that cannot be told, or is too much. */
function waysOf(routine: Routine, analysis: Analysis): ReadonlyMap<string, readonly Way[]> | undefined {
  let routines = known.get(analysis);
  if (routines === undefined) known.set(analysis, routines = new Map());
  if (!routines.has(routine)) routines.set(routine, follow(routine, analysis));
  return routines.get(routine);
}

function follow(routine: Routine, analysis: Analysis): ReadonlyMap<string, readonly Way[]> | undefined {
  const { code } = fileFlow(analysis);
  if (code.unreadable) return undefined;
  const ways = new Map<string, Way[]>();
  const seen = new Set<string>();
  const queue: ObjectPlace[] = [{ section: routine.section, offset: routine.start }];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const key = placeKey(at);
    if (seen.has(key)) continue;
    seen.add(key);
    if (seen.size > MOST_VISITS) return undefined;
    const from = analysis.instructionAt(at);
    if (from === undefined) continue;
    const reach = (to: ObjectPlace, entry?: EntrySite): void => {
      pushTo(ways, placeKey(to), { from, ...(entry === undefined ? {} : { entry }) });
      queue.push(to);
    };
    for (const next of code.step(from)?.next ?? []) reach(next);
    for (const entry of from.entries) if (entry.fixup !== undefined && !entry.isDescriptor) reach(entry.fixup, entry);
  }
  return ways;
}
