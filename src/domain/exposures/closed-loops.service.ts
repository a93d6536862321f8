import { Inject, Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { SOURCES, type Source } from './source.ts';
import { apiTokenBinding } from './source-keys.ts';

/**
 * Closes the loop at who reported: once a version is proven dead, its report is resolved there. Only proof closes it: not
 * that somebody asked for a revocation, nor that a supplier said yes.
 */
@Injectable()
export class ClosedLoops {
  constructor(
    @Inject(SOURCES) private readonly sources: readonly Source[],
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly vault: Vault,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
  ) {}

  /** @returns `again`: why another try makes sense. `last`: no other try comes, so a person has to do it. */
  async close(
    exposureId: Id,
    by: Principal,
    signal: AbortSignal,
    last: boolean,
  ): Promise<{ again?: string }> {
    const loaded = await this.transactions.run(by, async (db) => {
      const [row] = await rowsOf<{
        reference: string;
        external_ref: string;
        source_id: Id;
        kind: string;
        name: string;
        api_base_url: string | null;
        api_token_ref: string;
        dead_at: Date;
      }>(
        db,
        `SELECT e.reference, e.external_ref, e.source_id, s.kind, s.name, s.api_base_url, s.api_token_ref, d.liveness_at AS dead_at
           FROM exposure e JOIN source s ON s.id = e.source_id JOIN version_death d ON d.version_id = e.version_id
          WHERE e.id = $1 AND e.resolution IS NULL AND e.state <> 'dismissed' AND d.liveness = 'dead'
            AND s.active AND s.api_token_ref IS NOT NULL`,
        [exposureId],
      );
      if (!row) return undefined;
      const token = await this.vault.get(db, row.api_token_ref, apiTokenBinding(row.source_id));
      return { ...row, token };
    });
    const source = loaded && this.sources.find(({ key }) => key === loaded.kind);
    const baseUrl = loaded?.api_base_url ?? source?.apiBaseUrl;
    if (!loaded || !source?.closeReport || baseUrl === undefined) return {};
    const answer = await source.closeReport(
      {
        externalRef: loaded.external_ref,
        comment: `Revoked. Its verifier refuses it since ${iso(loaded.dead_at.getTime())} (${loaded.reference}).`,
      },
      { baseUrl, token: loaded.token, signal, now: this.clock.now() },
    );
    if (!answer.ok && answer.error.kind === 'unavailable' && !last) return { again: answer.error.message };
    const now = this.clock.now();
    const key = `exposure.not-closed:${exposureId}`;
    await this.transactions.run(by, async (db) => {
      if (!answer.ok) {
        await this.alerts.raise(db, {
          kind: 'exposure.not-closed-at-source',
          severity: 'warning',
          message: `${loaded.reference} is proven dead, and ${loaded.name} was not told: ${answer.error.message} Resolve ${loaded.external_ref} there by hand.`,
          dedupeKey: key,
          subject: { kind: 'exposure', id: exposureId },
          at: now,
        });
        return;
      }
      await db.query(
        `UPDATE exposure SET resolution = $2, resolved_at = $3, updated_at = $3, row_version = row_version + 1
          WHERE id = $1 AND resolution IS NULL`,
        [exposureId, answer.value.resolution, iso(now)],
      );
      await this.alerts.settle(db, key, now);
      await this.ledger.append(db, {
        kind: 'exposure.closed-at-source',
        subject: { kind: 'exposure', id: exposureId },
        by,
        at: now,
        facts: {
          reference: loaded.reference,
          sourceId: loaded.source_id,
          resolution: answer.value.resolution,
        },
      });
    });
    return {};
  }
}
