import type { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { tokenMadeForAnother } from '../access/access.events.ts';
import { AlertsService } from './alerts.service.ts';
import { tellOfToken } from './tell-of-token.definition.ts';

type Made = z.infer<typeof tokenMadeForAnother.payload>;

/** Finds whoever hears that a token was made: its person, or the security contacts of its party. */
export const tokenMade = defineJob({
  name: 'notices.token-made',
  queue: 'notices',
  payload: tokenMadeForAnother.payload,
  retry: { attempts: 8, backoff: SECOND },
  on: [tokenMadeForAnother],
});

@JobHandler(tokenMade)
export class TokenMadeJob implements Handler<Made> {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
  ) {}

  handle({ tokenId }: Made, call: JobCall): Promise<void> {
    return this.transactions.run(call.by, async (db) => {
      const [token] = await db.query<{ userId: Id | null; partyId: Id | null }[]>(
        `SELECT user_id AS "userId", party_id AS "partyId" FROM api_token WHERE id = $1`,
        [tokenId],
      );
      if (!token) return;
      if (token.userId !== null)
        return this.outbox.put(db, tellOfToken, { tokenId, to: { kind: 'user', id: token.userId } });
      const readers = await db.query<{ id: Id }[]>(
        `SELECT id FROM contact WHERE party_id = $1 AND role = 'security' AND active AND email IS NOT NULL ORDER BY ordinal, id`,
        [token.partyId],
      );
      for (const { id } of readers)
        await this.outbox.put(db, tellOfToken, { tokenId, to: { kind: 'contact', id } });
      if (readers.length === 0 && token.partyId !== null)
        await this.alerts.raise(db, {
          kind: 'access.token-untold',
          severity: 'warning',
          subject: { kind: 'party', id: token.partyId },
          message: `An API token ${tokenId} that acts for a party was made, and the party has no security contact with a mail address who could hear of it. Tell them by another way.`,
          dedupeKey: `access.token-untold:${tokenId}`,
          at: this.clock.now(),
        });
    });
  }
}
