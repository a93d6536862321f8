import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { nextReference, nextReferences } from '../../platform/database/references.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import type { MatchedExposure } from '../exposures/matching.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import {
  acceptExposures,
  exposedVersions,
  joinCases,
  joinPlaces,
  joinVersions,
  lockCredentials,
  lockPlaces,
  lockIncidents,
  openCases,
  openIncidents,
  previousIncident,
  usesOf,
  type CaseRow,
  type ExposedVersionRow,
  type IncidentCredentialInput,
  type UseRow,
} from './acceptance.queries.ts';
import { entriesOf } from './acceptance-entries.ts';
import { decide, groupsOf, placesOf, severityIn, type Group } from './exposed-groups.ts';
import {
  earlierPortions,
  noteOpened,
  openedBy,
  raiseSeverity,
  runsOf,
  titleWhole,
  type Arrival,
} from './arrivals.ts';
import { HAPPENED } from './happened.rules.ts';
import { assign, titleOf, type IncidentState, type Severity } from './incident.rules.ts';
import { caseOpened, exposureJoined, incidentOpened } from './incidents.events.ts';
import { appendInstants, type InstantInput } from './instants.ts';
import type { Order } from './mass-order.rules.ts';
import { moveIncident } from './move-incident.ts';
import { NOTIFICATION, OwedNotices } from './owed-notices.ts';

export const EMERGENCY = 'emergency-revocation';

export interface AcceptedGroup {
  incidentId: Id;
  isNew: boolean;
  batchId: Id;
  /** null: nothing joined that was not there already. */
  runId: Id | null;
  exposures: number;
  versions: number;
}

/**
 * Puts exposures into the one incident that each belongs to (promise 2), opens a case on every affected integration,
 * makes the notices owed, and starts the run. All of it in the caller's transaction, set-based: a batch of one and of ten
 * thousand take the same statements.
 */
@Injectable()
export class AcceptanceService {
  constructor(
    private readonly runs: RunsService,
    private readonly owed: OwedNotices,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
  ) {}

  async accept(
    db: Db,
    matched: readonly MatchedExposure[],
    by: Principal,
    now: Millis,
    arrival?: Arrival,
    order?: Order,
  ): Promise<AcceptedGroup[]> {
    const accepted: AcceptedGroup[] = [];
    for (const group of matched.length > 0 ? await this.#groups(db, matched, arrival) : [])
      accepted.push(await this.#acceptGroup(db, group, by, now, arrival, order));
    if (arrival?.last) {
      const incidentId = await openedBy(db, arrival);
      if (incidentId) await titleWhole(db, this.ledger, { incidentId, order, by, now });
      for (const runId of await runsOf(db, arrival)) await this.runs.grow(db, runId);
    }
    return accepted;
  }

  async #groups(db: Db, matched: readonly MatchedExposure[], arrival?: Arrival): Promise<Group[]> {
    const credentialIds = [
      ...new Set(matched.flatMap((one) => one.versions.map(({ credentialId }) => credentialId))),
    ];
    await lockCredentials(db, credentialIds);
    await lockPlaces(db, placesOf(matched));
    const arriving = matched.map((one) => ({
      exposureId: one.exposureId,
      credentialIds: one.versions.map(({ credentialId }) => credentialId),
      place: one.place,
    }));
    for (;;) {
      const assigned = assign(arriving, await openIncidents(db, credentialIds, placesOf(matched)));
      const opened = arrival ? await openedBy(db, arrival) : null;
      const joined = [...new Set([...assigned.values(), opened])].filter((id) => id !== null);
      // One that somebody closed in this moment takes nobody in any more: look again where they belong.
      if (!(await lockIncidents(db, joined.toSorted()))) continue;
      const groups = groupsOf(matched, assigned, opened);
      for (const group of arrival ? groups : []) {
        group.earlier = await earlierPortions(db, arrival!, group.incidentId);
        group.batchId = group.earlier?.batch?.id ?? group.batchId;
      }
      return groups;
    }
  }

  async #acceptGroup(
    db: Db,
    group: Group,
    by: Principal,
    now: Millis,
    arrival?: Arrival,
    order?: Order,
  ): Promise<AcceptedGroup> {
    const at = new Date(now);
    const versions = await exposedVersions(
      db,
      [...group.witnesses.keys()],
      group.isNew ? null : group.incidentId,
      new Date(group.awareness),
    );
    // Who is there by value already is only seen by one more witness.
    const joining = versions.filter(
      (row) =>
        row.joined_match === null ||
        (row.joined_match === 'metadata' && group.witnesses.get(row.version_id)!.match === 'value') ||
        // What waits here for a person is lifted by an order of two that need not wait.
        (order !== undefined &&
          row.joined_may_act !== 'act' &&
          decide(row, group.witnesses.get(row.version_id)!, now, order).may_act === 'act'),
    );
    // A run that has a step for one that was there by metadata keeps it: what is now known by value needs a run of its own.
    if (group.earlier && joining.some((row) => row.joined_match !== null)) {
      group.batchId = newId();
      group.earlier.batch = null;
    }
    const decided = joining.map((row) => decide(row, group.witnesses.get(row.version_id)!, now, order));
    const places = placesOf(group.exposures);
    const severity = severityIn(group, versions, order);
    if (group.isNew) {
      await this.#open(db, group, versions, severity, places, by, now, order);
      if (arrival) await noteOpened(db, arrival, group.incidentId);
    } else if (group.earlier) {
      await raiseSeverity(db, this.ledger, { incidentId: group.incidentId, severity, by, now });
    }
    await joinPlaces(db, group.incidentId, places);
    if (decided.length > 0) await joinVersions(db, group.incidentId, group.batchId, decided, at, arrival);
    const touched = joining.length > 0 ? await this.#cases(db, group, joining, by, now) : [];
    // What came with the same delivery says the same of a case: its instants and notices are there.
    const cases = touched.filter(({ id }) => !group.earlier?.caseIds.has(id));
    await acceptExposures(
      db,
      group.incidentId,
      group.exposures.map(({ exposureId }) => exposureId),
      at,
    );
    if (!group.earlier || cases.length > 0) await this.#instants(db, group, cases, by, now);
    await this.#move(db, group, decided, by, now);
    await this.ledger.append(db, entriesOf(group, joining, decided, by, now));
    const runId = decided.length > 0 ? await this.#run(db, group, by, arrival) : null;
    await this.#owe(db, group, cases, by);
    await this.outbox.put(db, group.isNew ? incidentOpened : exposureJoined, {
      incidentId: group.incidentId,
      ...(group.isNew ? {} : { batchId: group.batchId }),
    } as never);
    return {
      incidentId: group.incidentId,
      isNew: group.isNew,
      batchId: group.batchId,
      runId,
      exposures: group.exposures.length,
      versions: decided.length,
    };
  }

  async #open(
    db: Db,
    group: Group,
    versions: readonly ExposedVersionRow[],
    severity: Severity,
    places: readonly string[],
    by: Principal,
    now: Millis,
    order?: Order,
  ): Promise<void> {
    const previous = await previousIncident(
      db,
      versions.map((row) => row.credential_id),
    );
    const reference = await nextReference(db, 'INC', now);
    const names = [...new Set(versions.map((row) => row.name))];
    await db.query(
      `INSERT INTO incident (id, reference, title, state, severity, previous_incident_id, awareness_at, opened_at, correlation_id, updated_at)
       VALUES ($1, $2, $3, 'reported', $4, $5, $6, $7, $8, $7)`,
      [
        group.incidentId,
        reference,
        titleOf(names, places.length === 1 ? places[0]! : null, order?.reference),
        severity,
        previous,
        new Date(group.awareness),
        new Date(now),
        by.correlationId,
      ],
    );
    await this.ledger.append(db, {
      kind: 'incident.opened',
      subject: { kind: 'incident', id: group.incidentId },
      by,
      at: now,
      facts: { reference, severity, previousIncidentId: previous, exposures: group.exposures.length },
    });
  }

  async #cases(
    db: Db,
    group: Group,
    joining: readonly ExposedVersionRow[],
    by: Principal,
    now: Millis,
  ): Promise<CaseRow[]> {
    const awareness = new Date(group.awareness);
    const uses = await usesOf(db, [...new Set(joining.map((row) => row.credential_id))], awareness);
    const byIntegration = new Map(uses.map((use) => [use.integration_id, use]));
    const references = await nextReferences(db, 'CAS', now, byIntegration.size);
    const cases = await openCases(
      db,
      group.incidentId,
      [...byIntegration.values()].map((use, n) => ({
        id: newId(),
        reference: references[n]!,
        integration_id: use.integration_id,
        agreement_version_id: use.agreement_version_id,
        matrix_version_id: use.matrix_version_id,
      })),
      awareness,
      new Date(now),
    );
    const caseOf = new Map(cases.map((row) => [row.integration_id, row.id]));
    const usesOfCredential = new Map<Id, UseRow[]>();
    for (const use of uses)
      usesOfCredential.set(use.credential_id, [...(usesOfCredential.get(use.credential_id) ?? []), use]);
    await joinCases(
      db,
      joining.flatMap((row) =>
        (usesOfCredential.get(row.credential_id) ?? []).map((use) => ({
          caseId: caseOf.get(use.integration_id)!,
          integrationId: use.integration_id,
          credentialId: row.credential_id,
          versionId: row.version_id,
        })),
      ),
      new Date(now),
    );
    const opened = cases.filter((row) => row.is_new);
    await this.ledger.append(
      db,
      opened.map((row) => ({
        kind: 'case.opened',
        subject: { kind: 'case', id: row.id },
        by,
        at: now,
        facts: {
          reference: row.reference,
          incidentId: group.incidentId,
          integrationId: row.integration_id,
          agreementVersionId: row.agreement_version_id,
          matrixVersionId: row.matrix_version_id,
        },
      })),
    );
    await this.outbox.putAll(
      db,
      caseOpened,
      opened.map((row) => ({
        payload: { incidentId: group.incidentId, caseId: row.id, integrationId: row.integration_id },
      })),
    );
    return cases;
  }

  /** Of the incident when it opens, of each case when it opens, and of every further witness. */
  async #instants(
    db: Db,
    group: Group,
    cases: readonly CaseRow[],
    by: Principal,
    now: Millis,
  ): Promise<void> {
    const first = group.exposures.reduce((a, b) => (b.receivedAt < a.receivedAt ? b : a));
    const basis =
      group.exposures.length === 1 ? first.basis : `${first.basis}, the first of ${group.exposures.length}`;
    const confirmed = group.exposures.some((one) => one.match === 'value');
    const told = (['occurred', 'detected'] as const).flatMap((kind) => {
      const times = group.exposures.flatMap((one) => one[`${kind}At`] ?? []);
      return times.length === 0 ? [] : [{ kind, at: Math.min(...times) }];
    });
    const of = (caseId: Id | null): InstantInput[] => [
      ...told.map((one) => ({ incidentId: group.incidentId, caseId, ...one, basis })),
      { incidentId: group.incidentId, caseId, kind: 'received', at: group.awareness, basis },
      { incidentId: group.incidentId, caseId, kind: 'matched', at: now, basis },
      { incidentId: group.incidentId, caseId, kind: 'suspected', at: group.awareness, basis },
      ...(confirmed
        ? [{ incidentId: group.incidentId, caseId, kind: 'confirmed' as const, at: now, basis }]
        : []),
    ];
    // Each case has its own: one that opens later must not be late from the start.
    const whole = group.earlier ? [] : of(null);
    await appendInstants(db, [...whole, ...cases.flatMap((row) => of(row.id))], by, now);
  }

  async #move(
    db: Db,
    group: Group,
    decided: readonly IncidentCredentialInput[],
    by: Principal,
    now: Millis,
  ): Promise<void> {
    if (decided.length === 0) return;
    const [row] = await rowsOf<{ state: IncidentState }>(
      db,
      `SELECT state FROM incident WHERE id = $1 FOR NO KEY UPDATE`,
      [group.incidentId],
    );
    const onlyLook = decided.every((one) => one.may_act === 'person');
    const event =
      row!.state === 'contained' || row!.state === 'recovering' ? 'revive' : onlyLook ? 'look' : 'contain';
    await moveIncident(db, { ledger: this.ledger, outbox: this.outbox }, group.incidentId, event, by, now);
  }

  /** One for the batch. While more of its delivery is on the way, the run that it has takes what comes. */
  async #run(db: Db, group: Group, by: Principal, arrival?: Arrival): Promise<Id> {
    let runId = group.earlier?.batch?.runId;
    if (runId !== undefined) {
      if (!(await this.runs.grow(db, runId))) throw new RunEnded();
    } else {
      ({ runId } = await this.runs.start(db, {
        runbook: EMERGENCY,
        subject: { kind: 'incident', id: group.incidentId },
        input: {
          batchId: group.batchId,
          incidentId: group.incidentId,
          ...(arrival && !arrival.last ? { exposureBatchId: arrival.exposureBatchId } : {}),
        },
        correlationId: by.correlationId,
        by,
      }));
    }
    await db.query(
      `UPDATE incident_credential SET run_id = $2 WHERE batch_id = $1 AND portion = $3 AND run_id IS DISTINCT FROM $2`,
      [group.batchId, runId, arrival?.portion ?? 0],
    );
    return runId;
  }

  async #owe(db: Db, group: Group, cases: readonly CaseRow[], by: Principal): Promise<void> {
    const confirmed = group.exposures.some((one) => one.match === 'value');
    const owed = await this.owed.owe(
      db,
      cases.map((row) => row.id),
      confirmed ? 'confirmed' : 'suspected',
      { batchId: group.batchId, reason: HAPPENED.found, by },
    );
    if (owed.length === 0) return;
    await this.runs.start(db, {
      runbook: NOTIFICATION,
      subject: { kind: 'incident', id: group.incidentId },
      input: { batchId: group.batchId, incidentId: group.incidentId },
      correlationId: by.correlationId,
      by,
    });
  }
}

/** The run was ended between two looks: the transaction is run again, as after a failed serialisation. */
class RunEnded extends Error {
  readonly code = '40001';
}
