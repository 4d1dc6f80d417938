/**
 * Writes a region as one WebAssembly function: blocks structured by their dominator tree (after Ramsey, "Beyond Relooper"), registers and
 * flags in locals, one epilogue that all exits share. Irreducible edges and entries go through a dispatcher at the top.
 *
 * The function has the signature of a cold handler: (micro-op) -> next micro-op. The instruction its entry stands for was already taken
 * off the budget when it is called, and is given back first.
 */
import { EXIT, OP_FIELD, STATE } from '../../memory/layout.ts';
import { FLAG_STATE } from '../interpreter/handler-access.ts';
import { COLD_TYPE, HELPER_INDEX, helperFunctions, SIGNATURES } from '../interpreter/helpers.ts';
import { TemporaryPool } from '../lift/access.ts';
import type { FlagSlot } from '../lift/access.ts';
import { liftOf } from '../lift/index.ts';
import { Code } from '../wasm/code.ts';
import type { Label, Local } from '../wasm/code.ts';
import { encodeModule } from '../wasm/module.ts';
import type { Block, Discovery } from './discover.ts';
import { structure } from './graph.ts';
import type { FlowNode, Structure } from './graph.ts';
import { RegionAccess } from './region-access.ts';
import type { RegionContext } from './region-access.ts';

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
  readonly #discovery: Discovery;
  readonly #exitOp: (ip: bigint, stay: boolean) => number;
  /** Node 0 is the dispatcher; the others are blocks. */
  readonly #blocks: readonly Block[];
  readonly #nodeOf = new Map<bigint, number>();
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
    this.#discovery = discovery;
    this.#exitOp = exitOp;
    this.registers = Array.from({ length: 16 }, () => code.local('i64'));
    this.flags = { a: code.local('i64'), b: code.local('i64'), result: code.local('i64'), kind: code.local('i32'), carry: code.local('i32') };
    this.#budget = code.local('i32');
    this.#exit = code.local('i32');
    this.#state = code.local('i32');
    this.#blocks = [...discovery.blocks.values()];
    this.#blocks.forEach((block, i) => this.#nodeOf.set(block.ip, i + 1));
    const nodes: FlowNode[] = [{ successors: [] }, ...this.#blocks.map((block) => ({ successors: this.#successors(block) }))];
    const entries = new Set([...discovery.entries, ...backEdgeTargets(nodes, this.#nodeOf.get([...discovery.entries][0]!)!).map((node) => this.#blocks[node - 1]!.ip)]);
    nodes[0] = { successors: [...entries].map((ip) => this.#nodeOf.get(ip)!) };
    let structured = structure(nodes, new Set(nodes[0].successors));
    // An edge back to a block that does not dominate its origin goes through the dispatcher, so its target must be an entry;
    // which may cost other blocks their dominance.
    for (;;) {
      const irreducible = irreducibleTargets(nodes, structured).map((node) => this.#blocks[node - 1]!.ip).filter((ip) => !entries.has(ip));
      if (irreducible.length === 0) break;
      for (const ip of irreducible) entries.add(ip);
      nodes[0] = { successors: [...entries].map((ip) => this.#nodeOf.get(ip)!) };
      structured = structure(nodes, new Set(nodes[0].successors));
    }
    this.entries = [...entries];
    this.#structure = structured;
    this.#reach = reaches(nodes, structured, this.#blocks.map(({ instructions }) => instructions.length));
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

  branch(target: bigint): void {
    const node = this.#nodeOf.get(target);
    if (node === undefined) this.exitTo(target);
    else this.#goTo(node);
  }

  branchTo(target: Local, returns: boolean): void {
    const { code } = this;
    if (returns) {
      for (const site of this.#sites()) {
        code.get(target).i64(site).op('i64_eq').if();
        this.branch(site);
        code.end();
      }
    }
    code.get(target).call(HELPER_INDEX.lookup).set(this.#exit).br(this.#epilogue);
  }

  #sites(): readonly bigint[] {
    return [...this.#discovery.returnSites].filter((site) => this.#nodeOf.has(site)).slice(0, RETURN_SITE_LIMIT);
  }

  #successors(block: Block): number[] {
    const out: number[] = [];
    const last = block.instructions.at(-1)!;
    const add = (ip: bigint | undefined): void => {
      const node = ip === undefined ? undefined : this.#nodeOf.get(ip);
      if (node !== undefined) out.push(node);
    };
    if (last.shape.mnemonic === 'ret') for (const site of this.#sites()) add(site);
    add(last.target);
    add(block.next);
    return out;
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
      else this.#writeBlock(this.#blocks[node - 1]!, node);
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
    const labels = this.entries.map((ip) => this.#labels[this.#nodeOf.get(ip)!]!);
    this.code.get(this.#state).brTable(labels, labels[0]!);
  }

  #writeBlock(block: Block, node: number): void {
    const { code } = this;
    const { loopHeader } = this.#structure;
    if (loopHeader[node]!) this.knownKind = undefined;
    const count = block.instructions.length;
    const reach = this.#reach[node];
    if (reach !== undefined) {
      code.get(this.#budget).i32(reach).op('i32_lt_s').if();
      this.exitBefore(block.ip, 0);
      code.end();
    }
    code.get(this.#budget).i32(count).op('i32_sub').set(this.#budget);
    block.instructions.forEach((decoded, i) => {
      this.#current = node;
      liftOf(decoded.shape.mnemonic)!(new RegionAccess(this, decoded, count - i));
    });
    this.#current = node;
    if (block.next !== undefined) this.branch(block.next);
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
      this.code.i32(this.entries.indexOf(this.#blocks[node - 1]!.ip)).set(this.#state).br(this.#dispatch);
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
    longest[node] = counts[node - 1]! + after;
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
