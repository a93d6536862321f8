import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReference } from '../../platform/database/references.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AccessDecisions } from './access-decisions.service.ts';
import {
  listAccountItems,
  listIntegrationItems,
  type PartToList,
  type Whose,
} from './access-review-items.queries.ts';
import { askReviewers, type Reviewed } from './remind-reviewer.definition.ts';
import { clocksOf, HIGH_TIER, monthOf, needsReasonToKeep, type Cause } from './access-review.rules.ts';
import type { OpenReview } from './access-review.schema.ts';
import {
  integrationsNaming,
  integrationsOfIncident,
  integrationsOfParty,
  integrationsOfTier,
  leaverOf,
  notReviewed,
  operatorPlace,
  scopeOf,
  type ScopedIntegration,
} from './access-review-scope.queries.ts';

/** So many parts are listed in the transaction that opens a campaign; the others follow in the background. */
const LISTED_AT_ONCE = 20;
const ROWS_AT_ONCE = 1000;

/** At most so many join at a time; the others with the next look. */
const JOINING_AT_ONCE = 500;

interface Standing {
  id: Id;
  openedAt: Date;
  finished: boolean;
}

interface Campaign {
  cause: Cause;
  period?: string;
  subjectId?: Id;
  reason: string;
  integrationIds: readonly Id[];
}

type EventCause = 'person_left' | 'party_changed' | 'incident_closed';

/** Opens campaigns and draws what is in them from the record. */
@Injectable()
export class AccessReviewsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly decisions: AccessDecisions,
    private readonly outbox: Outbox,
  ) {}

  async openByHand(
    input: OpenReview,
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string }, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const ids = input.integrationIds ?? (await integrationsOfTier(db, input.riskTier!));
      const known = await scopeOf(db, ids);
      const missing = ids.filter((id) => !known.some((one) => one.id === id));
      if (missing.length > 0 || known.length === 0)
        return err(
          refusal('invalid', 'nothing-to-review', 'There is nothing of that to review.', {
            fields: [
              {
                field: input.integrationIds ? '/integrationIds' : '/riskTier',
                problem:
                  missing.length > 0
                    ? `${missing[0]} is no integration, or is retired`
                    : 'has no integration',
                mend: 'Name integrations that are not retired.',
              },
            ],
          }),
        );
      return ok(await this.#open(db, { cause: 'by_hand', reason: input.reason, integrationIds: ids }, by));
    });
  }

  /** Opens the campaign of this month, once, where there is anything of the high tier. */
  async openMonthly(by: Principal): Promise<void> {
    await this.transactions.run(by, async (db) => {
      // Two who look at the same time follow one another, and the second finds it open.
      await db.query(`SELECT pg_advisory_xact_lock(hashtextextended('access-review.monthly', 0))`);
      const period = monthOf(this.clock.now(), (await operatorPlace(db)).zone);
      const [known] = await db.query<Standing[]>(
        `SELECT id, opened_at AS "openedAt", finished_at IS NOT NULL AS finished FROM access_review
          WHERE cause = 'monthly' AND period >= $1 ORDER BY period DESC LIMIT 1`,
        [period],
      );
      if (known) return this.#join(db, known, by);
      const integrationIds = await integrationsOfTier(db, HIGH_TIER);
      if (integrationIds.length > 0)
        await this.#open(db, { cause: 'monthly', period, reason: '', integrationIds }, by);
    });
  }

  /**
   * What came to the high tier since the campaign of the month began is reviewed, too: in it, or in one of its own where it
   * has finished and its outcome stands.
   */
  async #join(db: Db, { id, openedAt, finished }: Standing, by: Principal): Promise<void> {
    if (!finished) await db.query('SELECT 1 FROM access_review WHERE id = $1 FOR UPDATE', [id]);
    const late = await notReviewed(db, HIGH_TIER, id, finished ? openedAt : null, JOINING_AT_ONCE);
    if (late.length === 0) return;
    if (finished) {
      const reason = 'Came to the high tier after the review of the month had finished';
      await this.#open(db, { cause: 'by_hand', reason, integrationIds: late }, by);
      return;
    }
    const now = this.clock.now();
    const operator = await operatorPlace(db);
    const scope = await scopeOf(db, late);
    await this.#insert(
      db,
      id,
      scope.map((one) => partOf('monthly', one, one.place ?? operator, now)),
    );
    await this.ledger.append(db, {
      kind: 'access-review.widened',
      subject: { kind: 'access_review', id },
      by,
      at: now,
      facts: { integrations: scope.map((one) => one.id) },
    });
  }

  /** Answers what happened: one campaign for each person, party and incident. @returns how many were answered */
  async answerOccasions(by: Principal): Promise<number> {
    return this.transactions.run(by, async (db) => {
      const rows = await db.query<{ id: Id; cause: EventCause; subjectId: Id }[]>(
        `SELECT id, cause, subject_id AS "subjectId" FROM access_review_occasion ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED`,
      );
      const seen = new Set<string>();
      for (const { cause, subjectId } of rows) {
        if (seen.has(`${cause} ${subjectId}`)) continue;
        seen.add(`${cause} ${subjectId}`);
        await this.#answer(db, cause, subjectId, by);
      }
      await db.query(`DELETE FROM access_review_occasion WHERE id = ANY($1::uuid[])`, [
        rows.map(({ id }) => id),
      ]);
      return rows.length;
    });
  }

  async #answer(db: Db, cause: EventCause, subjectId: Id, by: Principal): Promise<void> {
    const open = await db.query<unknown[]>(
      `SELECT FROM access_review WHERE cause = $1 AND subject_id = $2 AND finished_at IS NULL`,
      [cause, subjectId],
    );
    // A party may change ten times in a day: what is being looked at is looked at as it is.
    if (open.length > 0) return;
    const leaver = cause === 'person_left' ? await leaverOf(db, subjectId) : undefined;
    const integrationIds = leaver
      ? await integrationsNaming(db, leaver.contactIds)
      : cause === 'party_changed'
        ? await integrationsOfParty(db, subjectId)
        : await integrationsOfIncident(db, subjectId);
    if (integrationIds.length === 0 && !(leaver && leaver.userIds.length > 0)) return;
    await this.#open(db, { cause, subjectId, reason: '', integrationIds }, by);
  }

  async #open(db: Db, campaign: Campaign, by: Principal): Promise<{ id: Id; reference: string }> {
    const now = this.clock.now();
    const id = newId();
    const reference = await nextReference(db, 'ARV', now);
    const { cause, period, subjectId, reason } = campaign;
    await db.query(
      `INSERT INTO access_review (id, reference, cause, period, subject_id, reason, opened_by, opened_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [id, reference, cause, period ?? null, subjectId ?? null, reason, by.personId ?? by.id, iso(now)],
    );
    const operator = await operatorPlace(db);
    const scope = await scopeOf(db, campaign.integrationIds);
    const parts = [...scope, null].map((one) => partOf(cause, one, one?.place ?? operator, now));
    await this.#insert(db, id, parts);
    await this.ledger.append(db, {
      kind: 'access-review.opened',
      subject: { kind: 'access_review', id },
      by,
      at: now,
      facts: {
        reference,
        cause,
        integrations: scope.length,
        ...(period === undefined ? {} : { period }),
        ...(subjectId === undefined ? {} : { subject: subjectId }),
      },
      ...(reason ? { committed: { reason } } : {}),
    });
    if (parts.length <= LISTED_AT_ONCE + 1) await this.#list(db, parts.length, by, id);
    return { id, reference };
  }

  async #insert(db: Db, reviewId: Id, parts: readonly ReturnType<typeof partOf>[]): Promise<void> {
    for (let from = 0; from < parts.length; from += ROWS_AT_ONCE)
      await db.query(
        `INSERT INTO access_review_part (id, review_id, integration_id, reviewer_contact_id, reviewer_person_id, reason_to_keep, zone, remind_at, escalate_at, due_at)
         SELECT r.id, $1, r.integration, r.contact, r.person, r.reason, r.zone, r.remind, r.escalate, r.due
           FROM jsonb_to_recordset($2::jsonb) AS r(id uuid, integration uuid, contact uuid, person uuid, reason boolean, zone text,
                                                   remind timestamptz, escalate timestamptz, due timestamptz)`,
        [reviewId, JSON.stringify(parts.slice(from, from + ROWS_AT_ONCE))],
      );
  }

  /** Draws the items of parts that have none yet. @returns how many parts */
  async listNext(by: Principal): Promise<number> {
    return this.transactions.run(by, (db) => this.#list(db, LISTED_AT_ONCE, by));
  }

  async #list(db: Db, limit: number, by: Principal, reviewId?: Id): Promise<number> {
    const now = this.clock.now();
    type Row = PartToList & Reviewed & { cause: Cause; subjectId: Id | null };
    const found: Row[] = [];
    const parts = await db.query<Row[]>(
      `SELECT x.id, x.review_id AS "reviewId", x.integration_id AS "integrationId", v.cause, v.subject_id AS "subjectId",
              x.reviewer_person_id AS "reviewerPersonId", x.reviewer_contact_id AS "reviewerContactId"
         FROM access_review_part x JOIN access_review v ON v.id = x.review_id
        WHERE x.listed_at IS NULL AND ($2::uuid IS NULL OR x.review_id = $2) ORDER BY x.id LIMIT $1 FOR UPDATE OF x SKIP LOCKED`,
      [limit, reviewId ?? null],
    );
    for (const part of parts) {
      const whose: Whose =
        part.cause === 'person_left'
          ? { leaver: await leaverOf(db, part.subjectId!) }
          : part.cause === 'party_changed'
            ? { partyId: part.subjectId! }
            : {};
      const items =
        part.integrationId === null
          ? await listAccountItems(db, part, whose, now)
          : await listIntegrationItems(db, part, whose);
      if (items > 0) found.push(part);
      await db.query(
        `UPDATE access_review_part SET items = $2, listed_at = $3, row_version = row_version + 1 WHERE id = $1`,
        [part.id, items, iso(now)],
      );
    }
    await askReviewers(db, this.outbox, found, 'opened', now);
    // A part in which nothing was found has nobody to wait for.
    await this.decisions.finish(
      db,
      parts.map(({ id }) => id),
      by,
    );
    return parts.length;
  }
}

function partOf(
  cause: Cause,
  one: ScopedIntegration | null,
  place: Parameters<typeof clockRow>[2],
  now: Millis,
) {
  return {
    id: newId(),
    integration: one?.id ?? null,
    contact: one?.reviewerContactId ?? null,
    person: one?.reviewerPersonId ?? null,
    reason: needsReasonToKeep(one?.riskTier ?? null, cause),
    ...clockRow(cause, now, place),
  };
}

function clockRow(
  cause: Cause,
  now: Millis,
  place: { zone: string; calendar: Parameters<typeof clocksOf>[3] },
) {
  const { remindAt, escalateAt, dueAt } = clocksOf(cause, now, place.zone, place.calendar);
  return { zone: place.zone, remind: iso(remindAt), escalate: iso(escalateAt), due: iso(dueAt) };
}
