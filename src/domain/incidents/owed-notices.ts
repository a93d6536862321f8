import { holds } from '../credentials/holdings.queries.ts';
import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { HOUR, iso, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { NoticesService, type Trigger } from '../notices/notices.service.ts';
import { EarlierStarts } from '../obligations/earlier-starts.service.ts';
import { ObligationsService } from '../obligations/obligations.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { deriveObligations } from './derive-obligations.job.ts';
import { HAPPENED } from './happened.rules.ts';
import type { Severity } from './incident.rules.ts';
import { instantsOfCases, type InstantKind } from './instants.ts';
import { STATE_UNKNOWN, unknownOf } from './unknown-facts.rules.ts';
import { updateEvery } from './update-cadence.queries.ts';

export const NOTIFICATION = 'notification';

/** Instants that are duties' triggers, too. */
const TRIGGERS: ReadonlySet<string> = new Set<Trigger['trigger']>([
  'suspected',
  'confirmed',
  'determined',
  'classified',
]);
/** Cases whose obligations follow in the transaction that asserts an instant; those of the others follow as a job. */
const AT_ONCE = 200;

interface CaseRow {
  id: Id;
  reference: string;
  integration_id: Id;
  integration_name: string;
  agreement_version_id: Id | null;
  awareness_at: Date;
  copies: number;
  open: boolean;
  severity: Severity;
  update_every_hours: number | null;
  began: boolean;
  determined: boolean;
  credentials: { label: string; environment: string; state: string }[] | null;
  /** Of the agreement's terms. */
  triggers: string[] | null;
  /** Agreements that authorities and insurers of the integration have of their own, as in force at awareness. */
  others: { version: Id; triggers: string[] | null }[] | null;
}

/** Who hears of a leak beside the parties of the agreement, where an agreement with them says so. */
const OTHERS = `
  SELECT jsonb_agg(DISTINCT jsonb_build_object('version', v.id, 'triggers', (SELECT array_agg(DISTINCT t.trigger) FROM term t WHERE t.agreement_version_id = v.id)))
    FROM integration_party p JOIN agreement a ON a.party_id = p.party_id AND a.id IS DISTINCT FROM n.agreement_id
    JOIN LATERAL (SELECT id FROM agreement_version
                   WHERE agreement_id = a.id AND valid_from <= c.awareness_at AND (valid_until IS NULL OR valid_until > c.awareness_at)
                   ORDER BY number DESC LIMIT 1) v ON true
   WHERE p.integration_id = c.integration_id AND p.role IN ('authority', 'insurer')`;

/** Whether somebody said when it happened, of the case or of its incident as a whole. */
const said = (kind: InstantKind) =>
  `EXISTS (SELECT FROM instant t WHERE t.incident_id = c.incident_id AND t.kind = '${kind}' AND (t.case_id IS NULL OR t.case_id = c.id))`;

/** Credentials that a notice names one by one; the number of the others is on the case. */
const MOST_NAMED = 50;

/** What became of the cases is owed to whoever was promised to hear of it, in the transaction that makes it so. */
@Injectable()
export class OwedNotices {
  constructor(
    private readonly notices: NoticesService,
    private readonly runs: RunsService,
    private readonly obligations: ObligationsService,
    private readonly earlier: EarlierStarts,
    private readonly outbox: Outbox,
  ) {}

  /** Somebody said when something happened: what it makes owed is owed, what it starts starts, and clocks work to the earlier. */
  async asserted(
    db: Db,
    incidentId: Id,
    caseIds: readonly Id[],
    { kind, at }: { kind: InstantKind; at: Millis },
    by: Principal,
  ): Promise<void> {
    if (TRIGGERS.has(kind))
      await this.tell(db, incidentId, caseIds, kind as Trigger['trigger'], {
        reason: HAPPENED[kind as keyof typeof HAPPENED],
        by,
      });
    await this.earlier.apply(db, caseIds, kind, at, by);
    await this.obligations.reckon(db, incidentId, by, { caseIds: caseIds.slice(0, AT_ONCE) });
    if (caseIds.length > AT_ONCE) await this.outbox.put(db, deriveObligations, { incidentId });
  }

  /** The same for what somebody found out later, with a run of its own that carries out what is new. */
  async tell(
    db: Db,
    incidentId: Id,
    caseIds: readonly Id[],
    happened: Trigger['trigger'],
    o: { reason: string; by: Principal },
  ): Promise<Id[]> {
    const batchId = newId();
    const owed = await this.owe(db, caseIds, happened, { ...o, batchId });
    if (owed.length > 0) {
      await this.runs.start(db, {
        runbook: NOTIFICATION,
        subject: { kind: 'incident', id: incidentId },
        input: { batchId, incidentId },
        correlationId: o.by.correlationId,
        by: o.by,
      });
    }
    return owed;
  }

  /**
   * @param happened what became of them. `confirmed` counts as `suspected`, too: who promised to tell on suspicion owes it
   *   all the more on certainty. What was owed on the suspicion already is not owed again.
   * @param batchId what the runbook's notices belong to
   */
  async owe(
    db: Db,
    caseIds: readonly Id[],
    happened: Trigger['trigger'],
    o: { batchId?: Id; reason: string; by: Principal },
  ): Promise<Id[]> {
    if (caseIds.length === 0) return [];
    const cases = await rowsOf<CaseRow>(
      db,
      `SELECT c.id, c.reference, c.integration_id, n.name AS integration_name, c.agreement_version_id, c.awareness_at,
              c.state = 'open' AS open, i.severity, i.update_every_hours, ${said('occurred')} AS began, ${said('determined')} AS determined,
              (SELECT count(*)::int FROM location l WHERE l.integration_id = c.integration_id AND l.retired_at IS NULL
                  AND EXISTS (SELECT FROM case_credential k WHERE k.case_id = c.id AND k.credential_id = l.credential_id
                                 AND ${holds('l', 'k.version_id')})) AS copies,
              (SELECT jsonb_agg(x) FROM (
                 SELECT u.label, d.environment, coalesce(e.liveness, '${STATE_UNKNOWN}') AS state
                   FROM case_credential k
                   JOIN credential_use u ON u.credential_id = k.credential_id AND u.integration_id = k.integration_id
                   JOIN credential d ON d.id = k.credential_id
                   LEFT JOIN version_death e ON e.version_id = k.version_id
                  WHERE k.case_id = c.id ORDER BY d.risk DESC, u.label LIMIT ${MOST_NAMED}) x) AS credentials,
              (SELECT array_agg(DISTINCT t.trigger) FROM term t WHERE t.agreement_version_id = c.agreement_version_id) AS triggers,
              (${OTHERS}) AS others
         FROM incident_case c JOIN integration n ON n.id = c.integration_id JOIN incident i ON i.id = c.incident_id
        WHERE c.id = ANY($1::uuid[]) ORDER BY c.id`,
      [caseIds],
    );
    if (cases.length === 0) return [];
    const [operator] = await rowsOf<{ name: string }>(
      db,
      `SELECT name FROM party WHERE is_operator ORDER BY created_at LIMIT 1`,
    );
    const instants = await instantsOfCases(
      db,
      cases.map(({ id }) => id),
    );
    const agreed = cases.flatMap((row) => [
      ...(row.agreement_version_id === null
        ? []
        : [{ row, version: row.agreement_version_id, known: row.triggers ?? [] }]),
      ...(row.others ?? []).map(({ version, triggers: known }) => ({ row, version, known: known ?? [] })),
    ]);
    const triggers = agreed.flatMap(({ row, version, known }) =>
      triggersOf(happened, known).map((trigger): Trigger => ({
        integrationId: row.integration_id,
        agreementVersionId: version,
        subject: { kind: 'case', id: row.id },
        trigger,
        instants: instants.get(row.id) ?? {},
        facts: {
          caseReference: row.reference,
          integrationName: row.integration_name,
          fromParty: operator?.name ?? 'the operator',
          awareAt: iso(row.awareness_at.getTime()),
          credentials: row.credentials ?? [],
          copies: row.copies,
          reason: o.reason,
          unknown: unknownOf({
            credentials: row.credentials ?? [],
            began: row.began,
            determined: row.determined,
          }),
          // Nobody is held to updates of a case that is closed.
          updateWithinHours: row.open ? updateEvery(row.severity, row.update_every_hours) / HOUR : null,
        },
        ...(o.batchId ? { batchId: o.batchId } : {}),
        correlationId: o.by.correlationId,
      })),
    );
    return this.notices.owe(db, triggers, o.by);
  }
}

export function triggersOf(happened: Trigger['trigger'], known: readonly string[]): Trigger['trigger'][] {
  const made: Trigger['trigger'][] = happened === 'confirmed' ? ['suspected', 'confirmed'] : [happened];
  return made.filter((trigger) => known.includes(trigger));
}
