import type { z } from 'zod';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { PublicUrl } from '../../platform/config/public-url.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Mailer } from '../../platform/mail/mailer.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { NoticeTexts } from '../notices/notice-texts.service.ts';
import { readsIn } from '../parties/contact-language.ts';
import { remindReviewer } from './remind-reviewer.definition.ts';

type Asked = z.infer<typeof remindReviewer.payload>;

interface Recipient {
  name: string;
  email: string | null;
  language: string;
}
interface Waiting {
  reference: string;
  dueAt: Millis;
  open: number;
  parts: number;
  /** `what` null: accounts and tokens. */
  lines: { what: string | null; open: number }[];
}

/** How many integrations a mail names; the page has them all. */
const NAMED = 20;

@JobHandler(remindReviewer)
export class RemindReviewerJob implements Handler<Asked> {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly mailer: Mailer,
    private readonly texts: NoticeTexts,
    private readonly publicUrl: PublicUrl,
    private readonly alerts: AlertsService,
  ) {}

  async handle(asked: Asked, call: JobCall): Promise<void> {
    // Without a mail server the alerts and the page carry it alone.
    if (!this.mailer.configured) return;
    const found = await this.transactions.run(call.by, async (db) => ({
      to: await recipientOf(db, asked),
      waiting: await waitingFor(db, asked),
    }));
    // Decided meanwhile, or they are gone: nothing is asked of anybody.
    if (!found.to?.email || !found.waiting) return;
    const { to, waiting } = found;
    const facts = {
      reviewerName: to.name,
      reviewReference: waiting.reference,
      stage: asked.stage,
      dueAt: iso(waiting.dueAt),
      open: waiting.open,
      lines: waiting.lines,
      more: waiting.parts - waiting.lines.length,
      link: `${this.publicUrl.get()}/access-reviews/${waiting.reference}`,
    };
    const mail = await this.transactions.run(call.by, (db) =>
      this.texts.mail(db, 'access-review', to.language, facts),
    );
    const answer = await this.mailer.send(
      {
        messageId: `${asked.reviewId}.${asked.stage}.${asked.personId ?? asked.contactId ?? ''}@countersign`,
        to: to.email!,
        language: to.language,
        ...mail,
      },
      call.signal,
    );
    if (answer.outcome === 'refused') return this.#refused(asked, waiting, call);
    // Sent and never answered may have arrived: once more under the same id does no harm.
    if (answer.outcome !== 'accepted')
      throw new Error(`the mail was not handed over: ${answer.peerAnswer.slice(0, 200)}`);
  }

  #refused(asked: Asked, { reference }: Waiting, { by }: JobCall): Promise<void> {
    return this.transactions.run(by, (db) =>
      this.alerts.raise(db, {
        kind: 'access-review.mail-refused',
        severity: 'warning',
        message: `A mail to a reviewer of ${reference} was refused by its server. Hand their part over, or correct the address.`,
        dedupeKey: `access-review.mail-refused:${asked.reviewId}:${asked.personId ?? asked.contactId ?? ''}`,
        ...(asked.contactId ? { subject: { kind: 'contact', id: asked.contactId } } : {}),
        at: this.clock.now(),
      }),
    );
  }
}

async function recipientOf(db: Db, { personId, contactId }: Asked): Promise<Recipient | undefined> {
  const [row] = await db.query<Recipient[]>(
    personId === null
      ? `SELECT name, email, ${readsIn('contact')} AS language FROM contact WHERE id = $1 AND active`
      : `SELECT n.name, u.email, coalesce(u.language, 'en') AS language FROM user_account u JOIN person n ON n.id = u.person_id
          WHERE u.person_id = $1 AND u.state = 'active' ORDER BY u.id LIMIT 1`,
    [personId ?? contactId],
  );
  return row;
}

async function waitingFor(db: Db, { reviewId, personId, contactId }: Asked): Promise<Waiting | undefined> {
  const [row] = await db.query<Waiting[]>(
    `SELECT v.reference, (extract(epoch FROM min(x.due_at)) * 1000)::float8 AS "dueAt", sum(x.items - x.decided)::int AS open, count(*)::int AS parts,
            (array_agg(jsonb_build_object('what', i.reference || ' ' || i.name, 'open', x.items - x.decided)
                       ORDER BY x.due_at, x.id))[1:${NAMED}] AS lines
       FROM access_review_part x JOIN access_review v ON v.id = x.review_id LEFT JOIN integration i ON i.id = x.integration_id
      WHERE x.review_id = $1 AND x.finished_at IS NULL AND x.items > x.decided
        AND ($2::uuid IS NOT NULL AND x.reviewer_person_id = $2 OR $2::uuid IS NULL AND x.reviewer_person_id IS NULL AND x.reviewer_contact_id = $3)
      GROUP BY v.id`,
    [reviewId, personId, contactId],
  );
  return row;
}
