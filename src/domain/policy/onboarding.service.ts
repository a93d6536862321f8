import { Injectable } from '@nestjs/common';
import { refusal, Refused, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { Runbooks } from '../runbooks/runbooks.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { whoIs } from '../runbooks/approval.rules.ts';
import { advanceWay } from './advance-way.definition.ts';
import type { ReviewScope, StartedWay, StartOnboarding } from './onboarding.schema.ts';
import { vouchedForAlone } from './partners.service.ts';
import { MAY_GO_LIVE } from './pass.rules.ts';

/** Brings an integration into production, step by step. It decides nothing: people do, and at the end the gate. */
@Injectable()
export class OnboardingService {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: RunsService,
    private readonly runbooks: Runbooks,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** Starts the run. Whoever starts it has the part of the requester, so that it has to be a person. */
  async start(
    integrationId: Id,
    { reason, fastPath }: StartOnboarding,
    by: Principal,
  ): Promise<Result<StartedWay, Refusal>> {
    if (by.personId === undefined) return err(PERSON);
    return this.#refusing(by, async (db) => {
      const [integration] = await db.query<{ state: string; tier: number; open: boolean }[]>(
        `SELECT i.state, i.risk_tier AS tier, EXISTS (SELECT FROM onboarding o WHERE o.integration_id = i.id AND o.state = 'open') AS open
           FROM integration i WHERE i.id = $1 FOR NO KEY UPDATE`,
        [integrationId],
      );
      if (!integration) throw new Refused(NO_INTEGRATION);
      if (integration.open)
        throw new Refused(refusal('conflict', 'onboarding-open', 'It is being onboarded already.'));
      if (!MAY_GO_LIVE.includes(integration.state)) {
        throw new Refused(
          refusal(
            'conflict',
            'cannot-onboard',
            `The integration is ${integration.state.replaceAll('_', ' ')}: there is nothing to onboard.`,
          ),
        );
      }
      const alone = await vouchedForAlone(db, integrationId, by.personId!);
      if (alone !== undefined)
        throw new Refused(
          refusal(
            'forbidden',
            'separation-of-duties',
            `You alone verified ${alone}: have somebody else verify it, too, or let somebody else ask for the onboarding.`,
          ),
        );
      const runbook = fastPath ? 'onboarding-fast' : 'onboarding';
      if (fastPath) this.#refuseFastPath(integration.tier);
      const { runId } = await this.runs.start(db, {
        runbook,
        subject: { kind: 'integration', id: integrationId },
        input: { fastPath },
        correlationId: by.correlationId,
        by,
      });
      const id = newId();
      const now = this.clock.now();
      await db.query(
        `INSERT INTO onboarding (id, integration_id, run_id, runbook, reason, requested_by, requested_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [id, integrationId, runId, runbook, reason, whoIs(by), iso(now)],
      );
      await db.query(
        `UPDATE integration SET state = 'in_review', updated_at = $2, row_version = row_version + 1 WHERE id = $1 AND state = 'draft'`,
        [integrationId, iso(now)],
      );
      await this.ledger.append(db, {
        kind: 'onboarding.started',
        subject: { kind: 'integration', id: integrationId },
        by,
        at: now,
        facts: { onboarding: id, run: runId, runbook },
        committed: { reason },
      });
      return { id, runId };
    });
  }

  /** The runbook of the fast path says for which tiers it is, and what makes up for what it leaves out. */
  #refuseFastPath(tier: number): void {
    const definition = this.runbooks.current('onboarding-fast')?.definition;
    const control = definition?.steps.find(({ uses }) => uses === 'compensate')?.with;
    const tiers = Array.isArray(control?.['tiers']) ? control['tiers'] : [];
    if (tiers.includes(tier)) return;
    throw new Refused(
      refusal(
        'conflict',
        'fast-path-not-for-tier',
        tiers.length === 0
          ? 'There is no fast path here. Start the whole onboarding.'
          : `The fast path is for tier ${tiers.join(' and ')}; this integration is of tier ${tier}. Start the whole onboarding.`,
      ),
    );
  }

  /**
   * A person's word on one scope: whether it is needed, and why. What nobody justifies stands as a finding. Said again, the
   * last word counts, and the ledger keeps both.
   */
  async reviewScope(integrationId: Id, review: ReviewScope, by: Principal): Promise<Result<void, Refusal>> {
    return this.#refusing(by, async (db) => {
      const [open] = await db.query<{ id: Id; runId: Id }[]>(
        `SELECT id, run_id AS "runId" FROM onboarding WHERE integration_id = $1 AND state = 'open' FOR UPDATE`,
        [integrationId],
      );
      if (!open) throw new Refused(refusal('conflict', 'no-onboarding', 'It is not being onboarded.'));
      const [scope] = await db.query<object[]>(
        `SELECT FROM credential_scope s JOIN credential_use u ON u.credential_id = s.credential_id
          WHERE u.integration_id = $1 AND s.credential_id = $2 AND s.name = $3`,
        [integrationId, review.credentialId, review.scope],
      );
      if (!scope)
        throw new Refused(refusal('not_found', 'no-scope', 'No credential of it has such a scope.'));
      const said = await this.runs.contribute(
        db,
        { runId: open.runId, step: 'scopes' },
        `${review.scope}: ${review.decision}`,
        by,
      );
      if (!said.ok) throw new Refused(said.error);
      const justification = review.decision === 'justified' ? review.justification : '';
      const now = this.clock.now();
      await db.query(
        `INSERT INTO scope_review (id, onboarding_id, credential_id, scope, decision, justification, decided_by, decided_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT ON CONSTRAINT scope_review_once DO UPDATE SET decision = $5, justification = $6, decided_by = $7, decided_at = $8`,
        [
          newId(),
          open.id,
          review.credentialId,
          review.scope,
          review.decision,
          justification,
          whoIs(by),
          iso(now),
        ],
      );
      await db.query(
        `UPDATE credential_scope SET justification = $3 WHERE credential_id = $1 AND name = $2`,
        [review.credentialId, review.scope, justification],
      );
      await this.ledger.append(db, {
        kind: `scope.${review.decision}`,
        subject: { kind: 'credential', id: review.credentialId },
        by,
        at: now,
        facts: { onboarding: open.id, integration: integrationId, scope: review.scope },
        committed: { justification },
      });
      await this.outbox.put(db, advanceWay, { integrationId }, { key: integrationId });
    });
  }

  async #refusing<T>(
    by: Principal,
    work: (db: Parameters<Parameters<Transactions['run']>[1]>[0]) => Promise<T>,
  ): Promise<Result<T, Refusal>> {
    try {
      return ok(await this.transactions.run(by, work));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }
}

const NO_INTEGRATION = refusal('not_found', 'no-integration', 'There is no such integration.');
const PERSON = refusal(
  'forbidden',
  'person-needed',
  'An onboarding is requested by a person: sign in, or use a token that belongs to an account.',
);
