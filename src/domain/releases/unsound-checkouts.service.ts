import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { NoticesService } from '../notices/notices.service.ts';
import { readsIn } from '../parties/contact-language.ts';
import { BEING_REVOKED, EXPOSED } from './version-state.queries.ts';

interface Unsound {
  id: Id;
  identityId: Id;
  integrationId: Id;
  integrationName: string;
  machineReference: string;
  machineName: string;
  partyId: Id;
  partyName: string;
  credentialId: Id;
  credentialReference: string;
  credentialName: string;
  versionId: Id;
  versionNumber: number;
  leaked: boolean;
}

const MOST = 200;

/**
 * Leases of values that must not be used any more: what leaked, and what is being revoked or has ended. They end at once,
 * and whoever answers for the machine is told, as the machine holds the value whatever is written here.
 */
@Injectable()
export class UnsoundCheckouts {
  constructor(
    private readonly transactions: Transactions,
    private readonly notices: NoticesService,
    private readonly alerts: AlertsService,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** @returns how many ended */
  async end(by: Principal): Promise<number> {
    for (let ended = 0; ;) {
      const some = await this.transactions.run(by, (db) => this.#end(db, by));
      ended += some;
      if (some < MOST) return ended;
    }
  }

  async #end(db: Db, by: Principal): Promise<number> {
    const now = this.clock.now();
    // Held before anything else of them is read: whoever returns or renews one meanwhile comes first or after.
    const held = await db.query<{ id: Id }[]>(
      `SELECT k.id FROM checkout k JOIN credential_version v ON v.id = k.version_id LEFT JOIN version_death d ON d.version_id = v.id
        WHERE k.state = 'open' AND k.expires_at > $1 AND (v.phase = 'retired' OR ${BEING_REVOKED} OR d.liveness = 'dead' OR ${EXPOSED})
        ORDER BY k.id LIMIT ${MOST} FOR UPDATE OF k SKIP LOCKED`,
      [iso(now)],
    );
    if (held.length === 0) return 0;
    const rows = await db.query<Unsound[]>(
      `SELECT k.id, k.identity_id AS "identityId", m.integration_id AS "integrationId", i.name AS "integrationName",
              m.reference AS "machineReference", m.name AS "machineName", p.id AS "partyId", p.name AS "partyName",
              c.id AS "credentialId", c.reference AS "credentialReference", c.name AS "credentialName",
              v.id AS "versionId", v.number AS "versionNumber", ${EXPOSED} AS leaked
         FROM checkout k JOIN machine_identity m ON m.id = k.identity_id JOIN party p ON p.id = m.party_id
         JOIN integration i ON i.id = m.integration_id JOIN credential_version v ON v.id = k.version_id
         JOIN credential c ON c.id = k.credential_id WHERE k.id = ANY($1) ORDER BY k.id`,
      [held.map(({ id }) => id)],
    );
    await db.query(
      `UPDATE checkout SET state = 'revoked', ended_by = 'version', ended_at = $2 WHERE id = ANY($1)`,
      [rows.map(({ id }) => id), iso(now)],
    );
    await this.ledger.append(
      db,
      rows.map((row) => ({
        kind: 'checkout.revoked',
        subject: { kind: 'checkout', id: row.id },
        by,
        at: now,
        facts: { version: row.versionId, why: row.leaked ? 'exposed' : 'revoked' },
      })),
    );
    // However many leases a machine holds of a version, it is one thing to tell.
    const told = new Map(rows.map((row) => [`${row.identityId} ${row.versionId}`, row]));
    for (const row of told.values()) {
      await this.#alert(db, row, now);
      await this.#tell(db, row, by, now);
    }
    return rows.length;
  }

  #alert(db: Db, row: Unsound, at: Millis): Promise<void> {
    const why = row.leaked ? 'was reported as leaked' : 'is being revoked, or has ended';
    return this.alerts.raise(db, {
      kind: 'checkout.version-ended',
      severity: row.leaked ? 'critical' : 'warning',
      message: `${row.machineName} (${row.machineReference}) held version ${row.versionNumber} of ${row.credentialName}, which ${why}. Its checkout has ended; see that it stops using the value.`,
      dedupeKey: `checkout.version-ended:${row.identityId}:${row.versionId}`,
      subject: { kind: 'credential', id: row.credentialId },
      at,
    });
  }

  /** The security contacts of whose machine it is. */
  async #tell(db: Db, row: Unsound, by: Principal, now: Millis): Promise<void> {
    const contacts = await db.query<{ id: Id; name: string; language: string }[]>(
      `SELECT id, name, ${readsIn('contact')} AS language FROM contact WHERE party_id = $1 AND active AND role = 'security' ORDER BY id`,
      [row.partyId],
    );
    for (const contact of contacts)
      await this.notices.send(
        db,
        {
          integrationId: row.integrationId,
          partyId: row.partyId,
          contactId: contact.id,
          subject: { kind: 'credential', id: row.credentialId },
          category: 'checkout-ended',
          language: contact.language,
          fulfilledBy: 'accepted_by_peer',
          facts: {
            contactName: contact.name,
            partyName: row.partyName,
            integrationName: row.integrationName,
            machineName: row.machineName,
            machineReference: row.machineReference,
            credentialName: row.credentialName,
            credentialReference: row.credentialReference,
            versionNumber: row.versionNumber,
            leaked: row.leaked,
            at: iso(now),
          },
          key: `checkout-ended:${row.identityId}:${row.versionId}:${contact.id}`,
          correlationId: by.correlationId,
        },
        by,
      );
  }
}
