import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { readsIn } from '../parties/contact-language.ts';
import { languagesFor } from './notice-templates.ts';
import { NoticesService } from './notices.service.ts';
import { SecondPerson } from './second-person.ts';
import { REPORT, WrittenAbout } from './written-about.ts';
import type { DecideWritten, EditWritten, NewWritten, WrittenView } from './written-notice.schema.ts';

interface Row {
  id: Id;
  integration_id: Id;
  party_id: Id;
  contact_id: Id;
  subject_kind: string;
  subject_id: Id;
  language: string;
  subject: string;
  text: string;
  state: string;
  written_by: string;
  row_version: number;
}

/** Notices that somebody writes for one occasion: drafted upon what is known, approved by somebody else, sent as notices. */
@Injectable()
export class WrittenNotices {
  constructor(
    private readonly notices: NoticesService,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    private readonly secondPerson: SecondPerson,
    private readonly about: WrittenAbout,
  ) {}

  async draft(db: Db, input: NewWritten, by: Principal): Promise<Result<{ id: Id }, Refusal>> {
    const [to] = await db.query<{ party_id: Id; language: string; integration: string }[]>(
      `SELECT c.party_id, ${readsIn('c')} AS language, i.name AS integration FROM contact c
         JOIN integration_party p ON p.party_id = c.party_id JOIN integration i ON i.id = p.integration_id
        WHERE c.id = $1 AND c.active AND i.id = $2 LIMIT 1`,
      [input.contactId, input.integrationId],
    );
    if (!to)
      return err(
        refusal('invalid', 'not-a-contact-there', 'The contact has no part in that integration.', {
          fields: [
            {
              field: 'contactId',
              problem: 'is no active contact of a party in the integration',
              mend: 'Choose a contact of one of its parties.',
            },
          ],
        }),
      );
    const language = input.language ?? to.language;
    const about = input.caseId ?? input.integrationId;
    const known =
      input.caseId === null
        ? undefined
        : await this.about.account(db, input.caseId, { partyId: to.party_id, language });
    const prefilled = known
      ? { subject: known.subject, text: known.paragraphs.join('\n\n') }
      : await prefill(db, about, to.party_id, to.integration, language);
    const [id, now] = [newId(), iso(this.clock.now())];
    await db.query(
      `INSERT INTO written_notice (id, integration_id, party_id, contact_id, subject_kind, subject_id, language, subject, text, written_by, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`,
      [
        id,
        input.integrationId,
        to.party_id,
        input.contactId,
        input.caseId === null ? 'integration' : 'case',
        about,
        language,
        input.subject ?? prefilled.subject,
        input.text ?? prefilled.text,
        handOf(by),
        now,
      ],
    );
    await this.#tell(db, 'written_notice.drafted', id, by, {
      integration: input.integrationId,
      party: to.party_id,
      contact: input.contactId,
    });
    return ok({ id });
  }

  /** Only its writer edits it: whoever approves it has written none of it. */
  async edit(
    db: Db,
    id: Id,
    edit: EditWritten,
    rowVersion: number,
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    const row = await this.#locked(db, id, rowVersion);
    if (!row.ok) return row;
    if (row.value.written_by !== handOf(by))
      return err(
        refusal(
          'forbidden',
          'not-the-writer',
          'Only who wrote it edits it. Refuse it with a reason, or write another.',
        ),
      );
    await db.query(
      `UPDATE written_notice SET subject = $2, text = $3, updated_at = $4, row_version = row_version + 1 WHERE id = $1`,
      [id, edit.subject, edit.text, iso(this.clock.now())],
    );
    return ok(undefined);
  }

  /** Somebody else reads it, unless policy says that its writer is enough, and it goes out or does not. */
  async decide(
    db: Db,
    id: Id,
    decision: DecideWritten,
    by: Principal,
  ): Promise<Result<{ noticeId: Id | null }, Refusal>> {
    const locked = await this.#locked(db, id, decision.rowVersion);
    if (!locked.ok) return locked;
    const row = locked.value;
    const alone = decision.send && row.written_by === handOf(by);
    if (alone && (await this.#needsSecond(db, row)))
      return err(
        refusal('forbidden', 'second-person-needed', 'Somebody else than its writer approves a notice.'),
      );
    const sent = decision.send ? await this.#send(db, row, by) : ok(null);
    if (!sent.ok) return sent;
    const noticeId = sent.value;
    await db.query(
      `UPDATE written_notice SET state = $2, decided_by = $3, decided_at = $4, reason = $5, notice_id = $6, alone = $7, updated_at = $4,
              row_version = row_version + 1 WHERE id = $1`,
      [
        id,
        decision.send ? 'sent' : 'refused',
        handOf(by),
        iso(this.clock.now()),
        decision.reason,
        noticeId,
        alone,
      ],
    );
    await this.#tell(db, decision.send ? 'written_notice.sent' : 'written_notice.refused', id, by, {
      notice: noticeId,
      ...(alone ? { approvedBy: 'its writer alone, as policy says' } : {}),
    });
    return ok({ noticeId });
  }

  /** Whether somebody else than its writer must approve it. */
  async needsSecond(db: Db, id: Id): Promise<boolean> {
    const [row] = await db.query<Pick<Row, 'integration_id' | 'subject_kind'>[]>(
      `SELECT integration_id, subject_kind FROM written_notice WHERE id = $1`,
      [id],
    );
    return row === undefined || this.#needsSecond(db, row);
  }

  #needsSecond(db: Db, row: Pick<Row, 'integration_id' | 'subject_kind'>): Promise<boolean> {
    const about = row.subject_kind === 'integration' ? 'integration' : 'case';
    return this.secondPerson.needed(db, row.integration_id, about);
  }

  async #send(db: Db, row: Row, by: Principal): Promise<Result<Id, Refusal>> {
    const duty = await this.about.dutyOf(db, row.id);
    if (!duty.ok) return duty;
    const [names] = await db.query<{ integration: string; party: string; operator: string | null }[]>(
      `SELECT i.name AS integration, p.name AS party, (SELECT o.name FROM party o WHERE o.is_operator AND o.retired_at IS NULL LIMIT 1) AS operator
         FROM integration i, party p WHERE i.id = $1 AND p.id = $2`,
      [row.integration_id, row.party_id],
    );
    const id = await this.notices.send(
      db,
      {
        integrationId: row.integration_id,
        partyId: row.party_id,
        contactId: row.contact_id,
        subject: { kind: row.subject_kind, id: row.subject_id },
        category: duty.value ? REPORT : 'written',
        language: row.language,
        fulfilledBy: 'accepted_by_peer',
        facts: {
          fromParty: names?.operator ?? 'Countersign',
          toParty: names?.party ?? '',
          integrationName: names?.integration ?? '',
          subject: row.subject,
          paragraphs: row.text
            .split(/\n\s*\n/)
            .map((one) => one.trim())
            .filter(Boolean),
          ...duty.value?.facts,
        },
        ...(duty.value ? { clock: duty.value.clock } : {}),
        key: `written:${row.id}`,
        correlationId: by.correlationId,
      },
      by,
    );
    return ok(id);
  }

  async #locked(db: Db, id: Id, rowVersion: number): Promise<Result<Row, Refusal>> {
    const [row] = await db.query<Row[]>(
      `SELECT id, integration_id, party_id, contact_id, subject_kind, subject_id, language, subject, text, state, written_by, row_version
         FROM written_notice WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (!row) return err(refusal('not_found', 'no-written-notice', 'There is no such notice.'));
    if (row.state !== 'drafted')
      return err(refusal('conflict', 'decided-already', 'It was decided already. Write another one.'));
    if (row.row_version !== rowVersion)
      return err(
        refusal(
          'precondition',
          'stale-version',
          'It was changed since you read it. Read it again and decide anew.',
        ),
      );
    return ok(row);
  }

  #tell(db: Db, kind: string, id: Id, by: Principal, facts: Record<string, string | null>): Promise<void> {
    return this.ledger.append(db, {
      kind,
      subject: { kind: 'written_notice', id },
      by,
      at: this.clock.now(),
      facts,
    });
  }
}

/** What one would write first: what they were told last, and how it stands since. */
async function prefill(
  db: Db,
  subjectId: Id,
  partyId: Id,
  integration: string,
  language: string,
): Promise<{ subject: string; text: string }> {
  const [last] = await db.query<{ reference: string; facts: { caseReference?: string } }[]>(
    `SELECT reference, facts FROM notice WHERE subject_id = $1 AND party_id = $2 ORDER BY created_at DESC LIMIT 1`,
    [subjectId, partyId],
  );
  const about = last?.facts.caseReference ?? last?.reference;
  const told = last && about !== last.reference ? last.reference : undefined;
  const words = BEGINNING[languagesFor(language).find((one) => one in BEGINNING) ?? 'en']!;
  return {
    subject: words.subject(integration),
    text: [words.about(about ?? integration, told), ...words.open].join('\n\n'),
  };
}

/** The lines that a written notice begins with, in the languages of the shipped texts. */
const BEGINNING: Readonly<
  Record<
    string,
    {
      subject(integration: string): string;
      about(what: string, told: string | undefined): string;
      open: readonly string[];
    }
  >
> = {
  en: {
    subject: (integration) => `How it stands with ${integration}`,
    about: (what, told) => `This is about ${what}${told ? `, of which you were told as ${told}` : ''}.`,
    open: ['What has happened since: ', 'What happens next, and when you hear from us again: '],
  },
  de: {
    subject: (integration) => `Wie es um ${integration} steht`,
    about: (what, told) => `Es geht um ${what}${told ? `, mitgeteilt als ${told}` : ''}.`,
    open: ['Was seither geschehen ist: ', 'Was als Nächstes geschieht, und wann Sie wieder von uns hören: '],
  },
};

/** Newest first. */
export function writtenNotices(db: Db, o: { id?: Id; limit: number }): Promise<WrittenView[]> {
  return db.query(
    `SELECT w.id, i.name AS integration, p.name AS party, c.name AS contact, w.language, w.subject, w.text, w.state,
            coalesce(a.name, w.written_by) AS "writtenBy", coalesce(b.name, w.decided_by) AS "decidedBy", w.reason, n.reference AS notice,
            w.row_version AS "rowVersion", to_char(w.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "createdAt"
       FROM written_notice w JOIN integration i ON i.id = w.integration_id JOIN party p ON p.id = w.party_id JOIN contact c ON c.id = w.contact_id
       LEFT JOIN notice n ON n.id = w.notice_id
       LEFT JOIN person a ON a.id::text = w.written_by LEFT JOIN person b ON b.id::text = w.decided_by
      WHERE $1::uuid IS NULL OR w.id = $1 ORDER BY (w.state = 'drafted') DESC, w.created_at DESC, w.id LIMIT $2`,
    [o.id ?? null, o.limit],
  );
}
