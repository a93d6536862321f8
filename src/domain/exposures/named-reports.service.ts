import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { nextReferences } from '../../platform/database/references.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { Envelopes } from './envelopes.ts';
import type { Trust } from './exposure.rules.ts';

/** A version that somebody names by what we call it: nobody has seen its value elsewhere, or nobody says so. */
export interface NamedReport {
  versionId: Id;
  credentialId: Id;
  integrationId: Id;
  /** How the reporter names the exposure. */
  ref: string;
  says: 'live' | 'unknown';
  detectedAt: Millis | null;
}

/** Reports that name versions of ours: from how they were used, and from people who revoke many at once. */
@Injectable()
export class NamedReports {
  constructor(
    private readonly envelopes: Envelopes,
    private readonly ledger: LedgerService,
  ) {}

  /** Files them as one batch that waits to be matched; set-based. The caller wakes the match, or makes it itself. */
  async file(
    db: Db,
    o: {
      batchId: Id;
      /** They join others of a batch that is there. */
      joins?: boolean;
      reports: readonly NamedReport[];
      /** On whose word: a person's, or our own. */
      reporter: { kind: 'user' | 'system'; id: string };
      trust: Trust;
      by: Principal;
      now: Millis;
    },
  ): Promise<void> {
    const { batchId, reports, by, now } = o;
    if (!o.joins) await this.envelopes.make(db, { id: batchId, correlationId: by.correlationId, now });
    const references = await nextReferences(db, 'EXP', now, reports.length);
    const ids = reports.map(() => newId());
    await db.query(
      `INSERT INTO exposure (id, reference, batch_id, external_ref, reporter_kind, reporter_id, trust, state, version_id, credential_id,
                             integration_id, source_says, detected_at, received_at, correlation_id, updated_at)
       SELECT r.id, r.reference, $1::uuid, r.external_ref, $2::text, $3::text, $4::text, 'received', r.version_id, r.credential_id,
              r.integration_id, r.says, r.detected_at, $5::timestamptz, $6::text, $5::timestamptz
         FROM unnest($7::uuid[], $8::text[], $9::text[], $10::uuid[], $11::uuid[], $12::uuid[], $13::text[], $14::timestamptz[])
              AS r(id, reference, external_ref, version_id, credential_id, integration_id, says, detected_at)`,
      [
        batchId,
        o.reporter.kind,
        o.reporter.id,
        o.trust,
        new Date(now),
        by.correlationId,
        ids,
        references,
        reports.map(({ ref }) => ref),
        reports.map(({ versionId }) => versionId),
        reports.map(({ credentialId }) => credentialId),
        reports.map(({ integrationId }) => integrationId),
        reports.map(({ says }) => says),
        reports.map(({ detectedAt }) => (detectedAt === null ? null : new Date(detectedAt))),
      ],
    );
    await this.ledger.append(
      db,
      reports.map((one, n) => ({
        kind: 'exposure.reported',
        subject: { kind: 'exposure', id: ids[n]! },
        by,
        at: now,
        facts: {
          reference: references[n]!,
          batchId,
          state: 'received',
          says: one.says,
          fingerprinted: false,
          versionId: one.versionId,
          ref: one.ref,
        },
      })),
    );
  }
}
