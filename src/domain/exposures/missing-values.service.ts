import { Inject, Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import type { Refusal } from '../../kernel/errors.ts';
import type { Secret } from '../../kernel/secret.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { Envelopes } from './envelopes.ts';
import { exposuresReported } from './exposures.events.ts';
import { insertDigests, insertPlaces, prepare } from './record-reports.ts';
import { SOURCES, type Report, type Source } from './source.ts';
import { apiTokenBinding } from './source-keys.ts';

interface Loaded {
  exposureId: Id;
  reference: string;
  externalRef: string;
  source: Source | undefined;
  sourceId: Id;
  sourceName: string;
  baseUrl: string | null;
  token: Secret | null;
}

/** Asks sources for what their deliveries left out. The question is put outside any transaction. */
@Injectable()
export class MissingValues {
  constructor(
    @Inject(SOURCES) private readonly sources: readonly Source[],
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly keys: Keys,
    private readonly vault: Vault,
    private readonly envelopes: Envelopes,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
  ) {}

  /** @returns `again`: why another try makes sense. `last`: no other try comes, so a person has to look. */
  async fetch(
    exposureId: Id,
    by: Principal,
    signal: AbortSignal,
    last: boolean,
  ): Promise<{ again?: string }> {
    const loaded = await this.transactions.run(by, (db) => this.#load(db, exposureId));
    if (!loaded) return {};
    const answer = await ask(loaded, signal);
    if (!answer.ok && answer.error.kind === 'unavailable' && !last) return { again: answer.error.message };
    const now = this.clock.now();
    const [prepared] = answer.ok ? prepare([answer.value], this.keys.peppers()) : [];
    await this.transactions.run(by, async (db) => {
      // A later delivery may have brought the value in the meantime.
      const [row] = await rowsOf<{ id: Id }>(
        db,
        `SELECT id FROM exposure WHERE id = $1 AND state = 'fetching' FOR UPDATE`,
        [exposureId],
      );
      if (!row) return;
      if (!prepared?.value || prepared.digests.length === 0) {
        const reason = answer.ok ? 'its source gave no value' : answer.error.message;
        await this.#giveUp(db, loaded, reason, by, now);
        return;
      }
      const batchId = newId();
      await this.envelopes.make(db, { id: batchId, correlationId: by.correlationId, now });
      await this.envelopes.seal(db, batchId, [{ key: exposureId, value: prepared.value }]);
      await insertDigests(db, [{ exposureId, prepared }]);
      await insertPlaces(db, [{ exposureId, prepared }], now);
      await db.query(
        `UPDATE exposure SET state = 'received', batch_id = $2, source_says = coalesce($3, source_says),
                publicly_leaked = publicly_leaked OR $4, updated_at = $5, row_version = row_version + 1 WHERE id = $1`,
        [
          exposureId,
          batchId,
          prepared.report.sourceSays ?? null,
          prepared.report.publiclyLeaked ?? false,
          new Date(now),
        ],
      );
      await this.ledger.append(db, {
        kind: 'exposure.value-fetched',
        subject: { kind: 'exposure', id: exposureId },
        by,
        at: now,
        facts: { reference: loaded.reference, batchId, sourceId: loaded.sourceId },
      });
      await this.outbox.put(db, exposuresReported, { batchId }, { key: batchId });
    });
    if (answer.ok) answer.value.value?.wipe();
    return {};
  }

  async #load(db: Db, exposureId: Id): Promise<Loaded | undefined> {
    const [row] = await rowsOf<{
      reference: string;
      external_ref: string;
      source_id: Id;
      kind: string;
      name: string;
      api_base_url: string | null;
      api_token_ref: string | null;
    }>(
      db,
      `SELECT e.reference, e.external_ref, e.source_id, s.kind, s.name, s.api_base_url, s.api_token_ref
         FROM exposure e JOIN source s ON s.id = e.source_id WHERE e.id = $1 AND e.state = 'fetching'`,
      [exposureId],
    );
    if (!row) return undefined;
    return {
      exposureId,
      reference: row.reference,
      externalRef: row.external_ref,
      source: this.sources.find((source) => source.key === row.kind),
      sourceId: row.source_id,
      sourceName: row.name,
      baseUrl: row.api_base_url,
      token: row.api_token_ref
        ? await this.vault.get(db, row.api_token_ref, apiTokenBinding(row.source_id))
        : null,
    };
  }

  async #giveUp(db: Db, loaded: Loaded, reason: string, by: Principal, now: number): Promise<void> {
    await db.query(
      `UPDATE exposure SET state = 'triage', triage_reason = $2, updated_at = $3, row_version = row_version + 1 WHERE id = $1`,
      [loaded.exposureId, reason.slice(0, 1000), new Date(now)],
    );
    await this.alerts.raise(db, {
      kind: 'exposure.not-fetched',
      severity: 'critical',
      subject: { kind: 'source', id: loaded.sourceId },
      message: `${loaded.reference} carries no secret, and ${loaded.sourceName} did not give it: ${reason}`,
      dedupeKey: `exposure.not-fetched:${loaded.sourceId}`,
      at: now,
    });
    await this.ledger.append(db, {
      kind: 'exposure.in-triage',
      subject: { kind: 'exposure', id: loaded.exposureId },
      by,
      at: now,
      facts: { reference: loaded.reference, code: 'not-fetched' },
    });
  }
}

async function ask(loaded: Loaded, signal: AbortSignal): Promise<Result<Report, Refusal>> {
  const refused = (message: string): Result<Report, Refusal> => ({
    ok: false,
    error: { kind: 'precondition', code: 'source-api-missing', message },
  });
  if (!loaded.source?.fetchMissing)
    return refused('the report carries no value, and its source cannot be asked for it');
  const baseUrl = loaded.baseUrl ?? loaded.source.apiBaseUrl;
  if (!baseUrl)
    return refused('the alert carries no secret, and the source has no API address to ask for it');
  const report: Report = { externalRef: loaded.externalRef, value: null, foundAt: [] };
  return loaded.source.fetchMissing(report, { baseUrl, token: loaded.token, signal });
}
