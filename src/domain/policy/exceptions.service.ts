import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, parseInstant } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { findException } from './gate.queries.ts';
import type { ExceptionView, RequestException } from './gate.schema.ts';
import { GateService } from './gate.service.ts';
import { reEvaluate } from './re-evaluate.definition.ts';
import { lengthWords } from './rules/finding.rules.ts';

/** Lets one finding pass until a date: with a reason, a compensating control, and somebody else who approves. */
@Injectable()
export class ExceptionsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly gate: GateService,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
  ) {}

  async request(
    integrationId: Id,
    { rule, subject, reason, compensatingControl, expiresAt }: RequestException,
    by: Principal,
  ): Promise<Result<ExceptionView, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const looked = await this.gate.look(db, integrationId);
      if (!looked) return err(refusal('not_found', 'no-integration', 'There is no such integration.'));
      const { policy } = looked.known;
      const end = parseInstant(expiresAt);
      if (end === undefined || end <= now)
        return err(
          bad('/expiresAt', 'lies in the past', 'An exception ends later than now: give such an instant.'),
        );
      if (end - now > policy.exceptions.longest)
        return err(
          bad(
            '/expiresAt',
            `is further away than the ${lengthWords(policy.exceptions.longest)} that the policy ${policy.policy} allows`,
            `Give an instant before ${iso(now + policy.exceptions.longest)}.`,
          ),
        );
      if (policy.exceptions.never.includes(rule))
        return err(
          refusal(
            'conflict',
            'no-exception-allowed',
            `The policy ${policy.policy} allows no exception from ${rule}.`,
          ),
        );
      const finding = looked.evaluation.findings.find(
        (one) => one.rule === rule && one.subject.kind === subject.kind && one.subject.id === subject.id,
      );
      if (!finding)
        return err(
          refusal(
            'conflict',
            'no-such-finding',
            'The gate has no such finding now: there is nothing to except.',
          ),
        );
      const open = await db.query<unknown[]>(
        `SELECT 1 FROM policy_exception
          WHERE integration_id = $1 AND rule = $2 AND subject_kind = $3 AND subject_id = $4 AND withdrawn_at IS NULL
            AND (decision IS NULL AND expires_at > $5)`,
        [integrationId, rule, subject.kind, subject.id, iso(now)],
      );
      if (open.length > 0)
        return err(
          refusal('conflict', 'already-requested', 'Somebody has asked for this exception already.'),
        );
      // One that nobody decided in its time makes room for the next.
      await db.query(
        `UPDATE policy_exception SET withdrawn_at = $5, withdrawn_by = 'expired', row_version = row_version + 1
          WHERE integration_id = $1 AND rule = $2 AND subject_kind = $3 AND subject_id = $4 AND withdrawn_at IS NULL AND decision IS NULL`,
        [integrationId, rule, subject.kind, subject.id, iso(now)],
      );
      const id = newId();
      await db.query(
        `INSERT INTO policy_exception (id, integration_id, rule, subject_kind, subject_id, subject_name, reason, compensating_control,
                                       requested_by, requested_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          id,
          integrationId,
          rule,
          subject.kind,
          subject.id,
          finding.subject.name,
          reason,
          compensatingControl,
          handOf(by),
          iso(now),
          iso(end),
        ],
      );
      await this.ledger.append(db, {
        kind: 'exception.requested',
        subject: { kind: 'exception', id },
        by,
        at: now,
        facts: { integration: integrationId, rule, subjectKind: subject.kind, expiresAt: iso(end) },
        committed: { subject: subject.id, reason, compensatingControl },
      });
      return ok((await findException(db, id, now))!);
    });
  }

  /** Approves or refuses. Never by whoever asked for it. */
  async decide(
    id: Id,
    decision: 'approved' | 'refused',
    by: Principal,
  ): Promise<Result<ExceptionView, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const found = await findException(db, id, now, true);
      if (!found) return err(noException());
      if (found.state !== 'requested')
        return err(refusal('conflict', 'already-decided', `The exception is ${found.state}.`));
      if (found.requestedBy === handOf(by))
        return err(
          refusal(
            'forbidden',
            'four-eyes',
            'Whoever asked for an exception cannot decide it, by whatever token: ask somebody else.',
          ),
        );
      if (by.personId === undefined)
        return err(
          refusal(
            'forbidden',
            'person-needed',
            'An exception is decided by a person: sign in, or use a token of your account.',
          ),
        );
      await db.query(
        `UPDATE policy_exception SET decision = $2, decided_by = $3, decided_at = $4, row_version = row_version + 1 WHERE id = $1`,
        [id, decision, handOf(by), iso(now)],
      );
      await this.#changed(db, id, found.integrationId, `exception.${decision}`, by);
      return ok((await findException(db, id, now))!);
    });
  }

  /** Takes an exception back before it ends: by anybody who may ask for one. */
  async withdraw(id: Id, by: Principal): Promise<Result<ExceptionView, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const found = await findException(db, id, now, true);
      if (!found) return err(noException());
      if (found.state !== 'requested' && found.state !== 'approved')
        return err(refusal('conflict', 'already-over', `The exception is ${found.state}.`));
      await db.query(
        `UPDATE policy_exception SET withdrawn_by = $2, withdrawn_at = $3, row_version = row_version + 1 WHERE id = $1`,
        [id, handOf(by), iso(now)],
      );
      await this.#changed(db, id, found.integrationId, 'exception.withdrawn', by);
      return ok((await findException(db, id, now))!);
    });
  }

  async #changed(db: Db, id: Id, integrationId: Id, kind: string, by: Principal): Promise<void> {
    await this.ledger.append(db, {
      kind,
      subject: { kind: 'exception', id },
      by,
      at: this.clock.now(),
      facts: { integration: integrationId },
    });
    await this.outbox.put(db, reEvaluate, { integrationId }, { key: integrationId });
  }
}

function bad(field: string, problem: string, mend: string): Refusal {
  return refusal('invalid', 'bad-exception', `${field.slice(1)} ${problem}.`, {
    fields: [{ field, problem, mend }],
  });
}

function noException(): Refusal {
  return refusal('not_found', 'no-exception', 'There is no such exception.');
}
