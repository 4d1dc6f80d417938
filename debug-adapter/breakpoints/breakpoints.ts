/**
 * The user's breakpoints: what was asked for, where it is in the program at hand, and how often it was reached.
 */
import type { Image } from '../../assembly/elf/image.ts';
import type { Machine } from '../../machine/machine.ts';
import type { WatchArea, WatchedAccess } from '../../machine/memory/memory.ts';
import { conditionHolds, hitPredicate, logText, optionsProblem } from './conditions.ts';
import type { BreakpointOptions } from './conditions.ts';
import { locateLine, locateName } from './locations.ts';

/** What the user asked for. */
export type BreakpointRequest = BreakpointOptions & (
  | { readonly kind: 'line'; readonly path: string; readonly line: number }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'instruction'; readonly address: bigint }
  | { readonly kind: 'data'; readonly area: WatchArea }
);

export interface Breakpoint {
  readonly id: number;
  readonly request: BreakpointRequest;
  readonly addresses: readonly bigint[];
  /** Where a line breakpoint ended up. */
  readonly line?: number;
  /** Why it is nowhere. */
  readonly problem?: string;
}

/** Breakpoints that a client sets and replaces together: those of one source file, of all functions, of all instructions. */
export type Group = string;

export class Breakpoints {
  readonly #groups = new Map<Group, readonly Breakpoint[]>();
  readonly #hits = new Map<number, number>();
  #image: Image | undefined;
  #nextId = 1;

  /** Replaces a group and says where each of its breakpoints is. */
  set(group: Group, requests: readonly BreakpointRequest[]): readonly Breakpoint[] {
    const made = requests.map((request) => this.#resolve(this.#nextId++, request));
    this.#groups.set(group, made);
    return made;
  }

  /** A program was loaded: finds everything anew and forgets the hit counts. Returns those that changed. */
  load(image: Image): readonly Breakpoint[] {
    this.#image = image;
    this.#hits.clear();
    const changed: Breakpoint[] = [];
    for (const [group, breakpoints] of this.#groups) {
      const made = breakpoints.map(({ id, request }) => this.#resolve(id, request));
      made.forEach((one, index) => {
        const before = breakpoints[index]!;
        if (one.line !== before.line || one.problem !== before.problem || one.addresses.length !== before.addresses.length) changed.push(one);
      });
      this.#groups.set(group, made);
    }
    return changed;
  }

  /** What the data breakpoints watch. */
  areas(): readonly WatchArea[] {
    return this.#all().flatMap(({ request, problem }) => (request.kind === 'data' && problem === undefined ? [request.area] : []));
  }

  /** Ids of the data breakpoints that want the program stopped for this access. */
  touched(access: WatchedAccess, machine: Machine, log: (text: string) => void): readonly number[] {
    return this.#all().filter((breakpoint) => means(breakpoint, access) && this.#wantsStop(breakpoint, machine, log)).map(({ id }) => id);
  }

  /** Ids of the data breakpoints that a run backwards stops at for this access. */
  wouldTouch(access: WatchedAccess, machine: Machine): readonly number[] {
    return this.#all().filter((breakpoint) => means(breakpoint, access) && conditionHolds(breakpoint.request.condition, machine)).map(({ id }) => id);
  }

  addresses(): readonly bigint[] {
    return this.#all().flatMap(({ addresses }) => addresses);
  }

  /** Ids of the breakpoints at `address` that want the program stopped now. Log messages go to `log`. */
  hit(address: bigint, machine: Machine, log: (text: string) => void): readonly number[] {
    return this.#all().filter((breakpoint) => breakpoint.addresses.includes(address) && this.#wantsStop(breakpoint, machine, log)).map(({ id }) => id);
  }

  /** Ids of the breakpoints at `address` that a run backwards stops at: counts are not looked at, nothing is logged. */
  wouldHit(address: bigint, machine: Machine): readonly number[] {
    return this.#all()
      .filter(({ addresses, request }) => addresses.includes(address) && request.logMessage === undefined && conditionHolds(request.condition, machine))
      .map(({ id }) => id);
  }

  #wantsStop({ id, request }: Breakpoint, machine: Machine, log: (text: string) => void): boolean {
    if (!conditionHolds(request.condition, machine)) return false;
    const hits = (this.#hits.get(id) ?? 0) + 1;
    this.#hits.set(id, hits);
    if (request.hitCondition !== undefined && hitPredicate(request.hitCondition)?.(hits) === false) return false;
    if (request.logMessage === undefined) return true;
    log(logText(request.logMessage, machine));
    return false;
  }

  #all(): readonly Breakpoint[] {
    return [...this.#groups.values()].flat();
  }

  #resolve(id: number, request: BreakpointRequest): Breakpoint {
    const problem = optionsProblem(request);
    if (problem !== undefined) return { id, request, addresses: [], problem };
    if (this.#image === undefined) return { id, request, addresses: [], problem: 'not yet loaded' };
    return { id, request, ...locate(request, this.#image) };
  }
}

/** Whether a breakpoint is one on the data that `access` touched, in the way it did. */
function means({ request, problem }: Breakpoint, access: WatchedAccess): boolean {
  if (request.kind !== 'data' || problem !== undefined) return false;
  const { area } = request;
  const overlaps = access.address < area.address + BigInt(area.size) && area.address < access.address + BigInt(access.size);
  return overlaps && (area.kind === 'read-write' || access.kind === 'read-write' || area.kind === access.kind);
}

function locate(request: BreakpointRequest, image: Image): Pick<Breakpoint, 'addresses' | 'line' | 'problem'> {
  switch (request.kind) {
    case 'line':
      return locateLine(image, request.path, request.line) ?? { addresses: [], problem: 'the program has no code on this line or soon after it' };
    case 'function': {
      const addresses = locateName(image, request.name);
      return addresses.length > 0 ? { addresses } : { addresses, problem: `the program has no symbol or label "${request.name}"` };
    }
    case 'instruction':
      return { addresses: [request.address] };
    case 'data':
      return { addresses: [] };
  }
}
