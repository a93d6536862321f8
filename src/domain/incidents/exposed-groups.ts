import { newId, type Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Trust } from '../exposures/exposure.rules.ts';
import type { MatchedExposure } from '../exposures/matching.service.ts';
import { mayAct } from '../revocation/authority.rules.ts';
import type { ExposedVersionRow, IncidentCredentialInput } from './acceptance.queries.ts';
import type { EarlierPortions } from './arrivals.ts';
import { authorityOf } from './exposed-authority.rules.ts';
import { orderedDecision, type Order } from './mass-order.rules.ts';
import { severityOf, type Assignment, type Severity } from './incident.rules.ts';

/** What one version's exposures say together: the best match, the most trusted source of it. */
interface Witness {
  match: 'value' | 'metadata';
  trust: Trust;
}

export interface Group {
  incidentId: Id;
  isNew: boolean;
  batchId: Id;
  /** Of a large delivery: what its earlier portions left here. */
  earlier: EarlierPortions | null;
  exposures: MatchedExposure[];
  witnesses: Map<Id, Witness>;
  awareness: Millis;
}

export function placesOf(exposures: readonly MatchedExposure[]): string[] {
  return [...new Set(exposures.flatMap((one) => (one.place === null ? [] : [one.place])))];
}

/**
 * Exposures by the incident that each was assigned to; those of none belong to one new one.
 * @param opened the one that they belong to instead: it was opened by what came with them
 */
export function groupsOf(
  matched: readonly MatchedExposure[],
  assigned: Assignment,
  opened: Id | null = null,
): Group[] {
  const fresh = newId();
  const groups = new Map<Id, Group>();
  for (const one of matched) {
    const known = assigned.get(one.exposureId) ?? opened;
    const incidentId = known ?? fresh;
    const group = groups.get(incidentId) ?? {
      incidentId,
      isNew: known === null,
      batchId: newId(),
      earlier: null,
      exposures: [],
      witnesses: new Map<Id, Witness>(),
      awareness: one.receivedAt,
    };
    group.exposures.push(one);
    group.awareness = Math.min(group.awareness, one.receivedAt);
    for (const { versionId } of one.versions) {
      group.witnesses.set(versionId, better(group.witnesses.get(versionId), one));
    }
    groups.set(incidentId, group);
  }
  return [...groups.values()];
}

const TRUST_RANK: Readonly<Record<Trust, number>> = { inform: 0, approve: 1, act: 2 };

/** A match on the value outweighs any trust; among equals the more trusted source speaks. */
function better(known: Witness | undefined, one: MatchedExposure): Witness {
  const next: Witness = { match: one.match, trust: one.trust };
  if (!known) return next;
  if (known.match !== next.match) return known.match === 'value' ? known : next;
  return TRUST_RANK[next.trust] > TRUST_RANK[known.trust] ? next : known;
}

/** What may be done about a version, frozen as it joins. */
export function decide(
  row: ExposedVersionRow,
  witness: Witness,
  now: Millis,
  order?: Order,
): IncidentCredentialInput {
  const authority = authorityOf(row);
  const decision = order
    ? orderedDecision(authority, order, now)
    : mayAct(
        {
          authority,
          match: witness.match,
          sourceTrust: witness.trust,
          approvals: [],
          replaced: false,
          askedAt: now,
        },
        now,
      );
  return {
    version_id: row.version_id,
    credential_id: row.credential_id,
    integration_id: row.integration_id,
    match: witness.match,
    authority: authority.kind,
    approve_within_minutes: authority.kind === 'approve_within' ? authority.minutes : null,
    approve_otherwise: authority.kind === 'approve_within' ? authority.otherwise : null,
    may_act: decision.may,
    source_trust: witness.trust,
    why: decision.why,
  };
}

/** How bad the group's own versions make its incident. What people revoke together is as bad as if it had been seen. */
export function severityIn(group: Group, versions: readonly ExposedVersionRow[], order?: Order): Severity {
  const publiclyLeaked = group.exposures.some((one) => one.publiclyLeaked);
  return severityOf(
    versions.map((row) => ({
      production: row.environment === 'production',
      riskTier: row.risk_tier,
      publiclyLeaked,
      match: order ? 'value' : group.witnesses.get(row.version_id)!.match,
    })),
  );
}
