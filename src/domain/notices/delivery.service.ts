import { Inject, Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { PublicUrl } from '../../platform/config/public-url.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { withCorrelation } from '../../platform/log/log.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { addressBinding } from '../parties/contact-reach.service.ts';
import { AlertsService } from './alerts.service.ts';
import { bounceToken } from './bounce-token.ts';
import type { Channel, DeliveryAnswer } from './channel.ts';
import { nameEscalated } from './escalations.ts';
import { beginAttempt, endAttempt, headOf, heldNotice, type NoticeRow } from './delivery-rows.queries.ts';
import { closeLostAttempt } from './lost-attempt.ts';
import { linkCode, linkToken } from './notice-link.rules.ts';
import { recipientsOf, sentTo, type KnownRecipients } from './notice-recipients.queries.ts';
import {
  fallbacksAreIn,
  isFulfilled,
  messageIdOf,
  nextRecipient,
  nextTryAt,
  timesOf,
  type Recipient,
} from './notice.rules.ts';
import { hashOf, LINK_LIFE, shownText, type NoticeWriter, type RenderedNotice } from './notice-templates.ts';
import { NoticeTexts } from './notice-texts.service.ts';
import { heldUntil } from './pace.rules.ts';
import { RecipientTexts } from './recipient-texts.service.ts';
import { isDuty } from './written-about.ts';

/** The channels that are switched on, in order of preference. */
export const CHANNELS = Symbol('channels');

export type DeliveryResult =
  | { state: 'accepted' }
  | { state: 'waiting'; until: Millis; why: string }
  | { state: 'failed'; why: string }
  | { state: 'not_required' };

/** Longer than one attempt can last: when it has passed, the process that made the attempt is gone. */
const ATTEMPT_LEASE = 20 * SECOND;

interface Prepared {
  attemptId: Id;
  notice: NoticeRow;
  channel: Channel;
  recipient: Recipient;
  number: number;
  /** Of this telling. */
  messageId: string;
  /** What it is written by, in which language, and its text without the link: the same for every attempt to who reads it. */
  writer: NoticeWriter;
  language: string;
  textHash: Buffer;
  /** Whom it was chosen from. */
  recipients: readonly Recipient[];
  fallbacksToo: boolean;
  /** The newest signed checkpoint, so that the recipient holds a copy of the ledger's head. */
  checkpoint: string;
}

/**
 * Carries one notice to its recipient. The attempt is a row before the first byte leaves; an attempt whose end nobody
 * wrote down is told as "unknown" and made again under the same Message-ID, so that a notice may come twice and is never
 * lost.
 */
@Injectable()
export class DeliveryService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly texts: NoticeTexts,
    private readonly recipientTexts: RecipientTexts,
    private readonly keys: Keys,
    private readonly publicUrl: PublicUrl,
    private readonly vault: Vault,
    @Inject(CHANNELS) private readonly channels: readonly Channel[],
  ) {}

  /** Makes the next attempt if one is due. Safe to call from several processes and at any time. */
  async deliver(noticeId: Id, by: Principal, signal: AbortSignal): Promise<DeliveryResult> {
    const prepared = await this.transactions.together(by, noticeId, (db) => this.prepare(db, noticeId, by));
    if ('state' in prepared) return prepared;
    // Whoever noticed that it is due, it belongs to what it tells of.
    const { correlation_id: trail } = prepared.notice;
    return withCorrelation(trail, () => this.attempt(prepared, { ...by, correlationId: trail }, signal));
  }

  private async attempt(prepared: Prepared, by: Principal, signal: AbortSignal): Promise<DeliveryResult> {
    const { notice, recipient, channel } = prepared;
    const rendered = this.render(prepared);
    const answer = await channel.send(
      {
        messageId: prepared.messageId,
        to: await this.wholeAddress(recipient, by),
        partyId: notice.party_id,
        language: prepared.language,
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        bounceToken: bounceToken(prepared.attemptId, this.keys.linkKey()),
      },
      { signal, now: () => this.clock.now() },
    );
    return this.transactions.together(by, notice.id, (db) => this.record(db, prepared, answer, by));
  }

  /** Opened for as long as one attempt lasts; what is kept of the attempt is what may be seen. */
  private async wholeAddress({ address, sealed }: Recipient, by: Principal): Promise<string> {
    if (!sealed) return address;
    const whole = await this.transactions.run(by, (db) =>
      this.vault.get(db, sealed.ref, addressBinding(sealed.id)),
    );
    return whole.use((text) => text);
  }

  /** Whether another attempt would have somewhere to go, now or later: an address that nobody there refused. */
  async hasSomebodyLeft(db: Db, noticeId: Id): Promise<boolean> {
    const notice = await heldNotice(db, noticeId);
    if (!notice) return false;
    const { recipients } = await this.recipientsOf(db, notice, this.clock.now());
    return recipients.some(({ refused }) => !refused);
  }

  private recipientsOf(db: Db, notice: NoticeRow, now: Millis): Promise<KnownRecipients> {
    return recipientsOf(
      db,
      {
        id: notice.id,
        partyId: notice.party_id,
        contactId: notice.contact_id,
        termId: notice.term_id,
        isDuty: isDuty(notice),
        messageId: messageIdOf(notice.message_id, notice.told),
        ...timesOf(notice),
      },
      this.channels,
      now,
    );
  }

  private async prepare(db: Db, noticeId: Id, by: Principal): Promise<Prepared | DeliveryResult> {
    const now = this.clock.now();
    const notice = await heldNotice(db, noticeId);
    if (!notice || notice.obligation !== 'required') return { state: 'not_required' };
    if (notice.dispatch === 'accepted' && notice.receipt !== 'bounced') return { state: 'accepted' };
    // Whatever the clocks of two processes say, and whatever made it due again meanwhile: one attempt at a time. It ends
    // within seconds as a rule.
    if (notice.held) return { state: 'waiting', until: now + SECOND, why: 'an attempt is under way' };
    const next = notice.next_attempt_at?.getTime() ?? now;
    if (next > now) return { state: 'waiting', until: next, why: 'the next attempt is not due yet' };
    if (notice.dispatch === 'attempting') await closeLostAttempt(db, notice.id, now);

    const times = timesOf(notice);
    const messageId = messageIdOf(notice.message_id, notice.told);
    const known = await this.recipientsOf(db, notice, now);
    const fallbacksToo = fallbacksAreIn(
      { ...times, told: notice.told, dispatch: notice.dispatch, receipt: notice.receipt },
      known.recipients,
      now,
    );
    const recipient = nextRecipient(known.recipients, fallbacksToo, now);
    const channel = recipient && this.channels.find((one) => one.key === recipient.channel);
    if (!recipient || !channel) return this.giveUp(db, notice, known.recipients.length, now, by);
    const held = await this.heldFor(db, notice, recipient, known, now);
    if (held !== null) return held;

    const number = notice.attempts + 1;
    const attemptId = newId();
    const { templateId, writer } = await this.texts.writerOf(db, {
      category: notice.category,
      language: notice.language,
      integrationId: notice.integration_id,
      partyId: notice.party_id,
      templateId: notice.template_id,
      asShipped: notice.sent_text !== null && notice.template_id === null,
    });
    // What somebody reads and acknowledges is this text, whatever becomes of its template.
    const shown = shownText(writer, { ...notice, createdAt: notice.created_at.getTime() });
    const textHash = notice.sent_text === null ? shown.textHash : hashOf(notice.sent_text);
    await beginAttempt(db, {
      id: attemptId,
      noticeId: notice.id,
      partyId: notice.party_id,
      number,
      channel: channel.key,
      contactId: recipient.contactId,
      address: recipient.address,
      possiblyTwice: known.lost,
      messageId,
      at: now,
      lease: ATTEMPT_LEASE,
      templateId,
      textHash,
      subject: shown.subject,
      text: shown.text,
    });
    const own = await this.recipientTexts.of(db, notice, recipient, now);
    const checkpoint = await headOf(db, this.ledger);
    return {
      attemptId,
      notice,
      channel,
      recipient,
      number,
      messageId,
      writer: own?.writer ?? writer,
      language: own?.language ?? notice.language,
      textHash: own?.textHash ?? textHash,
      recipients: known.recipients,
      fallbacksToo,
      checkpoint,
    };
  }

  /** Holds a duty back for its recipient's sake, and never longer than until it warns: the rest of the window is for trying. */
  private async heldFor(
    db: Db,
    notice: NoticeRow,
    recipient: Recipient,
    known: KnownRecipients,
    now: Millis,
  ): Promise<DeliveryResult | null> {
    const pace = known.paceOf(recipient.contactId);
    if (!isDuty(notice) || notice.told > 1 || (!pace.quiet && pace.mostPerHour === null)) return null;
    const sent = pace.mostPerHour === null ? [] : await sentTo(db, recipient.contactId, now);
    const until = heldUntil({ ...pace, sent }, now, notice.warn_at?.getTime() ?? null);
    if (until === null) return null;
    await db.query(
      `UPDATE notice SET next_attempt_at = $2, updated_at = $3, row_version = row_version + 1 WHERE id = $1`,
      [notice.id, iso(until), iso(now)],
    );
    return { state: 'waiting', until, why: 'its recipient asked for quiet, or for no more in this hour' };
  }

  private async giveUp(
    db: Db,
    notice: NoticeRow,
    known: number,
    now: Millis,
    by: Principal,
  ): Promise<DeliveryResult> {
    const why =
      known === 0
        ? 'no contact of the recipient has an address that can be written to'
        : 'every known address was refused';
    await db.query(
      `UPDATE notice SET dispatch = 'failed', next_attempt_at = NULL, updated_at = $2, row_version = row_version + 1 WHERE id = $1`,
      [notice.id, iso(now)],
    );
    await this.alerts.raise(db, {
      kind: 'notice.undeliverable',
      severity: 'critical',
      message: `Notice ${notice.reference} cannot be delivered: ${why}. Add a contact with a working address, then retry.`,
      dedupeKey: `notice.undeliverable:${notice.id}`,
      subject: { kind: 'notice', id: notice.id },
      at: now,
    });
    await this.ledger.append(db, {
      kind: 'notice.failed',
      subject: { kind: 'notice', id: notice.id },
      by: { ...by, correlationId: notice.correlation_id },
      at: now,
      facts: { reference: notice.reference, why },
    });
    return { state: 'failed', why };
  }

  private async record(
    db: Db,
    prepared: Prepared,
    answer: DeliveryAnswer,
    by: Principal,
  ): Promise<DeliveryResult> {
    const { notice, attemptId, number, messageId, textHash } = prepared;
    const now = this.clock.now();
    const accepted = answer.outcome === 'accepted';
    const next =
      answer.outcome === 'accepted'
        ? null
        : nextTryAt(
            prepared.recipients,
            prepared.recipient,
            {
              refused: answer.outcome === 'refused',
              after: answer.outcome === 'retry' ? answer.after : undefined,
            },
            prepared.fallbacksToo,
            timesOf(notice),
            now,
          );
    await endAttempt(db, {
      id: attemptId,
      noticeId: notice.id,
      number,
      outcome: answer.outcome,
      peerAnswer: answer.peerAnswer.slice(0, 500),
      at: now,
      next,
      accepted,
      fulfilled: accepted && isFulfilled(notice.fulfilled_by, 'accepted', 'none'),
    });
    await this.ledger.append(db, {
      kind: accepted ? 'notice.accepted_by_peer' : 'notice.attempt_failed',
      subject: { kind: 'notice', id: notice.id },
      by,
      at: now,
      facts: {
        reference: notice.reference,
        attempt: number,
        channel: prepared.channel.key,
        outcome: answer.outcome,
        messageId,
        textHash: textHash.toString('hex'),
      },
      committed: { address: prepared.recipient.address, peerAnswer: answer.peerAnswer.slice(0, 500) },
    });
    if (!accepted) return { state: 'waiting', until: next!, why: answer.peerAnswer };
    await nameEscalated(db, { noticeId: notice.id, contactId: prepared.recipient.contactId });
    return { state: 'accepted' };
  }

  /** The same text for every attempt to who reads it, but for whom the link is for. */
  private render({ notice, recipient, writer, language, checkpoint }: Prepared): RenderedNotice {
    const expiresAt = notice.created_at.getTime() + LINK_LIFE;
    const token = linkToken(
      { noticeId: notice.id, contactId: recipient.contactId, expiresAt },
      this.keys.linkKey(),
    );
    return writer.render(notice.category, language, {
      ...notice.facts,
      link: `${this.publicUrl.get()}/n/${token}`,
      code: linkCode(token, this.keys.linkKey()),
      linkExpiresAt: iso(expiresAt),
      checkpoint,
    });
  }
}
