import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { withCorrelation } from '../../platform/log/log.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import {
  NEXT_ACTION_NEEDED,
  oneLined,
  problemOf,
  type Strength,
  type TypedAcknowledgement,
} from './acknowledgement.rules.ts';
import { isLinkCode, linkToken, readLinkToken, type NoticeLink } from './notice-link.rules.ts';
import {
  ACKNOWLEDGED_FOR,
  ACKNOWLEDGED_WITHOUT_ACTION_FOR,
  isFulfilled,
  type FulfilledBy,
} from './notice.rules.ts';
import { LINK_LIFE, NoticeTemplates, textOf } from './notice-templates.ts';
import { noticeAcknowledged } from './notices.events.ts';

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
  acknowledged: {
    at: Millis;
    typedName: string | null;
    nextAction: string | null;
    /** When it no longer says that somebody is on it; null where nothing has to follow. */
    lapsesAt: Millis | null;
  } | null;
}

interface Row {
  id: Id;
  reference: string;
  party_id: Id;
  category: string;
  language: string;
  facts: Record<string, unknown>;
  start_at: Date;
  due_at: Date | null;
  created_at: Date;
  fulfilled_by: FulfilledBy;
  fulfilled_at: Date | null;
  timeliness: string;
  receipt: string;
  acknowledged_at: Date | null;
  acknowledgement_lapses_at: Date | null;
  sent_subject: string | null;
  sent_text: string | null;
  zone: string;
  next_action: string | null;
  term_id: Id | null;
  typed_name: string | null;
}

/** The human end of a notice: somebody opens the link of a mail, reads, types their name, and confirms. */
@Injectable()
export class AcknowledgementService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly templates: NoticeTemplates,
    private readonly keys: Keys,
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
  async show(token: string): Promise<Result<{ notice: ShownNotice; link: NoticeLink }, Refusal>> {
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
    const by = linkPrincipal(read.link, null);
    const row = await this.transactions.run(by, (db) => find(db, read.link.noticeId));
    if (
      !row ||
      !(await this.transactions.run(by, (db) => isContactOf(db, read.link.contactId, row.party_id)))
    )
      return err(NO_SUCH_LINK);
    return ok({ notice: this.shown(row), link: read.link });
  }

  /** Records the acknowledgement of a link, once; a second one answers as the first did. */
  async acknowledge(
    token: string,
    typed: TypedAcknowledgement,
    ip?: string,
  ): Promise<Result<{ late: boolean }, Refusal>> {
    const shown = await this.show(token);
    if (!shown.ok) return shown;
    const { notice, link } = shown.value;
    const bad = problemOf(typed, notice, isLinkCode(typed.code, token, this.keys.linkKey()));
    if (bad) return err(bad);
    return this.take(notice.id, typed, 'mailbox', { ...linkPrincipal(link, null), ...(ip && { ip }) });
  }

  /**
   * The same by somebody who is signed in for the recipient. With the code of the message it is as strong as an account
   * with a code from its mailbox.
   */
  async acknowledgeAs(
    noticeId: Id,
    typed: TypedAcknowledgement,
    by: Principal,
  ): Promise<Result<{ late: boolean }, Refusal>> {
    const row = await this.transactions.run(by, (db) => find(db, noticeId));
    if (!row) return err(refusal('not_found', 'no-notice', 'There is no such notice.'));
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
    const bad = problemOf(typed, this.shown(row), await this.isCodeOf(row, typed.code, by));
    if (bad) return err(bad);
    return this.take(noticeId, typed, 'account_mfa', by);
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
      const [row]: Row[] = await db.query(`${FIND} FOR UPDATE OF n`, [notice.id]);
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

  private async isCodeOf(row: Row, code: string, by: Principal): Promise<boolean> {
    const contacts = await this.transactions.run(by, (db) =>
      db.query<{ id: Id }[]>(`SELECT id FROM contact WHERE party_id = $1 AND active`, [row.party_id]),
    );
    const [key, expiresAt] = [this.keys.linkKey(), row.created_at.getTime() + LINK_LIFE];
    return contacts.some(({ id: contactId }) =>
      isLinkCode(code, linkToken({ noticeId: row.id, contactId, expiresAt }, key), key),
    );
  }

  private take(
    noticeId: Id,
    typed: TypedAcknowledgement,
    strength: Strength,
    by: Principal,
  ): Promise<Result<{ late: boolean }, Refusal>> {
    return this.inTrail(noticeId, by, async (db, trailed) =>
      ok(await this.record(db, noticeId, typed, strength, trailed)),
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

  private async record(
    db: Db,
    noticeId: Id,
    typed: TypedAcknowledgement,
    strength: Strength,
    by: Principal,
  ): Promise<{ late: boolean }> {
    const now = this.clock.now();
    const rows: Row[] = await db.query(`${FIND} FOR UPDATE OF n`, [noticeId]);
    const row = rows[0]!;
    const late = row.due_at !== null && now > row.due_at.getTime();
    const first = row.acknowledged_at === null;
    const nextAction = typed.nextAction === undefined ? '' : oneLined(typed.nextAction).slice(0, 500);
    const inserted: unknown[] = await db.query(
      `INSERT INTO acknowledgement (id, notice_id, party_id, user_id, typed_name, text_hash, strength, late, at, next_action, next_action_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       ON CONFLICT (notice_id) WHERE effective DO NOTHING RETURNING id`,
      [
        newId(),
        row.id,
        row.party_id,
        by.kind === 'user' ? by.id : null,
        oneLined(typed.name),
        Buffer.from(typed.textHash, 'hex'),
        strength,
        late,
        iso(now),
        nextAction || null,
        nextAction ? iso(now) : null,
      ],
    );
    if (inserted.length === 0) return { late };
    const fulfilled = row.fulfilled_at === null && isFulfilled(row.fulfilled_by, 'accepted', 'acknowledged');
    // Of what no term asks for, the answer itself is all that was wanted.
    const lapsesAt =
      row.term_id === null ? null : now + (nextAction ? ACKNOWLEDGED_FOR : ACKNOWLEDGED_WITHOUT_ACTION_FOR);
    await db.query(
      `UPDATE notice SET receipt = 'acknowledged', acknowledged_at = coalesce(acknowledged_at, $2),
              fulfilled_at = CASE WHEN $3 THEN $2 ELSE fulfilled_at END,
              dispatch = CASE WHEN dispatch IN ('owed', 'attempting') AND accepted_at IS NOT NULL THEN 'accepted' ELSE dispatch END,
              next_clock_at = CASE WHEN timeliness = 'open' THEN $2 ELSE $4::timestamptz END,
              acknowledgement_lapses_at = $4, updated_at = $2, row_version = row_version + 1
       WHERE id = $1`,
      [row.id, iso(now), fulfilled, lapsesAt === null ? null : iso(lapsesAt)],
    );
    await this.ledger.append(db, {
      kind: 'notice.acknowledged',
      subject: { kind: 'notice', id: row.id },
      by,
      at: now,
      facts: {
        reference: row.reference,
        contact: by.kind === 'link' ? by.id : null,
        strength,
        textHash: typed.textHash,
        late,
        first,
        nextAction: nextAction !== '',
      },
      committed: { typedName: oneLined(typed.name), ...(nextAction && { nextAction }) },
    });
    await this.outbox.put(db, noticeAcknowledged, { noticeId: row.id });
    return { late };
  }

  private shown(row: Row): ShownNotice {
    const { subject, text, textHash } = textOf(this.templates, row);
    return {
      id: row.id,
      reference: row.reference,
      partyId: row.party_id,
      category: row.category,
      subject,
      text,
      textHash: textHash.toString('hex'),
      language: row.language,
      startAt: row.start_at.getTime(),
      dueAt: row.due_at?.getTime() ?? null,
      zone: row.zone,
      acknowledged:
        row.acknowledged_at === null || row.receipt !== 'acknowledged'
          ? null
          : {
              at: row.acknowledged_at.getTime(),
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

const NO_SUCH_LINK = refusal(
  'not_found',
  'no-such-link',
  'This link is not one of ours, or the notice is no longer there.',
);

const FIND = `
  SELECT n.id, n.reference, n.party_id, n.category, n.language, n.facts, n.start_at, n.due_at, n.created_at, n.fulfilled_by,
         n.fulfilled_at, n.timeliness, n.receipt, n.acknowledged_at, n.acknowledgement_lapses_at, n.term_id, n.sent_subject, n.sent_text,
         coalesce((SELECT p.zone FROM party p WHERE p.id = n.party_id), 'UTC') AS zone, a.typed_name, a.next_action
  FROM notice n LEFT JOIN acknowledgement a ON a.notice_id = n.id AND a.effective WHERE n.id = $1`;

async function find(db: Db, noticeId: Id): Promise<Row | undefined> {
  const rows: Row[] = await db.query(FIND, [noticeId]);
  return rows[0];
}

async function isContactOf(db: Db, contactId: Id, partyId: Id): Promise<boolean> {
  const rows: unknown[] = await db.query(`SELECT 1 FROM contact WHERE id = $1 AND party_id = $2 AND active`, [
    contactId,
    partyId,
  ]);
  return rows.length > 0;
}

/** A link acts for one contact. It reads one notice by its id, so it needs the installation's view and no list. */
function linkPrincipal(link: NoticeLink, partyId: Id | null): Principal {
  return { kind: 'link', id: link.contactId, roles: [], partyId, correlationId: `link-${link.noticeId}` };
}
