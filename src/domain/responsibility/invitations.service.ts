import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { LinksService } from '../access/links.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { lockVersion, refusalsOf } from './attestations.service.ts';

/** Invitations to sign that went to the wrong person, or too early. */
@Injectable()
export class Invitations {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly links: LinksService,
    private readonly ledger: LedgerService,
  ) {}

  /**
   * Takes back what one contact was mailed about a version: every link that they did not follow to its end stops working.
   * By the side that proposed it, and by the operator.
   */
  async withdraw(invitationId: Id, by: Principal): Promise<Result<void, Refusal>> {
    const seen = await this.transactions.run(by, (db) =>
      db.query<{ versionId: Id; contactId: Id }[]>(
        `SELECT matrix_version_id AS "versionId", contact_id AS "contactId" FROM matrix_invitation WHERE id = $1 AND purpose = 'attest'`,
        [invitationId],
      ),
    );
    const [found] = seen;
    if (!found) return err(refusal('not_found', 'no-invitation', 'There is no such invitation to sign.'));
    return refusalsOf(() =>
      this.transactions.run({ ...by, partyId: null }, async (db) => {
        const version = await lockVersion(db, found.versionId);
        if (by.partyId !== null && by.partyId !== version.proposedByPartyId)
          throw new Refused(
            refusal(
              'forbidden',
              'not-your-invitation',
              'The other side invited them: ask it to take that back.',
            ),
          );
        const at = iso(this.clock.now());
        const withdrawn = await rowsOf<{ id: Id }>(
          db,
          `UPDATE matrix_invitation SET withdrawn_at = $3, withdrawn_by = $4, mail = CASE WHEN mail = 'accepted' THEN mail ELSE 'failed' END,
                  peer_answer = CASE WHEN mail = 'accepted' THEN peer_answer ELSE 'not sent: it was withdrawn' END
            WHERE matrix_version_id = $1 AND contact_id = $2 AND purpose = 'attest' AND withdrawn_at IS NULL RETURNING id`,
          [version.id, found.contactId, at, by.id],
        );
        if (withdrawn.length === 0)
          throw new Refused(
            refusal('conflict', 'already-withdrawn', 'The invitation was withdrawn already.'),
          );
        await this.links.revokeLinks(db, { kind: 'matrix_version', id: version.id }, found.contactId);
        await this.ledger.append(db, {
          kind: 'matrix.invitation_withdrawn',
          subject: { kind: 'matrix_version', id: version.id },
          by,
          at: this.clock.now(),
          facts: { contact: found.contactId, invitations: withdrawn.map(({ id }) => id) },
        });
      }),
    );
  }
}
