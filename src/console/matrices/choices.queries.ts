import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';

export interface Choices {
  contacts: { id: Id; name: string; partyName: string; role: string; reachable: boolean }[];
  credentials: { id: Id; name: string }[];
  /** Integrations whose matrix could be copied. */
  others: { id: Id; name: string }[];
}

/** What can be chosen for the cells of one integration, as far as the reader sees it. */
export async function choicesFor(db: Db, integrationId: Id): Promise<Choices> {
  return {
    contacts: await db.query(
      `SELECT k.id, k.name, k.role, (SELECT min(ip.party_name) FROM integration_party ip WHERE ip.integration_id = $1 AND ip.party_id = k.party_id) AS "partyName",
              coalesce(k.email, '') <> '' OR coalesce(k.phone, '') <> '' AS reachable
         FROM contact k WHERE k.active AND k.party_id IN (SELECT party_id FROM integration_party WHERE integration_id = $1)
        ORDER BY 4, k.ordinal, k.name, k.id LIMIT 500`,
      [integrationId],
    ),
    credentials: await db.query(
      `SELECT credential_id AS id, label AS name FROM credential_use WHERE integration_id = $1 ORDER BY label, credential_id LIMIT 500`,
      [integrationId],
    ),
    others: await db.query(
      `SELECT i.id, i.name FROM integration i WHERE i.id <> $1 AND EXISTS (SELECT FROM matrix_version v WHERE v.integration_id = i.id)
        ORDER BY i.name, i.id LIMIT 200`,
      [integrationId],
    ),
  };
}

export interface VersionLine {
  id: Id;
  number: number;
  state: string;
  at: Date;
}

export function versionsOf(db: Db, integrationId: Id): Promise<VersionLine[]> {
  return db.query(
    `SELECT id, number, state, coalesce(proposed_at, created_at) AS at FROM matrix_version WHERE integration_id = $1 ORDER BY number DESC LIMIT 50`,
    [integrationId],
  );
}

export interface ChosenIntegration {
  id: Id;
  reference: string;
  name: string;
  /** Of its draft; 0 before the first edit. */
  rowVersion: number;
  countersigned: boolean;
  /** Who may answer here. */
  parties: { id: Id; name: string }[];
}

/** Integrations as far as the reader sees them, with what an edit of their drafts must know. */
export function chosenIntegrations(db: Db, ids: readonly Id[]): Promise<ChosenIntegration[]> {
  return db.query(
    `SELECT i.id, i.reference, i.name, coalesce((SELECT d.row_version FROM matrix_draft d WHERE d.integration_id = i.id), 0) AS "rowVersion",
            coalesce((SELECT v.state = 'countersigned' FROM matrix_version v WHERE v.integration_id = i.id ORDER BY v.number DESC LIMIT 1), false) AS countersigned,
            coalesce((SELECT json_agg(DISTINCT jsonb_build_object('id', ip.party_id, 'name', ip.party_name)) FROM integration_party ip
                       WHERE ip.integration_id = i.id AND ip.role IN ('supplier', 'customer')), '[]') AS parties
       FROM integration i WHERE i.id = ANY($1) ORDER BY i.name, i.id`,
    [ids],
  );
}
