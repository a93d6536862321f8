import { Injectable } from '@nestjs/common';
import { isZone } from '../../kernel/calendar.ts';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, MINUTE, parseInstant } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { TriageService } from '../exposures/triage.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { ContainmentService } from '../revocation/containment.service.ts';
import { Deaths } from '../revocation/deaths.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { AcceptanceService } from './acceptance.service.ts';
import { joinedSince } from './arrivals.ts';
import type { AssertInstant } from './incident.schema.ts';
import { doneIn } from './incidents.queries.ts';
import { actOn, type IncidentEvent, type IncidentState } from './incident.rules.ts';
import { appendInstants } from './instants.ts';
import { incidentConfirmed } from './incidents.events.ts';
import { moveIncident } from './move-incident.ts';
import { OwedNotices } from './owed-notices.ts';

interface IncidentRow {
  state: IncidentState;
  reference: string;
  dismiss_requested_by: string | null;
}

const MOST_REASONS = 50;
/** How far the clocks of two people may be apart. */
const AHEAD = 5 * MINUTE;

/** What people do with incidents. */
@Injectable()
export class IncidentsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly containment: ContainmentService,
    private readonly deaths: Deaths,
    private readonly runs: RunsService,
    private readonly triage: TriageService,
    private readonly acceptance: AcceptanceService,
    private readonly owed: OwedNotices,
  ) {}

  /** Somebody has seen it and takes it on. */
  acknowledge(id: Id, by: Principal): Promise<Result<{ state: IncidentState }, Refusal>> {
    return this.#act(by, async (db) => {
      const row = await this.#lock(db, id);
      const now = this.clock.now();
      const who = handOf(by);
      await db.query(
        `UPDATE incident SET acknowledged_by = coalesce(acknowledged_by, $2), acknowledged_at = coalesce(acknowledged_at, $3),
                updated_at = $3, row_version = row_version + 1 WHERE id = $1`,
        [id, who, new Date(now)],
      );
      await db.query(
        `UPDATE alert SET handled_by = $2, handled_at = $3 WHERE subject_kind = 'incident' AND subject_id = $1 AND handled_at IS NULL`,
        [id, who, new Date(now)],
      );
      await this.ledger.append(db, {
        kind: 'incident.acknowledged',
        subject: { kind: 'incident', id },
        by,
        at: now,
        facts: { reference: row.reference },
      });
      return { state: row.state };
    });
  }

  /**
   * Says that it was none. The first person asks, a second one decides; refused once anything was revoked, since that was
   * real. Runs that still wait are cancelled.
   */
  dismiss(id: Id, reason: string, by: Principal): Promise<Result<{ state: IncidentState }, Refusal>> {
    return this.#act(by, async (db) => {
      const row = await this.#lock(db, id);
      const who = handOf(by);
      const now = this.clock.now();
      const [act, ...more] = (await doneIn(db, id)).map(actOn).filter((one) => one !== null);
      if (act !== undefined) {
        const others = more.length > 0 ? `, and ${more.length} more like it` : '';
        throw new Refused(
          refusal(
            'conflict',
            'already-acted',
            `It is closed, not dismissed, since it was acted on: ${act}${others}.`,
          ),
        );
      }
      if (row.dismiss_requested_by === who) {
        throw new Refused(
          refusal(
            'conflict',
            'second-person-needed',
            'You asked for this dismissal; a second person has to decide.',
          ),
        );
      }
      if (row.dismiss_requested_by === null) {
        if (!['reported', 'triage', 'containing'].includes(row.state))
          throw new Refused(impossible(row.state, 'dismissed'));
        await db.query(
          `UPDATE incident SET dismiss_requested_by = $2, updated_at = $3, row_version = row_version + 1 WHERE id = $1`,
          [id, who, new Date(now)],
        );
        await this.ledger.append(db, {
          kind: 'incident.dismissal-asked',
          subject: { kind: 'incident', id },
          by,
          at: now,
          facts: { reference: row.reference },
          committed: { reason },
        });
        return { state: row.state };
      }
      const state = await this.#move(
        db,
        id,
        row,
        'dismiss',
        by,
        { askedBy: row.dismiss_requested_by },
        reason,
      );
      for (const { run_id: runId } of await rowsOf<{ run_id: Id }>(
        db,
        `SELECT r.id AS run_id FROM run r WHERE r.subject_kind = 'incident' AND r.subject_id = $1 AND r.state = 'running'`,
        [id],
      )) {
        await this.runs.cancelRun(db, runId, { reason: `${row.reference} was dismissed: ${reason}`, by });
      }
      await db.query(
        `UPDATE downstream_item SET state = 'not_doing', note = 'the incident was dismissed', settled_by = $2, settled_at = $3,
                updated_at = $3, row_version = row_version + 1 WHERE incident_id = $1 AND state = 'open'`,
        [id, who, new Date(now)],
      );
      await this.#forget(db, id, by);
      return { state };
    });
  }

  /** Contained, and the business is put back in order. */
  recover(id: Id, reason: string, by: Principal): Promise<Result<{ state: IncidentState }, Refusal>> {
    return this.#act(by, async (db) => {
      const row = await this.#lock(db, id);
      return { state: await this.#move(db, id, row, 'recover', by, {}, reason) };
    });
  }

  /**
   * Refused while anything is open, or unproven without a signed statement or a risk acceptance, and while what the
   * credentials reached is not settled; the refusal lists it.
   */
  close(id: Id, reason: string, by: Principal): Promise<Result<{ state: IncidentState }, Refusal>> {
    return this.#act(by, async (db) => {
      const row = await this.#lock(db, id);
      const joined = await joinedSince(db, id);
      const contained = await this.containment.of(db, [...joined.keys()], joined);
      const left = contained.reasons.filter((one) => !one.covered);
      if (!contained.closable) {
        throw new Refused(
          refusal('conflict', 'not-contained', `${left.length} things are not proven and not answered for.`, {
            fields: left.slice(0, MOST_REASONS).map((one) => ({
              field: `${one.subject} ${one.id}`,
              problem: one.message,
              mend:
                one.state === 'unproven' || one.subject === 'copy'
                  ? 'Have it stated and signed, or accept the risk until a date.'
                  : 'Wait until it is proven, or do what is missing.',
            })),
          }),
        );
      }
      await refuseOpenDownstream(db, id);
      const state = await this.#move(
        db,
        id,
        row,
        'close',
        by,
        {
          containment: contained.state,
          unproven: contained.reasons.map((one) => `${one.subject}:${one.id}:${one.code}`).slice(0, 500),
        },
        reason,
      );
      await this.#forget(db, id, by);
      return { state };
    });
  }

  /** Adds an instant. Nothing is edited: a dispute stands beside what it disputes, and clocks work to the earlier. */
  assertInstant(id: Id, input: AssertInstant, by: Principal): Promise<Result<{ ids: Id[] }, Refusal>> {
    return this.#act(by, async (db) => {
      await this.#lock(db, id);
      const now = this.clock.now();
      const cases = await rowsOf<{ id: Id }>(
        db,
        `SELECT id FROM incident_case WHERE incident_id = $1 AND ($2::uuid IS NULL OR id = $2) ORDER BY id`,
        [id, input.caseId],
      );
      if (input.caseId && cases.length === 0)
        throw new Refused(bad('/caseId', 'is no case of this incident'));
      if (input.disputesId) {
        const [disputed] = await rowsOf<object>(
          db,
          `SELECT FROM instant WHERE id = $1 AND incident_id = $2 AND kind = $3`,
          [input.disputesId, id, input.kind],
        );
        if (!disputed) throw new Refused(bad('/disputesId', 'is no instant of this kind in this incident'));
      }
      const at = parseInstant(input.at)!;
      if (at > now + AHEAD) {
        throw new Refused(
          bad('/at', 'has not come yet', `Name a time that has passed; it is ${iso(now)} here.`),
        );
      }
      if (!isZone(input.zone))
        throw new Refused(
          bad('/zone', 'is no time zone', 'Name one of the IANA database, like Europe/Berlin, or UTC.'),
        );
      const common = {
        incidentId: id,
        kind: input.kind,
        at,
        zone: input.zone,
        basis: input.basis,
        ...(input.disputesId ? { disputesId: input.disputesId } : {}),
      };
      const targets = input.caseId ? [input.caseId] : [null, ...cases.map((one) => one.id)];
      const ids = await appendInstants(
        db,
        targets.map((caseId) => ({ ...common, caseId })),
        by,
        now,
      );
      await this.ledger.append(db, {
        kind: 'incident.instant-asserted',
        subject: { kind: 'incident', id },
        by,
        at: now,
        facts: {
          instant: input.kind,
          stands: input.at,
          zone: input.zone,
          caseId: input.caseId,
          disputesId: input.disputesId ?? null,
        },
        committed: { basis: input.basis },
      });
      if (input.kind === 'confirmed') await this.outbox.put(db, incidentConfirmed, { incidentId: id });
      const caseIds = cases.map((one) => one.id);
      await this.owed.asserted(db, id, caseIds, { kind: input.kind, at }, by);
      return { ids };
    });
  }

  /** A person places an exposure that no machine could. */
  acceptByHand(
    exposureId: Id,
    versionId: Id,
    reason: string,
    by: Principal,
  ): Promise<Result<{ incidentId: Id; isNew: boolean }, Refusal>> {
    return this.#act(by, async (db) => {
      const matched = await this.triage.matchByHand(db, exposureId, versionId, reason, by);
      const [group] = await this.acceptance.accept(db, [matched], by, this.clock.now());
      return { incidentId: group!.incidentId, isNew: group!.isNew };
    });
  }

  async #move(
    db: Db,
    id: Id,
    row: IncidentRow,
    event: IncidentEvent,
    by: Principal,
    facts: Record<string, string | string[]>,
    reason: string,
  ): Promise<IncidentState> {
    const parts = { ledger: this.ledger, outbox: this.outbox };
    const state = await moveIncident(db, parts, id, event, by, this.clock.now(), {
      facts,
      committed: { reason },
    });
    if (!state) throw new Refused(impossible(row.state, event));
    return state;
  }

  /** Values that were kept for a revocation are needed no longer, unless another incident still has the version open. */
  async #forget(db: Db, id: Id, by: Principal): Promise<void> {
    const held = await rowsOf<{ version_id: Id }>(
      db,
      `SELECT x.version_id FROM incident_credential x JOIN version_death d ON d.version_id = x.version_id AND d.value_ref IS NOT NULL
        WHERE x.incident_id = $1
          AND NOT EXISTS (SELECT FROM incident_credential o WHERE o.version_id = x.version_id AND o.open AND o.incident_id <> $1)`,
      [id],
    );
    for (const { version_id: versionId } of held) await this.deaths.forgetValue(db, versionId, by);
  }

  async #lock(db: Db, id: Id): Promise<IncidentRow> {
    const [row] = await rowsOf<IncidentRow>(
      db,
      `SELECT state, reference, dismiss_requested_by FROM incident WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    if (!row) throw new Refused(refusal('not_found', 'no-such-incident', 'There is no such incident.'));
    return row;
  }

  async #act<T>(by: Principal, work: (db: Db) => Promise<T>): Promise<Result<T, Refusal>> {
    try {
      return ok(await this.transactions.run(by, work));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }
}

/** @throws Refused */
async function refuseOpenDownstream(db: Db, incidentId: Id): Promise<void> {
  const open = await rowsOf<{
    id: Id;
    kind: string;
    system_name: string;
    owner: string | null;
    total: number;
  }>(
    db,
    `SELECT d.id, d.kind, d.system_name, p.name AS owner, (count(*) OVER ())::int AS total
       FROM downstream_item d LEFT JOIN party p ON p.id = d.party_id
      WHERE d.incident_id = $1 AND d.state = 'open' ORDER BY d.due_at, d.id LIMIT ${MOST_REASONS}`,
    [incidentId],
  );
  if (open.length === 0) return;
  throw new Refused(
    refusal(
      'conflict',
      'downstream-open',
      `${open[0]!.total} things that the exposed credentials reached are not settled.`,
      {
        fields: open.map((one) => ({
          field: `downstream ${one.id}`,
          problem: `${one.kind.replaceAll('_', ' ')} in ${one.system_name}: nobody of ${one.owner ?? 'its owner'} has settled it`,
          mend: 'Have it looked for, and say what was found; or say why nobody will look.',
        })),
      },
    ),
  );
}

function impossible(state: IncidentState, what: string): Refusal {
  return refusal(
    'conflict',
    'wrong-state',
    `The incident is ${state}; it cannot ${what === 'dismissed' ? 'be dismissed' : what} from there.`,
  );
}

function bad(field: string, problem: string, mend = 'Take it from the incident.'): Refusal {
  return refusal('invalid', 'bad-instant', 'The instant is not as it must be.', {
    fields: [{ field, problem, mend }],
  });
}
