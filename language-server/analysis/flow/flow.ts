/**
 * What is known at every place of a routine, over all paths that lead there, faults included.
 */
import type { Code, Ending, Entry, Node, Step } from './code.ts';
import { nodeKey } from './code.ts';
import { landingState } from './faults.ts';
import { join } from './state.ts';
import type { State } from './state.ts';
import { transfer } from './transfer.ts';

/** Instructions and visits beyond which a routine is not followed: nothing is then said of it. */
const MAX_NODES = 6000;
const MAX_VISITS = 60_000;

/** A place with what is known when control reaches it. */
export interface Known {
  readonly node: Node;
  readonly state: State;
}

/** One way control goes from a place to the next, with what is known on it. */
export interface Edge {
  readonly from: Node;
  readonly to: Node;
  readonly state: State;
  /** The entry that leads here, if the way is a fault. */
  readonly entry?: Entry;
}

export interface Exit {
  readonly node: Node;
  readonly step: Step;
  readonly ending: Exclude<Ending, 'dead' | 'lost'>;
  /** What is known when control leaves: in front of the `ret` or jump. */
  readonly state: State;
}

export interface FlowOptions {
  /** Follow faults to their landing pads. */
  readonly faults: boolean;
}

/** The result of following a routine from one or more places. */
export class Flow {
  readonly #code: Code;
  readonly #options: FlowOptions;
  readonly #known = new Map<string, Known>();
  /** By place: the ways from there, with what is known in the end. */
  readonly #edges = new Map<string, readonly Edge[]>();
  /** Instructions looked at, each as often as something new was known in front of it. */
  visits = 0;
  /** True if it was too large, or if code could not be read: what is found is not all there is. */
  incomplete = false;

  constructor(code: Code, starts: readonly Known[], options: FlowOptions) {
    this.#code = code;
    this.#options = options;
    this.#run(starts);
  }

  get places(): Iterable<Known> {
    return this.#known.values();
  }

  at(node: Node): State | undefined {
    return this.#known.get(nodeKey(node))?.state;
  }

  /** Ends of the routine that hand control back or on. */
  exits(): readonly Exit[] {
    return [...this.places].flatMap(({ node, state }): readonly Exit[] => {
      const step = this.#code.step(node);
      return step?.ending === 'return' || step?.ending === 'tail-call' ? [{ node, step, ending: step.ending, state }] : [];
    });
  }

  /** True if some path goes where it cannot be followed. */
  hasLost(): boolean {
    return this.incomplete || [...this.places].some(({ node }) => {
      const step = this.#code.step(node);
      return step === undefined || step.ending === 'lost' || (step.ending === undefined && step.next.length === 0);
    });
  }

  /** Every way from a place to the next. */
  edges(): readonly Edge[] {
    return [...this.#edges.values()].flat();
  }

  #run(starts: readonly Known[]): void {
    const queue: Node[] = [];
    for (const { node, state } of starts) this.#reach(node, state, queue);
    // The list is as long as the visits, which are bounded.
    for (let at = 0; at < queue.length; at++) {
      if (++this.visits > MAX_VISITS || this.#known.size > MAX_NODES) {
        this.incomplete = true;
        return;
      }
      const key = nodeKey(queue[at]!);
      const edges = this.#edgesFrom(queue[at]!, this.#known.get(key)!.state);
      this.#edges.set(key, edges);
      for (const edge of edges) this.#reach(edge.to, edge.state, queue);
    }
  }

  #reach(node: Node, state: State, queue: Node[]): void {
    const key = nodeKey(node);
    const before = this.#known.get(key);
    if (before === undefined) {
      this.#known.set(key, { node, state });
      queue.push(node);
      return;
    }
    const joined = join(before.state, state);
    if (joined === before.state) return;
    this.#known.set(key, { node, state: joined });
    queue.push(node);
  }

  #edgesFrom(node: Node, state: State): readonly Edge[] {
    const step = this.#code.step(node);
    if (step === undefined) return [];
    const entries = this.#code.entriesAt(node);
    const behind = step.next.length === 0 ? state : stateBehind(state, node, step, entries.length > 0);
    const edges: Edge[] = step.next.map((to) => ({ from: node, to, state: behind }));
    if (!this.#options.faults || step.instruction.faults.length === 0) return edges;
    for (const entry of entries) {
      if (entry.landings.length === 0) continue;
      const landing = landingState(state, step.instruction, entry, nodeKey(node));
      for (const to of entry.landings) edges.push({ from: node, to, state: landing, entry });
    }
    return edges;
  }
}

/** What is known behind an instruction, in front of which `state` is. `covered`: it has an exception-table entry. */
export function stateBehind(state: State, node: Node, { instruction, relocated, isOwnCallee }: Step, covered: boolean): State {
  return transfer(state, instruction, { relocated, place: nodeKey(node), covered, ...(isOwnCallee ? { callee: { mayChangeAc: true } } : {}) });
}
