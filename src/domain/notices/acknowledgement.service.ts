import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { isSignedIn, system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { withCorrelation } from '../../platform/log/log.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AcknowledgementProofs, type StrongerWays } from './acknowledgement-proofs.service.ts';
import { AcknowledgementRecorder, type Acknowledged } from './acknowledgement-recorder.service.ts';
import { contactsOf, findAnswerable, isContactOf, type AnswerableNotice } from './acknowledgement.queries.ts';
import {
  acknowledgementDocument,
  NEXT_ACTION_NEEDED,
  oneLined,
  problemOf,
  STRENGTHS,
  type PlainStrength,
  type Strength,
  type TypedAcknowledgement,
} from './acknowledgement.rules.ts';
import { isLinkCode, linkToken, readLinkToken, type NoticeLink } from './notice-link.rules.ts';
import { ACKNOWLEDGED_FOR } from './notice.rules.ts';
import { LINK_LIFE, NoticeTemplates, textOf } from './notice-templates.ts';
import { RecipientTexts, type RecipientText } from './recipient-texts.service.ts';

/** One notice as its recipient sees it: their own facts, and nothing of anybody else's. */
export interface ShownNotice {
  id: Id;
  reference: string;
  partyId: Id;
  /** Which template it is written by, and so what an answer to it says. */
  category: string;
  subject: string;
  text: string;
  /** Lower-case hex; comes back with the acknowledgement, so that it says which text was seen. */
  textHash: string;
  language: string;
  startAt: Millis;
  dueAt: Millis | null;
  /** Of the party it is for: its times are told in it. */
  zone: string;
  /** What an acknowledgement must have for the duty to end. */
  leastStrength: Strength;
  /** One that was given and is weaker than that: it is on record, and the duty is open. */
  weaker: { at: Millis; strength: Strength; name: string | null } | null;
  acknowledged: {
    at: Millis;
    strength: Strength;
    typedName: string | null;
    nextAction: string | null;
    /** When it no longer says that somebody is on it; null where nothing has to follow. */
    lapsesAt: Millis | null;
  } | null;
}

/** The human end of a notice: somebody opens the link of a mail, reads, types their name, and confirms. */
@Injectable()
export class AcknowledgementService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly templates: NoticeTemplates,
    private readonly keys: Keys,
    private readonly proofs: AcknowledgementProofs,
    private readonly recorder: AcknowledgementRecorder,
    private readonly recipientTexts: RecipientTexts,
  ) {}

  /**
   * Remembers which step waits for the acknowledgement, and says how the notice stands. The update locks the
   * row: an acknowledgement comes either before it and is seen here, or after it and finds the step.
   */
  async awaitedBy(
    noticeId: Id,
    stepId: Id,
    by: Principal,
  ): Promise<{ required: boolean; acknowledged: boolean } | undefined> {
    const [row] = await this.transactions.run(by, async (db) => {
      await db.query(`UPDATE notice SET step_id = $2 WHERE id = $1`, [noticeId, stepId]);
      return db.query<{ required: boolean; acknowledged: boolean }[]>(
        `SELECT obligation = 'required' AS required, receipt = 'acknowledged' AS acknowledged FROM notice WHERE id = $1`,
        [noticeId],
      );
    });
    return row;
  }

  /** The notice behind a link. Expired, forged and withdrawn links answer with a refusal that says what to do. */
  async show(
    token: string,
  ): Promise<Result<{ notice: ShownNotice; link: NoticeLink; ways: StrongerWays }, Refusal>> {
    const read = readLinkToken(token, this.keys.linkKey(), this.clock.now());
    if (!read) return err(NO_SUCH_LINK);
    if (read.expired) {
      return err(
        refusal(
          'forbidden',
          'link-expired',
          'This link has ended. Ask your contact at the sender for a new notice.',
        ),
      );
    }
    const { noticeId, contactId } = read.link;
    const found = await this.transactions.run(linkPrincipal(read.link, null), async (db) => {
      const row = await findAnswerable(db, noticeId, STRENGTHS);
      return row && (await isContactOf(db, contactId, row.party_id)) ? row : undefined;
    });
    if (!found) return err(NO_SUCH_LINK);
    // What wrote it, and who registered a key, is the operator's own, and no link reads that.
    return this.transactions.run(system('acknowledgement', noticeId), async (db) => {
      const own = await this.recipientTexts.readBy(db, found, contactId, this.clock.now());
      const ways = await this.proofs.waysOf(db, noticeId, contactId);
      return ok({ notice: this.shown(found, own), link: read.link, ways });
    });
  }

  /** The bytes that the holder of a link signs elsewhere. */
  async document(token: string): Promise<Result<string, Refusal>> {
    const shown = await this.show(token);
    return shown.ok ? ok(acknowledgementDocument(shown.value.notice)) : shown;
  }

  /** The same for whoever may read the notice. */
  async documentFor(noticeId: Id, by: Principal): Promise<Result<string, Refusal>> {
    const row = await this.transactions.run(by, (db) => findAnswerable(db, noticeId, STRENGTHS));
    if (!row) return err(NO_NOTICE);
    return row.sent_text === null
      ? err(refusal('conflict', 'not-told-yet', 'Nobody was told yet: there is no text to sign.'))
      : ok(acknowledgementDocument(this.shown(row)));
  }

  /** Sends the holder of a link a code by another channel than the one that the message came by. */
  async sendCode(token: string, channel: string): Promise<Result<{ channel: string }, Refusal>> {
    const shown = await this.show(token);
    if (!shown.ok) return shown;
    const { notice, link } = shown.value;
    return this.proofs.sendCode(notice, link.contactId, channel, linkPrincipal(link, null));
  }

  /** Records the acknowledgement of a link, once; a second one answers as the first did. */
  async acknowledge(
    token: string,
    typed: TypedAcknowledgement,
    ip?: string,
  ): Promise<Result<Acknowledged, Refusal>> {
    const shown = await this.show(token);
    if (!shown.ok) return shown;
    const { notice, link } = shown.value;
    const bad = problemOf(typed, notice, isLinkCode(typed.code, token, this.keys.linkKey()));
    if (bad) return err(bad);
    const by = { ...linkPrincipal(link, null), ...(ip && { ip }) };
    return this.take(notice, [link.contactId], typed, 'mailbox', by);
  }

  /**
   * The same by somebody of the recipient's with an account. Signed in, with the code of the message, it is as strong as an
   * account with a code from its mailbox; a token of the account is a second channel.
   */
  async acknowledgeAs(
    noticeId: Id,
    typed: TypedAcknowledgement,
    by: Principal,
  ): Promise<Result<Acknowledged, Refusal>> {
    const row = await this.transactions.run(by, (db) => findAnswerable(db, noticeId, STRENGTHS));
    if (!row) return err(NO_NOTICE);
    if (by.partyId !== row.party_id)
      return err(
        refusal(
          'forbidden',
          'not-the-recipient',
          'Only its recipient can acknowledge a notice, nobody for them.',
        ),
      );
    if (by.personId === undefined)
      return err(
        refusal(
          'forbidden',
          'human-needed',
          'A person acknowledges a notice: use an account, not a token of a machine.',
        ),
      );
    const notice = this.shown(row);
    const contacts = await this.transactions.run(by, (db) => contactsOf(db, row.party_id));
    const bad = problemOf(typed, notice, this.isCodeOf(row, contacts, typed.code));
    if (bad) return err(bad);
    return this.take(notice, contacts, typed, isSignedIn(by) ? 'account_mfa' : 'second_channel', by);
  }

  /** Of a code that somebody read back: whether it stands in a message of this notice to one of them. */
  isCodeOf(notice: { id: Id; created_at: Date }, contactIds: readonly Id[], code: string): boolean {
    const [key, expiresAt] = [this.keys.linkKey(), notice.created_at.getTime() + LINK_LIFE];
    return contactIds.some((contactId) =>
      isLinkCode(code, linkToken({ noticeId: notice.id, contactId, expiresAt }, key), key),
    );
  }

  /** What happens next on the recipient's side: then the acknowledgement stands. */
  async sayNext(token: string, nextAction: string, ip?: string): Promise<Result<void, Refusal>> {
    const shown = await this.show(token);
    if (!shown.ok) return shown;
    const { notice, link } = shown.value;
    const action = oneLined(nextAction);
    if (action.length < 3 || action.length > 500) return err(NEXT_ACTION_NEEDED);
    const by: Principal = { ...linkPrincipal(link, null), ...(ip && { ip }) };
    return this.inTrail(notice.id, by, async (db, trailed) => {
      const now = this.clock.now();
      const row = await findAnswerable(db, notice.id, STRENGTHS, { locked: true });
      if (row?.receipt !== 'acknowledged')
        return err(
          refusal('conflict', 'not-acknowledged', 'Acknowledge the notice first, then say what is next.'),
        );
      await db.query(
        `UPDATE acknowledgement SET next_action = $2, next_action_at = $3 WHERE notice_id = $1 AND effective`,
        [notice.id, action, iso(now)],
      );
      if (row.acknowledgement_lapses_at !== null)
        await this.lapseAt(db, notice.id, now + ACKNOWLEDGED_FOR, now);
      await this.ledger.append(db, {
        kind: 'notice.next_action',
        subject: { kind: 'notice', id: notice.id },
        by: trailed,
        at: now,
        facts: { reference: notice.reference, contact: link.contactId },
        committed: { nextAction: action },
      });
      return ok(undefined);
    });
  }

  private async lapseAt(db: Db, noticeId: Id, lapsesAt: Millis, now: Millis): Promise<void> {
    await db.query(
      `UPDATE notice SET acknowledgement_lapses_at = $2, updated_at = $3, row_version = row_version + 1,
              next_clock_at = CASE WHEN timeliness = 'open' THEN next_clock_at ELSE $2::timestamptz END
        WHERE id = $1`,
      [noticeId, iso(lapsesAt), iso(now)],
    );
  }

  private async take(
    notice: ShownNotice,
    contactIds: readonly Id[],
    typed: TypedAcknowledgement,
    plain: PlainStrength,
    by: Principal,
  ): Promise<Result<Acknowledged, Refusal>> {
    const proof = await this.proofs.proofOf(notice, contactIds, typed, plain);
    if (!proof.ok) return proof;
    return this.inTrail(notice.id, by, async (db, trailed) =>
      ok(await this.recorder.record(db, notice.id, typed, proof.value, trailed)),
    );
  }

  /** It is the end of what the notice tells of, and what follows belongs there too. */
  private async inTrail<T>(
    noticeId: Id,
    by: Principal,
    work: (db: Db, by: Principal) => Promise<T>,
  ): Promise<T> {
    const [told] = await this.transactions.run(by, (db) =>
      db.query<{ trail: string }[]>('SELECT correlation_id AS trail FROM notice WHERE id = $1', [noticeId]),
    );
    const trailed = { ...by, correlationId: told?.trail ?? by.correlationId };
    return withCorrelation(trailed.correlationId, () =>
      this.transactions.run(trailed, (db) => work(db, trailed)),
    );
  }

  private shown(row: AnswerableNotice, own?: RecipientText): ShownNotice {
    const { subject, text, textHash } = own ?? textOf(this.templates, row);
    return {
      id: row.id,
      reference: row.reference,
      partyId: row.party_id,
      category: row.category,
      subject,
      text,
      textHash: textHash.toString('hex'),
      language: own?.language ?? row.language,
      startAt: row.start_at.getTime(),
      dueAt: row.due_at?.getTime() ?? null,
      zone: row.zone,
      leastStrength: row.least_strength,
      weaker: row.receipt === 'acknowledged' ? null : row.weaker,
      acknowledged:
        row.acknowledged_at === null || row.receipt !== 'acknowledged'
          ? null
          : {
              at: row.acknowledged_at.getTime(),
              strength: row.strength ?? 'mailbox',
              typedName: row.typed_name,
              nextAction: row.next_action,
              lapsesAt: row.acknowledgement_lapses_at?.getTime() ?? null,
            },
    };
  }
}

/** What the notices are about is over: an acknowledgement need not last any longer, and nobody is told again. */
export async function endAcknowledgements(db: Db, subjectIds: readonly Id[], at: Millis): Promise<void> {
  await db.query(
    `UPDATE notice SET acknowledgement_lapses_at = NULL, updated_at = $2, row_version = row_version + 1,
            next_clock_at = CASE WHEN timeliness = 'open' THEN next_clock_at END
      WHERE subject_id = ANY ($1) AND acknowledgement_lapses_at IS NOT NULL`,
    [subjectIds, iso(at)],
  );
}

const NO_NOTICE = refusal('not_found', 'no-notice', 'There is no such notice.');

const NO_SUCH_LINK = refusal(
  'not_found',
  'no-such-link',
  'This link is not one of ours, or the notice is no longer there.',
);

/** A link acts for one contact. It reads one notice by its id, so it needs the installation's view and no list. */
function linkPrincipal(link: NoticeLink, partyId: Id | null): Principal {
  return { kind: 'link', id: link.contactId, roles: [], partyId, correlationId: `link-${link.noticeId}` };
}
