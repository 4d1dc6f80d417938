/**
 * Landing pads that count bytes as copied because they were loaded, though they have not been stored: the deferred-store mistake.
 * Two instructions of one straight stretch are compared, of which the second comes `loaded` bytes of loads and `stored` bytes of
 * stores after the first: if its landing pad reports exactly `loaded` bytes fewer left, and fewer were stored, it credits loads.
 */
import type { CodeSite, Entry } from '../analysis/flow/code.ts';
import { nodeKey } from '../analysis/flow/code.ts';
import { landingState, VECTOR_NAME } from '../analysis/flow/faults.ts';
import type { Known } from '../analysis/flow/flow.ts';
import { isStack, storesOf } from '../analysis/flow/routine-flow.ts';
import type { RoutineFlow, Walk } from '../analysis/flow/routine-flow.ts';
import { entryState } from '../analysis/flow/state.ts';
import type { State } from '../analysis/flow/state.ts';
import { distance, exactConstant, exactName } from '../analysis/flow/value.ts';
import type { RoutineCheck, RoutineFinding } from './check.ts';
import { at, lineOf, ofEntry, padName, say, siteName } from './marks.ts';

export const creditedLoad: RoutineCheck = {
  codes: ['credited-load'],
  severity: 'error',
  inRoutine: (routine) => routine.code.ownSites().filter((site) => site.entries.length > 0 && isLoad(site)).flatMap((site) => compare(site, routine)),
};

function isLoad({ instruction }: CodeSite): boolean {
  return instruction.repeat === 'none' && instruction.accesses.some(({ kind, implicit }) => kind === 'read' && !implicit);
}

function compare(first: CodeSite, routine: RoutineFlow): readonly RoutineFinding[] {
  const { code } = routine;
  const found: RoutineFinding[] = [];
  const stretch = routine.walk(first.node, entryState()).places;
  const pad = walkFrom(first, stretch[0], routine);
  if (pad === undefined) return [];
  let loaded = 0n;
  let stored = 0n;
  for (const [index, place] of stretch.entries()) {
    const instruction = code.step(place.node)?.instruction;
    if (instruction === undefined || instruction.repeat !== 'none') break;
    const site = place.node.replacement === undefined ? code.site(place.node) : undefined;
    if (index > 0 && site !== undefined && site.entries.length > 0) {
      const other = walkFrom(site, place, routine);
      const credited = other === undefined ? undefined : creditedBetween(pad, other, site, routine);
      if (credited !== undefined && credited === loaded && credited > stored) found.push(report(first, site, credited, stored));
    }
    for (const access of instruction.accesses) if (access.kind !== 'write' && !isStack(access, place.state) && access.base !== 'rip') loaded += BigInt(access.size);
    stored += BigInt(storesOf(instruction.accesses, place.state));
  }
  return found;
}

interface Landing {
  readonly entry: Entry;
  readonly walk: Walk;
}

/** From the landing pad of `site`, as long as there is one way to go and nothing is stored on it. */
function walkFrom(site: CodeSite, place: Known | undefined, routine: RoutineFlow): Landing | undefined {
  const entry = site.entries.find(({ landings }) => landings.length > 0);
  if (place === undefined || entry === undefined) return undefined;
  const walk = entry.landings.length === 1 ? routine.walk(entry.landings[0]!, landingState(place.state, site.instruction, entry, nodeKey(place.node))) : undefined;
  return walk === undefined || walk.hasEffects ? undefined : { entry, walk };
}

/** By how many bytes the second landing pad reports fewer left than the first. */
function creditedBetween(a: Landing, b: Landing, site: CodeSite, routine: RoutineFlow): bigint | undefined {
  const less = (one: State, other: State, register: string): bigint | undefined => {
    const difference = distance(one.registers.get(register)!, other.registers.get(register)!);
    return difference === undefined || difference <= 0n ? undefined : difference;
  };
  const [first, second] = [a.walk.exit, b.walk.exit];
  if (first?.ending === 'return' && second?.ending === 'return') {
    const promised = routine.code.contractAt(site.node)?.registers.get('returns');
    if (promised !== undefined) return less(first.state, second.state, promised);
    return less(first.state, second.state, 'rax') ?? (hasNoCount(first.state) && hasNoCount(second.state) ? less(first.state, second.state, 'rdx') : undefined);
  }
  // Both go the same way on, which need not be one that can be followed to its end.
  const common = b.walk.places.find(({ node }) => a.walk.places.some((place) => nodeKey(place.node) === nodeKey(node)));
  const before = common === undefined ? undefined : a.walk.places.find(({ node }) => nodeKey(node) === nodeKey(common.node));
  if (common === undefined || before === undefined) return undefined;
  for (const register of ['rdx', 'rcx', 'rax']) {
    const difference = isReadFirst(register, b.walk, common, routine) ? less(before.state, common.state, register) : undefined;
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** rax holds the vector or a constant, so the count is elsewhere. */
function hasNoCount({ registers }: State): boolean {
  const value = registers.get('rax')!;
  return exactConstant(value) !== undefined || exactName(value) === VECTOR_NAME;
}

/** The first instruction from `common` on that has to do with the register reads it. */
function isReadFirst(register: string, walk: Walk, common: Known, { code }: RoutineFlow): boolean {
  const from = walk.places.indexOf(common);
  for (const { node } of walk.places.slice(from)) {
    const instruction = code.step(node)?.instruction;
    if (instruction === undefined) return false;
    if (instruction.registersRead.includes(register)) return true;
    if (instruction.registersWritten.includes(register)) return false;
  }
  return walk.exit?.ending === 'tail-call' && register !== 'rax';
}

function report(first: CodeSite, site: CodeSite, credited: bigint, stored: bigint): RoutineFinding {
  const entry = site.entries[0]!;
  return {
    code: 'credited-load', at: ofEntry(entry),
    message: say`a fault at ${siteName(entry)} is reported with ${credited} bytes fewer left than one in line ${lineOf(first.node)}, but only ${stored} bytes are stored between the two: the landing pad ${padName(entry)} counts what was loaded as copied`,
    related: [{ message: 'the instruction', at: at(site.node) }, { message: 'the earlier load it is compared with', at: at(first.node) }],
  };
}
