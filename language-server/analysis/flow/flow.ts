/**
 * What is known at every place of a routine, over all paths that lead there, faults included.
 */
import type { Analysis, EntrySite, InstructionSite } from '../analysis.ts';
import type { Code, Ending, Node, Step } from './code.ts';
import { nodeKey } from './code.ts';
import { landingState } from './faults.ts';
import { join, stateKey } from './state.ts';
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
  readonly entry?: EntrySite;
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
  readonly #analysis: Analysis;
  readonly #options: FlowOptions;
  readonly #known = new Map<string, Known>();
  /** True if it was too large, or if code could not be read: what is found is not all there is. */
  incomplete = false;

  constructor(code: Code, analysis: Analysis, starts: readonly Known[], options: FlowOptions) {
    this.#code = code;
    this.#analysis = analysis;
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
    return [...this.places].flatMap(({ node, state }) => this.#edgesFrom(node, state));
  }

  siteOf(node: Node): InstructionSite | undefined {
    return this.#analysis.instructionAt(node);
  }

  #run(starts: readonly Known[]): void {
    const queue: Node[] = [];
    for (const { node, state } of starts) this.#reach(node, state, queue);
    let visits = 0;
    for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
      if (++visits > MAX_VISITS || this.#known.size > MAX_NODES) {
        this.incomplete = true;
        return;
      }
      for (const edge of this.#edgesFrom(node, this.#known.get(nodeKey(node))!.state)) this.#reach(edge.to, edge.state, queue);
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
    if (stateKey(joined) === stateKey(before.state)) return;
    this.#known.set(key, { node, state: joined });
    queue.push(node);
  }

  #edgesFrom(node: Node, state: State): readonly Edge[] {
    const step = this.#code.step(node);
    if (step === undefined) return [];
    const entries = node.replacement === undefined ? this.#analysis.instructionAt(node)?.entries ?? [] : [];
    const behind = step.next.length === 0 ? state : transfer(state, step.instruction, {
      relocated: step.relocated, place: nodeKey(node), covered: entries.length > 0,
      ...(step.calleeRoutine === undefined ? {} : { callee: { mayChangeAc: true } }),
    });
    const edges: Edge[] = step.next.map((to) => ({ from: node, to, state: behind }));
    if (!this.#options.faults || step.instruction.faults.length === 0) return edges;
    for (const entry of entries) {
      if (entry.fixup === undefined || entry.isDescriptor || !this.#code.isCode(entry.fixup.section)) continue;
      const landing = landingState(state, step.instruction, entry, nodeKey(node));
      for (const to of this.#code.enter(entry.fixup)) edges.push({ from: node, to, state: landing, entry });
    }
    return edges;
  }
}
