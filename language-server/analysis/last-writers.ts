/**
 * Which instructions may have written a register last, on the ways that lead to a place of a routine, faults included.
 */
import { handlerType } from '../../fault-model/handler-types.ts';
import type { Analysis, EntrySite, InstructionSite, Routine } from './analysis.ts';
import { Code, nodeKey } from './flow/code.ts';
import type { Node } from './flow/code.ts';
import { codeMap } from './flow/code-map.ts';
import { pushTo } from './multimap.ts';

export interface Writers {
  readonly instructions: readonly InstructionSite[];
  /** Handlers that write the register on the way of a fault. */
  readonly entries: readonly EntrySite[];
  /** On some way nothing in the routine has written it: it is the caller's. */
  readonly caller: boolean;
}

interface Way {
  readonly from: Node;
  readonly site: InstructionSite;
  readonly entry?: EntrySite;
}

/** The ways that lead to each place that a routine's start leads to. */
interface Ways {
  readonly code: Code;
  readonly to: ReadonlyMap<string, readonly Way[]>;
}

/** Places visited at most. */
const MOST_VISITS = 5000;
const CALLED: readonly string[] = ['rax', 'rcx', 'rdx', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11'];

/** The last writers of `register` (its full name) in front of `site`; undefined where control cannot be followed. */
export function lastWriters(site: InstructionSite, register: string, analysis: Analysis): Writers | undefined {
  const { routine } = site;
  if (routine === undefined) return undefined;
  const ways = waysOf(routine, analysis);
  const start = ways?.code.nodeOf(site);
  if (ways === undefined || start === undefined) return undefined;
  const instructions = new Set<InstructionSite>();
  const entries = new Set<EntrySite>();
  let caller = false;
  const seen = new Set<string>();
  const queue = [start];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (seen.size > MOST_VISITS) return undefined;
    if (at.piece === 0 && at.offset === 0) caller = true;
    for (const { from, site: origin, entry } of ways.to.get(nodeKey(at)) ?? []) {
      const key = `${nodeKey(from)} ${entry === undefined ? '' : String(entry.type)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      // A fault leaves the instruction undone, and the handler may write.
      if (entry === undefined ? writes(origin, register) : handlerWrites(entry, register)) {
        if (entry === undefined) instructions.add(origin);
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

const known = new WeakMap<Analysis, Map<Routine, Ways | undefined>>();

/** Undefined if they cannot be told, or are too many. */
function waysOf(routine: Routine, analysis: Analysis): Ways | undefined {
  let routines = known.get(analysis);
  if (routines === undefined) known.set(analysis, routines = new Map());
  if (!routines.has(routine)) routines.set(routine, follow(routine, analysis));
  return routines.get(routine);
}

function follow(routine: Routine, analysis: Analysis): Ways | undefined {
  const map = codeMap(analysis);
  const first = map.pieceAt({ section: routine.section, offset: routine.start });
  if (map.unreadable || first === undefined) return undefined;
  const code = new Code(map, { routine, start: first, own: map.piecesOf(routine) });
  const to = new Map<string, Way[]>();
  const seen = new Set<string>();
  const queue = [...code.starts];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const key = nodeKey(at);
    if (seen.has(key)) continue;
    seen.add(key);
    if (seen.size > MOST_VISITS) return undefined;
    const place = code.placeOf(at);
    const site = place === undefined ? undefined : analysis.instructionAt(place);
    if (site === undefined) continue;
    const reach = (from: Node, next: Node, entry?: EntrySite): void => {
      pushTo(to, nodeKey(next), { from, site, ...(entry === undefined ? {} : { entry }) });
      queue.push(next);
    };
    for (const next of code.step(at)?.next ?? []) reach(at, next);
    for (const { index, landings } of code.entriesAt(at)) for (const landing of landings) reach(at, landing, site.entries[index]);
  }
  return { code, to };
}
