import { HOUR, type Millis } from '../../kernel/time.ts';

/** What somebody may have done in a system with a credential that reaches it. */
export const DOWNSTREAM_KINDS = [
  'reads',
  'bad_writes',
  'rate_limit_exhaustion',
  'webhook_floods',
  'poisoned_workflows',
] as const;
export type DownstreamKind = (typeof DOWNSTREAM_KINDS)[number];

/** `entitled`: its scopes allow it. `observed`: it was seen there. `copy`: a copy of it lives on the system. */
export const DOWNSTREAM_BASES = ['observed', 'entitled', 'copy'] as const;
export type DownstreamBasis = (typeof DOWNSTREAM_BASES)[number];

export const DOWNSTREAM_STATES = ['open', 'done', 'not_doing'] as const;
export type DownstreamState = (typeof DOWNSTREAM_STATES)[number];

export interface ReachedEdge {
  /** As the inventory calls it: `service`, `database`, `pipeline`, … */
  systemKind: string;
  basis: DownstreamBasis;
  /** As the supplier writes it; empty: not known. */
  scope: string;
}

const READS_ONLY = /(^|[^a-z])(read|readonly|view|viewer|list|get|select)([^a-z]|$)/;
const CHANGES =
  /(^|[^a-z])(write|writer|admin|manage|create|update|delete|edit|post|put|full|owner|all)([^a-z]|$)|\*/;
const ANSWERS_CALLS = /(^|[^a-z])(api|service|gateway|saas|app|application|web)([^a-z]|$)/;
const TAKES_EVENTS =
  /webhook|(^|[^a-z])(hook|event|events|queue|bus|stream|topic|notification|notifications)([^a-z]|$)/;
const RUNS_WORK =
  /workflow|pipeline|automation|(^|[^a-z])(ci|cd|build|deploy|deployment|job|jobs|actions|agent|agents|runner|scheduler|orchestrator)([^a-z]|$)/;

/**
 * What has to be looked for in a system that an exposed credential reaches. Reads always. What is not known counts as
 * possible: a scope that nobody wrote down may write.
 */
export function kindsReached(edge: ReachedEdge): DownstreamKind[] {
  const scope = edge.scope.toLowerCase();
  const kind = edge.systemKind.toLowerCase().replaceAll('_', ' ');
  const readsOnly = READS_ONLY.test(scope) && !CHANGES.test(scope);
  return DOWNSTREAM_KINDS.filter((one) => {
    switch (one) {
      case 'reads':
        return true;
      case 'bad_writes':
        return !readsOnly;
      case 'rate_limit_exhaustion':
        return ANSWERS_CALLS.test(kind);
      case 'webhook_floods':
        return !readsOnly && (TAKES_EVENTS.test(kind) || TAKES_EVENTS.test(scope));
      case 'poisoned_workflows':
        return !readsOnly && (RUNS_WORK.test(kind) || RUNS_WORK.test(scope));
    }
  });
}

/** How long its owner has. What was seen to be reached comes before what could have been. */
export function timeFor(basis: DownstreamBasis): Millis {
  return basis === 'entitled' ? 72 * HOUR : 24 * HOUR;
}

/** For the owner: why this stands on the list. */
export function whyReached(edge: ReachedEdge): string {
  const how = {
    observed: 'the credential was seen to be used there',
    entitled: 'the credential may be used there',
    copy: 'a copy of the credential lies there',
  }[edge.basis];
  return edge.scope === '' ? how : `${how}: ${edge.scope}`;
}
