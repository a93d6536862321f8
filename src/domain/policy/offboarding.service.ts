import { Injectable } from '@nestjs/common';
import { refusal, Refused, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { whoIs } from '../runbooks/approval.rules.ts';
import type { StartedWay } from './onboarding.schema.ts';

/** Ends an integration: out of production at once, then everything that could still be abused. */
@Injectable()
export class OffboardingService {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: RunsService,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async start(
    integrationId: Id,
    { reason }: { reason: string },
    by: Principal,
  ): Promise<Result<StartedWay, Refusal>> {
    if (by.personId === undefined) return err(PERSON);
    try {
      return ok(
        await this.transactions.run(by, async (db) => {
          const [integration] = await db.query<{ state: string; open: boolean; onboarding: Id | null }[]>(
            `SELECT i.state, EXISTS (SELECT FROM offboarding o WHERE o.integration_id = i.id AND o.state = 'open') AS open,
                    (SELECT o.run_id FROM onboarding o WHERE o.integration_id = i.id AND o.state = 'open') AS onboarding
               FROM integration i WHERE i.id = $1 FOR NO KEY UPDATE`,
            [integrationId],
          );
          if (!integration)
            throw new Refused(refusal('not_found', 'no-integration', 'There is no such integration.'));
          if (integration.open)
            throw new Refused(refusal('conflict', 'offboarding-open', 'It is being offboarded already.'));
          if (integration.state === 'retired')
            throw new Refused(refusal('conflict', 'already-retired', 'The integration is retired.'));
          if (integration.onboarding !== null)
            await this.runs.cancelRun(db, integration.onboarding, {
              reason: 'the integration is offboarded',
              by,
            });
          const { runId } = await this.runs.start(db, {
            runbook: 'offboarding',
            subject: { kind: 'integration', id: integrationId },
            input: {},
            correlationId: by.correlationId,
            by,
          });
          const id = newId();
          const now = this.clock.now();
          await db.query(
            `INSERT INTO offboarding (id, integration_id, run_id, reason, requested_by, requested_at) VALUES ($1, $2, $3, $4, $5, $6)`,
            [id, integrationId, runId, reason, whoIs(by), iso(now)],
          );
          await db.query(
            `UPDATE integration SET state = 'suspended', pass = 'refused', pass_grace_until = NULL, updated_at = $2, row_version = row_version + 1 WHERE id = $1`,
            [integrationId, iso(now)],
          );
          await this.ledger.append(db, {
            kind: 'offboarding.started',
            subject: { kind: 'integration', id: integrationId },
            by,
            at: now,
            facts: { offboarding: id, run: runId, from: integration.state },
            committed: { reason },
          });
          return { id, runId };
        }),
      );
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }
}

const PERSON = refusal(
  'forbidden',
  'person-needed',
  'An offboarding is started by a person: sign in, or use a token that belongs to an account.',
);
