import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { AgreementsService } from '../agreements/agreements.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { findTerms } from './bound-terms.ts';
import type { VersionFacts } from './matrix-facts.queries.ts';

/** Terms that were signed with a matrix hold from the last signature on, as a version of the agreement. */
@Injectable()
export class TermsInForce {
  constructor(
    private readonly agreements: AgreementsService,
    private readonly alerts: AlertsService,
  ) {}

  /** In the transaction of the signature. Terms that cannot hold (a contact left since) keep nobody from signing: they alert. */
  async enact(db: Db, version: VersionFacts, by: Principal, now: Millis): Promise<void> {
    const terms = version.termsHash === null ? undefined : await findTerms(db, version.id);
    if (!terms || terms.agreementVersionId !== null) return;
    const [integration] = await db.query<{ reference: string; agreementId: Id | null }[]>(
      `SELECT i.reference, a.id AS "agreementId" FROM integration i LEFT JOIN agreement a ON a.id = i.agreement_id AND a.party_id = $2 WHERE i.id = $1`,
      [version.integrationId, terms.partyId],
    );
    const { partyId, title, content } = terms;
    const agreementId = integration?.agreementId ?? null;
    const held = await this.agreements.adopt(db, { agreementId, partyId, title, content }, by);
    if (!held.ok) {
      const why = held.error.fields?.[0];
      await this.alerts.raise(db, {
        kind: 'matrix.terms-not-in-force',
        severity: 'critical',
        message: `The terms signed for ${integration?.reference ?? 'an integration'} could not be put in force: ${why ? `${why.field} ${why.problem}` : held.error.message}. Write them into the agreement by hand.`,
        dedupeKey: `matrix.terms-not-in-force:${version.id}`,
        subject: { kind: 'integration', id: version.integrationId },
        at: now,
      });
      return;
    }
    await db.query('UPDATE matrix_terms SET agreement_version_id = $2 WHERE matrix_version_id = $1', [
      version.id,
      held.value.id,
    ]);
    if (agreementId === null)
      await db.query(
        `UPDATE integration SET agreement_id = $2, updated_at = $3, row_version = row_version + 1 WHERE id = $1`,
        [version.integrationId, held.value.agreementId, iso(now)],
      );
  }
}
