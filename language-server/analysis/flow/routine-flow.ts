/**
 * A routine followed over all paths, and questions the checks ask about it. Nothing here knows where the routine lies in the file.
 */
import { nodeKey } from './code.ts';
import type { Code, Node } from './code.ts';
import { Flow, stateBehind } from './flow.ts';
import type { Edge, Exit, Known } from './flow.ts';
import { entryState } from './state.ts';
import type { State } from './state.ts';
import { stackSlot } from './transfer.ts';

/** Ways out of a routine that are followed on their own, and the instructions looked at on all ways that are. */
const MAX_PROBES = 400;
const MAX_VISITS = 200_000;
/** Steps of a walk in which control goes one way only. */
const LONGEST_WALK = 80;

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

/** What is known of a routine that is followed from its start. */
export interface AllPaths {
  /** With faults. */
  readonly flow: Flow;
  /** Without: what happens when nothing goes wrong. */
  readonly calm: Flow;
}

export class RoutineFlow {
  readonly code: Code;
  /** Undefined where it is not followed: no name covers the code, another routine leads through it, or it would take too long. */
  readonly paths?: AllPaths;
  /** True if following it was given up. */
  isTooLong = false;
  /** Numbers of the pieces that are entered at their start on the way. */
  readonly entered: readonly number[] = [];
  readonly #probes = new Map<string, readonly Exit[] | undefined>();
  #visits = 0;

  /** `isFollowed`: from its start, over all paths. */
  constructor(code: Code, isFollowed: boolean) {
    this.code = code;
    if (!isFollowed || code.unreadable) return;
    const starts = code.starts.map((node) => ({ node, state: entryState() }));
    const flow = new Flow(code, starts, { faults: true });
    this.entered = [...flow.places].flatMap(({ node }) => (node.offset === 0 && node.replacement === undefined ? [node.piece] : []));
    if (flow.incomplete) this.isTooLong = true;
    else this.paths = { flow, calm: new Flow(code, starts, { faults: false }) };
  }

  /**
   * Exits of which `holds` is true whichever way control came, and exits that a way leads to on which it is: one on which
   * `known` is true before it meets another on which it is not.
   */
  exitsWhere({ flow }: AllPaths, holds: (exit: Exit) => boolean, known: (state: State) => boolean): readonly CertainExit[] {
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

  /** What is known behind `node` if nothing faults; undefined where so much was followed that this is too long. */
  from(node: Node, state: State): Flow | undefined {
    if (this.#visits > MAX_VISITS) {
      this.isTooLong = true;
      return undefined;
    }
    const flow = new Flow(this.code, [{ node, state }], { faults: false });
    this.#visits += flow.visits;
    return flow;
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
      at = { node: next, state: stateBehind(at.state, at.node, step, this.code.entriesAt(at.node).length > 0) };
    }
    return { places, hasEffects };
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
