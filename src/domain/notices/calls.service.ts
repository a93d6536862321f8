import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AcknowledgementRecorder } from './acknowledgement-recorder.service.ts';
import { contactsOf } from './acknowledgement.queries.ts';
import { AcknowledgementService } from './acknowledgement.service.ts';
import { AlertsService } from './alerts.service.ts';
import { nameEscalated } from './escalations.ts';
import { isFulfilled, messageIdOf, type FulfilledBy } from './notice.rules.ts';
import { NoticeTexts } from './notice-texts.service.ts';
import { textOf } from './notice-templates.ts';

/** What is to be said, and to whom: somebody of the operator calls, no machine does. */
export const callScriptSchema = z
  .object({
    contacts: z
      .array(
        z.object({
          id: z.uuid(),
          name: z.string(),
          phone: z.string(),
          role: z.string(),
          away: z.boolean().describe('Said to be absent at this moment'),
        }),
      )
      .describe('In the order in which to call'),
    script: z.string(),
  })
  .meta({ id: 'CallScript' });
export type CallScript = z.infer<typeof callScriptSchema>;

const line = (most: number) =>
  z
    .string()
    .trim()
    .max(most)
    .regex(/^\P{Cc}*$/u, 'must be one line');
export const recordCallSchema = z
  .strictObject({
    contactId: z.uuid(),
    at: z.iso.datetime({ offset: true }).describe('When the call was'),
    answeredBy: line(200).min(1).nullable().describe('Who answered and heard it; null: nobody did'),
    note: line(500).default(''),
    code: line(12)
      .default('')
      .describe(
        'Six digits of the message, read back by whoever answered: then the call is their acknowledgement, by a second channel',
      ),
    nextAction: line(500).default('').describe('What they said that they do next'),
  })
  .meta({ id: 'RecordedCall' });
export type RecordedCall = z.output<typeof recordCallSchema>;

interface Row {
  id: Id;
  reference: string;
  integration_id: Id;
  party_id: Id;
  category: string;
  language: string;
  facts: Record<string, unknown>;
  created_at: Date;
  due_at: Date | null;
  message_id: string;
  told: number;
  template_id: Id | null;
  sent_subject: string | null;
  sent_text: string | null;
  fulfilled_by: FulfilledBy;
  obligation: string;
  attempts: number;
}

/** A time as one reads it out: 24 November 2026, 17:00. */
const SPOKEN = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

/**
 * Telling somebody by phone: the script that a person reads out, and what came of the call. A call that somebody answered
 * counts as any other attempt that a peer took; who answered and when is on record.
 */
@Injectable()
export class CallsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly texts: NoticeTexts,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly acknowledgements: AcknowledgementService,
    private readonly recorder: AcknowledgementRecorder,
  ) {}

  async script(noticeId: Id, by: Principal): Promise<Result<CallScript, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const [notice] = await rowsOf<Row>(db, NOTICE, [noticeId]);
      if (!notice) return err(NO_NOTICE);
      const { subject, text } = await this.#text(db, notice);
      const contacts = await db.query<CallScript['contacts']>(
        `SELECT c.id, c.name, c.phone, c.role, a.away FROM contact c LEFT JOIN notice n ON n.id = $2
          CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM contact_absence x
                               WHERE x.contact_id = c.id AND x.from_at <= $3 AND x.until_at > $3) AS away) a
          WHERE c.party_id = $1 AND c.active AND c.phone IS NOT NULL
          ORDER BY a.away, (c.id = n.contact_id) DESC NULLS LAST, (c.role = 'on_call') DESC, (c.role = 'security') DESC, c.ordinal, c.name, c.id`,
        [notice.party_id, noticeId, iso(this.clock.now())],
      );
      const due =
        notice.due_at === null
          ? ''
          : ` It is due by ${SPOKEN.format(notice.due_at).replace(' at ', ', ')} UTC.`;
      const script = [
        `This is a call about the notice ${notice.reference}.${due}`,
        'Ask for the name of whoever you speak to, and write it down with the time.',
        'Read this out, and have them say the reference back to you:',
        '',
        subject,
        '',
        text.trim(),
        '',
        'If the message has reached them, ask for the six digits that stand in it beside its link, and for what they do next:',
        'with these the call is their acknowledgement. Never say the digits yourself, and never the address of the link.',
        '',
        'Never read out a credential, and take none down.',
      ].join('\n');
      return ok({ contacts, script });
    });
  }

  async record(noticeId: Id, call: RecordedCall, by: Principal): Promise<Result<void, Refusal>> {
    try {
      await this.transactions.run(by, (db) => this.#record(db, noticeId, call, by));
      return ok(undefined);
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  async #record(db: Db, noticeId: Id, call: RecordedCall, by: Principal): Promise<void> {
    await db.query(`SELECT FROM notice WHERE id = $1 FOR UPDATE`, [noticeId]);
    const [notice] = await rowsOf<Row>(db, NOTICE, [noticeId]);
    if (!notice) throw new Refused(NO_NOTICE);
    if (notice.obligation !== 'required')
      throw new Refused(refusal('conflict', 'notice-not-required', 'Nobody has to be told this any more.'));
    const [contact] = await rowsOf<{ phone: string }>(
      db,
      `SELECT phone FROM contact WHERE id = $1 AND party_id = $2 AND phone IS NOT NULL`,
      [call.contactId, notice.party_id],
    );
    const now = this.clock.now();
    const at = Date.parse(call.at);
    if (!contact) throw new Refused(bad('/contactId', 'names no contact of its recipient with a phone'));
    if (at > now || at < notice.created_at.getTime())
      throw new Refused(bad('/at', 'is not between the notice and now'));
    const heard = call.answeredBy !== null;
    if (call.code !== '') {
      if (!heard) throw new Refused(bad('/code', 'was read back by nobody'));
      if (!this.acknowledgements.isCodeOf(notice, await contactsOf(db, notice.party_id), call.code))
        throw new Refused(bad('/code', 'is not the code of a message of this notice'));
    }
    const said = heard ? `answered by ${call.answeredBy!}` : 'nobody answered';
    await db.query(
      `INSERT INTO notice_attempt (id, notice_id, party_id, number, channel, contact_id, address, started_at, ended_at, outcome,
                                   peer_answer, message_id)
       VALUES ($1, $2, $3, $4, 'phone', $5, $6, $7, $7, $8, $9, $10)`,
      [
        newId(),
        notice.id,
        notice.party_id,
        notice.attempts + 1,
        call.contactId,
        contact.phone,
        iso(at),
        heard ? 'accepted' : 'retry',
        `${said}${call.note === '' ? '' : `: ${call.note}`}`.slice(0, 500),
        messageIdOf(notice.message_id, notice.told),
      ],
    );
    await this.#tell(db, notice, heard, at, now);
    if (heard) await nameEscalated(db, { noticeId: notice.id, contactId: call.contactId });
    if (call.code !== '') {
      const { textHash } = await this.#text(db, notice);
      await this.recorder.record(
        db,
        notice.id,
        { name: call.answeredBy!, textHash: textHash.toString('hex'), nextAction: call.nextAction },
        { strength: 'second_channel', channel: 'phone', signed: null },
        by,
        handOf(by),
      );
    }
    await this.ledger.append(db, {
      kind: heard ? 'notice.told_by_phone' : 'notice.call_not_answered',
      subject: { kind: 'notice', id: notice.id },
      by,
      at: now,
      facts: {
        reference: notice.reference,
        attempt: notice.attempts + 1,
        contactId: call.contactId,
        calledAt: iso(at),
      },
      committed: { answeredBy: call.answeredBy ?? '', note: call.note, phone: contact.phone },
    });
  }

  /** What the call means for the notice. It stands as told at the time of the call, not at that of writing it down. */
  async #tell(db: Db, notice: Row, heard: boolean, at: Millis, now: Millis): Promise<void> {
    const { subject, text, textHash } = await this.#text(db, notice);
    const fulfilled = heard && isFulfilled(notice.fulfilled_by, 'accepted', 'none');
    await db.query(
      `UPDATE notice SET attempts = attempts + 1, updated_at = $2, row_version = row_version + 1,
              dispatch = CASE WHEN $3 THEN 'accepted' ELSE dispatch END,
              next_attempt_at = CASE WHEN $3 THEN NULL ELSE next_attempt_at END,
              receipt = CASE WHEN $3 AND receipt = 'bounced' THEN 'none' ELSE receipt END,
              accepted_at = CASE WHEN $3 THEN least(coalesce(accepted_at, $4), $4) ELSE accepted_at END,
              fulfilled_at = CASE WHEN $5 THEN least(coalesce(fulfilled_at, $4), $4) ELSE fulfilled_at END,
              next_clock_at = CASE WHEN $5 THEN $2 ELSE next_clock_at END,
              text_hash = CASE WHEN $3 THEN coalesce(text_hash, $6) ELSE text_hash END,
              sent_subject = CASE WHEN $3 AND sent_text IS NULL THEN $7 ELSE sent_subject END,
              sent_text = CASE WHEN $3 THEN coalesce(sent_text, $8) ELSE sent_text END
        WHERE id = $1`,
      [notice.id, iso(now), heard, iso(at), fulfilled, textHash, subject, text],
    );
    if (heard) await this.alerts.settle(db, `notice.undeliverable:${notice.id}`, now);
  }

  async #text(db: Db, notice: Row) {
    const { writer } = await this.texts.writerOf(db, {
      category: notice.category,
      language: notice.language,
      integrationId: notice.integration_id,
      partyId: notice.party_id,
      templateId: notice.template_id,
      asShipped: notice.sent_text !== null && notice.template_id === null,
    });
    return textOf(writer, notice);
  }
}

const NOTICE = `SELECT id, reference, integration_id, party_id, category, language, facts, created_at, due_at, message_id, told,
  template_id, sent_subject, sent_text, fulfilled_by, obligation, attempts FROM notice WHERE id = $1`;

const NO_NOTICE = refusal('not_found', 'no-notice', 'There is no such notice.');

function bad(field: string, problem: string): Refusal {
  return refusal('invalid', 'bad-call', 'The call is not as it must be.', {
    fields: [{ field, problem, mend: 'Write down the call as it was.' }],
  });
}
