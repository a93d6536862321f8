import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { LedgerService } from '../ledger/ledger.service.ts';
import type { Author } from './attestation.rules.ts';
import type { DraftCell } from './draft.rules.ts';
import { declaredNow, findVersion, partiesIn, type VersionFacts } from './matrix-facts.queries.ts';
import {
  matrixText,
  TEXT_LANGUAGES,
  textHash,
  type TextContact,
  type TextNames,
} from './matrix-text.rules.ts';
import { matrixContent, matrixHash, type Matrix } from './matrix.rules.ts';
import { writeTerms, type BoundTerms } from './bound-terms.ts';

export interface Freezing {
  number: number;
  authors: readonly Author[];
  /** The side that proposes; null where the operator is on neither. */
  partyId: Id | null;
  reattestDays: number;
  /** Signed with it. */
  terms?: BoundTerms | undefined;
  offeringId?: Id | undefined;
  by: Principal;
  now: Millis;
}

/** Writes a version that never changes again: its canonical text, its text in each language, and the hash of each. */
export async function freezeVersion(
  db: Db,
  ledger: LedgerService,
  integrationId: Id,
  cells: readonly DraftCell[],
  o: Freezing,
): Promise<VersionFacts> {
  const matrix: Matrix = {
    integrationId,
    rows: cells,
    declared: await declaredNow(db, integrationId),
    terms: o.terms?.contentHash ?? null,
  };
  const [id, canonical, hash] = [newId(), matrixContent(matrix), matrixHash(matrix)];
  const names = await textNames(db, matrix, cells, o.now);
  const texts = TEXT_LANGUAGES.map((language) => {
    const { terms } = o;
    const text = matrixText(
      {
        ...matrix,
        rows: cells,
        terms: terms
          ? {
              contentHash: terms.contentHash,
              textHash: textHash(terms.texts[language]).toString('hex'),
            }
          : null,
      },
      names,
      language,
    );
    return { language, text, hash: textHash(text) };
  });
  await db.query(
    `INSERT INTO matrix_version (id, integration_id, number, state, language, canonical, content_hash, text_hash, author_id, proposed_by_party_id,
                                 created_at, declared, authors, proposed_at, reattest_days, offering_id, terms_hash)
     VALUES ($1, $2, $3, 'proposed', 'en', $4, $5, $6, $7, $8, $9, $10, $11, $9, $12, $13, decode($14, 'hex'))`,
    [
      id,
      integrationId,
      o.number,
      canonical,
      hash,
      texts[0]!.hash,
      o.by.id,
      o.partyId,
      iso(o.now),
      JSON.stringify(matrix.declared),
      JSON.stringify(o.authors),
      o.reattestDays,
      o.offeringId ?? null,
      o.terms?.contentHash ?? null,
    ],
  );
  if (o.terms) await writeTerms(db, id, integrationId, o.terms);
  await writeRows(db, id, integrationId, cells);
  for (const { language, text, hash: of } of texts) {
    await db.query(
      `INSERT INTO matrix_text (matrix_version_id, integration_id, language, text, text_hash) VALUES ($1, $2, $3, $4, $5)`,
      [id, integrationId, language, text, of],
    );
  }
  await ledger.append(db, {
    kind: 'matrix.proposed',
    subject: { kind: 'matrix_version', id },
    by: o.by,
    at: o.now,
    facts: {
      integration: integrationId,
      number: o.number,
      contentHash: hash.toString('hex'),
      textHashes: Object.fromEntries(texts.map((one) => [one.language, one.hash.toString('hex')])),
      ...(o.partyId === null ? {} : { proposedFor: o.partyId }),
      ...(o.offeringId === undefined ? {} : { offering: o.offeringId }),
      ...(o.terms ? { terms: o.terms.contentHash } : {}),
    },
  });
  return (await findVersion(db, id))!;
}

async function writeRows(
  db: Db,
  versionId: Id,
  integrationId: Id,
  cells: readonly DraftCell[],
): Promise<void> {
  const rows = cells.map((cell) => ({ id: newId(), ...cell }));
  const given = JSON.stringify(rows);
  await db.query(
    `INSERT INTO matrix_row (id, matrix_version_id, integration_id, duty, part, credential_id, accountable_party_id, contact_id, note, window_minutes, path_kind)
     SELECT id, $1, $2, duty, part, "credentialId", "accountablePartyId", "contactId", note, "windowMinutes", "pathKind"
       FROM jsonb_to_recordset($3::jsonb) AS r(id uuid, duty text, part text, "credentialId" uuid, "accountablePartyId" uuid,
            "contactId" uuid, "windowMinutes" int, "pathKind" text, note text)`,
    [versionId, integrationId, given],
  );
  await db.query(
    `INSERT INTO matrix_performer (matrix_row_id, integration_id, party_id)
     SELECT DISTINCT r.id, $1::uuid, p::uuid FROM jsonb_to_recordset($2::jsonb) AS r(id uuid, "performingPartyIds" jsonb)
      CROSS JOIN LATERAL jsonb_array_elements_text(r."performingPartyIds") AS p`,
    [integrationId, given],
  );
}

async function textNames(
  db: Db,
  { integrationId, rows, declared }: Matrix,
  cells: readonly DraftCell[],
  now: Millis,
): Promise<TextNames> {
  const called = await db.query<(TextContact & { id: Id })[]>(
    `SELECT k.id, k.name, k.party_id AS "partyId", nullif(k.email, '') AS email, nullif(k.phone, '') AS phone,
            ARRAY(SELECT a.channel FROM address_of_record a
                   WHERE a.contact_id = k.id AND a.valid_from <= $2 AND (a.valid_until IS NULL OR a.valid_until > $2)) AS channels
       FROM contact k WHERE k.id = ANY($1)`,
    [cells.map(({ contactId }) => contactId).filter((id) => id !== null), iso(now)],
  );
  const contacts = new Map(called.map(({ id, ...contact }) => [id, contact]));
  const mentioned = [
    ...rows.flatMap((row) => [row.accountablePartyId, ...row.performingPartyIds]),
    ...(declared?.storingPartyIds ?? []),
    ...called.map(({ partyId }) => partyId),
  ];
  const parties = new Map([
    ...(
      await db.query<{ id: Id; name: string }[]>('SELECT id, name FROM party WHERE id = ANY($1)', [mentioned])
    ).map(({ id, name }) => [id, name] as const),
    ...(await partiesIn(db, integrationId)).map(({ id, name }) => [id, name] as const),
  ]);
  const labels = await db.query<{ id: Id; label: string }[]>(
    'SELECT credential_id AS id, label FROM credential_use WHERE integration_id = $1',
    [integrationId],
  );
  const credentials = new Map(labels.map(({ id, label }) => [id, label]));
  const [row] = await db.query<{ reference: string }[]>('SELECT reference FROM integration WHERE id = $1', [
    integrationId,
  ]);
  return {
    reference: row!.reference,
    party: (id) => parties.get(id) ?? id,
    credential: (id) => credentials.get(id) ?? id,
    contact: (id) => contacts.get(id),
  };
}
