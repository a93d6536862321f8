import type { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Mailer } from '../../platform/mail/mailer.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { readsIn } from '../parties/contact-language.ts';
import { AlertsService } from './alerts.service.ts';
import { NoticeTexts } from './notice-texts.service.ts';
import { tellOfToken } from './tell-of-token.definition.ts';

type Told = z.infer<typeof tellOfToken.payload>;

/** A token that somebody else made does not stay unseen by whom it acts for. The mail names it, and never holds its value. */
@JobHandler(tellOfToken)
export class TellOfTokenJob implements Handler<Told> {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly mailer: Mailer,
    private readonly texts: NoticeTexts,
    private readonly alerts: AlertsService,
  ) {}

  async handle({ tokenId, to }: Told, call: JobCall): Promise<void> {
    // Without a mail server the ledger and the alert carry it alone.
    if (!this.mailer.configured) return;
    const prepared = await this.transactions.run(call.by, async (db) => {
      const [token, reader] = [await tokenOf(db, tokenId), await readerOf(db, to)];
      if (!token || !reader) return undefined;
      const { email, language, name } = reader;
      const facts = {
        name,
        // Of a token that acts as the reader themselves no party is named.
        partyName: to.kind === 'contact' ? token.partyName : null,
        tokenName: token.name,
        tokenId,
        madeBy: token.madeBy,
        at: token.at.toISOString(),
        expiresAt: token.expiresAt.toISOString(),
      };
      const mail = await this.texts.mail(db, 'token-made', language, facts);
      return { messageId: `${tokenId}.${to.id}.token@countersign`, to: email, language, ...mail };
    });
    if (!prepared) return;
    const answer = await this.mailer.send(prepared, call.signal);
    if (answer.outcome === 'refused')
      return this.transactions.run(call.by, (db) =>
        this.alerts.raise(db, {
          kind: 'access.token-mail-refused',
          severity: 'warning',
          message: `A mail that token ${tokenId} was made was refused by its server. Ask whom it acts for by another way whether they know of it.`,
          dedupeKey: `access.token-mail-refused:${tokenId}:${to.id}`,
          subject: to,
          at: this.clock.now(),
        }),
      );
    // Sent and never answered may have arrived: once more under the same id does no harm.
    if (answer.outcome !== 'accepted')
      throw new Error(`the mail was not handed over: ${answer.peerAnswer.slice(0, 200)}`);
  }
}

/** Undefined where it was revoked meanwhile: nobody acts with it. `madeBy` is null for the terminal of the host. */
async function tokenOf(
  db: Db,
  id: Id,
): Promise<
  { name: string; partyName: string | null; madeBy: string | null; at: Date; expiresAt: Date } | undefined
> {
  const [row] = await db.query<
    { name: string; partyName: string | null; madeBy: string | null; at: Date; expiresAt: Date }[]
  >(
    `SELECT t.name, (SELECT p.name FROM party p WHERE p.id = t.party_id) AS "partyName",
            (SELECT m.name FROM person m WHERE t.user_id IS NULL AND m.id::text = t.made_by) AS "madeBy",
            t.created_at AS at, t.expires_at AS "expiresAt"
       FROM api_token t WHERE t.id = $1 AND t.revoked_at IS NULL`,
    [id],
  );
  return row;
}

async function readerOf(
  db: Db,
  to: Told['to'],
): Promise<{ name: string; email: string; language: string } | undefined> {
  const [row] = await db.query<{ name: string; email: string; language: string }[]>(
    to.kind === 'user'
      ? `SELECT p.name, u.email, coalesce(u.language, 'en') AS language FROM user_account u JOIN person p ON p.id = u.person_id
          WHERE u.id = $1 AND u.state = 'active'`
      : `SELECT k.name, k.email, ${readsIn('k')} AS language FROM contact k WHERE k.id = $1 AND k.active AND k.email IS NOT NULL`,
    [to.id],
  );
  return row;
}
