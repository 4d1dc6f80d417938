/**
 * Writes a region as one WebAssembly function: blocks structured by their dominator tree (after Ramsey, "Beyond Relooper"), registers and
 * flags in locals, one epilogue that all exits share. Irreducible edges and entries go through a dispatcher at the top.
 *
 * The function has the signature of a cold handler: (micro-op) -> next micro-op. The instruction its entry stands for was already taken
 * off the budget when it is called, and is given back first.
 */
import { EXIT, OP_FIELD, STATE } from '../../memory/layout.ts';
import { PAGE_SIZE } from '../../memory/memory.ts';
import { FLAG_STATE } from '../interpreter/handler-access.ts';
import { COLD_TYPE, HELPER_INDEX, helperFunctions, SIGNATURES } from '../interpreter/helpers.ts';
import { TemporaryPool } from '../lift/access.ts';
import type { FlagSlot } from '../lift/access.ts';
import { liftOf } from '../lift/index.ts';
import { Code } from '../wasm/code.ts';
import type { Label, Local } from '../wasm/code.ts';
import { encodeModule } from '../wasm/module.ts';
import type { Block, Discovery } from './discover.ts';
import { Flow } from './flow.ts';
import type { Gate } from './flow.ts';
import { structure } from './graph.ts';
import type { FlowNode, Structure } from './graph.ts';
import { naturalLoops } from './loops.ts';
import { RegionAccess } from './region-access.ts';
import type { CheckedHost, OperandAddress, RegionContext } from './region-access.ts';
import { planLoop } from './unroll.ts';
import type { Coverage } from './fast-loop.ts';

/** A return is compared with so many known sites before it is looked up. */
const RETURN_SITE_LIMIT = 6;
const FLAG_SLOTS: readonly FlagSlot[] = ['a', 'b', 'result', 'kind', 'carry'];

export interface CompiledRegion {
  readonly bytes: Uint8Array;
  /** By entry number. */
  readonly entries: readonly bigint[];
}

/** `exitOp`: the micro-op at which the interpreter goes on at an address, which must make progress there even if it is an entry. */
export function compileRegion(discovery: Discovery, canonicalShift: number, exitOp: (ip: bigint, stay: boolean) => number): CompiledRegion {
  const writer = new RegionWriter(discovery, canonicalShift, exitOp);
  const code = writer.write();
  const bytes = encodeModule({ types: SIGNATURES, table: false, functions: [...helperFunctions(), { type: COLD_TYPE, code, export: 'region' }] });
  return { bytes, entries: writer.entries };
}

class RegionWriter implements RegionContext {
  readonly code = new Code(1);
  readonly pool = new TemporaryPool(this.code);
  readonly registers: readonly Local[];
  readonly flags: Readonly<Record<FlagSlot, Local>>;
  readonly used = new Set<number>();
  readonly entries: readonly bigint[];
  readonly canonicalShift: number;
  knownKind: number | undefined;
  readonly #exitOp: (ip: bigint, stay: boolean) => number;
  readonly #flow: Flow;
  /** By gate, by group: the host address its checks found. */
  readonly #hosts = new Map<number, readonly Local[]>();
  /** The gate in front of the copies that are being written, by node. */
  readonly #gateOf = new Map<number, number>();
  /** What of the current instruction's accesses was checked by its gate. */
  #coverage: readonly (Coverage | undefined)[] = [];
  #accesses = 0;
  readonly #structure: Structure;
  readonly #labels: (Label | undefined)[] = [];
  readonly #loops: (Label | undefined)[] = [];
  /** By node: instructions that may run before the budget is looked at again; undefined where it is not looked at. */
  readonly #reach: readonly (number | undefined)[];
  readonly #budget: Local;
  readonly #exit: Local;
  readonly #state: Local;
  #epilogue: Label = { depth: 0 };
  #dispatch: Label = { depth: 0 };
  #current = 0;

  constructor(discovery: Discovery, canonicalShift: number, exitOp: (ip: bigint, stay: boolean) => number) {
    const { code } = this;
    this.canonicalShift = canonicalShift;
    this.#exitOp = exitOp;
    this.registers = Array.from({ length: 16 }, () => code.local('i64'));
    this.flags = { a: code.local('i64'), b: code.local('i64'), result: code.local('i64'), kind: code.local('i32'), carry: code.local('i32') };
    this.#budget = code.local('i32');
    this.#exit = code.local('i32');
    this.#state = code.local('i32');
    const flow = this.#flow = new Flow(discovery, RETURN_SITE_LIMIT);
    const first = [...discovery.entries][0]!;
    const entries = new Set([...discovery.entries, ...backEdgeTargets(flow.nodes, flow.target(first)!).map((node) => flow.nodes[node]!.ip)]);
    let structured = structureWithEntries(flow, entries);
    if (this.#unroll(structured, entries)) structured = structureWithEntries(flow, entries);
    this.entries = [...entries];
    this.#structure = structured;
    this.#reach = reaches(flow.nodes, structured, flow.nodes.map(({ block }) => block?.instructions.length ?? 0));
  }

  write(): Code {
    const { code } = this;
    this.#epilogue = code.block();
    this.#dispatch = code.loop();
    this.#node(0);
    code.end();
    code.end();
    this.#store();
    code.get(this.#exit);
    // What the prologue loads is known only now.
    const prologue = new Code(1);
    prologue.i32(0).load('i32', EXIT.REMAINING).i32(1).op('i32_add').set(this.#budget);
    for (const number of this.used) prologue.i32(0).load('i64', STATE.GENERAL + 8 * number).set(this.registers[number]!);
    for (const slot of FLAG_SLOTS) prologue.i32(0).load(slot === 'kind' || slot === 'carry' ? 'i32' : 'i64', FLAG_STATE[slot]).set(this.flags[slot]);
    prologue.get(0).load('i32_16u', OP_FIELD.REGISTER[0]).set(this.#state);
    code.bytes.splice(0, 0, ...prologue.bytes);
    return code;
  }

  exitBefore(ip: bigint, back: number): void {
    const { code } = this;
    code.get(this.#budget).i32(back).op('i32_add').set(this.#budget);
    code.i32(this.#exitOp(ip, true)).set(this.#exit).br(this.#epilogue);
  }

  exitTo(ip: bigint, back = 0): void {
    if (back > 0) this.code.get(this.#budget).i32(back).op('i32_add').set(this.#budget);
    this.code.i32(this.#exitOp(ip, false)).set(this.#exit).br(this.#epilogue);
  }

  wrote(): void {
    // Of interest to those who look ahead.
  }

  access(_address: OperandAddress | undefined, _size: number, _table: number): CheckedHost | undefined {
    const covered = this.#coverage[this.#accesses++];
    if (covered === undefined) return undefined;
    return { host: this.#hosts.get(this.#gateOf.get(this.#current)!)![covered.group]!, offset: covered.offset };
  }

  closeWindows(): void {
    // They are looked up for each access, but in loops that do not close any.
  }

  branch(target: bigint): void {
    const node = this.#flow.target(target, this.#current);
    if (node === undefined) this.exitTo(target);
    else this.#goTo(node);
  }

  branchTo(target: Local, returns: boolean): void {
    const { code } = this;
    if (returns) {
      for (const site of this.#flow.sites) {
        code.get(target).i64(site).op('i64_eq').if();
        this.branch(site);
        code.end();
      }
    }
    code.get(target).call(HELPER_INDEX.lookup).set(this.#exit).br(this.#epilogue);
  }

  /** Puts gates in front of innermost loops that are worth it; false if there are none. */
  #unroll({ order, loopHeader, dominator, children, merge }: Structure, entries: ReadonlySet<bigint>): boolean {
    const flow = this.#flow;
    const unrolled = new Set<number>();
    for (const loop of naturalLoops(flow.nodes, { order, loopHeader, dominator, children, merge })) {
      const others = [...loop.nodes].filter((node) => node !== loop.header);
      if (loop.nodes.has(0) || unrolled.has(loop.header) || others.some((node) => loopHeader[node]! || entries.has(flow.nodes[node]!.ip))) continue;
      const fast = planLoop(loop, flow.nodes, order);
      if (fast === undefined) continue;
      unrolled.add(loop.header);
      const gate = flow.nodes.length;
      flow.unroll(fast);
      for (let node = gate + 1; node < flow.nodes.length; node++) this.#gateOf.set(node, gate);
      this.#hosts.set(gate, fast.groups.map(() => this.code.local('i32')));
    }
    return unrolled.size > 0;
  }

  /** Writes a node and what it dominates. */
  #node(node: number): void {
    const { loopHeader, merge, children } = this.#structure;
    const header = loopHeader[node]!;
    if (header) this.#loops[node] = this.code.loop();
    this.#within(node, children[node]!.filter((child) => merge[child]));
    if (header) {
      this.code.end();
      this.#loops[node] = undefined;
    }
  }

  /** Writes a node inside the blocks whose ends are its merge children, each followed by that child. */
  #within(node: number, following: readonly number[]): void {
    const [first, ...rest] = following;
    if (first === undefined) {
      if (node === 0) this.#writeDispatch();
      else this.#writeBody(node);
      return;
    }
    this.#labels[first] = this.code.block();
    this.#within(node, rest);
    this.code.end();
    this.#labels[first] = undefined;
    this.knownKind = undefined;
    this.#node(first);
  }

  #writeDispatch(): void {
    const labels = this.entries.map((ip) => this.#labels[this.#flow.target(ip)!]!);
    this.code.get(this.#state).brTable(labels, labels[0]!);
  }

  #writeBody(node: number): void {
    const { code } = this;
    const { loopHeader } = this.#structure;
    const { ip, block, gate, coverage } = this.#flow.nodes[node]!;
    if (loopHeader[node]!) this.knownKind = undefined;
    const reach = this.#reach[node];
    if (reach !== undefined) {
      code.get(this.#budget).i32(reach).op('i32_lt_s').if();
      this.exitBefore(ip, 0);
      code.end();
    }
    if (block !== undefined) this.#writeBlock(block, node, coverage);
    else if (gate !== undefined) this.#writeGate(gate, node);
  }

  #writeBlock(block: Block, node: number, coverage: readonly (readonly (Coverage | undefined)[])[] | undefined): void {
    const { code } = this;
    const count = block.instructions.length;
    code.get(this.#budget).i32(count).op('i32_sub').set(this.#budget);
    block.instructions.forEach((decoded, i) => {
      this.#current = node;
      this.#coverage = coverage?.[i] ?? [];
      this.#accesses = 0;
      liftOf(decoded.shape.mnemonic)!(new RegionAccess(this, decoded, count - i));
    });
    this.#current = node;
    if (block.next !== undefined) this.branch(block.next);
  }

  /** Looks the groups of an unrolled loop up in the tables of windows, and leads to its copies if all are there. */
  #writeGate({ loop, fast, slow }: Gate, node: number): void {
    const { code, pool } = this;
    pool.reset();
    const fails = pool.take('i32');
    loop.groups.forEach(({ base, index, scale, displacement, span, table }, i) => {
      const ea = pool.take('i64'), entry = pool.take('i32');
      code.i64(displacement);
      if (base !== undefined) code.get(this.registers[base]!).op('i64_add');
      if (index !== undefined) code.get(this.registers[index]!).i64(scale).op('i64_shl').op('i64_add');
      code.tee(ea).op('i32_wrap_i64').i32(8).op('i32_shr_u').i32(0xff0).op('i32_and').set(entry);
      code.get(ea).get(entry).load('i64', table).op('i64_sub').tee(ea).i64(PAGE_SIZE - span).op('i64_gt_u');
      if (i > 0) code.get(fails).op('i32_or');
      code.set(fails);
      code.get(ea).op('i32_wrap_i64').get(entry).load('i32', table + 8).op('i32_add').set(this.#hosts.get(node)![i]!);
      for (const register of [base, index]) if (register !== undefined) this.used.add(register);
    });
    this.#current = node;
    if (loop.groups.length > 0) {
      code.get(fails).if();
      this.#goTo(slow);
      code.end();
      this.#current = node;
    }
    this.#goTo(fast);
  }

  #goTo(node: number): void {
    const { order, merge } = this.#structure;
    const from = this.#current;
    const loop = this.#loops[node];
    if (order[node]! <= order[from]!) {
      if (loop !== undefined) {
        this.code.br(loop);
        return;
      }
      this.code.i32(this.entries.indexOf(this.#flow.nodes[node]!.ip)).set(this.#state).br(this.#dispatch);
      return;
    }
    if (merge[node]!) {
      this.code.br(this.#labels[node]!);
      return;
    }
    const { knownKind } = this;
    this.#node(node);
    this.#current = from;
    this.knownKind = knownKind;
  }

  #store(): void {
    const { code } = this;
    for (const number of this.used) code.i32(0).get(this.registers[number]!).store('i64', STATE.GENERAL + 8 * number);
    for (const slot of FLAG_SLOTS) code.i32(0).get(this.flags[slot]).store(slot === 'kind' || slot === 'carry' ? 'i32' : 'i64', FLAG_STATE[slot]);
    code.i32(0).get(this.#budget).store('i32', EXIT.REMAINING);
  }
}

/**
 * The structure of a graph that is entered at `entries`. An edge back to a block that does not dominate its origin goes through the
 * dispatcher, so its target becomes an entry; which may cost other blocks their dominance.
 */
function structureWithEntries(flow: Flow, entries: Set<bigint>): Structure {
  for (;;) {
    flow.enterAt(entries);
    const structured = structure(flow.nodes, new Set(flow.nodes[0]!.successors));
    const irreducible = irreducibleTargets(flow.nodes, structured).map((node) => flow.nodes[node]!.ip).filter((ip) => !entries.has(ip));
    if (irreducible.length === 0) return structured;
    for (const ip of irreducible) entries.add(ip);
  }
}

/**
 * Where the budget is checked, and for how much: at entries and loop headers, for the longest way to the next of them. In between it cannot
 * run out, so blocks only count.
 */
function reaches(nodes: readonly FlowNode[], { order, loopHeader }: Structure, counts: readonly number[]): (number | undefined)[] {
  const entries = new Set(nodes[0]!.successors);
  const checked = (node: number): boolean => loopHeader[node]! || entries.has(node);
  const longest = new Array<number>(nodes.length).fill(0);
  const sequence = nodes.map((_, node) => node).filter((node) => order[node]! > 0).sort((a, b) => order[b]! - order[a]!);
  for (const node of sequence) {
    let after = 0;
    for (const to of nodes[node]!.successors) if (order[to]! > order[node]! && !checked(to)) after = Math.max(after, longest[to]!);
    longest[node] = counts[node]! + after;
  }
  return nodes.map((_, node) => (node > 0 && checked(node) ? longest[node] : undefined));
}

/** Targets of edges that lead back in a depth-first walk from `start`. */
function backEdgeTargets(nodes: readonly FlowNode[], start: number): number[] {
  const state = new Map<number, 'open' | 'closed'>([[start, 'open']]);
  const found = new Set<number>();
  const stack = [{ node: start, next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const successor = nodes[top.node]!.successors[top.next++];
    if (successor === undefined) {
      state.set(top.node, 'closed');
      stack.pop();
    } else if (state.get(successor) === 'open') found.add(successor);
    else if (!state.has(successor)) {
      state.set(successor, 'open');
      stack.push({ node: successor, next: 0 });
    }
  }
  return [...found];
}

function irreducibleTargets(nodes: readonly FlowNode[], { order, loopHeader, dominator }: Structure): number[] {
  const found = new Set<number>();
  nodes.forEach(({ successors }, from) => {
    if (order[from]! < 0) return;
    for (const to of successors) {
      if (order[to]! > order[from]!) continue;
      let at = from;
      while (order[at]! > order[to]!) at = dominator[at]!;
      if (!loopHeader[to]! || at !== to) found.add(to);
    }
  });
  return [...found];
}
