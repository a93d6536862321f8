import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { containmentOf, type CopyFacets, type DeathFacets } from '../revocation/containment.rules.ts';
import { copyFacetsOf, deathFacetsOf, provenDead } from '../revocation/deaths.queries.ts';
import { Deaths } from '../revocation/deaths.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { EMERGENCY } from './acceptance.service.ts';
import { isArriving, joinedSince } from './arrivals.ts';
import { HAPPENED } from './happened.rules.ts';
import { isOpen, type IncidentState } from './incident.rules.ts';
import { appendInstants } from './instants.ts';
import { moveIncident } from './move-incident.ts';
import { OwedNotices } from './owed-notices.ts';
import { signalCases } from './signal-cases.definition.ts';

interface CaseVersion {
  case_id: Id;
  integration_id: Id;
  version_id: Id;
}

/**
 * What the facets of death make of incidents and cases. `contained` is reached by proof alone; what cannot be proven keeps
 * an incident where it is until somebody closes it with a statement or a risk acceptance.
 */
@Injectable()
export class ContainmentRollUp {
  constructor(
    private readonly deaths: Deaths,
    private readonly owed: OwedNotices,
    private readonly runs: RunsService,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
  ) {}

  /**
   * Asked as often as anything may have changed; changes something only when it did.
   *
   * @returns how many exposed versions were looked at
   */
  async rollUp(db: Db, incidentId: Id, by: Principal, now: Millis): Promise<number> {
    const [incident] = await rowsOf<{ state: IncidentState; reference: string }>(
      db,
      `SELECT state, reference FROM incident WHERE id = $1 FOR NO KEY UPDATE`,
      [incidentId],
    );
    if (!incident || incident.state === 'dismissed') return 0;
    if (['contained', 'recovering', 'closed'].includes(incident.state)) {
      const alive = await aliveVersions(db, incidentId);
      if (alive.length > 0) {
        await this.#revive(db, incidentId, incident, alive, by, now);
        return alive.length;
      }
    }
    if (!isOpen(incident.state)) return 0;
    const parts = { ledger: this.ledger, outbox: this.outbox };
    if (incident.state !== 'containing' && (await somethingDone(db, incidentId))) {
      await moveIncident(db, parts, incidentId, 'contain', by, now);
    }
    const cases = await this.#cases(db, incidentId, by, now);
    if (!cases.allContained) return cases.exposed;
    const to = await moveIncident(db, parts, incidentId, 'prove', by, now);
    if (to === 'contained') {
      await appendInstants(
        db,
        [
          {
            incidentId,
            caseId: null,
            kind: 'contained',
            at: now,
            basis: 'every exposed version proven dead, every copy gone',
          },
        ],
        by,
        now,
      );
      // Nothing is left to be revoked or proven with them.
      await this.deaths.forgetValues(db, cases.versionIds, by);
    }
    return cases.exposed;
  }

  /** Each case by its own credentials and the copies in its own integration. */
  async #cases(
    db: Db,
    incidentId: Id,
    by: Principal,
    now: Millis,
  ): Promise<{ allContained: boolean; versionIds: Id[]; exposed: number }> {
    // Copies and sessions are looked up only where everything is dead: while a run of thousands is under way, that is cheap.
    const candidates = await rowsOf<CaseVersion>(
      db,
      `SELECT c.id AS case_id, c.integration_id, k.version_id
         FROM incident_case c JOIN case_credential k ON k.case_id = c.id
        WHERE c.incident_id = $1 AND c.state = 'open'
          AND NOT EXISTS (SELECT FROM case_credential o
                            JOIN incident_credential x ON x.incident_id = c.incident_id AND x.version_id = o.version_id
                            LEFT JOIN version_death d ON d.version_id = o.version_id
                           WHERE o.case_id = c.id AND NOT ${provenDead('d', 'x.joined_at')})
        ORDER BY c.id`,
      [incidentId],
    );
    const [left] = await rowsOf<{ exposed: number; alive: number }>(
      db,
      `SELECT count(*)::int AS exposed, count(*) FILTER (WHERE NOT ${provenDead('d', 'x.joined_at')})::int AS alive
         FROM incident_credential x LEFT JOIN version_death d ON d.version_id = x.version_id WHERE x.incident_id = $1`,
      [incidentId],
    );
    const { exposed = 0, alive = 0 } = left ?? {};
    const allDead = exposed > 0 && alive === 0;
    const notYet = { allContained: false, versionIds: [], exposed };
    if (candidates.length === 0 && !allDead) return notYet;
    // What is still on its way into this incident is not dead.
    if (await isArriving(db, await batchesOf(db, incidentId))) return notYet;
    // A credential that nobody uses any more has no case, and still has to be dead.
    const joined = await joinedSince(db, incidentId);
    const versionIds = allDead ? [...joined.keys()] : [];
    const facets = await facetsOf(
      db,
      [...new Set([...versionIds, ...candidates.map((row) => row.version_id)])],
      joined,
      now,
    );
    const byCase = new Map<Id, CaseVersion[]>();
    for (const row of candidates) {
      const known = byCase.get(row.case_id);
      if (known) known.push(row);
      else byCase.set(row.case_id, [row]);
    }
    const contained = [...byCase.values()].filter((versions) => isContained(versions, facets, now));
    await this.#contain(
      db,
      incidentId,
      contained.map((versions) => versions[0]!),
      by,
      now,
    );
    const all = versionIds.map((version_id) => ({ integration_id: null, version_id }));
    return { allContained: allDead && isContained(all, facets, now), versionIds, exposed };
  }

  async #contain(
    db: Db,
    incidentId: Id,
    cases: readonly CaseVersion[],
    by: Principal,
    now: Millis,
  ): Promise<void> {
    if (cases.length === 0) return;
    const ids = cases.map((row) => row.case_id);
    await db.query(
      `UPDATE incident_case SET state = 'contained', contained_at = $2, updated_at = $2, row_version = row_version + 1
        WHERE id = ANY($1::uuid[])`,
      [ids, new Date(now)],
    );
    await appendInstants(
      db,
      ids.map((caseId) => ({
        incidentId,
        caseId,
        kind: 'contained' as const,
        at: now,
        basis: 'every exposed version proven dead, every copy gone',
      })),
      by,
      now,
    );
    await this.ledger.append(
      db,
      cases.map((row) => ({
        kind: 'case.contained',
        subject: { kind: 'case', id: row.case_id },
        by,
        at: now,
        facts: { incidentId, integrationId: row.integration_id },
      })),
    );
    await this.outbox.put(db, signalCases, { incidentId });
    await this.owed.owe(db, ids, 'contained', {
      reason: HAPPENED.contained,
      by,
    });
  }

  /**
   * A version that was proven dead is accepted again while its incident is still at work on others. Whatever was left of
   * its run would not kill it: it gets a run of its own. Where the run in hand has not proven it dead yet, that one does it.
   */
  async cameBack(db: Db, versionId: Id, by: Principal, now: Millis): Promise<void> {
    const held = await rowsOf<{ id: Id; state: IncidentState; reference: string }>(
      db,
      `SELECT i.id, i.state, i.reference FROM incident i
        WHERE i.state IN ('reported', 'triage', 'containing')
          AND EXISTS (SELECT FROM incident_credential x WHERE x.incident_id = i.id AND x.version_id = $1 AND x.open)
        ORDER BY i.id FOR NO KEY UPDATE OF i`,
      [versionId],
    );
    for (const incident of held) {
      const [left] = await rowsOf<{ version_id: Id }>(
        db,
        `SELECT x.version_id FROM incident_credential x JOIN version_death d ON d.version_id = x.version_id
          WHERE x.incident_id = $1 AND x.version_id = $2 AND d.liveness = 'live'
            AND EXISTS (SELECT FROM step s WHERE s.run_id = x.run_id AND s.state = 'done'
                           AND s.item->'subject'->>'id' = x.version_id::text AND s.output->>'liveness' = 'dead')`,
        [incident.id, versionId],
      );
      if (left) await this.#revive(db, incident.id, incident, [versionId], by, now);
    }
  }

  /** Something that was dead is accepted again: back to work, with a run of its own. */
  async #revive(
    db: Db,
    incidentId: Id,
    incident: { state: IncidentState; reference: string },
    alive: readonly Id[],
    by: Principal,
    now: Millis,
  ): Promise<IncidentState> {
    const [elsewhere] = await rowsOf<{ reference: string }>(
      db,
      `SELECT i.reference FROM incident_credential x JOIN incident i ON i.id = x.incident_id
        WHERE x.version_id = ANY($1::uuid[]) AND x.open AND x.incident_id <> $2 LIMIT 1`,
      [alive, incidentId],
    );
    // A later incident has it in hand already.
    if (elsewhere) return incident.state;
    const batchId = newId();
    await db.query(
      `UPDATE incident_credential SET batch_id = $3, open = true WHERE incident_id = $1 AND version_id = ANY($2::uuid[])`,
      [incidentId, alive, batchId],
    );
    await db.query(
      `UPDATE incident_credential SET open = true
        WHERE incident_id = $1 AND NOT open
          AND NOT EXISTS (SELECT FROM incident_credential o WHERE o.version_id = incident_credential.version_id AND o.open)`,
      [incidentId],
    );
    const to = await moveIncident(
      db,
      { ledger: this.ledger, outbox: this.outbox },
      incidentId,
      'revive',
      by,
      now,
      {
        facts: { versions: [...alive] },
      },
    );
    await db.query(
      `UPDATE incident_case c SET state = 'open', contained_at = NULL, closed_at = NULL, updated_at = $3, row_version = row_version + 1
        WHERE c.incident_id = $1 AND EXISTS (SELECT FROM case_credential k WHERE k.case_id = c.id AND k.version_id = ANY($2::uuid[]))`,
      [incidentId, alive, new Date(now)],
    );
    const { runId } = await this.runs.start(db, {
      runbook: EMERGENCY,
      subject: { kind: 'incident', id: incidentId },
      input: { batchId, incidentId },
      correlationId: by.correlationId,
      by,
    });
    await db.query(`UPDATE incident_credential SET run_id = $2 WHERE batch_id = $1`, [batchId, runId]);
    await this.alerts.raise(db, {
      kind: 'incident.came-back',
      severity: 'critical',
      subject: { kind: 'incident', id: incidentId },
      message: `${incident.reference} was ${incident.state}, and ${counted(alive.length)} accepted again.`,
      dedupeKey: `incident.came-back:${incidentId}`,
      at: now,
    });
    return to ?? incident.state;
  }
}

function counted(versions: number): string {
  return versions === 1 ? 'one of its credentials is' : `${versions} of its credentials are`;
}

interface Facets {
  deaths: ReadonlyMap<Id, DeathFacets>;
  copies: ReadonlyMap<Id, (CopyFacets & { integrationId: Id })[]>;
}

async function facetsOf(
  db: Db,
  versionIds: readonly Id[],
  since: ReadonlyMap<Id, Millis>,
  now: Millis,
): Promise<Facets> {
  if (versionIds.length === 0) return { deaths: new Map(), copies: new Map() };
  const deaths = await deathFacetsOf(db, versionIds, new Set(), now, since);
  const copies = new Map<Id, (CopyFacets & { integrationId: Id })[]>();
  for (const copy of await copyFacetsOf(db, versionIds, now)) {
    const known = copies.get(copy.versionId);
    if (known) known.push(copy);
    else copies.set(copy.versionId, [copy]);
  }
  return { deaths: new Map(deaths.map((one) => [one.versionId, one])), copies };
}

function isContained(
  versions: readonly { version_id: Id; integration_id: Id | null }[],
  facets: Facets,
  now: Millis,
): boolean {
  const deaths = versions.flatMap((row) => facets.deaths.get(row.version_id) ?? []);
  const copies = versions.flatMap((row) =>
    (facets.copies.get(row.version_id) ?? []).filter(
      (copy) => row.integration_id === null || copy.integrationId === row.integration_id,
    ),
  );
  return deaths.length === versions.length && containmentOf(deaths, copies, now).state === 'contained';
}

/** The large deliveries, and what was revoked together, that this incident's versions came with. */
async function batchesOf(db: Db, incidentId: Id): Promise<Id[]> {
  const rows = await rowsOf<{ id: Id }>(
    db,
    `SELECT DISTINCT exposure_batch_id AS id FROM incident_credential WHERE incident_id = $1 AND exposure_batch_id IS NOT NULL`,
    [incidentId],
  );
  return rows.map(({ id }) => id);
}

async function aliveVersions(db: Db, incidentId: Id): Promise<Id[]> {
  const rows = await rowsOf<{ version_id: Id }>(
    db,
    `SELECT x.version_id FROM incident_credential x JOIN version_death d ON d.version_id = x.version_id
      WHERE x.incident_id = $1 AND d.liveness = 'live' ORDER BY x.version_id`,
    [incidentId],
  );
  return rows.map((row) => row.version_id);
}

/** A revoke was asked for: the incident is past looking. */
async function somethingDone(db: Db, incidentId: Id): Promise<boolean> {
  const [row] = await rowsOf<{ done: boolean }>(
    db,
    `SELECT EXISTS (SELECT FROM incident_credential x JOIN version_death d ON d.version_id = x.version_id
              WHERE x.incident_id = $1 AND (d.revocation <> 'none' OR d.liveness = 'dead')) AS done`,
    [incidentId],
  );
  return row?.done ?? false;
}
