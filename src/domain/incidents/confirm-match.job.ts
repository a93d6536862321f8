import type { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { stepSettled } from '../runbooks/runs.events.ts';
import { HAPPENED } from './happened.rules.ts';
import { transition, type IncidentState } from './incident.rules.ts';
import { appendInstants } from './instants.ts';
import { incidentConfirmed } from './incidents.events.ts';
import { moveIncident } from './move-incident.ts';
import { OwedNotices } from './owed-notices.ts';

export const confirmMatch = defineJob({
  name: 'incidents.confirm-match',
  queue: 'intake',
  payload: stepSettled.payload,
  retry: { attempts: 10, backoff: SECOND },
  on: [stepSettled],
  // A person decides before the step ends, so that the question in the same transaction sees it. Steps end by thousands.
  only: async (db, { subject, steps }) => {
    const done = steps.flatMap(({ stepId, state }) => (state === 'done' ? [stepId] : []));
    if (subject.kind !== 'incident' || done.length === 0) return false;
    const [row] = await rowsOf<{ decided: boolean }>(
      db,
      `SELECT EXISTS (SELECT FROM step_approval WHERE step_id = ANY($1::uuid[]) AND decision = 'approve') AS decided`,
      [done],
    );
    return row!.decided;
  },
});

interface Confirmed {
  version_id: Id;
  /** The person, or `kind:id` where none is known. */
  who: string;
  /** The account of that person. */
  user_id: Id | null;
  at: Date;
  note: string | null;
}

/**
 * A report named a credential without its value, and a person has said that it is the one: from then on it is certain.
 * The instant is appended with who said so, and whoever was promised to hear of certainty is owed a notice, both at once.
 * A case that is confirmed already stays as it is, so that handling an event twice adds nothing.
 */
@JobHandler(confirmMatch)
export class ConfirmMatchJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly owed: OwedNotices,
    private readonly clock: Clock,
  ) {}

  async handle(settled: z.infer<typeof stepSettled.payload>, call: JobCall): Promise<void> {
    const { subject } = settled;
    const done = settled.steps.filter(({ state }) => state === 'done').map(({ stepId }) => stepId);
    if (subject.kind !== 'incident' || done.length === 0) return;
    await this.transactions.run(call.by, async (db) => {
      for (const one of await confirmedIn(db, subject.id, done))
        await this.#confirm(db, subject.id, one, call.by.correlationId);
    });
  }

  async #confirm(db: Db, incidentId: Id, one: Confirmed, correlationId: string): Promise<void> {
    const [incident] = await rowsOf<{ state: IncidentState; confirmed: boolean }>(
      db,
      `SELECT state, EXISTS (SELECT FROM instant t WHERE t.incident_id = i.id AND t.case_id IS NULL AND t.kind = 'confirmed') AS confirmed
         FROM incident i WHERE id = $1 FOR NO KEY UPDATE`,
      [incidentId],
    );
    if (!incident || incident.state === 'dismissed') return;
    const cases = await rowsOf<{ id: Id }>(
      db,
      `SELECT c.id FROM incident_case c JOIN case_credential k ON k.case_id = c.id AND k.version_id = $2
        WHERE c.incident_id = $1
          AND NOT EXISTS (SELECT FROM instant t WHERE t.case_id = c.id AND t.kind = 'confirmed') ORDER BY c.id`,
      [incidentId, one.version_id],
    );
    const by = personOf(one, correlationId);
    // It is one, then: nobody has to judge it first any more.
    if (transition(incident.state, 'contain')) {
      const parts = { ledger: this.ledger, outbox: this.outbox };
      await moveIncident(db, parts, incidentId, 'contain', by, this.clock.now());
    }
    const targets = [...(incident.confirmed ? [] : [null]), ...cases.map(({ id }) => id)];
    if (targets.length === 0) return;
    const at = one.at.getTime();
    const basis = `a person decided that it is this credential${one.note ? `: ${one.note}` : ''}`;
    await appendInstants(
      db,
      targets.map((caseId) => ({ incidentId, caseId, kind: 'confirmed' as const, at, basis })),
      by,
      this.clock.now(),
    );
    await this.ledger.append(db, {
      kind: 'incident.instant-asserted',
      subject: { kind: 'incident', id: incidentId },
      by,
      at: this.clock.now(),
      facts: { instant: 'confirmed', stands: iso(at), zone: 'UTC', versionId: one.version_id },
      committed: { basis },
    });
    await this.outbox.put(db, incidentConfirmed, { incidentId });
    await this.owed.tell(
      db,
      incidentId,
      cases.map(({ id }) => id),
      'confirmed',
      { reason: HAPPENED.confirmedToBe, by },
    );
  }
}

/** Of these steps those by which a person decided that a version is the one that the report meant. */
function confirmedIn(db: Db, incidentId: Id, stepIds: readonly Id[]): Promise<Confirmed[]> {
  return rowsOf<Confirmed>(
    db,
    `SELECT x.version_id, a.who, a.at, a.note,
            (SELECT u.id FROM user_account u WHERE u.person_id::text = a.who ORDER BY u.created_at LIMIT 1) AS user_id
       FROM step s
       JOIN incident_credential x ON x.incident_id = $1 AND x.version_id::text = s.item->'facts'->>'versionId' AND x.match = 'metadata'
       JOIN LATERAL (SELECT p.who, p.at, p.note FROM step_approval p
                      WHERE p.step_id = s.id AND p.family = s.family AND p.decision = 'approve'
                      ORDER BY p.at DESC LIMIT 1) a ON true
      WHERE s.id = ANY($2::uuid[]) AND s.item->'facts'->>'mayAct' = 'person' ORDER BY a.at, x.version_id`,
    [incidentId, stepIds],
  );
}

function personOf({ who, user_id: userId }: Confirmed, correlationId: string): Principal {
  const common = { roles: [], partyId: null, correlationId };
  if (userId !== null) return { kind: 'user', id: userId, personId: who, ...common };
  const [kind, id] = /^(user|token|link|source|system):(.+)$/.exec(who)?.slice(1) ?? [];
  return { kind: (kind ?? 'user') as Principal['kind'], id: id ?? who, ...common };
}
