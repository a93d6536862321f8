import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import type { From } from '../access/access.service.ts';
import { LinksService, type LinkHolder } from '../access/links.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { readsIn } from '../parties/contact-language.ts';
import {
  Attestations,
  contactOf,
  personOf,
  refusalsOf,
  tooWeak,
  type Attested,
  type NewAttestation,
} from './attestations.service.ts';
import { strengthsThatSuffice, strongEnough, type Strength } from './attestation.rules.ts';
import { SigningFloor } from './signing-floor.ts';
import { findTerms, type StoredTerms } from './bound-terms.ts';
import { changeWords, type WordedChange } from './change-words.rules.ts';
import { materialChanges } from './material-changes.rules.ts';
import type { Duty } from './matrix.rules.ts';
import { isTextLanguage, textHash, textLanguageOf } from './matrix-text.rules.ts';
import { MatrixProposalsService } from './matrix-proposals.service.ts';
import type { SendBack } from './matrix-edit.schema.ts';
import {
  attestationsOf,
  cellsOfVersion,
  findVersion,
  lastSignedVersion,
  partiesIn,
  type StoredAttestation,
  type VersionFacts,
} from './matrix-facts.queries.ts';
import { Signatures } from './signatures.service.ts';
import { SigningCodes } from './signing-codes.service.ts';

export const ATTEST = 'attest-matrix';
export const CONFIRM = 'confirm-contact';

/** A version as a contact sees it behind a link: its own side's question, and nothing of any other integration. */
export interface ShownVersion {
  version: VersionFacts;
  reference: string;
  integrationName: string;
  partyId: Id;
  partyName: string;
  contactName: string;
  /** `n***@northwind.example`: where the code goes. */
  maskedEmail: string;
  text: string;
  textHash: string;
  language: string;
  languages: string[];
  /** Terms that are signed with it, in the same language. */
  terms: { text: string; textHash: string } | undefined;
  /** Ways to sign that are strong enough, where a link and a code are not. */
  strongerWays: Strength[] | undefined;
  /** What is new since both sides last signed; undefined: they never did. */
  changes: WordedChange[] | undefined;
  missing: string[];
  /** Whose proposal it is; null: the operator's, who is on neither side. */
  askedBy: string | null;
  /** When the link ends. */
  until: Millis;
  signed: StoredAttestation | undefined;
  used: boolean;
}

/** What a contact without an account does behind the link of a mail. Looking changes nothing. */
@Injectable()
export class SigningLinks {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly links: LinksService,
    private readonly codes: SigningCodes,
    private readonly attestations: Attestations,
    private readonly proposals: MatrixProposalsService,
    private readonly signatures: Signatures,
    private readonly ledger: LedgerService,
    private readonly floor: SigningFloor,
  ) {}

  async show(
    value: string,
    language: string | undefined,
    from: From,
  ): Promise<Result<ShownVersion, Refusal>> {
    const holder = await this.#holder(value, ATTEST, from);
    if (!holder.ok) return holder;
    return refusalsOf(() =>
      this.transactions.run({ ...holder.value.principal, partyId: null }, (db) =>
        this.#shown(db, holder.value, language),
      ),
    );
  }

  /**
   * Mails a code to the registered address of the contact that the link is for, whoever opened it.
   *
   * @param purpose what the code is asked for; where policy wants more than a mailbox, none is sent to sign
   */
  async sendCode(value: string, purpose: 'sign' | 'send_back', from: From): Promise<Result<void, Refusal>> {
    const holder = await this.#holder(value, ATTEST, from);
    if (!holder.ok) return holder;
    if (holder.value.usedAt !== null) return err(USED);
    const { subject, contactId, principal } = holder.value;
    const [to] = await this.transactions.run({ ...principal, partyId: null }, (db) =>
      db.query<
        { email: string; language: string; partyId: Id; integrationName: string; integrationId: Id }[]
      >(
        `SELECT k.email, ${readsIn('k')} AS language, k.party_id AS "partyId", i.name AS "integrationName", i.id AS "integrationId" FROM contact k, matrix_version v JOIN integration i ON i.id = v.integration_id
          WHERE k.id = $1 AND k.active AND v.id = $2 AND coalesce(k.email, '') <> ''`,
        [contactId, subject.id],
      ),
    );
    if (!to) return err(ENDED_FOR_YOU);
    const least = await this.transactions.run({ ...principal, partyId: null }, (db) =>
      this.floor.least(db, to.integrationId),
    );
    // A code that can sign nothing is not sent.
    if (purpose === 'sign' && !strongEnough('mailbox', least)) return err(tooWeak('mailbox', least));
    return this.codes.send(`link:${holder.value.linkId}`, subject.id, to);
  }

  /** Signs once. A link that was forwarded signs nothing without the code, which goes to the registered address alone. */
  async attest(
    value: string,
    input: { signsFor: string; language: string; contentHash: string; textHash: string; code: string },
    from: From,
  ): Promise<Result<Attested, Refusal>> {
    const holder = await this.#holder(value, ATTEST, from);
    if (!holder.ok) return holder;
    const { linkId, subject, contactId, principal, usedAt } = holder.value;
    if (usedAt !== null) return err(USED);
    if (contactId === null || principal.partyId === null) return err(ENDED_FOR_YOU);
    const all = { ...principal, partyId: null };
    const judged = await refusalsOf(() =>
      this.transactions.run(all, async (db) => {
        const contact = await contactOf(db, contactId);
        const { code: _, ...said } = input;
        const one: NewAttestation = {
          ...said,
          partyId: contact.partyId,
          way: 'link',
          strength: 'mailbox',
          signatoryId: contact.id,
          personId: contact.personId,
          contactId,
        };
        await this.attestations.judge(db, subject.id, one);
        return { one, contact };
      }),
    );
    if (!judged.ok) return judged;
    const checked = await this.codes.check(`link:${linkId}`, subject.id, input.code);
    if (!checked.ok) return checked;
    const { one, contact } = judged.value;
    return refusalsOf(() =>
      this.transactions.run(all, async (db) => {
        const personId = await personOf(db, contact, this.clock.now());
        const done = await this.attestations.record(
          db,
          subject.id,
          { ...one, personId },
          { ...principal, personId },
        );
        await this.links.useLink(db, linkId);
        return done;
      }),
    );
  }

  /** Ends what was proposed, in the name of the contact: whoever the link was passed on to has no code, and cannot. */
  async sendBack(
    value: string,
    { code, ...input }: SendBack & { code: string },
    from: From,
  ): Promise<Result<void, Refusal>> {
    const holder = await this.#holder(value, ATTEST, from);
    if (!holder.ok) return holder;
    const { linkId, subject, contactId, principal, usedAt } = holder.value;
    if (usedAt !== null) return err(USED);
    if (contactId === null) return err(ENDED_FOR_YOU);
    const checked = await this.codes.check(`link:${linkId}`, subject.id, code);
    if (!checked.ok) return checked;
    const contact = await refusalsOf(() =>
      this.transactions.run({ ...principal, partyId: null }, (db) => contactOf(db, contactId)),
    );
    if (!contact.ok) return contact;
    const { id, partyId, name } = contact.value;
    return this.proposals.sendBack(subject.id, input, principal, { id, partyId, name });
  }

  async showConfirmation(value: string, from: From): Promise<Result<ShownConfirmation, Refusal>> {
    const holder = await this.#holder(value, CONFIRM, from);
    if (!holder.ok) return holder;
    const found = await this.transactions.run({ ...holder.value.principal, partyId: null }, (db) =>
      confirmationOf(db, holder.value),
    );
    return found ? ok(found) : err(ENDED_FOR_YOU);
  }

  /** A new contact person says that they are the one. */
  async confirm(value: string, from: From): Promise<Result<void, Refusal>> {
    const holder = await this.#holder(value, CONFIRM, from);
    if (!holder.ok) return holder;
    const { principal, contactId, linkId } = holder.value;
    return this.transactions.run({ ...principal, partyId: null }, async (db) => {
      const found = await confirmationOf(db, holder.value);
      if (!found || contactId === null) return err(ENDED_FOR_YOU);
      if (found.confirmedAt !== null) return ok(undefined);
      const at = this.clock.now();
      await db.query(
        'UPDATE contact_confirmation SET confirmed_at = $3 WHERE integration_id = $1 AND contact_id = $2',
        [found.integrationId, contactId, iso(at)],
      );
      await db.query('UPDATE contact SET confirmed_at = $2 WHERE id = $1', [contactId, iso(at)]);
      await this.links.useLink(db, linkId);
      await this.ledger.append(db, {
        kind: 'matrix.contact_confirmed',
        subject: { kind: 'integration', id: found.integrationId },
        by: principal,
        at,
        facts: { contact: contactId },
      });
      return ok(undefined);
    });
  }

  async #holder(value: string, purpose: string, from: From): Promise<Result<LinkHolder, Refusal>> {
    const holder = await this.links.resolveLink(value, purpose, from);
    if (holder) return ok(holder);
    const ended = await this.links.endOfLink(value, purpose);
    if (ended === 'expired')
      return err(
        refusal('conflict', 'link-expired', 'This link has run out. Ask whoever sent it for a new one.'),
      );
    if (ended === 'revoked')
      return err(
        refusal(
          'conflict',
          'not-current',
          'What this link was for is no longer to be signed: it was changed, sent back or withdrawn. Look for a newer mail.',
        ),
      );
    return err(refusal('not_found', 'no-such-link', 'This link is not one of ours.'));
  }

  async #shown(db: Db, holder: LinkHolder, language: string | undefined): Promise<ShownVersion> {
    const version = (await findVersion(db, holder.subject.id))!;
    const contact = await contactOf(db, holder.contactId!);
    const [head] = await db.query<{ reference: string; name: string; email: string; wanted: string }[]>(
      `SELECT i.reference, i.name, coalesce(k.email, '') AS email, ${readsIn('k')} AS wanted FROM integration i, contact k WHERE i.id = $1 AND k.id = $2`,
      [version.integrationId, contact.id],
    );
    const texts = await db.query<{ language: string; text: string; hash: string }[]>(
      `SELECT language, text, encode(text_hash, 'hex') AS hash FROM matrix_text WHERE matrix_version_id = $1 ORDER BY language = 'en' DESC, language`,
      [version.id],
    );
    const text =
      texts.find((one) => one.language === (language ?? textLanguageOf(head!.wanted))) ?? texts[0]!;
    const names = new Map((await partiesIn(db, version.integrationId)).map(({ id, name }) => [id, name]));
    const last = await lastSignedVersion(db, version.integrationId);
    const least = await this.floor.least(db, version.integrationId);
    const terms = version.termsHash === null ? undefined : await findTerms(db, version.id);
    const given = await attestationsOf(db, version.integrationId, version.contentHash);
    const { missing } = await this.signatures.standing(db, version, this.clock.now());
    return {
      version,
      reference: head!.reference,
      integrationName: head!.name,
      partyId: contact.partyId,
      partyName: names.get(contact.partyId) ?? '',
      contactName: contact.name,
      maskedEmail: masked(head!.email),
      text: text.text,
      textHash: text.hash,
      language: text.language,
      languages: texts.map((one) => one.language),
      terms: termsShown(terms, contact.partyId, text.language),
      strongerWays: strongEnough('mailbox', least) ? undefined : strengthsThatSuffice(least),
      changes:
        last && last.id !== version.id
          ? materialChanges(
              { rows: await cellsOfVersion(db, last.id), declared: last.declared, terms: last.termsHash },
              {
                rows: await cellsOfVersion(db, version.id),
                declared: version.declared,
                terms: version.termsHash,
              },
            ).map((change) =>
              changeWords(
                change,
                { party: (id) => names.get(id), credential: () => undefined },
                textLanguageOf(text.language),
              ),
            )
          : undefined,
      askedBy:
        version.proposedByPartyId === null ? null : (names.get(version.proposedByPartyId) ?? 'another party'),
      until: holder.expiresAt,
      missing: missing.map((id) => names.get(id) ?? 'another party'),
      signed: missing.includes(contact.partyId)
        ? undefined
        : given.find(
            ({ partyId, withdrawnAt, fallenAt }) => partyId === contact.partyId && !withdrawnAt && !fallenAt,
          ),
      used: holder.usedAt !== null,
    };
  }
}

export interface ShownConfirmation {
  integrationId: Id;
  reference: string;
  integrationName: string;
  partyName: string;
  contactName: string;
  duties: Duty[];
  /** What the contact reads. */
  language: string;
  confirmedAt: Date | null;
}

async function confirmationOf(db: Db, holder: LinkHolder): Promise<ShownConfirmation | undefined> {
  const [row] = await db.query<ShownConfirmation[]>(
    `SELECT i.id AS "integrationId", i.reference, i.name AS "integrationName", p.name AS "partyName", k.name AS "contactName", cc.confirmed_at AS "confirmedAt", ${readsIn('k')} AS language,
            ARRAY(SELECT DISTINCT r.duty FROM matrix_row r WHERE r.matrix_version_id = v.id AND r.contact_id = k.id) AS duties
       FROM matrix_version v JOIN integration i ON i.id = v.integration_id
       JOIN contact_confirmation cc ON cc.integration_id = i.id AND cc.contact_id = $2
       JOIN contact k ON k.id = cc.contact_id JOIN party p ON p.id = k.party_id
      WHERE v.id = $1 AND k.active`,
    [holder.subject.id, holder.contactId],
  );
  return row;
}

/** To the party that they are with; whoever else signs the matrix agrees to no terms. */
function termsShown(terms: StoredTerms | undefined, partyId: Id, language: string) {
  if (!terms || !isTextLanguage(language)) return undefined;
  if (terms.partyId !== partyId) return undefined;
  const text = terms.texts[language];
  return { text, textHash: textHash(text).toString('hex') };
}

/** Enough to recognise one's own address, too little to write to. */
function masked(email: string): string {
  const at = email.lastIndexOf('@');
  return `${email.slice(0, 1)}***${email.slice(at)}`;
}

const USED = refusal('conflict', 'link-used', 'This link has been used: it signs once.');
const ENDED_FOR_YOU = refusal(
  'conflict',
  'link-ended',
  'The contact that this link was for is no longer one.',
);
