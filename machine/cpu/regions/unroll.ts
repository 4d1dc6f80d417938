/**
 * Which loops are unrolled behind one check of memory, and what that check covers. In an innermost loop most addresses are a register that
 * steps by a constant, so those of a few rounds are known when the first begins, up to the registers' values there: the loop's gate checks
 * them together, and the copies behind it access memory without a check. Where the gate's check fails (near a page's end, near poison, at
 * a page that is not open) the loop runs as it was written, one checked access at a time, so faults are as precise as anywhere.
 */
import { STATE } from '../../memory/layout.ts';
import type { Decoded } from '../decode.ts';
import { TemporaryPool } from '../lift/access.ts';
import type { FlagSlot } from '../lift/access.ts';
import { liftOf } from '../lift/index.ts';
import { Code } from '../wasm/code.ts';
import type { Local } from '../wasm/code.ts';
import type { Coverage, FastLoop, Group } from './fast-loop.ts';
import type { RegionNode } from './flow.ts';
import type { Loop } from './loops.ts';
import { RegionAccess } from './region-access.ts';
import type { OperandAddress, RegionContext } from './region-access.ts';

/** Rounds that are tried, the most first, and the instructions they may come to. */
const ROUNDS = [8, 4, 2, 1];
const INSTRUCTION_LIMIT = 64;
/** A window is good for one access of so many bytes wherever it begins. */
const SPAN_LIMIT = 64;
/** Groups one gate checks. */
const GROUP_LIMIT = 4;
const LAST_GROUP_LIMIT = 8;

/** A register's value: what `register` held at the gate, and a constant. */
interface Known {
  readonly register: number;
  readonly offset: bigint;
}
type Values = readonly (Known | undefined)[];

/** An access whose address is known. */
interface Site {
  readonly key: string;
  readonly base: number | undefined;
  readonly index: number | undefined;
  readonly scale: number;
  readonly displacement: bigint;
  readonly size: number;
  readonly table: number;
}
/** By node: by instruction, its accesses. */
type Sites = Map<number, (readonly (Site | undefined)[])[]>;

const AT_GATE: Values = Array.from({ length: 16 }, (_, register) => ({ register, offset: 0n }));

/** How to unroll a loop; undefined if it is too long, or nothing is won. `order`: in which its nodes run. */
export function planLoop(loop: Loop, nodes: readonly RegionNode[], order: readonly number[]): FastLoop | undefined {
  const members = [...loop.nodes].sort((a, b) => order[a]! - order[b]!);
  const length = members.reduce((sum, node) => sum + nodes[node]!.block!.instructions.length, 0);
  for (const rounds of ROUNDS) {
    if (length * rounds > INSTRUCTION_LIMIT) continue;
    const sites: Sites[] = [];
    let values: Values | undefined = AT_GATE;
    for (let round = 0; round < rounds; round++) {
      const found: Sites = new Map();
      values = follow(members, loop.header, nodes, values, found);
      if (values === undefined) return undefined;
      sites.push(found);
    }
    const groups = groupsOf(sites, rounds === 1 ? LAST_GROUP_LIMIT : GROUP_LIMIT);
    if (groups === undefined) continue;
    // A single round is worth it only if it saves checks.
    if (rounds === 1 && groups.groups.length * 2 > groups.covered) return undefined;
    return { ...loop, groups: groups.groups, coverage: groups.coverage };
  }
  return undefined;
}

/** Follows one round through the loop: records its accesses, and returns what is known when it is over; undefined if the loop does more than loops may. */
function follow(members: readonly number[], header: number, nodes: readonly RegionNode[], start: Values, found: Sites): Values | undefined {
  const before = new Map<number, Values>([[header, start]]);
  let end: Values | undefined;
  for (const member of members) {
    const analysis = new Analysis(before.get(member) ?? start);
    const sites: (readonly (Site | undefined)[])[] = [];
    for (const decoded of nodes[member]!.block!.instructions) {
      sites.push(analysis.run(decoded));
      if (analysis.spoiled) return undefined;
    }
    found.set(member, sites);
    for (const to of nodes[member]!.successors) {
      if (to === header) end = meet(end, analysis.values);
      else before.set(to, meet(before.get(to), analysis.values));
    }
  }
  return end;
}

function meet(a: Values | undefined, b: Values): Values {
  return a === undefined ? b : a.map((known, i) => (known !== undefined && known.register === b[i]?.register && known.offset === b[i].offset ? known : undefined));
}

/** Puts accesses that lie near each other into groups; undefined if there would be too many. */
function groupsOf(rounds: readonly Sites[], limit: number): { readonly groups: readonly Group[]; readonly coverage: FastLoop['coverage']; readonly covered: number } | undefined {
  const byKey = new Map<string, Site[]>();
  let covered = 0;
  for (const sites of rounds) {
    for (const site of [...sites.values()].flat(2)) {
      if (site === undefined) continue;
      covered++;
      byKey.set(site.key, [...(byKey.get(site.key) ?? []), site]);
    }
  }
  const groups: Group[] = [];
  const coverageOf = new Map<Site, Coverage>();
  for (const sites of byKey.values()) {
    sites.sort((a, b) => (a.displacement < b.displacement ? -1 : a.displacement > b.displacement ? 1 : 0));
    for (let from = 0; from < sites.length;) {
      const first = sites[from]!;
      let span = 0, to = from;
      for (; to < sites.length; to++) {
        const end = sites[to]!.displacement - first.displacement + BigInt(sites[to]!.size);
        if (end > SPAN_LIMIT) break;
        span = Math.max(span, Number(end));
        coverageOf.set(sites[to]!, { group: groups.length, offset: Number(sites[to]!.displacement - first.displacement) });
      }
      if (to === from) to++;
      else {
        const { base, index, scale, displacement, table } = first;
        groups.push({ base, index, scale, displacement, span, table });
      }
      from = to;
    }
  }
  if (groups.length > limit) return undefined;
  const coverage = rounds.map((sites) => new Map([...sites].map(([node, instructions]) =>
    [node, instructions.map((accesses) => accesses.map((site) => (site === undefined ? undefined : coverageOf.get(site))))])));
  return { groups, coverage, covered };
}

/** Lifts instructions into the void, to see what they write and access. */
class Analysis implements RegionContext {
  readonly code = new Code(1);
  readonly pool = new TemporaryPool(this.code);
  readonly registers: readonly Local[] = Array.from({ length: 16 }, () => this.code.local('i64'));
  readonly flags: Readonly<Record<FlagSlot, Local>> = { a: 0, b: 0, result: 0, kind: 0, carry: 0 };
  readonly used = new Set<number>();
  readonly canonicalShift = 16;
  knownKind: number | undefined;
  /** Something was done that could close windows, or leave the loop for nobody knows where. */
  spoiled = false;
  #values: (Known | undefined)[];
  #sites: (Site | undefined)[] = [];

  constructor(values: Values) {
    this.#values = [...values];
  }

  get values(): Values {
    return this.#values;
  }

  run(decoded: Decoded): readonly (Site | undefined)[] {
    this.#sites = [];
    const stepped = this.#step(decoded);
    liftOf(decoded.shape.mnemonic)!(new RegionAccess(this, decoded, 1));
    if (stepped !== undefined) this.#values[stepped.number] = stepped.value;
    return this.#sites;
  }

  wrote(register: number): void {
    this.#values[register] = undefined;
  }

  access(address: OperandAddress | undefined, size: number, table: number): undefined {
    this.#sites.push(address === undefined ? undefined : this.#site(address, size, table));
    return undefined;
  }

  closeWindows(): void {
    this.spoiled = true;
  }

  branchTo(): void {
    this.spoiled = true;
  }

  exitBefore(): void {
    // A way out is no matter here.
  }

  branch(): void {
    // The graph knows where.
  }

  exitTo(): void {
    this.spoiled = true;
  }

  #site({ base, index, scale, segment, displacement, form }: OperandAddress, size: number, table: number): Site | undefined {
    if (form === 'a' || segment !== STATE.ZERO) return undefined;
    const from = base === STATE.ZERO ? NOTHING : this.#values[numberOf(base)];
    const by = index === STATE.ZERO ? NOTHING : this.#values[numberOf(index)];
    if (from === undefined || by === undefined) return undefined;
    const whole = BigInt.asIntN(64, displacement + from.offset + (by.offset << BigInt(scale)));
    const parts = { base: from.register, index: by.register, scale };
    return { key: `${String(parts.base)} ${String(parts.index)} ${String(scale)} ${String(table)}`, ...parts, displacement: whole, size, table };
  }

  /** What an instruction that adds a constant to a register makes of it. */
  #step({ shape: { mnemonic, operands }, fields }: Decoded): { readonly number: number; readonly value: Known | undefined } | undefined {
    const [to, by] = operands;
    if (to?.kind !== 'register' || to.size !== 8) return undefined;
    const number = numberOf(fields.registers[0]);
    const plus = (known: Known | undefined, offset: bigint): { readonly number: number; readonly value: Known | undefined } => ({ number, value: known && { ...known, offset: known.offset + offset } });
    const old = this.#values[number];
    switch (mnemonic) {
      case 'inc': return plus(old, 1n);
      case 'dec': return plus(old, -1n);
      case 'add': return by?.kind === 'immediate' ? plus(old, fields.immediate) : undefined;
      case 'sub': return by?.kind === 'immediate' ? plus(old, -fields.immediate) : undefined;
      case 'mov': return by?.kind === 'register' ? plus(this.#values[numberOf(fields.registers[1])], 0n) : undefined;
      case 'lea': {
        const { base, index, segment, displacement } = fields;
        const simple = by?.kind === 'memory' && by.form !== 'a' && base !== STATE.ZERO && index === STATE.ZERO && segment === STATE.ZERO;
        return simple ? plus(this.#values[numberOf(base)], displacement) : undefined;
      }
      default: return undefined;
    }
  }
}

/** Of an address that has no base, or no index. */
const NOTHING = { register: undefined, offset: 0n };

function numberOf(address: number): number {
  return (address - STATE.GENERAL) >> 3;
}
