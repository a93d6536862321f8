import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { digestsOf } from '../credentials/fingerprint.rules.ts';
import { valuesAmong } from '../credentials/known-values.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { Envelopes } from './envelopes.ts';
import { defaultTrust, type Reporter, type Trust } from './exposure.rules.ts';
import { exposuresReported } from './exposures.events.ts';
import { fetchMissing } from './fetch-missing.job.ts';
import { Quota } from './quota.ts';
import { prepare, recordReports, type PreparedReport, type RecordedReport } from './record-reports.ts';
import type { ReportInput } from './report.schema.ts';
import { toReport } from './report.schema.ts';
import type { Report } from './source.ts';

/** Reports of one reporter by the API in an hour; signed sources have a quota of their own. */
const REPORTS_PER_HOUR = 20_000;

export interface FileRequest {
  batchId: Id;
  deliveryId: Id | null;
  reporter: Reporter;
  reports: readonly PreparedReport[];
  fetchable: boolean;
  by: Principal;
  now: Millis;
}

/** What every reporter is told, whatever became of the report. */
export interface Filed {
  exposures: { reference: string; ref: string }[];
}

/** Takes reports in: fingerprints, rows, ledger, and the wake-up for the match, in one transaction. */
@Injectable()
export class ReportsService {
  readonly #quota = new Quota();

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly keys: Keys,
    private readonly envelopes: Envelopes,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
  ) {}

  /**
   * Reports by an authenticated person, token or party. The answer neither says nor shows by its time whether something
   * matched: matching happens afterwards, and until then every value takes the same way.
   */
  report(inputs: readonly ReportInput[], by: Principal): Promise<Result<Filed, Refusal>> {
    return this.take(
      inputs.map((input) => toReport(input, newId())),
      by,
    );
  }

  /** The same of reports that were read out of something. Their values are wiped. */
  async take(reports: readonly Report[], by: Principal): Promise<Result<Filed, Refusal>> {
    const now = this.clock.now();
    const wait = this.#quota.take(`${by.kind}:${by.id}`, reports.length, REPORTS_PER_HOUR, now);
    if (wait !== undefined) {
      return err(
        refusal('too_many', 'too-many-reports', `More than ${REPORTS_PER_HOUR} reports in an hour.`, {
          retryAfter: wait,
        }),
      );
    }
    const batchId = newId();
    const prepared = prepare(reports, this.keys.peppers());
    // Exposures belong to the operator; what a party may read of its own is another matter.
    const asInstallation = system('intake', by.correlationId);
    const filed = await this.transactions.run(asInstallation, async (db) => {
      const reporter = await this.#reporterOf(db, by);
      return this.file(db, {
        batchId,
        deliveryId: null,
        reporter,
        reports: prepared,
        fetchable: false,
        by,
        now,
      });
    });
    for (const { value } of reports) value?.wipe();
    return ok({ exposures: filed.map(({ reference, externalRef }) => ({ reference, ref: externalRef })) });
  }

  /** The part in the transaction, for whatever way reports came. */
  async file(db: Db, request: FileRequest): Promise<RecordedReport[]> {
    const { batchId, by, now } = request;
    await this.envelopes.make(db, { id: batchId, correlationId: by.correlationId, now });
    const recorded = await this.record(db, request);
    const waiting = recorded.filter(({ state }) => state === 'received');
    await this.envelopes.seal(
      db,
      batchId,
      waiting.flatMap(({ exposureId, prepared }) =>
        prepared.value ? [{ key: exposureId, value: prepared.value }] : [],
      ),
    );
    if (waiting.length > 0) await this.outbox.put(db, exposuresReported, { batchId }, { key: batchId });
    return recorded;
  }

  /** Exposures, ledger, and the wake-up for what must be fetched; the batch's row must exist. */
  async record(db: Db, request: FileRequest): Promise<RecordedReport[]> {
    const { batchId, by, now } = request;
    const reports = await this.#withoutValues(db, request.reports);
    const recorded = await recordReports(db, { ...request, reports });
    await this.ledger.append(
      db,
      recorded.map((one) => ({
        kind: one.isNew ? 'exposure.reported' : 'exposure.updated',
        subject: { kind: 'exposure', id: one.exposureId },
        by,
        at: now,
        facts: {
          reference: one.reference,
          batchId,
          state: one.state,
          says: one.prepared.report.sourceSays ?? null,
          fingerprinted: one.prepared.digests.length > 0,
          ...(request.deliveryId ? { deliveryId: request.deliveryId } : {}),
        },
        // Of a delivery the sender's own id is committed to, once, with the delivery.
        ...(request.deliveryId
          ? {}
          : { committed: { ref: one.externalRef, ...(by.ip === undefined ? {} : { ip: by.ip }) } }),
      })),
    );
    const fetching = recorded.filter(({ state }) => state === 'fetching');
    await this.outbox.putAll(
      db,
      fetchMissing,
      fetching.map(({ exposureId }) => ({ payload: { exposureId }, key: exposureId })),
    );
    await this.#alertOf(db, recorded, now);
    return recorded;
  }

  /** What somebody gives as the supplier's id and is the value of a credential is its value, and stands nowhere in the clear. */
  async #withoutValues(db: Db, reports: readonly PreparedReport[]): Promise<readonly PreparedReport[]> {
    const ids = reports.flatMap(({ report }) => report.supplierId ?? []);
    if (ids.length === 0) return reports;
    const peppers = this.keys.peppers();
    const values = await valuesAmong(db, ids, peppers);
    if (values.size === 0) return reports;
    return reports.map((one) => {
      const { supplierId, ...report } = one.report;
      if (supplierId === undefined || !values.has(supplierId)) return one;
      const value = one.value ?? Secret.of(supplierId);
      return { report, value, digests: digestsOf(value, peppers) };
    });
  }

  /** Triage from the first moment, and news of what was thought over: neither may go unseen. */
  async #alertOf(db: Db, recorded: readonly RecordedReport[], now: Millis): Promise<void> {
    for (const one of recorded) {
      if (one.isNew && one.state === 'triage') {
        await this.alerts.raise(db, {
          kind: 'exposure.in-triage',
          severity: 'warning',
          subject: { kind: 'exposure', id: one.exposureId },
          message: `${one.reference} carries no value, and its source cannot be asked for it.`,
          dedupeKey: `exposure.in-triage:${one.exposureId}`,
          at: now,
        });
      }
      const over = one.incidentState === 'closed' || one.incidentState === 'dismissed';
      if (!one.isNew && over && one.prepared.report.resolved === undefined) {
        await this.alerts.raise(db, {
          kind: 'exposure.not-over',
          severity: 'critical',
          subject: { kind: 'exposure', id: one.exposureId },
          message: `The source of ${one.reference} reports it again, and its incident is ${one.incidentState}.`,
          dedupeKey: `exposure.not-over:${one.exposureId}`,
          at: now,
        });
      }
    }
  }

  /** How far a reporter is trusted: a source of kind `api` set up for the party says so; else the rule's default. */
  async #reporterOf(db: Db, by: Principal): Promise<Reporter> {
    const [row] = await rowsOf<{ trust: Trust }>(
      db,
      `SELECT trust FROM source WHERE kind = 'api' AND active AND party_id IS NOT DISTINCT FROM $1::uuid ORDER BY key LIMIT 1`,
      [by.partyId],
    );
    return {
      kind: by.kind,
      id: by.id,
      sourceId: null,
      partyId: by.partyId,
      trust: row?.trust ?? defaultTrust(by.partyId),
    };
  }
}
