/** Beyond this size nobody reads the way round, and finding it for each member costs the square. */
const LARGEST_SHOWN = 64;

export interface Circle<N> {
  /** How many nodes lead back to themselves through one another. */
  size: number;
  /** The shortest way from the node back to itself, itself first; null in a knot of more than 64 nodes. */
  way: N[] | null;
}

/**
 * The dependencies that lead back to where they started.
 *
 * @param edges pairs "depends on"
 * @returns every node that reaches itself; a node that depends on itself counts
 */
export function circlesIn<N>(edges: readonly (readonly [from: N, to: N])[]): Map<N, Circle<N>> {
  const next = new Map<N, N[]>();
  for (const [from, to] of edges) {
    const known = next.get(from);
    if (known) known.push(to);
    else next.set(from, [to]);
  }
  const circles = new Map<N, Circle<N>>();
  for (const component of componentsOf(next)) {
    const [only] = component;
    const size = component.length;
    if (size === 1 && only !== undefined && !(next.get(only) ?? []).includes(only)) continue;
    const inside = new Set(component);
    for (const node of component)
      circles.set(node, { size, way: size > LARGEST_SHOWN ? null : walk(node, next, inside) });
  }
  return circles;
}

/** From a node back to itself within its component, by the shortest way. */
function walk<N>(start: N, next: ReadonlyMap<N, readonly N[]>, inside: ReadonlySet<N>): N[] {
  const cameFrom = new Map<N, N>();
  const queue: N[] = [start];
  for (let at = 0; at < queue.length; at++) {
    const node = queue[at] as N;
    for (const to of next.get(node) ?? []) {
      if (to === start) {
        const path = [node];
        for (let back = node; back !== start;) {
          back = cameFrom.get(back) as N;
          path.push(back);
        }
        return path.toReversed();
      }
      if (inside.has(to) && !cameFrom.has(to)) {
        cameFrom.set(to, node);
        queue.push(to);
      }
    }
  }
  return [start];
}

/** Strongly connected components (Tarjan 1972), without recursion: a chain may be as long as the portfolio. */
function componentsOf<N>(next: ReadonlyMap<N, readonly N[]>): N[][] {
  const index = new Map<N, number>();
  const low = new Map<N, number>();
  const open: N[] = [];
  const isOpen = new Set<N>();
  const components: N[][] = [];
  for (const root of next.keys()) {
    if (index.has(root)) continue;
    const stack: { node: N; at: number }[] = [];
    const enter = (node: N) => {
      index.set(node, index.size);
      low.set(node, index.get(node) ?? 0);
      open.push(node);
      isOpen.add(node);
      stack.push({ node, at: 0 });
    };
    enter(root);
    while (stack.length > 0) {
      const frame = stack.at(-1)!;
      const successors = next.get(frame.node) ?? [];
      if (frame.at < successors.length) {
        const to = successors[frame.at++] as N;
        if (!index.has(to)) enter(to);
        else if (isOpen.has(to)) low.set(frame.node, Math.min(low.get(frame.node)!, index.get(to)!));
        continue;
      }
      stack.pop();
      const parent = stack.at(-1);
      if (parent) low.set(parent.node, Math.min(low.get(parent.node)!, low.get(frame.node)!));
      if (low.get(frame.node) !== index.get(frame.node)) continue;
      const component: N[] = [];
      for (let node = open.pop(); node !== undefined; node = open.pop()) {
        isOpen.delete(node);
        component.push(node);
        if (node === frame.node) break;
      }
      components.push(component);
    }
  }
  return components;
}
