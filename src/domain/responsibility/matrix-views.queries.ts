import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { counts, missingSigners, signersOf } from './attestation.rules.ts';
import { findTerms } from './bound-terms.ts';
import { changeWords } from './change-words.rules.ts';
import { chainContradictions } from './chain-windows.rules.ts';
import { nameOf, type DraftCell } from './draft.rules.ts';
import { materialChanges, type MaterialChange } from './material-changes.rules.ts';
import { matrixRowsOf } from './matrices.queries.ts';
import {
  attestationsOf,
  cellsOfVersion,
  chainOf,
  declaredNow,
  findDraft,
  findVersion,
  lastSignedVersion,
  newestVersion,
  partiesIn,
  sharedCredentials,
  type StoredAttestation,
  type VersionFacts,
} from './matrix-facts.queries.ts';
import { TEXT_LANGUAGES, textHash, windowWords } from './matrix-text.rules.ts';
import { DUTIES, gapsOf, dutyWords } from './matrix.rules.ts';
import type {
  ChangeView,
  MatrixFinding,
  MatrixRowView,
  SignatureView,
  VersionView,
  WorkingMatrix,
} from './matrix.schema.ts';
import { conflictingRevokers } from './revokers.rules.ts';

/** Names by id, as far as the reader may know them. */
interface Names {
  parties: Map<Id, string>;
  credentials: Map<Id, string>;
  contacts: Map<Id, string>;
}

async function namesIn(db: Db, integrationId: Id): Promise<Names> {
  const pairs = async (sql: string) =>
    new Map(
      (await db.query<{ id: Id; name: string }[]>(sql, [integrationId])).map(({ id, name }) => [id, name]),
    );
  return {
    parties: await pairs(
      'SELECT party_id AS id, min(party_name) AS name FROM integration_party WHERE integration_id = $1 GROUP BY 1',
    ),
    credentials: await pairs(
      'SELECT credential_id AS id, label AS name FROM credential_use WHERE integration_id = $1',
    ),
    contacts: await pairs(
      'SELECT id, name FROM contact WHERE party_id IN (SELECT party_id FROM integration_party WHERE integration_id = $1)',
    ),
  };
}

/** What is drafted, what is wrong with it, and what of it nobody has signed. @returns undefined for what is not to be seen */
export async function workingMatrix(
  db: Db,
  integrationId: Id,
  now: Millis,
): Promise<WorkingMatrix | undefined> {
  const seen = await db.query<unknown[]>('SELECT 1 FROM integration WHERE id = $1', [integrationId]);
  if (seen.length === 0) return undefined;
  const draft = await findDraft(db, integrationId);
  const newest = await newestVersion(db, integrationId);
  const cells = draft
    ? draft.cells.filter(({ gone }) => !gone)
    : newest
      ? await cellsOfVersion(db, newest.id)
      : [];
  const names = await namesIn(db, integrationId);
  const signed = await lastSignedVersion(db, integrationId);
  const changes = signed
    ? materialChanges(
        { rows: await cellsOfVersion(db, signed.id), declared: signed.declared },
        { rows: cells, declared: await declaredNow(db, integrationId) },
      )
    : [];
  return {
    integrationId,
    rowVersion: draft?.rowVersion ?? 0,
    drafted: draft !== undefined,
    newest: newest ? { id: newest.id, number: newest.number, state: newest.state } : null,
    rows: rowViews(cells, names),
    findings: await findingsOf(db, integrationId, cells, names, now),
    changes: changes.map((change) => changeView(change, names)),
  };
}

function rowViews(cells: readonly DraftCell[], names: Names): MatrixRowView[] {
  const party = (id: Id) => ({ id, name: names.parties.get(id) ?? null });
  return [...cells]
    .sort(
      (a, b) =>
        DUTIES.indexOf(a.duty) - DUTIES.indexOf(b.duty) ||
        order(a.part, b.part) ||
        order(a.credentialId ?? '', b.credentialId ?? ''),
    )
    .map((cell, at) => ({
      // A drafted cell is named by its place; it gets an id of its own when it is frozen.
      id: `00000000-0000-8000-8000-${String(at).padStart(12, '0')}`,
      duty: cell.duty,
      part: cell.part,
      credentialId: cell.credentialId,
      accountable: party(cell.accountablePartyId),
      performing: cell.performingPartyIds.map(party),
      contact:
        cell.contactId === null
          ? null
          : { id: cell.contactId, name: names.contacts.get(cell.contactId) ?? null },
      windowMinutes: cell.windowMinutes,
      pathKind: cell.pathKind,
      note: cell.note,
    }));
}

async function findingsOf(
  db: Db,
  integrationId: Id,
  cells: readonly DraftCell[],
  names: Names,
  now: Millis,
): Promise<MatrixFinding[]> {
  const findings: MatrixFinding[] = gapsOf(cells).map((gap) => ({
    code: 'gap',
    severity: 'blocking',
    duty: gap.duty,
    part: gap.part,
    message: `Nobody answers for ${dutyWords(gap.duty)}.`,
    mend: gap.mend,
  }));
  for (const cell of cells.filter(({ contactId }) => contactId === null))
    findings.push({
      code: 'no_contact',
      severity: 'blocking',
      duty: cell.duty,
      part: cell.part,
      message: `${capital(nameOf(cell))} has no contact.`,
      mend: 'Name a contact with a mail address or a phone number.',
    });
  const chain = await chainOf(db, integrationId, now);
  const own = chain.get(integrationId);
  if (own) {
    chain.set(integrationId, { ...own, rows: cells });
    for (const one of chainContradictions(integrationId, chain))
      findings.push({
        code: 'chain_window',
        severity: 'warning',
        duty: one.duty,
        part: one.part,
        message: `${capital(dutyWords(one.duty))} is promised within ${windowWords(one.windowMinutes)}, but what it depends on needs ${windowWords(one.neededMinutes)}: ${one.chain.map((link) => `${link.name} ${windowWords(link.windowMinutes)}`).join(', then ')}.`,
        mend: `Agree on at least ${windowWords(one.neededMinutes)} here, or on shorter windows along the chain.`,
      });
  }
  for (const shared of await sharedCredentials(db, integrationId, now)) {
    const uses = shared.uses.map((use) =>
      use.integrationId === integrationId ? { ...use, rows: cells } : use,
    );
    const conflict = conflictingRevokers({ ...shared, uses });
    if (conflict)
      findings.push({
        code: 'conflicting_revokers',
        severity: 'blocking',
        duty: 'revocation',
        part: '',
        message: `${conflict.name} is shared, and its matrices name different revokers: ${conflict.named
          .map(
            (one) =>
              `${one.integrationName} names ${one.partyId === null ? 'nobody for certain' : (names.parties.get(one.partyId) ?? 'another party')}`,
          )
          .join('; ')}.`,
        mend: conflict.mend,
      });
  }
  return findings;
}

/** One version with everything that was said and signed about it. */
export async function versionView(db: Db, versionId: Id, now: Millis): Promise<VersionView | undefined> {
  const version = await findVersion(db, versionId);
  if (!version) return undefined;
  const names = await namesIn(db, version.integrationId);
  const party = (id: Id) => ({ id, name: names.parties.get(id) ?? null });
  const signers = signersOf(await cellsOfVersion(db, versionId), await partiesIn(db, version.integrationId));
  const given = await attestationsOf(db, version.integrationId, version.contentHash);
  const missing = missingSigners(signers, given, now);
  type Comment = Omit<VersionView['comments'][number], 'party' | 'at'> & { partyId: Id; at: Date };
  const comments = await db.query<Comment[]>(
    `SELECT id, party_id AS "partyId", author_name AS author, duty, part, credential_id AS "credentialId", text, at
       FROM matrix_comment WHERE matrix_version_id = $1 ORDER BY at, id LIMIT 500`,
    [versionId],
  );
  type Sent = Omit<VersionView['mails'][number], 'party' | 'contact' | 'at'> & {
    partyId: Id;
    at: Date;
  };
  const mails = await db.query<Sent[]>(
    `SELECT id, party_id AS "partyId", contact_id AS "contactId", withdrawn_at IS NOT NULL AS withdrawn, purpose, mail, attempts, coalesce(sent_at, created_at) AS at
       FROM matrix_invitation WHERE matrix_version_id = $1 ORDER BY created_at DESC, id DESC LIMIT 100`,
    [versionId],
  );
  const unconfirmed = await db.query<{ id: Id; dueAt: Date }[]>(
    `SELECT contact_id AS id, due_at AS "dueAt" FROM contact_confirmation WHERE integration_id = $1 AND confirmed_at IS NULL ORDER BY due_at`,
    [version.integrationId],
  );
  return {
    id: version.id,
    integrationId: version.integrationId,
    number: version.number,
    state: version.state,
    contentHash: version.contentHash,
    canonical: version.canonical,
    proposedBy: version.proposedByPartyId === null ? null : party(version.proposedByPartyId),
    proposedAt: version.proposedAt?.toISOString() ?? null,
    validFrom: version.validFrom?.toISOString() ?? null,
    validUntil: version.validUntil?.toISOString() ?? null,
    fellAt: version.fellAt?.toISOString() ?? null,
    fellBecause: (version.fellBecause ?? []).map((change) => changeView(change, names)),
    rows: await matrixRowsOf(db, versionId),
    terms: await termsView(db, version),
    texts: await db.query(
      `SELECT language, text, encode(text_hash, 'hex') AS "textHash" FROM matrix_text WHERE matrix_version_id = $1 ORDER BY language = 'en' DESC, language`,
      [versionId],
    ),
    signers: signers.map((id) => ({ ...party(id), signed: !missing.includes(id) })),
    signatures: given.map((one) => signatureView(one, now)),
    comments: comments.map(({ partyId, at, ...rest }) => ({
      ...rest,
      party: party(partyId),
      at: at.toISOString(),
    })),
    mails: mails.map(({ partyId, contactId, at, ...rest }) => ({
      ...rest,
      contactId,
      party: party(partyId),
      contact: names.contacts.get(contactId) ?? null,
      at: at.toISOString(),
    })),
    unconfirmed: unconfirmed.map(({ id, dueAt }) => ({
      contact: { id, name: names.contacts.get(id) ?? null },
      dueAt: dueAt.toISOString(),
    })),
  };
}

interface DiffSide extends Pick<VersionFacts, 'id' | 'number' | 'state' | 'contentHash'> {
  rows: MatrixRowView[];
}

export interface MatrixDiff {
  before: DiffSide;
  after: DiffSide;
  changes: ChangeView[];
}

/** Two versions of one integration side by side. */
export async function matrixDiff(db: Db, beforeId: Id, afterId: Id): Promise<MatrixDiff | undefined> {
  const [before, after] = [await findVersion(db, beforeId), await findVersion(db, afterId)];
  if (!before || !after || before.integrationId !== after.integrationId) return undefined;
  const names = await namesIn(db, before.integrationId);
  const side = async (version: VersionFacts) => ({
    id: version.id,
    number: version.number,
    state: version.state,
    contentHash: version.contentHash,
    rows: await matrixRowsOf(db, version.id),
  });
  const changes = materialChanges(
    {
      rows: await cellsOfVersion(db, beforeId),
      declared: before.declared,
      terms: before.termsHash,
    },
    { rows: await cellsOfVersion(db, afterId), declared: after.declared, terms: after.termsHash },
  );
  return {
    before: await side(before),
    after: await side(after),
    changes: changes.map((change) => changeView(change, names)),
  };
}

/** Null where none are signed with it, and for whoever is on neither side of them. */
async function termsView(db: Db, version: VersionFacts): Promise<VersionView['terms']> {
  const terms = version.termsHash === null ? undefined : await findTerms(db, version.id);
  if (!terms) return null;
  return {
    contentHash: terms.contentHash,
    agreementVersionId: terms.agreementVersionId,
    texts: TEXT_LANGUAGES.map((language) => ({
      language,
      text: terms.texts[language],
      textHash: textHash(terms.texts[language]).toString('hex'),
    })),
  };
}

function changeView(change: MaterialChange, names: Names): ChangeView {
  const words = changeWords(change, {
    party: (id) => names.parties.get(id) ?? 'another party',
    credential: (id) => names.credentials.get(id) ?? 'one credential',
  });
  return { ...change, words };
}

function signatureView(one: StoredAttestation, now: Millis): SignatureView {
  const why = counts(one, now)
    ? null
    : one.withdrawnAt !== null
      ? 'withdrawn'
      : one.fallenAt !== null
        ? 'fell: the matrix was changed after it'
        : one.way === 'paper' && one.confirmedAt === null
          ? 'paper that a second person has not confirmed'
          : 'ran out';
  return {
    id: one.id,
    party: { id: one.partyId, name: one.partyName },
    signsFor: one.signsFor,
    way: one.way,
    strength: one.strength,
    language: one.language,
    at: new Date(one.at).toISOString(),
    expiresAt: one.expiresAt === null ? null : new Date(one.expiresAt).toISOString(),
    counts: why === null,
    why,
  };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
