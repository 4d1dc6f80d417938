/**
 * Natural loops of a region's flow graph: the nodes that a back edge encloses.
 */
import type { FlowNode, Structure } from './graph.ts';

export interface Loop {
  readonly header: number;
  /** The header included. */
  readonly nodes: ReadonlySet<number>;
}

/** One loop for each back edge that `structure` found, the smallest first. Loops that share a header are nested, or parts of one loop. */
export function naturalLoops(nodes: readonly FlowNode[], { order, loopHeader }: Structure): readonly Loop[] {
  const predecessors: number[][] = nodes.map(() => []);
  nodes.forEach(({ successors }, from) => {
    if (order[from]! >= 0) for (const to of successors) predecessors[to]!.push(from);
  });
  const loops: Loop[] = [];
  loopHeader.forEach((isHeader, header) => {
    if (!isHeader) return;
    for (const latch of predecessors[header]!) {
      if (order[latch]! < order[header]!) continue;
      const inside = new Set([header]);
      const queue = [latch];
      for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
        if (inside.has(node) || order[node]! < order[header]!) continue;
        inside.add(node);
        queue.push(...predecessors[node]!);
      }
      loops.push({ header, nodes: inside });
    }
  });
  return loops.sort((a, b) => a.nodes.size - b.nodes.size);
}
