/**
 * Landing pads that count bytes as copied because they were loaded, though they have not been stored: the deferred-store mistake.
 * Two instructions of one straight stretch are compared, of which the second comes `loaded` bytes of loads and `stored` bytes of
 * stores after the first: if its landing pad reports exactly `loaded` bytes fewer left, and fewer were stored, it credits loads.
 */
import { writtenPosition } from '../../assembly/source.ts';
import type { Analysis, EntrySite, InstructionSite } from '../analysis/analysis.ts';
import { contractOf } from '../analysis/contracts.ts';
import { nodeKey } from '../analysis/flow/code.ts';
import { landingState, VECTOR_NAME } from '../analysis/flow/faults.ts';
import type { Known } from '../analysis/flow/flow.ts';
import { fileFlow, isStack, storesOf } from '../analysis/flow/routine-flow.ts';
import type { FileFlow, Walk } from '../analysis/flow/routine-flow.ts';
import { entryState } from '../analysis/flow/state.ts';
import type { State } from '../analysis/flow/state.ts';
import { distance, exactConstant, exactName } from '../analysis/flow/value.ts';
import type { Check, Finding } from './check.ts';

export const creditedLoad: Check = {
  codes: ['credited-load'],
  severity: 'error',
  run(analysis) {
    const file = fileFlow(analysis);
    const found = new Map<InstructionSite, Finding>();
    for (const first of analysis.instructions) {
      if (first.entries.length === 0 || !isLoad(first)) continue;
      for (const [site, finding] of compare(first, analysis, file)) if (!found.has(site)) found.set(site, finding);
    }
    return [...found.values()];
  },
};

function isLoad({ instruction }: InstructionSite): boolean {
  return instruction.repeat === 'none' && instruction.accesses.some(({ kind, implicit }) => kind === 'read' && !implicit);
}

function compare(first: InstructionSite, analysis: Analysis, file: FileFlow): readonly (readonly [InstructionSite, Finding])[] {
  const found: (readonly [InstructionSite, Finding])[] = [];
  const stretch = file.walk(first, entryState()).places;
  const pad = walkFrom(first, stretch[0], file);
  if (pad === undefined) return [];
  let loaded = 0n;
  let stored = 0n;
  for (const [index, place] of stretch.entries()) {
    const instruction = file.code.step(place.node)?.instruction;
    if (instruction === undefined || instruction.repeat !== 'none') break;
    const site = place.node.replacement === undefined ? analysis.instructionAt(place.node) : undefined;
    if (index > 0 && site !== undefined && site.entries.length > 0) {
      const other = walkFrom(site, place, file);
      const credited = other === undefined ? undefined : creditedBetween(pad, other, site, analysis, file);
      if (credited !== undefined && credited === loaded && credited > stored) found.push([site, report(first, site, credited, stored)]);
    }
    for (const access of instruction.accesses) if (access.kind !== 'write' && !isStack(access, place.state) && access.base !== 'rip') loaded += BigInt(access.size);
    stored += BigInt(storesOf(instruction.accesses, place.state));
  }
  return found;
}

interface Landing {
  readonly entry: EntrySite;
  readonly walk: Walk;
}

/** From the landing pad of `site`, as long as there is one way to go and nothing is stored on it. */
function walkFrom(site: InstructionSite, place: Known | undefined, file: FileFlow): Landing | undefined {
  const entry = site.entries.find((one) => one.fixup !== undefined && !one.isDescriptor);
  if (place === undefined || entry?.fixup === undefined || !file.code.isCode(entry.fixup.section)) return undefined;
  const nodes = file.code.enter(entry.fixup);
  const walk = nodes.length === 1 ? file.walk(nodes[0]!, landingState(place.state, site.instruction, entry, nodeKey(place.node))) : undefined;
  return walk === undefined || walk.hasEffects ? undefined : { entry, walk };
}

/** By how many bytes the second landing pad reports fewer left than the first. */
function creditedBetween(a: Landing, b: Landing, site: InstructionSite, analysis: Analysis, file: FileFlow): bigint | undefined {
  const less = (one: State, other: State, register: string): bigint | undefined => {
    const difference = distance(one.registers.get(register)!, other.registers.get(register)!);
    return difference === undefined || difference <= 0n ? undefined : difference;
  };
  const [first, second] = [a.walk.exit, b.walk.exit];
  if (first?.ending === 'return' && second?.ending === 'return') {
    const promised = site.routine === undefined ? undefined : contractOf(analysis, site.routine)?.registers.get('returns');
    if (promised !== undefined) return less(first.state, second.state, promised);
    return less(first.state, second.state, 'rax') ?? (hasNoCount(first.state) && hasNoCount(second.state) ? less(first.state, second.state, 'rdx') : undefined);
  }
  // Both go the same way on, which need not be one that can be followed to its end.
  const common = b.walk.places.find(({ node }) => a.walk.places.some((place) => nodeKey(place.node) === nodeKey(node)));
  const before = common === undefined ? undefined : a.walk.places.find(({ node }) => nodeKey(node) === nodeKey(common.node));
  if (common === undefined || before === undefined) return undefined;
  for (const register of ['rdx', 'rcx', 'rax']) {
    const difference = isReadFirst(register, b.walk, common, file) ? less(before.state, common.state, register) : undefined;
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
function isReadFirst(register: string, walk: Walk, common: Known, file: FileFlow): boolean {
  const from = walk.places.indexOf(common);
  for (const { node } of walk.places.slice(from)) {
    const instruction = file.code.step(node)?.instruction;
    if (instruction === undefined) return false;
    if (instruction.registersRead.includes(register)) return true;
    if (instruction.registersWritten.includes(register)) return false;
  }
  return walk.exit?.ending === 'tail-call' && register !== 'rax';
}

function report(first: InstructionSite, site: InstructionSite, credited: bigint, stored: bigint): Finding {
  const entry = site.entries[0]!;
  const line = writtenPosition(first.statement.range.start).line;
  return {
    code: 'credited-load',
    message: `a fault at ${entry.insnName} is reported with ${String(credited)} bytes fewer left than one in line ${String(line)}, but only ${String(stored)} bytes are stored between the two: the landing pad ${entry.fixupName} counts what was loaded as copied`,
    range: entry.range,
    related: [{ message: 'the instruction', range: site.statement.range }, { message: 'the earlier load it is compared with', range: first.statement.range }],
  };
}
