import { newId, type Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import {
  matrixContent,
  matrixHash,
  partiesHash,
  type Duty,
  type MatrixRowFacts,
} from '../responsibility/matrix.rules.ts';
import { matrixRows } from './checks.sql.ts';
import { execute, rowsOf, type Names } from './statements.ts';

/** Rows fetched at a time: bounds memory, whatever the size of the file. */
const FETCH = 200;

interface GivenRow extends MatrixRowFacts {
  integrationId: Id;
  contactId: Id | null;
  note: string;
}

interface Latest {
  id: Id;
  number: number;
  hash: Buffer;
  /** Contacts and notes, which the hash leaves out. */
  immaterial: string;
}

/**
 * Gives each integration whose matrix differs from its latest version a new one: a draft that nobody has signed. It is in
 * force at once where no countersigned one is; that one stays in force until the new one is signed by both sides.
 */
export async function mergeMatrices(db: Db, names: Names, author: string): Promise<void> {
  const key = (alias: string, kind: string, value: string) =>
    `JOIN staging_key ${alias} ON ${alias}.run_id = :run AND ${alias}.kind = '${kind}' AND ${alias}.key = ${value}`;
  // DECLARE takes no parameters; the run is an id of our own making.
  const given = `
    SELECT i.id AS "integrationId", m.duty, m.part, c.id AS "credentialId", a.id AS "accountablePartyId", t.id AS "contactId", m.note,
           ARRAY(SELECT p.id FROM jsonb_array_elements_text(m.performing) AS e(key) ${key('p', 'party', 'e.key')} ORDER BY p.id) AS "performingPartyIds"
      FROM ${matrixRows()} m
      ${key('i', 'integration', 'm.integration')} ${key('a', 'party', 'm.accountable')}
      LEFT ${key('c', 'credential', 'm.credential')} LEFT ${key('t', 'contact', 'm.contact')}
     ORDER BY i.id`.replaceAll(':run', `'${names.run}'::uuid`);
  await db.query(`DECLARE given_matrices NO SCROLL CURSOR FOR ${given}`);
  let open: GivenRow[] = [];
  for (;;) {
    const rows = rowsOf<GivenRow>(await db.query(`FETCH ${FETCH} FROM given_matrices`));
    const all = [...open, ...rows];
    const last = all.at(-1)?.integrationId;
    // The last integration may go on in the next rows.
    open = rows.length === FETCH ? all.filter((row) => row.integrationId === last) : [];
    const whole = rows.length === FETCH ? all.filter((row) => row.integrationId !== last) : all;
    if (whole.length > 0) await mergePage(db, names, whole, author);
    if (rows.length < FETCH) break;
  }
  await db.query('CLOSE given_matrices');
}

async function mergePage(db: Db, names: Names, rows: readonly GivenRow[], author: string): Promise<void> {
  const byIntegration = new Map<Id, GivenRow[]>();
  for (const row of rows) {
    const known = byIntegration.get(row.integrationId);
    if (known) known.push(row);
    else byIntegration.set(row.integrationId, [row]);
  }
  const latest = await latestOf(db, [...byIntegration.keys()]);
  const versions: object[] = [];
  const cells: object[] = [];
  for (const [integrationId, own] of byIntegration) {
    const matrix = { integrationId, rows: own };
    const hash = matrixHash(matrix);
    const before = latest.get(integrationId);
    if (before && before.hash.equals(hash) && before.immaterial === immaterialOf(own)) continue;
    const versionId = newId();
    versions.push({
      id: versionId,
      integrationId,
      number: (before?.number ?? 0) + 1,
      canonical: matrixContent(matrix),
      hash: hash.toString('hex'),
    });
    for (const row of own) cells.push({ ...row, id: newId(), versionId });
  }
  if (versions.length === 0) return;
  await execute(
    db,
    `UPDATE matrix_version t SET state = CASE WHEN t.state = 'draft' THEN 'superseded' ELSE t.state END, valid_until = :now
       FROM jsonb_to_recordset(:data) AS v("integrationId" uuid)
      WHERE t.integration_id = v."integrationId" AND t.state IN ('draft', 'superseded') AND t.valid_until IS NULL`,
    { ...names, data: JSON.stringify(versions) },
  );
  await db.query(
    `WITH came AS (
       INSERT INTO matrix_version (id, integration_id, number, state, canonical, content_hash, author_id, created_at, valid_from)
       SELECT v.id, v."integrationId", v.number, 'draft', v.canonical, decode(v.hash, 'hex'), $4, $3,
              CASE WHEN EXISTS (SELECT FROM matrix_version m WHERE m.integration_id = v."integrationId" AND m.state = 'countersigned'
                                   AND m.valid_from <= $3 AND (m.valid_until IS NULL OR m.valid_until > $3)) THEN NULL ELSE $3 END
         FROM jsonb_to_recordset($2::jsonb) AS v(id uuid, "integrationId" uuid, number int, canonical text, hash text)
       RETURNING id)
     INSERT INTO staging_change (run_id, kind, id, created, counted) SELECT $1::uuid, 'matrixVersion', id, true, true FROM came`,
    [names.run, JSON.stringify(versions), names.now, author],
  );
  const text = JSON.stringify(cells);
  await db.query(
    `INSERT INTO matrix_row (id, matrix_version_id, integration_id, duty, part, credential_id, accountable_party_id, contact_id, note)
     SELECT r.id, r."versionId", r."integrationId", r.duty, r.part, r."credentialId", r."accountablePartyId", r."contactId", r.note
       FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, "versionId" uuid, "integrationId" uuid, duty text, part text, "credentialId" uuid, "accountablePartyId" uuid, "contactId" uuid, note text)`,
    [text],
  );
  await db.query(
    `INSERT INTO matrix_performer (matrix_row_id, integration_id, party_id)
     SELECT DISTINCT r.id, r."integrationId", p::uuid
       FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, "integrationId" uuid, "performingPartyIds" jsonb) CROSS JOIN LATERAL jsonb_array_elements_text(r."performingPartyIds") AS p`,
    [text],
  );
}

async function latestOf(db: Db, integrationIds: readonly Id[]): Promise<Map<Id, Latest>> {
  const rows = await db.query<
    {
      integrationId: Id;
      id: Id;
      number: number;
      hash: Buffer;
      canonical: string;
      rows: { duty: Duty; part: string; credentialId: Id | null; contactId: Id | null; note: string }[];
    }[]
  >(
    `SELECT v.integration_id AS "integrationId", v.id, v.number, v.content_hash AS hash, v.canonical,
            (SELECT coalesce(jsonb_agg(jsonb_build_object('duty', r.duty, 'part', r.part, 'credentialId', r.credential_id, 'contactId', r.contact_id, 'note', r.note)), '[]')
               FROM matrix_row r WHERE r.matrix_version_id = v.id) AS rows
       FROM (SELECT DISTINCT ON (integration_id) id, integration_id, number, content_hash, canonical FROM matrix_version
              WHERE integration_id = ANY($1) ORDER BY integration_id, number DESC) v`,
    [integrationIds],
  );
  return new Map(
    rows.map((row) => [
      row.integrationId,
      { ...row, hash: partiesHash(row.canonical) ?? row.hash, immaterial: immaterialOf(row.rows) },
    ]),
  );
}

function immaterialOf(
  rows: readonly { duty: Duty; part: string; credentialId: Id | null; contactId: Id | null; note: string }[],
): string {
  return JSON.stringify(
    rows
      .map((row) => [row.duty, row.part, row.credentialId, row.contactId, row.note])
      .sort((a, b) => (String(a) < String(b) ? -1 : 1)),
  );
}
