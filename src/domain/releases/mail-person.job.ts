import type { z } from 'zod';
import { Clock } from '../../platform/clock/clock.ts';
import { PublicUrl } from '../../platform/config/public-url.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Mailer } from '../../platform/mail/mailer.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { NoticeTexts } from '../notices/notice-texts.service.ts';
import { mailPerson } from './mail-person.definition.ts';

type Asked = z.infer<typeof mailPerson.payload>;

@JobHandler(mailPerson)
export class MailPersonJob implements Handler<Asked> {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly mailer: Mailer,
    private readonly texts: NoticeTexts,
    private readonly publicUrl: PublicUrl,
    private readonly alerts: AlertsService,
  ) {}

  async handle(asked: Asked, call: JobCall): Promise<void> {
    // Without a mail server the alert and the page carry it alone.
    if (!this.mailer.configured) return;
    const found = await this.transactions.run(call.by, async (db) => ({
      to: await addressOf(db, asked.personId),
      facts:
        asked.about === 'break-glass'
          ? await revealFacts(db, asked.revealId)
          : await checkoutFacts(db, asked.checkoutId),
    }));
    if (!found.to || !found.facts) return;
    const subjectId = asked.about === 'break-glass' ? asked.revealId : asked.checkoutId;
    const path =
      asked.about === 'break-glass' ? `/credentials/${found.facts.credentialReference}/value` : '/releases';
    const category = asked.about === 'break-glass' ? 'break-glass' : 'checkout-consent';
    const facts = { ...found.facts, name: found.to.name, link: `${this.publicUrl.get()}${path}` };
    const { language } = found.to;
    const mail = await this.transactions.run(call.by, (db) => this.texts.mail(db, category, language, facts));
    const answer = await this.mailer.send(
      {
        messageId: `${subjectId}.${asked.personId}@countersign`,
        to: found.to.email,
        language,
        ...mail,
      },
      call.signal,
    );
    if (answer.outcome === 'refused')
      return this.transactions.run(call.by, (db) =>
        this.alerts.raise(db, {
          kind: 'release.mail-refused',
          severity: 'warning',
          message: `A mail about a ${asked.about} of ${found.facts!.credentialReference} was refused by its server. Tell its recipient by another way.`,
          dedupeKey: `release.mail-refused:${subjectId}:${asked.personId}`,
          at: this.clock.now(),
        }),
      );
    // Sent and never answered may have arrived: once more under the same id does no harm.
    if (answer.outcome !== 'accepted')
      throw new Error(`the mail was not handed over: ${answer.peerAnswer.slice(0, 200)}`);
  }
}

async function addressOf(
  db: Db,
  personId: string,
): Promise<{ name: string; email: string; language: string } | undefined> {
  const [row] = await db.query<{ name: string; email: string; language: string }[]>(
    `SELECT p.name, u.email, coalesce(u.language, 'en') AS language FROM user_account u JOIN person p ON p.id = u.person_id
      WHERE u.person_id = $1 AND u.state = 'active' ORDER BY u.id LIMIT 1`,
    [personId],
  );
  return row;
}

type Facts = { credentialReference: string } & Record<string, unknown>;

async function revealFacts(db: Db, id: string): Promise<Facts | undefined> {
  const [row] = await db.query<Facts[]>(
    `SELECT r.reference, r.skipped, r.at, r.reason, p.name AS "personName", c.reference AS "credentialReference", c.name AS "credentialName"
       FROM reveal r JOIN credential c ON c.id = r.credential_id JOIN person p ON p.id = r.person_id WHERE r.id = $1`,
    [id],
  );
  return row && { ...row, at: (row['at'] as Date).toISOString() };
}

/** Undefined once it was answered: nothing is asked of anybody. */
async function checkoutFacts(db: Db, id: string): Promise<Facts | undefined> {
  const [row] = await db.query<Facts[]>(
    `SELECT m.name AS "machineName", m.reference AS "machineReference", g.purpose, c.reference AS "credentialReference", c.name AS "credentialName",
            k.answer_until AS "answerUntil"
       FROM checkout k JOIN checkout_grant g ON g.id = k.grant_id JOIN machine_identity m ON m.id = k.identity_id JOIN credential c ON c.id = k.credential_id
      WHERE k.id = $1 AND k.state = 'waiting'`,
    [id],
  );
  return row && { ...row, answerUntil: (row['answerUntil'] as Date).toISOString() };
}
