import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Profile } from './applies.rules.ts';
import type { ClockFacts } from './clock.rules.ts';
import { eventsOf } from './duty-clock.rules.ts';

export type Instants = Partial<Record<string, Millis>>;

interface Operator {
  id: Id;
  region: string | null;
  sector: string | null;
  zone: string;
}

/** A party of an integration, as far as its own duties follow from it. */
export interface Owing extends Operator {
  roles: string[];
  /** Not the operator: what it owes it tells itself. */
  watched: boolean;
  /** When it knew: as it says itself, or as we told it. */
  knewAt: Millis | null;
  /** When it told us, as is on record. */
  toldAt: Millis | null;
}

export interface CaseOwed {
  id: Id;
  integration_id: Id;
  regions: string[];
  sectors: string[];
  data_class: string;
  /** Of the operator. */
  roles: string[];
  authority: Id | null;
  counterparty: Id | null;
  operator: Id;
  others: (Operator & { roles: string[]; knewAt: string | null; toldAt: string | null })[] | null;
}

export async function operatorOf(db: Db): Promise<Operator | undefined> {
  const [operator] = await rowsOf<Operator>(
    db,
    `SELECT id, region, sector, zone FROM party WHERE is_operator AND retired_at IS NULL ORDER BY created_at LIMIT 1`,
  );
  return operator;
}

/** Parties of one integration whose duties are watched. */
const MOST_OTHERS = 20;

export function casesOf(
  db: Db,
  incidentId: Id,
  operatorId: Id,
  o: { after?: Id; caseIds?: readonly Id[]; limit: number },
): Promise<CaseOwed[]> {
  return rowsOf<CaseOwed>(
    db,
    `SELECT c.id, c.integration_id, i.regions, i.sectors, i.data_class, $2::uuid AS operator,
            coalesce((SELECT array_agg(p.role ORDER BY p.role) FROM integration_party p
                       WHERE p.integration_id = i.id AND p.party_id = $2), '{}') AS roles,
            (SELECT p.party_id FROM integration_party p WHERE p.integration_id = i.id AND p.role = 'authority'
              ORDER BY p.party_name, p.party_id LIMIT 1) AS authority,
            (SELECT p.party_id FROM integration_party p WHERE p.integration_id = i.id AND p.role = 'customer' AND p.party_id <> $2
              ORDER BY p.party_name, p.party_id LIMIT 1) AS counterparty,
            (SELECT jsonb_agg(jsonb_build_object('id', y.id, 'region', y.region, 'sector', y.sector, 'zone', y.zone, 'roles', x.roles,
                      'knewAt', least((SELECT min(a.knew_at) FROM supplier_account a WHERE a.case_id = c.id AND a.party_id = y.id),
                                      (SELECT min(n.accepted_at) FROM notice n WHERE n.subject_id = c.id AND n.party_id = y.id)),
                      'toldAt', (SELECT min(a.told_at) FROM supplier_account a WHERE a.case_id = c.id AND a.party_id = y.id)))
               FROM (SELECT p.party_id, array_agg(p.role ORDER BY p.role) AS roles FROM integration_party p
                      WHERE p.integration_id = i.id AND p.party_id <> $2 AND p.role IN ('supplier', 'customer', 'sub_processor')
                      GROUP BY p.party_id ORDER BY p.party_id LIMIT ${MOST_OTHERS}) x
               JOIN party y ON y.id = x.party_id AND y.retired_at IS NULL AND NOT y.is_operator) AS others
       FROM incident_case c JOIN integration i ON i.id = c.integration_id
      WHERE c.incident_id = $1 AND c.state <> 'dismissed' AND ($3::uuid IS NULL OR c.id > $3) AND ($4::uuid[] IS NULL OR c.id = ANY($4))
      ORDER BY c.id LIMIT $5`,
    [incidentId, operatorId, o.after ?? null, o.caseIds ?? null, o.limit],
  );
}

/** Whose duties there may be: the operator's own, and those of each other party of the integration. */
export function partiesOf(one: CaseOwed, operator: Operator): Owing[] {
  const at = (text: string | null) => (text === null ? null : Date.parse(text));
  return [
    { ...operator, roles: one.roles, watched: false, knewAt: null, toldAt: null },
    ...(one.others ?? []).map((other) => ({
      ...other,
      watched: true,
      knewAt: at(other.knewAt),
      toldAt: at(other.toldAt),
    })),
  ];
}

/** Where the party and the integration are, and what they do. */
export function profileOf(one: CaseOwed, owes: Owing): Profile {
  return {
    regions: [...one.regions, ...(owes.region === null ? [] : [owes.region])],
    sectors: [...one.sectors, ...(owes.sector === null ? [] : [owes.sector])],
    dataClass: one.data_class,
    roles: owes.roles,
  };
}

/** What has started for a party: ours are the instants of the case; of another we know only since when it knows. */
export function eventsFor(owes: Owing, instants: Instants): ClockFacts['events'] {
  if (!owes.watched) return eventsOf(instants);
  return owes.knewAt === null
    ? {}
    : { suspicion: owes.knewAt, awareness: owes.knewAt, discovery: owes.knewAt };
}

/** Whom a duty is told to, where a party of the integration is that. Whose authority another has we do not know. */
export function recipientOf(one: CaseOwed, audience: string, owes: Owing): Id | null {
  if (audience === 'authority') return owes.watched ? null : one.authority;
  if (audience !== 'counterparty') return null;
  if (!owes.watched) return one.counterparty;
  const operatorReceives = one.roles.includes('customer') && !owes.roles.includes('customer');
  return operatorReceives ? one.operator : one.counterparty === owes.id ? null : one.counterparty;
}

/** By case and kind; of disputed ones the earlier: whoever works to that is in time either way. */
export async function instantsOf(db: Db, caseIds: readonly Id[]): Promise<Map<Id, Instants>> {
  const rows = await rowsOf<{ case_id: Id; kind: string; at: Date }>(
    db,
    `SELECT case_id, kind, min(at) AS at FROM instant WHERE case_id = ANY($1::uuid[]) GROUP BY case_id, kind`,
    [caseIds],
  );
  const known = new Map<Id, Instants>();
  for (const { case_id: id, kind, at } of rows) known.set(id, { ...known.get(id), [kind]: at.getTime() });
  return known;
}
