import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { ExposureDetail, ExposureView, OwnReport } from './exposure.schema.ts';
import { exposureOf, exposuresPage, ownReports } from './exposures.queries.ts';
import type { MatchedExposure } from './matching.service.ts';
import type { Trust } from './exposure.rules.ts';

/** What people do with exposures that no machine could place, and what they may read of exposures. */
@Injectable()
export class TriageService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  /** The operator reads all; a party reads its own reports, without a word on what they matched. */
  async list(
    o: { state?: string; incidentId?: Id; cursor?: Id; limit: number },
    by: Principal,
  ): Promise<{ exposures: (ExposureView | OwnReport)[]; next: Id | null }> {
    const exposures = await this.transactions.run<(ExposureView | OwnReport)[]>(by, (db) =>
      by.partyId === null ? exposuresPage(db, o) : ownReports(db, o),
    );
    return { exposures, next: exposures.length === o.limit ? (exposures.at(-1)?.id ?? null) : null };
  }

  async get(id: Id, by: Principal): Promise<Result<ExposureDetail, Refusal>> {
    const found = await this.transactions.run(by, (db) => exposureOf(db, id));
    return found ? ok(found) : err(unknownExposure());
  }

  /** Says that an exposure is none. The first person asks, a second one decides. */
  async dismiss(
    id: Id,
    reason: string,
    by: Principal,
  ): Promise<Result<{ state: 'triage' | 'dismissed' }, Refusal>> {
    const who = handOf(by);
    const now = this.clock.now();
    try {
      const state = await this.transactions.run(by, async (db) => {
        const row = await this.#lockTriage(db, id);
        if (row.dismiss_requested_by === who) {
          throw new Refused(
            refusal(
              'conflict',
              'second-person-needed',
              'You asked for this dismissal; a second person has to decide.',
            ),
          );
        }
        const next = row.dismiss_requested_by === null ? ('triage' as const) : ('dismissed' as const);
        await db.query(
          `UPDATE exposure SET state = $2, dismiss_requested_by = coalesce(dismiss_requested_by, $3), updated_at = $4,
                  row_version = row_version + 1 WHERE id = $1`,
          [id, next, who, new Date(now)],
        );
        await this.ledger.append(db, {
          kind: next === 'dismissed' ? 'exposure.dismissed' : 'exposure.dismissal-asked',
          subject: { kind: 'exposure', id },
          by,
          at: now,
          facts: { reference: row.reference, askedBy: row.dismiss_requested_by ?? who },
          committed: { reason },
        });
        return next;
      });
      return ok({ state });
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  /**
   * A person says which version an exposure in triage is about. It counts as a match on the value only where the digests
   * agree. Leaves it in state `matched`: the caller accepts it in the same transaction. @throws Refused
   */
  async matchByHand(db: Db, id: Id, versionId: Id, reason: string, by: Principal): Promise<MatchedExposure> {
    const now = this.clock.now();
    const row = await this.#lockTriage(db, id);
    const [version] = await rowsOf<{ credential_id: Id; integration_id: Id; by_value: boolean }>(
      db,
      `SELECT v.credential_id, v.integration_id, EXISTS (
                SELECT FROM fingerprint f JOIN exposure_digest d ON d.digest = f.digest AND d.scheme = f.scheme AND d.key_id = f.key_id
                 WHERE f.version_id = v.id AND d.exposure_id = $2) AS by_value
         FROM credential_version v WHERE v.id = $1`,
      [versionId, id],
    );
    if (!version) {
      throw new Refused(
        refusal('invalid', 'no-such-version', 'There is no such credential version.', {
          fields: [
            { field: '/versionId', problem: 'names no version', mend: 'Take it from the credential’s page.' },
          ],
        }),
      );
    }
    const match = version.by_value ? 'value' : 'metadata';
    await db.query(
      `UPDATE exposure SET state = 'matched', triage_reason = NULL, match = $2, version_id = $3, credential_id = $4,
              integration_id = $5, matched_at = $6, updated_at = $6, row_version = row_version + 1 WHERE id = $1`,
      [id, match, versionId, version.credential_id, version.integration_id, new Date(now)],
    );
    await this.ledger.append(db, {
      kind: 'exposure.matched-by-hand',
      subject: { kind: 'exposure', id },
      by,
      at: now,
      facts: { reference: row.reference, versionId, match },
      committed: { reason },
    });
    return {
      exposureId: id,
      reference: row.reference,
      match,
      versions: [{ versionId, credentialId: version.credential_id, integrationId: version.integration_id }],
      trust: row.trust,
      place: row.place,
      receivedAt: row.received_at.getTime(),
      occurredAt: row.occurred_at?.getTime() ?? null,
      detectedAt: row.detected_at?.getTime() ?? null,
      publiclyLeaked: row.publicly_leaked,
      basis: `${row.reference}, matched by a person`,
    };
  }

  async #lockTriage(db: Db, id: Id): Promise<TriageRow> {
    const [row] = await rowsOf<TriageRow>(
      db,
      `SELECT reference, state, trust, place, received_at, occurred_at, detected_at, publicly_leaked, dismiss_requested_by
         FROM exposure WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (!row) throw new Refused(unknownExposure());
    if (row.state !== 'triage') {
      throw new Refused(
        refusal('conflict', 'not-in-triage', `The exposure is not in triage but ${row.state}.`),
      );
    }
    return row;
  }
}

interface TriageRow {
  reference: string;
  state: string;
  trust: Trust;
  place: string | null;
  received_at: Date;
  occurred_at: Date | null;
  detected_at: Date | null;
  publicly_leaked: boolean;
  dismiss_requested_by: string | null;
}

function unknownExposure(): Refusal {
  return refusal('not_found', 'no-such-exposure', 'There is no such exposure.');
}
