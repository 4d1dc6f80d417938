/**
 * The nodes of a region's flow graph. Node 0 is the dispatcher; then one for each block; then what unrolling adds: gates, which are the
 * heads of unrolled loops and stand for the loop's first address, and copies of blocks.
 */
import type { Block, Discovery } from './discover.ts';
import type { FlowNode } from './graph.ts';
import type { Coverage, FastLoop } from './fast-loop.ts';

export interface RegionNode extends FlowNode {
  readonly ip: bigint;
  /** Undefined for the dispatcher and for gates. */
  readonly block?: Block;
  /** Where direct targets of a copy lead, if not where they lead anywhere else. */
  readonly edges?: ReadonlyMap<bigint, number>;
  readonly gate?: Gate;
  /** By instruction of a copy: the accesses the gate has checked, in the order the instruction makes them; undefined: not checked. */
  readonly coverage?: readonly (readonly (Coverage | undefined)[])[];
}

export interface Gate {
  readonly loop: FastLoop;
  /** The first copy's head, and the head of the loop as it was, for when the checks fail. */
  readonly fast: number;
  readonly slow: number;
}

export class Flow {
  readonly nodes: RegionNode[] = [{ ip: 0n, successors: [] }];
  readonly #nodeOf = new Map<bigint, number>();
  readonly #sites: readonly bigint[];

  /** A return is compared with at most `siteLimit` known sites before it is looked up. */
  constructor(discovery: Discovery, siteLimit: number) {
    for (const block of discovery.blocks.values()) this.#nodeOf.set(block.ip, this.nodes.push({ ip: block.ip, block, successors: [] }) - 1);
    this.#sites = [...discovery.returnSites].filter((site) => this.#nodeOf.has(site)).slice(0, siteLimit);
    this.#connect();
  }

  /** Return sites a return is compared with. */
  get sites(): readonly bigint[] {
    return this.#sites;
  }

  /** The node that `ip` leads to from `from`; undefined if it leads out of the region. */
  target(ip: bigint, from = 0): number | undefined {
    return this.nodes[from]!.edges?.get(ip) ?? this.#nodeOf.get(ip);
  }

  /** Makes the dispatcher lead to `ips`. */
  enterAt(ips: Iterable<bigint>): void {
    this.nodes[0] = { ip: 0n, successors: [...ips].map((ip) => this.#nodeOf.get(ip)!) };
  }

  /** Puts a gate in front of a loop, and its copies behind the gate. */
  unroll(loop: FastLoop): void {
    const { header, nodes: inside, coverage } = loop;
    const gate = this.nodes.length;
    const members = [...inside];
    /** Number of the copy of `member` in round `round`; the gate behind the last round. */
    const copy = (member: number, round: number): number => (round === coverage.length ? gate : gate + 1 + round * members.length + members.indexOf(member));
    const { ip } = this.nodes[header]!;
    this.nodes.push({ ip, successors: [copy(header, 0), header], gate: { loop, fast: copy(header, 0), slow: header } });
    coverage.forEach((round, number) => {
      for (const member of members) {
        const { block, ip: at } = this.nodes[member]!;
        const edges = new Map(members.map((other) => [this.nodes[other]!.ip, other === header ? copy(header, number + 1) : copy(other, number)]));
        this.nodes.push({ ip: at, block: block!, successors: [], edges, coverage: round.get(member)! });
      }
    });
    this.#nodeOf.set(ip, gate);
    this.#connect();
  }

  #connect(): void {
    this.nodes.forEach((node, number) => {
      const { block } = node;
      if (block !== undefined) this.nodes[number] = { ...node, successors: this.#successors(block, number) };
    });
  }

  #successors(block: Block, from: number): number[] {
    const last = block.instructions.at(-1)!;
    const ips = [...(last.shape.mnemonic === 'ret' ? this.#sites : []), last.target, block.next];
    return ips.flatMap((ip) => (ip === undefined ? [] : this.target(ip, from) ?? []));
  }
}
