import type { Id } from '../../kernel/ids.ts';
import { DUTIES, type Duty, type MatrixRowFacts } from './matrix.rules.ts';

/** How deep a chain of suppliers is looked into. */
export const DEEPEST_CHAIN = 5;

/** An integration in a chain, with the windows of its matrix in force. */
export interface ChainLink {
  integrationId: Id;
  /** As people call it. */
  name: string;
  rows: readonly MatrixRowFacts[];
  /** What it depends on; `depth` 1 is its own supplier, 2 a supplier of that one. */
  dependsOn: readonly { integrationId: Id; depth: number }[];
}

/** A duty promised faster than those it waits for have promised theirs. */
export interface ChainContradiction {
  duty: Duty;
  part: string;
  integrationId: Id;
  windowMinutes: number;
  /** What the chain needs in the worst case, and the integrations that make it up, the nearest first. */
  neededMinutes: number;
  chain: { integrationId: Id; name: string; windowMinutes: number }[];
}

interface Way {
  needed: number;
  chain: ChainContradiction['chain'];
}

/**
 * Windows along a chain add up: whoever is told last must be able to count on all before. A row whose window is shorter
 * than the sum of its suppliers' windows promises what it cannot keep.
 */
export function chainContradictions(start: Id, links: ReadonlyMap<Id, ChainLink>): ChainContradiction[] {
  const own = links.get(start);
  if (!own) return [];
  const found: ChainContradiction[] = [];
  for (const duty of DUTIES) {
    const { needed, chain } = longest(start, duty, DEEPEST_CHAIN, links, new Set([start]));
    if (needed === 0) continue;
    for (const row of own.rows) {
      if (row.duty === duty && row.windowMinutes && row.windowMinutes < needed)
        found.push({
          duty,
          part: row.part,
          integrationId: start,
          windowMinutes: row.windowMinutes,
          neededMinutes: needed,
          chain,
        });
    }
  }
  return found;
}

/** The slowest way through what an integration depends on. A circle is walked once: it has no end to wait for. */
function longest(
  from: Id,
  duty: Duty,
  left: number,
  links: ReadonlyMap<Id, ChainLink>,
  walked: ReadonlySet<Id>,
): Way {
  let best: Way = { needed: 0, chain: [] };
  for (const { integrationId, depth } of links.get(from)?.dependsOn ?? []) {
    const link = links.get(integrationId);
    if (!link || depth > left || walked.has(integrationId)) continue;
    const window = slowest(link.rows, duty);
    const further = longest(integrationId, duty, left - depth, links, new Set([...walked, integrationId]));
    const needed = window + further.needed;
    if (needed > best.needed) {
      const here = window > 0 ? [{ integrationId, name: link.name, windowMinutes: window }] : [];
      best = { needed, chain: [...here, ...further.chain] };
    }
  }
  return best;
}

function slowest(rows: readonly MatrixRowFacts[], duty: Duty): number {
  return Math.max(0, ...rows.filter((row) => row.duty === duty).map((row) => row.windowMinutes ?? 0));
}
