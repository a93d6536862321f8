import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Option } from '../shared/forms.tsx';
import { PAGE_SIZE, type Cursor } from '../shared/paging.tsx';
import { contains, ms } from '../shared/sql.ts';

export interface AgreementLine {
  id: Id;
  reference: string;
  title: string;
  partyName: string;
  /** In force now. */
  version: number | null;
  reviewOn: string | null;
  authority: string | null;
  toParty: number;
  fromParty: number;
  integrations: number;
  /** Whether somebody is writing the next version; never said to a party. */
  draft: boolean;
}

/** By title, one row more than a page shows. */
export function listAgreements(
  db: Db,
  filter: { q?: string | undefined; after?: Cursor | undefined },
  now: Millis,
): Promise<AgreementLine[]> {
  return db.query(
    `WITH page AS (
       SELECT a.id, a.reference, a.title, a.party_id, coalesce(p.name, '') AS "partyName" FROM agreement a LEFT JOIN party p ON p.id = a.party_id
        WHERE ($2::text IS NULL OR a.title ILIKE $2 OR a.reference ILIKE $2 OR p.name ILIKE $2)
          AND ($3::text IS NULL OR (a.title, a.id) > ($3, $4::uuid))
        ORDER BY a.title, a.id LIMIT ${PAGE_SIZE + 1})
     SELECT a.id, a.reference, a.title, a."partyName", v.number AS version, v.review_on::text AS "reviewOn", v.authority,
            (SELECT count(*)::int FROM term t WHERE t.agreement_version_id = v.id AND t.direction = 'to_party') AS "toParty",
            (SELECT count(*)::int FROM term t WHERE t.agreement_version_id = v.id AND t.direction = 'from_party') AS "fromParty",
            (SELECT count(*)::int FROM integration i WHERE i.agreement_id = a.id) AS integrations,
            EXISTS (SELECT FROM agreement_draft d WHERE d.agreement_id = a.id) AS draft
       FROM page a
       LEFT JOIN LATERAL (SELECT v.id, v.number, v.review_on, v.authority FROM agreement_version v
                           WHERE v.agreement_id = a.id AND v.valid_from <= $1 AND (v.valid_until IS NULL OR v.valid_until > $1)
                           ORDER BY v.number DESC LIMIT 1) v ON true
      ORDER BY a.title, a.id`,
    [
      new Date(now),
      filter.q ? contains(filter.q) : null,
      filter.after?.key ?? null,
      filter.after?.id ?? null,
    ],
  );
}

export interface AgreementHead {
  id: Id;
  reference: string;
  title: string;
  partyId: Id;
  partyName: string;
  rowVersion: number;
  /** Null: none is in force. */
  inForce: number | null;
  /** Newest first. */
  versions: {
    number: number;
    validFrom: Millis;
    validUntil: Millis | null;
    createdAt: Millis;
    hash: string;
  }[];
  integrations: { reference: string; name: string; state: string }[];
  draft: boolean;
}

export async function findAgreement(
  db: Db,
  reference: string,
  now: Millis,
): Promise<AgreementHead | undefined> {
  const [row] = await db.query<AgreementHead[]>(
    `SELECT a.id, a.reference, a.title, a.party_id AS "partyId", coalesce(p.name, '') AS "partyName", a.row_version AS "rowVersion",
            (SELECT max(v.number) FROM agreement_version v WHERE v.agreement_id = a.id AND v.valid_from <= $2 AND (v.valid_until IS NULL OR v.valid_until > $2)) AS "inForce",
            coalesce((SELECT json_agg(json_build_object('number', v.number, 'validFrom', ${ms('v.valid_from')}, 'validUntil', ${ms('v.valid_until')},
                             'createdAt', ${ms('v.created_at')}, 'hash', encode(v.content_hash, 'hex')) ORDER BY v.number DESC)
                        FROM agreement_version v WHERE v.agreement_id = a.id), '[]') AS versions,
            coalesce((SELECT json_agg(json_build_object('reference', i.reference, 'name', i.name, 'state', i.state) ORDER BY i.name)
                        FROM (SELECT * FROM integration i WHERE i.agreement_id = a.id ORDER BY i.name LIMIT 50) i), '[]') AS integrations,
            EXISTS (SELECT FROM agreement_draft d WHERE d.agreement_id = a.id) AS draft
       FROM agreement a LEFT JOIN party p ON p.id = a.party_id WHERE a.reference = $1`,
    [reference, new Date(now)],
  );
  return row;
}

/**
 * Whom terms may name: active contacts of the counterparty and of the operator.
 * @param named already: they stand in the list whatever became of them, so that a form which is saved drops nobody
 */
export async function contactOptions(
  db: Db,
  partyId: Id,
  named: readonly string[],
): Promise<(Option & { side: 'them' | 'us' })[]> {
  const rows = await db.query<
    { id: Id; name: string; role: string; active: boolean; party: string; ours: boolean }[]
  >(
    `SELECT k.id, k.name, k.role, k.active, p.name AS party, p.is_operator AS ours FROM contact k JOIN party p ON p.id = k.party_id
      WHERE k.id::text = ANY($2::text[]) OR k.id IN (
              SELECT k.id FROM contact k JOIN party p ON p.id = k.party_id WHERE k.active AND (k.party_id = $1 OR p.is_operator)
               ORDER BY p.is_operator, k.role, k.ordinal, k.name, k.id LIMIT 500)
      ORDER BY p.is_operator, p.name, k.role, k.ordinal, k.name, k.id`,
    [partyId, named],
  );
  return rows.map(({ id, name, role, active, party, ours }) => ({
    value: id,
    word: `${name} (${role.replaceAll('_', ' ')}${active ? '' : ', no longer active'})`,
    group: party,
    side: ours ? ('us' as const) : ('them' as const),
  }));
}

/** Names of the contacts that versions mention; of those that the reader may not see, nothing. */
export async function contactNames(db: Db, ids: readonly Id[]): Promise<ReadonlyMap<Id, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.query<{ id: Id; name: string }[]>(
    `SELECT id, name FROM contact WHERE id = ANY($1::uuid[])`,
    [[...new Set(ids)]],
  );
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** Parties that an agreement may be with. */
export async function partyOptions(db: Db): Promise<Option[]> {
  const rows = await db.query<{ id: Id; name: string; reference: string }[]>(
    `SELECT id, name, reference FROM party WHERE NOT is_operator AND retired_at IS NULL ORDER BY name, id LIMIT 2000`,
  );
  return rows.map(({ id, name, reference }) => ({ value: id, word: `${name} (${reference})` }));
}
