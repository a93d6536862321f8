import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { ELAPSED_DAY, iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { withCorrelation } from '../../platform/log/log.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { readLinkToken, type NoticeLink } from './notice-link.rules.ts';
import { isFulfilled, type FulfilledBy } from './notice.rules.ts';
import { NoticeTemplates, shownText } from './notice-templates.ts';
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
  acknowledged: { at: Millis; typedName: string | null } | null;
}

/** An acknowledgement says that somebody is on it; after this time without an end of the case it says so no longer. */
const ACKNOWLEDGEMENT_LIFE = 7 * ELAPSED_DAY;

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
  acknowledged_at: Date | null;
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

  /**
   * Records the acknowledgement, once; a second one answers as the first did.
   *
   * @param typedName as the person typed it: personal data, kept beside the ledger and not in it
   * @param textHash  of the text that the person was shown: another text is refused, since it was not what they read
   */
  async acknowledge(
    token: string,
    typedName: string,
    textHash: string,
    ip?: string,
  ): Promise<Result<{ late: boolean }, Refusal>> {
    const name = typedName
      .normalize('NFC')
      .replace(/\p{Cc}+/gu, ' ')
      .trim();
    if (name.length < 2 || name.length > 120) {
      return err(
        refusal('invalid', 'name-needed', 'Type your name to acknowledge.', {
          fields: [
            {
              field: 'name',
              problem: 'must have 2 to 120 characters',
              mend: 'Type your first and last name.',
            },
          ],
        }),
      );
    }
    const shown = await this.show(token);
    if (!shown.ok) return shown;
    const { notice, link } = shown.value;
    if (textHash !== notice.textHash) {
      return err(
        refusal(
          'conflict',
          'text-changed',
          'The notice has changed since you opened it. Read it again, then confirm.',
        ),
      );
    }
    const guest: Principal = { ...linkPrincipal(link, null), ...(ip && { ip }) };
    // It is the end of what the notice tells of, and what follows belongs there too.
    const [told] = await this.transactions.run(guest, (db) =>
      db.query<{ trail: string }[]>('SELECT correlation_id AS trail FROM notice WHERE id = $1', [notice.id]),
    );
    const by = { ...guest, correlationId: told?.trail ?? guest.correlationId };
    return withCorrelation(by.correlationId, async () =>
      ok(await this.transactions.run(by, (db) => this.record(db, notice, link, name, by))),
    );
  }

  private async record(
    db: Db,
    notice: ShownNotice,
    link: NoticeLink,
    name: string,
    by: Principal,
  ): Promise<{ late: boolean }> {
    const now = this.clock.now();
    const rows: Row[] = await db.query(`${FIND} FOR UPDATE OF n`, [notice.id]);
    const row = rows[0]!;
    const late = row.due_at !== null && now > row.due_at.getTime();
    const first = row.acknowledged_at === null;
    const inserted: unknown[] = await db.query(
      `INSERT INTO acknowledgement (id, notice_id, party_id, typed_name, text_hash, strength, late, at)
       VALUES ($1, $2, $3, $4, $5, 'mailbox', $6, $7)
       ON CONFLICT (notice_id) WHERE effective DO NOTHING RETURNING id`,
      [newId(), notice.id, notice.partyId, name, Buffer.from(notice.textHash, 'hex'), late, iso(now)],
    );
    if (inserted.length === 0) return { late };
    const fulfilled = row.fulfilled_at === null && isFulfilled(row.fulfilled_by, 'accepted', 'acknowledged');
    // Of what no term asks for, the answer itself is all that was wanted.
    const lapsesAt = row.term_id === null ? null : now + ACKNOWLEDGEMENT_LIFE;
    await db.query(
      `UPDATE notice SET receipt = 'acknowledged', acknowledged_at = coalesce(acknowledged_at, $2),
              fulfilled_at = CASE WHEN $3 THEN $2 ELSE fulfilled_at END,
              next_clock_at = CASE WHEN timeliness = 'open' THEN $2 ELSE $4::timestamptz END,
              acknowledgement_lapses_at = $4, updated_at = $2, row_version = row_version + 1
       WHERE id = $1`,
      [notice.id, iso(now), fulfilled, lapsesAt === null ? null : iso(lapsesAt)],
    );
    await this.ledger.append(db, {
      kind: 'notice.acknowledged',
      subject: { kind: 'notice', id: notice.id },
      by,
      at: now,
      facts: {
        reference: notice.reference,
        contact: link.contactId,
        strength: 'mailbox',
        textHash: notice.textHash,
        late,
        first,
      },
      committed: { typedName: name },
    });
    await this.outbox.put(db, noticeAcknowledged, { noticeId: notice.id });
    return { late };
  }

  private shown(row: Row): ShownNotice {
    const { subject, text, textHash } = shownText(this.templates, {
      ...row,
      createdAt: row.created_at.getTime(),
    });
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
      acknowledged:
        row.acknowledged_at === null
          ? null
          : { at: row.acknowledged_at.getTime(), typedName: row.typed_name },
    };
  }
}

const NO_SUCH_LINK = refusal(
  'not_found',
  'no-such-link',
  'This link is not one of ours, or the notice is no longer there.',
);

const FIND = `
  SELECT n.id, n.reference, n.party_id, n.category, n.language, n.facts, n.start_at, n.due_at, n.created_at, n.fulfilled_by,
         n.fulfilled_at, n.timeliness, n.acknowledged_at, n.term_id,
         (SELECT a.typed_name FROM acknowledgement a WHERE a.notice_id = n.id AND a.effective) AS typed_name
  FROM notice n WHERE n.id = $1`;

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
