import type { Id } from '../../kernel/ids.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { PublicUrl } from '../../platform/config/public-url.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Mailer } from '../../platform/mail/mailer.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { personBehind } from '../access/person-behind.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { NoticeTexts } from '../notices/notice-texts.service.ts';
import { readsIn } from '../parties/contact-language.ts';
import { tellOfKey } from './tell-of-key.definition.ts';

interface RegisteredFor {
  contactId: Id;
  contactName: string;
  partyName: string;
  email: string | null;
  language: string;
  fingerprint: string;
  registeredBy: string;
  at: Date;
}

/**
 * Whoever signs with a key is its contact, whoever registered it: the contact hears of each, also of their own, so that one
 * that is not theirs does not stay unseen.
 */
@JobHandler(tellOfKey)
export class TellOfKeyJob implements Handler<{ keyId: string }> {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly mailer: Mailer,
    private readonly texts: NoticeTexts,
    private readonly publicUrl: PublicUrl,
    private readonly alerts: AlertsService,
  ) {}

  async handle({ keyId }: { keyId: string }, call: JobCall): Promise<void> {
    // Without a mail server the page of the keys carries it alone.
    if (!this.mailer.configured) return;
    const prepared = await this.transactions.run(call.by, async (db) => {
      const found = await registeredFor(db, keyId);
      if (!found || found.email === null) return undefined;
      const { contactName, partyName, fingerprint, language, email, contactId } = found;
      const facts = {
        contactName,
        partyName,
        registeredBy: await nameOf(db, found.registeredBy),
        fingerprint,
        at: found.at.toISOString(),
        link: `${this.publicUrl.get()}/signing-keys`,
      };
      const mail = await this.texts.mail(db, 'signing-key', language, facts);
      return { contactId, message: { messageId: `${keyId}.key@countersign`, to: email, language, ...mail } };
    });
    if (!prepared) return;
    const answer = await this.mailer.send(prepared.message, call.signal);
    if (answer.outcome === 'refused')
      return this.transactions.run(call.by, (db) =>
        this.alerts.raise(db, {
          kind: 'signing_key.mail-refused',
          severity: 'warning',
          message:
            'A mail that a signing key was registered was refused by its server. Ask the contact by another way whether the key is theirs.',
          dedupeKey: `signing_key.mail-refused:${keyId}`,
          subject: { kind: 'contact', id: prepared.contactId },
          at: this.clock.now(),
        }),
      );
    // Sent and never answered may have arrived: once more under the same id does no harm.
    if (answer.outcome !== 'accepted')
      throw new Error(`the mail was not handed over: ${answer.peerAnswer.slice(0, 200)}`);
  }
}

/** Undefined where it was retired meanwhile: it signs nothing. */
async function registeredFor(db: Db, keyId: string): Promise<RegisteredFor | undefined> {
  const [row] = await db.query<RegisteredFor[]>(
    `SELECT s.contact_id AS "contactId", k.name AS "contactName", p.name AS "partyName", k.email,
            ${readsIn('k')} AS language, encode(s.fingerprint, 'hex') AS fingerprint, s.registered_by AS "registeredBy", s.registered_at AS at
       FROM signing_key s JOIN contact k ON k.id = s.contact_id JOIN party p ON p.id = s.party_id
      WHERE s.id = $1 AND s.revoked_at IS NULL AND k.active`,
    [keyId],
  );
  return row;
}

/** Null: a token that nobody in particular made. */
async function nameOf(db: Db, registeredBy: string): Promise<string | null> {
  const personId = await personBehind(db, registeredBy);
  const [person] = await db.query<{ name: string }[]>(`SELECT name FROM person WHERE id = $1`, [personId]);
  return person?.name ?? null;
}
