/**
 * The routines of a file that have exception-table entries, followed from their start, and questions the checks ask about them.
 */
import type { Analysis, Routine } from '../analysis.ts';
import { Code, nodeKey } from './code.ts';
import type { Node } from './code.ts';
import { Flow } from './flow.ts';
import type { Edge, Exit, Known } from './flow.ts';
import { entryState } from './state.ts';
import type { State } from './state.ts';
import { stackSlot, transfer } from './transfer.ts';

/** Ways that are followed on their own, for all of a file. */
const MAX_PROBES = 400;
/** Steps of a walk in which control goes one way only. */
const LONGEST_WALK = 80;

export interface RoutineFlow {
  readonly routine: Routine;
  /** With faults. */
  readonly flow: Flow;
  /** Without: what happens when nothing goes wrong. */
  readonly calm: Flow;
}

/** An exit at which something is certain, and the way on which it is, if it is not so on all ways. */
export interface CertainExit {
  readonly exit: Exit;
  readonly via?: Edge;
}

/** A walk along code that control can take in one way only. */
export interface Walk {
  readonly places: readonly Known[];
  /** Set if the walk ends by leaving the routine. */
  readonly exit?: Exit;
  /** It writes memory that is not the routine's own stack, or calls. */
  readonly hasEffects: boolean;
}

export class FileFlow {
  readonly code: Code;
  readonly routines: readonly RoutineFlow[];
  /** Routines that were given up, since following them would take too long. */
  readonly tooLong: readonly Routine[];
  readonly #analysis: Analysis;
  readonly #probes = new Map<string, readonly Exit[] | undefined>();

  constructor(analysis: Analysis) {
    this.#analysis = analysis;
    this.code = new Code(analysis);
    const followed = this.code.unreadable ? [] : this.#follow();
    this.routines = followed.filter(({ flow }) => !flow.incomplete);
    this.tooLong = followed.filter(({ flow }) => flow.incomplete).map(({ routine }) => routine);
  }

  #follow(): readonly RoutineFlow[] {
    const { entries, checksWithoutEntries, instructions, routines } = this.#analysis;
    const covered = new Set(entries.length === 0 && checksWithoutEntries ? routines : instructions.filter((site) => site.entries.length > 0).map((site) => site.routine).filter((routine) => routine !== undefined));
    const follow = (routine: Routine): RoutineFlow => {
      const starts = this.code.enter({ section: routine.section, offset: routine.start }).map((node) => ({ node, state: entryState() }));
      return { routine, flow: new Flow(this.code, this.#analysis, starts, { faults: true }), calm: new Flow(this.code, this.#analysis, starts, { faults: false }) };
    };
    const called = [...covered].filter((routine) => routine.isFunction || routine.global).map(follow);
    const reached = new Set(called.flatMap(({ flow }) => [...flow.places].map(({ node }) => nodeKey(node))));
    const others = [...covered].filter((routine) => !routine.isFunction && !routine.global && !reached.has(nodeKey({ section: routine.section, offset: routine.start })));
    return [...called, ...others.map(follow)];
  }

  /**
   * Exits of which `holds` is true whichever way control came, and exits that a way leads to on which it is: one on which
   * `known` is true before it meets another on which it is not.
   */
  exitsWhere({ flow }: RoutineFlow, holds: (exit: Exit) => boolean, known: (state: State) => boolean): readonly CertainExit[] {
    const found = new Map<string, CertainExit>();
    for (const exit of flow.exits()) if (holds(exit)) found.set(nodeKey(exit.node), { exit });
    for (const edge of flow.edges()) {
      if (!known(edge.state) || known(flow.at(edge.to)!)) continue;
      const exits = this.#probe(edge);
      if (exits === undefined || exits.length === 0 || !exits.every(holds)) continue;
      for (const exit of exits) if (!found.has(nodeKey(exit.node))) found.set(nodeKey(exit.node), { exit, via: edge });
    }
    return [...found.values()];
  }

  /** All exits that a way leads to without further faults; undefined if not all can be told. */
  #probe(edge: Edge): readonly Exit[] | undefined {
    const key = `${nodeKey(edge.from)} ${nodeKey(edge.to)} ${edge.entry === undefined ? '' : String(edge.entry.type)}`;
    if (!this.#probes.has(key)) {
      const flow = this.#probes.size >= MAX_PROBES ? undefined : this.from(edge.to, edge.state);
      this.#probes.set(key, flow === undefined || flow.hasLost() ? undefined : flow.exits());
    }
    return this.#probes.get(key);
  }

  /** What is known behind `node` if nothing faults. */
  from(node: Node, state: State): Flow {
    return new Flow(this.code, this.#analysis, [{ node, state }], { faults: false });
  }

  /** Follows control from `node` while it has one way to go. */
  walk(node: Node, state: State): Walk {
    const places: Known[] = [];
    let hasEffects = false;
    let at: Known | undefined = { node, state };
    while (at !== undefined && places.length < LONGEST_WALK) {
      places.push(at);
      const step = this.code.step(at.node);
      if (step === undefined || (step.ending !== undefined && step.next.length > 0)) break;
      if (step.ending === 'return' || step.ending === 'tail-call') return { places, hasEffects, exit: { node: at.node, step, ending: step.ending, state: at.state } };
      if (step.instruction.flow.includes('call') || storesOf(step.instruction.accesses, at.state) > 0) hasEffects = true;
      const [next, ...more]: readonly Node[] = step.next;
      if (next === undefined || more.length > 0) break;
      const behind = this.behind(at);
      at = behind === undefined ? undefined : { node: next, state: behind };
    }
    return { places, hasEffects };
  }

  /** The state behind the instruction at a place. */
  behind({ node, state }: Known): State | undefined {
    const step = this.code.step(node);
    if (step === undefined) return undefined;
    const covered = (this.#analysis.instructionAt(node)?.entries.length ?? 0) > 0;
    return transfer(state, step.instruction, { relocated: step.relocated, place: nodeKey(node), covered, ...(step.calleeRoutine === undefined ? {} : { callee: { mayChangeAc: true } }) });
  }
}

/** Bytes stored outside of the routine's own stack. */
export function storesOf(accesses: readonly { readonly kind: string; readonly size: number; readonly base?: string; readonly implicit: boolean }[], state: State): number {
  return accesses.filter((access) => access.kind !== 'read' && !isStack(access, state)).reduce((bytes, { size }) => bytes + size, 0);
}

/** True if an access goes to the routine's own stack. */
export function isStack(access: { readonly base?: string; readonly implicit: boolean }, state: State): boolean {
  if (access.implicit) return true;
  const base = access.base === undefined ? undefined : state.registers.get(access.base);
  return base !== undefined && stackSlot(base) !== undefined;
}

const flows = new WeakMap<Analysis, FileFlow>();

/** The flow of a file, worked out when first asked for. */
export function fileFlow(analysis: Analysis): FileFlow {
  let known = flows.get(analysis);
  if (known === undefined) flows.set(analysis, known = new FileFlow(analysis));
  return known;
}
