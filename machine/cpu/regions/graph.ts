/**
 * Control flow of a region: which blocks there are, what dominates what, and in which order structured code can be written.
 */

export interface FlowNode {
  readonly successors: readonly number[];
}

export interface Structure {
  /** Reverse postorder position by node; -1: not reachable. */
  readonly order: readonly number[];
  /** Immediate dominator by node; the root's is itself. */
  readonly dominator: readonly number[];
  /** Nodes that an edge from a node they dominate leads back to. */
  readonly loopHeader: readonly boolean[];
  /** Nodes that need a label because more than one forward edge, or an entry, leads to them. */
  readonly merge: readonly boolean[];
  /** Children in the dominator tree, by falling reverse postorder. */
  readonly children: readonly (readonly number[])[];
}

/** Node 0 is the root: it leads to every entry. `entries` always get labels. */
export function structure(nodes: readonly FlowNode[], entries: ReadonlySet<number>): Structure {
  const sequence = reversePostorder(nodes);
  const order = new Array<number>(nodes.length).fill(-1);
  sequence.forEach((node, i) => { order[node] = i; });
  const predecessors: number[][] = nodes.map(() => []);
  for (const node of sequence) for (const to of nodes[node]!.successors) predecessors[to]!.push(node);
  const dominator = dominators(sequence, order, predecessors);
  const dominates = (a: number, b: number): boolean => {
    while (order[b]! > order[a]!) b = dominator[b]!;
    return a === b;
  };
  const loopHeader = nodes.map(() => false);
  const merge = nodes.map((_, i) => entries.has(i));
  for (const node of sequence) {
    let forward = 0;
    for (const from of predecessors[node]!) {
      if (order[from]! < order[node]!) forward++;
      else if (dominates(node, from)) loopHeader[node] = true;
    }
    if (forward > 1) merge[node] = true;
  }
  const children: number[][] = nodes.map(() => []);
  for (const node of sequence) if (node !== 0) children[dominator[node]!]!.unshift(node);
  return { order, dominator, loopHeader, merge, children };
}

function reversePostorder(nodes: readonly FlowNode[]): number[] {
  const seen = nodes.map(() => false);
  const out: number[] = [];
  // An explicit stack: regions may be a few hundred blocks deep.
  const stack: { node: number; next: number }[] = [{ node: 0, next: 0 }];
  seen[0] = true;
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const successor = nodes[top.node]!.successors[top.next++];
    if (successor === undefined) {
      out.push(top.node);
      stack.pop();
    } else if (!seen[successor]) {
      seen[successor] = true;
      stack.push({ node: successor, next: 0 });
    }
  }
  return out.reverse();
}

/** Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm". */
function dominators(sequence: readonly number[], order: readonly number[], predecessors: readonly (readonly number[])[]): number[] {
  const dominator = new Array<number>(order.length).fill(-1);
  dominator[0] = 0;
  for (let changed = true; changed;) {
    changed = false;
    for (const node of sequence) {
      if (node === 0) continue;
      let found = -1;
      for (const from of predecessors[node]!) {
        if (dominator[from] === -1) continue;
        if (found === -1) {
          found = from;
          continue;
        }
        let a = found, b = from;
        while (a !== b) {
          while (order[a]! > order[b]!) a = dominator[a]!;
          while (order[b]! > order[a]!) b = dominator[b]!;
        }
        found = a;
      }
      if (dominator[node] !== found) {
        dominator[node] = found;
        changed = true;
      }
    }
  }
  return dominator;
}
