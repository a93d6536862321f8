import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { HOUR, iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { REMIND_BEFORE } from './attestation.rules.ts';
import { findVersion } from './matrix-facts.queries.ts';
import { matrixChanged } from './responsibility.events.ts';
import { Signatures } from './signatures.service.ts';

const AT_ONCE = 100;

/** Signatures are given for a time: asks for them anew, and says when they have run out. */
@Sweep({ name: 'responsibility.signatures', every: HOUR })
export class SignaturesSweep implements Sweeper {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly signatures: Signatures,
  ) {}

  async sweep(by: Principal): Promise<void> {
    await this.#remind(by);
    await this.#expire(by);
    await this.#overdueContacts(by);
  }

  /** A month before a signature runs out its side is asked again, once. */
  async #remind(by: Principal): Promise<void> {
    const now = this.clock.now();
    await this.transactions.run(by, async (db) => {
      const soon = await db.query<{ id: Id; partyId: Id; versionId: Id }[]>(
        `SELECT DISTINCT ON (a.id) a.id, a.party_id AS "partyId", v.id AS "versionId" FROM attestation a
           JOIN matrix_version v ON v.integration_id = a.integration_id AND v.content_hash = a.content_hash AND v.state = 'countersigned'
          WHERE a.withdrawn_at IS NULL AND a.fallen_at IS NULL AND a.reminded_at IS NULL AND a.expires_at <= $1 AND a.expires_at > $2
          ORDER BY a.id LIMIT ${AT_ONCE}`,
        [iso(now + REMIND_BEFORE), iso(now)],
      );
      for (const { id, partyId, versionId } of soon) {
        const version = (await findVersion(db, versionId))!;
        const { signers } = await this.signatures.standing(db, version, now);
        const others = signers.filter((signer) => signer !== partyId);
        await this.signatures.tellAll(db, version, 'attest', now, others);
        await db.query('UPDATE attestation SET reminded_at = $2 WHERE id = $1', [id, iso(now)]);
      }
    });
  }

  async #expire(by: Principal): Promise<void> {
    const now = this.clock.now();
    for (;;) {
      const found = await this.transactions.run(by, async (db) => {
        const over = await db.query<{ versionId: Id }[]>(
          `SELECT DISTINCT v.id AS "versionId" FROM attestation a
             JOIN matrix_version v ON v.integration_id = a.integration_id AND v.content_hash = a.content_hash AND v.state = 'countersigned'
            WHERE a.withdrawn_at IS NULL AND a.fallen_at IS NULL AND a.expires_at <= $1
              AND NOT EXISTS (SELECT FROM attestation b WHERE b.integration_id = a.integration_id AND b.content_hash = a.content_hash
                                 AND b.party_id = a.party_id AND b.withdrawn_at IS NULL AND b.fallen_at IS NULL AND b.expires_at > $1)
            LIMIT ${AT_ONCE}`,
          [iso(now)],
        );
        for (const { versionId } of over) await this.#expireOne(db, versionId, by);
        return over.length;
      });
      if (found < AT_ONCE) return;
    }
  }

  async #expireOne(db: Db, versionId: Id, by: Principal): Promise<void> {
    const now = this.clock.now();
    const version = (await findVersion(db, versionId))!;
    // It stays what both agreed to last, and is signed by both no longer.
    await db.query(`UPDATE matrix_version SET state = 'expired' WHERE id = $1`, [versionId]);
    await this.ledger.append(db, {
      kind: 'matrix.expired',
      subject: { kind: 'matrix_version', id: versionId },
      by,
      at: now,
      facts: { integration: version.integrationId, number: version.number },
    });
    await this.outbox.put(db, matrixChanged, { integrationId: version.integrationId, versionId });
    await this.signatures.alert(
      db,
      version,
      'matrix.expired',
      'has signatures that ran out: both sides sign it again',
      now,
    );
    const { signers, missing } = await this.signatures.standing(db, version, now);
    await this.signatures.tellAll(
      db,
      { ...version, state: 'expired' },
      'attest',
      now,
      signers.filter((id) => !missing.includes(id)),
    );
  }

  /** A contact person who has not confirmed in time is one who may not be there. */
  async #overdueContacts(by: Principal): Promise<void> {
    const now = this.clock.now();
    await this.transactions.run(by, async (db) => {
      const late = await db.query<{ versionId: Id }[]>(
        `SELECT DISTINCT v.id AS "versionId" FROM contact_confirmation c JOIN matrix_version v ON v.integration_id = c.integration_id AND v.state = 'countersigned'
          WHERE c.confirmed_at IS NULL AND c.due_at <= $1
            AND NOT EXISTS (SELECT FROM alert a WHERE a.dedupe_key = 'matrix.contact-unconfirmed:' || v.id AND a.handled_at IS NULL)
          LIMIT ${AT_ONCE}`,
        [iso(now)],
      );
      for (const { versionId } of late) {
        const version = (await findVersion(db, versionId))!;
        await this.signatures.alert(
          db,
          version,
          'matrix.contact-unconfirmed',
          'names a contact person who has not confirmed within 14 days',
          now,
        );
      }
    });
  }
}
