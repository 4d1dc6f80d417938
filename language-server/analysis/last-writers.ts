/**
 * Which instructions may have written a register last, on the ways that lead to a place of a routine, faults included.
 */
import { handlerType } from '../../fault-model/handler-types.ts';
import { placeKey } from './analysis.ts';
import type { Analysis, EntrySite, InstructionSite } from './analysis.ts';
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
  const before = waysInto(site, analysis);
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

/** Of the routine and the sections it lands in: the ways that lead to each place. */
function waysInto({ routine }: InstructionSite, analysis: Analysis): ReadonlyMap<string, readonly Way[]> | undefined {
  const { code } = fileFlow(analysis);
  if (code.unreadable) return undefined;
  const ways = new Map<string, Way[]>();
  for (const from of analysis.instructions) {
    if (from.section !== routine!.section && !code.isCode(from.section)) continue;
    for (const next of code.step(from)?.next ?? []) pushTo(ways, placeKey(next), { from });
    for (const entry of from.entries) if (entry.fixup !== undefined && !entry.isDescriptor) pushTo(ways, placeKey(entry.fixup), { from, entry });
  }
  return ways;
}
