import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';

export const INSTANT_KINDS = [
  'occurred',
  'detected',
  'received',
  'matched',
  'suspected',
  'confirmed',
  'determined',
  'classified',
  'contained',
] as const;
export type InstantKind = (typeof INSTANT_KINDS)[number];

export interface InstantInput {
  incidentId: Id;
  /** null: of the incident as a whole. */
  caseId: Id | null;
  kind: InstantKind;
  at: Millis;
  /** As the one who asserts it stated it. */
  zone?: string;
  basis: string;
  disputesId?: Id;
}

/** Instants are never edited: who disagrees adds another one. */
export async function appendInstants(
  db: Db,
  inputs: readonly InstantInput[],
  by: Principal,
  now: Millis,
): Promise<Id[]> {
  if (inputs.length === 0) return [];
  const rows = inputs.map((input) => ({
    id: newId(),
    incident_id: input.incidentId,
    case_id: input.caseId,
    kind: input.kind,
    at: new Date(input.at).toISOString(),
    zone: input.zone ?? 'UTC',
    basis: input.basis.slice(0, 1000),
    disputes_id: input.disputesId ?? null,
  }));
  await db.query(
    `INSERT INTO instant (id, incident_id, case_id, kind, at, zone, asserted_by_kind, asserted_by, basis, disputes_id, recorded_at)
     SELECT id, incident_id, case_id, kind, at, zone, $2::text, $3::text, basis, disputes_id, $4::timestamptz
       FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, incident_id uuid, case_id uuid, kind text, at timestamptz, zone text, basis text, disputes_id uuid)`,
    [JSON.stringify(rows), by.kind, by.id, new Date(now)],
  );
  return rows.map((row) => row.id);
}

/** What is known of each case, by kind. Of disputed ones the earlier: whoever works to that is in time either way. */
export async function instantsOfCases(
  db: Db,
  caseIds: readonly Id[],
): Promise<Map<Id, Partial<Record<InstantKind, Millis>>>> {
  const rows = await rowsOf<{ case_id: Id; kind: InstantKind; at: Date }>(
    db,
    `SELECT case_id, kind, min(at) AS at FROM instant WHERE case_id = ANY($1::uuid[]) GROUP BY case_id, kind`,
    [caseIds],
  );
  const known = new Map<Id, Partial<Record<InstantKind, Millis>>>();
  for (const { case_id: id, kind, at } of rows) known.set(id, { ...known.get(id), [kind]: at.getTime() });
  return known;
}
