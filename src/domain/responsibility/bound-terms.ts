import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { DraftContent } from '../agreements/draft.schema.ts';
import type { VersionFacts } from './matrix-facts.queries.ts';
import type { TextLanguage } from './matrix-text.rules.ts';

/** Terms that are signed with a version of a matrix. */
export interface BoundTerms {
  /** With whom. */
  partyId: Id;
  /** Of an agreement that has to be made for them. */
  title: string;
  content: DraftContent;
  /** SHA-256, lower-case hex: the same as of the version of the agreement that they become. */
  contentHash: string;
  /** As people read them. */
  texts: Readonly<Record<TextLanguage, string>>;
}

export async function writeTerms(db: Db, versionId: Id, integrationId: Id, terms: BoundTerms): Promise<void> {
  await db.query(
    `INSERT INTO matrix_terms (matrix_version_id, integration_id, party_id, title, content, content_hash, texts)
     VALUES ($1, $2, $3, $4, $5, decode($6, 'hex'), $7)`,
    [
      versionId,
      integrationId,
      terms.partyId,
      terms.title,
      JSON.stringify(terms.content),
      terms.contentHash,
      JSON.stringify(terms.texts),
    ],
  );
}

export interface StoredTerms extends BoundTerms {
  agreementVersionId: Id | null;
}

/** Sees what the caller may see: a sub-processor none. */
export async function findTerms(db: Db, versionId: Id): Promise<StoredTerms | undefined> {
  const [row] = await db.query<StoredTerms[]>(
    `SELECT party_id AS "partyId", title, content, encode(content_hash, 'hex') AS "contentHash", texts,
            agreement_version_id AS "agreementVersionId" FROM matrix_terms WHERE matrix_version_id = $1`,
    [versionId],
  );
  return row;
}

/**
 * The terms that a new version takes over from the one before it: those that nobody has signed yet, and those that still
 * hold. What was agreed otherwise since is not signed again under older words.
 */
export async function carriedTerms(
  db: Db,
  before: VersionFacts | undefined,
): Promise<BoundTerms | undefined> {
  const terms = before?.termsHash ? await findTerms(db, before.id) : undefined;
  if (!terms || terms.agreementVersionId === null) return terms;
  const [latest] = await db.query<{ id: Id }[]>(
    `SELECT w.id FROM agreement_version v JOIN agreement_version w ON w.agreement_id = v.agreement_id WHERE v.id = $1 ORDER BY w.number DESC LIMIT 1`,
    [terms.agreementVersionId],
  );
  return latest?.id === terms.agreementVersionId ? terms : undefined;
}
