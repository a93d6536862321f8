import { Injectable } from '@nestjs/common';
import { refusal, Refused, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { ELAPSED_DAY, iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { riskAccepted } from './revocation.events.ts';
import type { RiskAcceptanceInput } from './statement.schema.ts';

/** No risk is carried for longer than this without somebody asking again. */
const LONGEST = 366 * ELAPSED_DAY;

export type RiskAnswer = { state: 'asked'; id: Id } | { state: 'accepted'; id: Id };

interface Asked {
  id: Id;
  requested_by: Id;
  person_id: Id;
  until: Date;
}

/** What a request is about. */
type Requested = Pick<RiskAcceptanceInput, 'subjectKind' | 'subjectId'>;

/** Risks that somebody with a name carries until a date: the first person asks, a second one accepts. */
@Injectable()
export class RisksService {
  constructor(
    private readonly transactions: Transactions,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  /** Asks for the acceptance, or gives it where somebody else has asked; never for longer than was asked. */
  async accept(by: Principal, input: RiskAcceptanceInput): Promise<Result<RiskAnswer, Refusal>> {
    if (by.kind !== 'user') return err(personNeeded());
    const now = this.clock.now();
    const until = Date.parse(input.until);
    if (!(until > now)) return err(badUntil('until-past', 'is not in the future', 'Name a later date.'));
    if (until > now + LONGEST)
      return err(
        badUntil(
          'until-far',
          'is more than a year away',
          'Name a date within a year; it can be asked for again.',
        ),
      );
    try {
      return ok(
        await this.transactions.run(by, async (db) => {
          const integrationId = await lockSubject(db, input);
          if (integrationId === null)
            throw new Refused(refusal('not_found', 'no-subject', 'There is no such version or location.'));
          const asked = await askedFor(db, input, now);
          return asked
            ? await this.#accept(db, by, input, integrationId, asked, now)
            : await this.#ask(db, by, input, integrationId, now);
        }),
      );
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  /**
   * Ends what was asked for, with a reason: whoever asked withdraws it, anybody else refuses it. It may be asked for anew.
   * @param how which of the two is meant; the other person's is refused
   */
  async end(
    by: Principal,
    requestId: Id,
    how: 'withdrawn' | 'refused',
    reason: string,
  ): Promise<Result<{ state: 'withdrawn' | 'refused'; id: Id }, Refusal>> {
    if (by.kind !== 'user') return err(personNeeded());
    const now = this.clock.now();
    try {
      return ok(
        await this.transactions.run(by, async (db) => {
          const [request] = await rowsOf<Requested>(
            db,
            `SELECT subject_kind AS "subjectKind", subject_id AS "subjectId" FROM risk_request WHERE id = $1`,
            [requestId],
          );
          // In the order of those who accept: the subject first.
          const integrationId = request ? await lockSubject(db, request) : null;
          if (!request || integrationId === null)
            throw new Refused(refusal('not_found', 'no-request', 'There is no such request.'));
          await this.#end(db, by, { ...request, id: requestId, integrationId }, how, reason, now);
          return { state: how, id: requestId };
        }),
      );
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  async #end(
    db: Db,
    by: Principal,
    request: Requested & { id: Id; integrationId: Id },
    how: 'withdrawn' | 'refused',
    reason: string,
    now: Millis,
  ): Promise<void> {
    const [open] = await rowsOf<{ requested_by: Id; person_id: Id }>(
      db,
      `SELECT q.requested_by, u.person_id FROM risk_request q JOIN user_account u ON u.id = q.requested_by
        WHERE q.id = $1 AND q.answered_at IS NULL AND q.until > $2`,
      [request.id, new Date(now)],
    );
    if (!open)
      throw new Refused(refusal('conflict', 'request-ended', 'It is answered already, or past its date.'));
    const own = open.requested_by === by.id || open.person_id === by.personId;
    if (own && how === 'refused')
      throw new Refused(
        refusal(
          'conflict',
          'own-request',
          'You asked for it yourself: withdraw it; a second person refuses.',
        ),
      );
    if (!own && how === 'withdrawn')
      throw new Refused(
        refusal('conflict', 'not-own-request', 'Somebody else asked for it: refuse it; they may withdraw.'),
      );
    await db.query(`UPDATE risk_request SET answered_at = $2 WHERE id = $1`, [request.id, new Date(now)]);
    const [waiting] = await rowsOf<unknown>(
      db,
      `SELECT FROM risk_request WHERE subject_kind = $1 AND subject_id = $2 AND answered_at IS NULL AND until > $3 LIMIT 1`,
      [request.subjectKind, request.subjectId, new Date(now)],
    );
    if (!waiting) await this.alerts.settle(db, askedKey(request), now);
    await this.ledger.append(db, {
      kind: `risk.acceptance-${how}`,
      subject: { kind: request.subjectKind, id: request.subjectId },
      by,
      at: now,
      facts: {
        riskRequestId: request.id,
        integrationId: request.integrationId,
        requestedBy: open.requested_by,
      },
      committed: { reason },
    });
  }

  async #ask(
    db: Db,
    by: Principal,
    input: RiskAcceptanceInput,
    integrationId: Id,
    now: Millis,
  ): Promise<RiskAnswer> {
    const id = newId();
    const until = Date.parse(input.until);
    await db.query(
      `INSERT INTO risk_request (id, subject_kind, subject_id, integration_id, incident_id, requested_by, reason, until, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        id,
        input.subjectKind,
        input.subjectId,
        integrationId,
        input.incidentId ?? null,
        by.id,
        input.reason,
        new Date(until),
        new Date(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'risk.acceptance-asked',
      subject: { kind: input.subjectKind, id: input.subjectId },
      by,
      at: now,
      facts: { riskRequestId: id, integrationId, until: iso(until) },
      committed: { reason: input.reason },
    });
    await this.alerts.raise(db, {
      kind: 'risk.asked',
      severity: 'warning',
      subject: { kind: input.subjectKind, id: input.subjectId },
      message: `Somebody asks that the risk of ${await labelOf(db, input)} is carried until ${iso(until)}. A second person has to accept it, until then or sooner.`,
      dedupeKey: askedKey(input),
      at: now,
    });
    return { state: 'asked', id };
  }

  async #accept(
    db: Db,
    by: Principal,
    input: RiskAcceptanceInput,
    integrationId: Id,
    asked: Asked,
    now: Millis,
  ): Promise<RiskAnswer> {
    if (asked.requested_by === by.id || asked.person_id === by.personId) {
      throw new Refused(
        refusal(
          'conflict',
          'second-person-needed',
          'You asked for this acceptance; a second person has to give it.',
        ),
      );
    }
    const until = Date.parse(input.until);
    if (until > asked.until.getTime()) {
      throw new Refused(
        badUntil(
          'until-beyond',
          'is later than was asked for',
          `Name ${iso(asked.until.getTime())} or earlier.`,
        ),
      );
    }
    const id = newId();
    await db.query(
      `INSERT INTO risk_acceptance (id, subject_kind, subject_id, integration_id, incident_id, requested_by, accepted_by, reason, until, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        id,
        input.subjectKind,
        input.subjectId,
        integrationId,
        input.incidentId ?? null,
        asked.requested_by,
        by.id,
        input.reason,
        new Date(until),
        new Date(now),
      ],
    );
    await db.query(`UPDATE risk_request SET answered_at = $2 WHERE id = $1`, [asked.id, new Date(now)]);
    await this.alerts.settle(db, askedKey(input), now);
    await this.ledger.append(db, {
      kind: 'risk.accepted',
      subject: { kind: input.subjectKind, id: input.subjectId },
      by,
      at: now,
      facts: { riskAcceptanceId: id, integrationId, requestedBy: asked.requested_by, until: iso(until) },
      committed: { reason: input.reason },
    });
    await this.outbox.put(db, riskAccepted, { subjectId: input.subjectId, integrationId });
    return { state: 'accepted', id };
  }
}

function personNeeded(): Refusal {
  return refusal(
    'forbidden',
    'person-needed',
    'A risk is answered for by a person: sign in, or use a token that belongs to an account.',
  );
}

function askedKey({ subjectKind, subjectId }: Requested): string {
  return `risk.asked:${subjectKind}:${subjectId}`;
}

/** As people call what is carried. */
async function labelOf(db: Db, { subjectKind, subjectId }: Requested): Promise<string> {
  const [row] = await rowsOf<{ label: string }>(
    db,
    subjectKind === 'location'
      ? `SELECT l.name || ' of ' || c.name AS label FROM location l JOIN credential c ON c.id = l.credential_id WHERE l.id = $1`
      : `SELECT c.name || ', version ' || v.number AS label FROM credential_version v JOIN credential c ON c.id = v.credential_id WHERE v.id = $1`,
    [subjectId],
  );
  return row?.label ?? subjectId;
}

/** Two who ask at once follow one another: the second one accepts, or hears that a second person is needed. */
async function lockSubject(db: Db, input: Requested): Promise<Id | null> {
  const table = input.subjectKind === 'location' ? 'location' : 'credential_version';
  const [row] = await rowsOf<{ integration_id: Id }>(
    db,
    `SELECT integration_id FROM ${table} WHERE id = $1 FOR NO KEY UPDATE`,
    [input.subjectId],
  );
  return row?.integration_id ?? null;
}

async function askedFor(db: Db, input: RiskAcceptanceInput, now: Millis): Promise<Asked | undefined> {
  const [row] = await rowsOf<Asked>(
    db,
    `SELECT q.id, q.requested_by, u.person_id, q.until FROM risk_request q JOIN user_account u ON u.id = q.requested_by
      WHERE q.subject_kind = $1 AND q.subject_id = $2 AND q.answered_at IS NULL AND q.until > $3
      ORDER BY q.created_at DESC LIMIT 1`,
    [input.subjectKind, input.subjectId, new Date(now)],
  );
  return row;
}

function badUntil(code: string, problem: string, mend: string): Refusal {
  return refusal('invalid', code, 'The acceptance cannot last until then.', {
    fields: [{ field: '/until', problem, mend }],
  });
}
