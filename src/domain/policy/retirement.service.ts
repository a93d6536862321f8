import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { NoticesService } from '../notices/notices.service.ts';
import { readsIn } from '../parties/contact-language.ts';
import { ENDS_WITH, holdsOpen } from './offboarding.queries.ts';
import { retired } from './policy.events.ts';

/** The last of an integration: told to both sides, and retired once nothing of it can be abused any more. */
@Injectable()
export class RetirementService {
  constructor(
    private readonly transactions: Transactions,
    private readonly notices: NoticesService,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** @returns what still keeps it open; empty: it is retired */
  async retire(integrationId: Id, by: Principal): Promise<string[]> {
    return this.transactions.run(by, async (db) => {
      const [integration] = await db.query<{ state: string }[]>(
        `SELECT state FROM integration WHERE id = $1 FOR NO KEY UPDATE`,
        [integrationId],
      );
      if (!integration) return ['there is no such integration'];
      if (integration.state === 'retired') return [];
      const now = this.clock.now();
      const open = await holdsOpen(db, integrationId, now);
      if (open.length > 0) return open;
      const at = new Date(now);
      const ended = await this.#end(db, integrationId, at);
      await db.query(
        `UPDATE integration SET state = 'retired', pass = 'refused', pass_grace_until = NULL, updated_at = $2, row_version = row_version + 1 WHERE id = $1`,
        [integrationId, at],
      );
      await this.ledger.append(db, {
        kind: 'integration.retired',
        subject: { kind: 'integration', id: integrationId },
        by,
        at: now,
        facts: { from: integration.state, ...ended },
      });
      await this.outbox.put(db, retired, { integrationId });
      return [];
    });
  }

  async #end(db: Db, integrationId: Id, at: Date): Promise<{ credentials: number; shared: number }> {
    const ending = await db.query<{ id: Id }[]>(
      `SELECT c.id FROM credential c WHERE ${ENDS_WITH} ORDER BY c.id FOR UPDATE OF c`,
      [integrationId],
    );
    const ids = ending.map(({ id }) => id);
    await db.query(
      `UPDATE credential_version SET phase = 'retired', retired_at = coalesce(retired_at, $2), row_version = row_version + 1
        WHERE credential_id = ANY($1::uuid[]) AND phase <> 'retired'`,
      [ids, at],
    );
    await db.query(
      `UPDATE credential SET retired_at = $2, updated_at = $2, row_version = row_version + 1 WHERE id = ANY($1::uuid[])`,
      [ids, at],
    );
    await db.query(
      `UPDATE location SET retired_at = $2, updated_at = $2, row_version = row_version + 1 WHERE integration_id = $1 AND credential_id = ANY($3::uuid[]) AND retired_at IS NULL`,
      [integrationId, at, ids],
    );
    // What others use goes on, without this one.
    const left = await db.query<{ id: Id }[]>(
      `SELECT credential_id AS id FROM credential_use WHERE integration_id = $1 AND credential_id <> ALL($2::uuid[])`,
      [integrationId, ids],
    );
    await db.query(
      `DELETE FROM credential_use u USING credential c WHERE c.id = u.credential_id AND u.integration_id = $1 AND c.integration_id <> $1`,
      [integrationId],
    );
    return { credentials: ids.length, shared: left.length };
  }

  /** Tells each side once that the integration ends, or has ended. @returns how many were told */
  async tell(
    integrationId: Id,
    runId: Id,
    what: 'ends' | 'ended',
    by: Principal,
  ): Promise<{ told: number; silent: string[] }> {
    return this.transactions.run(by, async (db) => {
      const parties = await db.query<
        {
          partyId: Id;
          partyName: string;
          contactId: Id | null;
          contactName: string | null;
          language: string | null;
          name: string;
          reference: string;
          reason: string;
        }[]
      >(
        `SELECT p.id AS "partyId", p.name AS "partyName", k.id AS "contactId", k.name AS "contactName", ${readsIn('k')} AS language, i.name, i.reference, o.reason
           FROM offboarding o
           JOIN integration i ON i.id = o.integration_id
           JOIN (SELECT DISTINCT integration_id, party_id FROM integration_party) ip ON ip.integration_id = i.id
           JOIN party p ON p.id = ip.party_id
           LEFT JOIN LATERAL (SELECT * FROM contact c WHERE c.party_id = p.id AND c.active AND c.email IS NOT NULL
                               ORDER BY array_position(ARRAY['contract', 'security'], c.role) NULLS LAST, c.ordinal, c.id LIMIT 1) k ON true
          WHERE o.run_id = $1 AND o.integration_id = $2 ORDER BY p.id`,
        [runId, integrationId],
      );
      const silent: string[] = [];
      for (const one of parties) {
        if (one.contactId === null) {
          silent.push(one.partyName);
          continue;
        }
        await this.notices.send(
          db,
          {
            integrationId,
            partyId: one.partyId,
            contactId: one.contactId,
            subject: { kind: 'integration', id: integrationId },
            category: what === 'ends' ? 'offboarding-started' : 'offboarding-ended',
            language: one.language ?? 'en',
            fulfilledBy: 'accepted_by_peer',
            facts: {
              contactName: one.contactName,
              partyName: one.partyName,
              integrationName: one.name,
              integrationReference: one.reference,
              reason: one.reason,
              at: iso(this.clock.now()),
            },
            key: `offboarding:${runId}:${what}:${one.partyId}`,
            correlationId: by.correlationId,
          },
          by,
        );
      }
      return { told: parties.length - silent.length, silent };
    });
  }
}
