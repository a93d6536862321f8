import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { readPublicKey } from '../../kernel/detached-signature.ts';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { actedFor } from '../access/acted-for.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { tellOfKey } from './tell-of-key.definition.ts';

export interface SigningKeyView {
  id: Id;
  contactId: Id;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex: what people compare over the phone. */
  fingerprint: string;
  registeredAt: string;
  revokedAt: string | null;
  /** Registered by the contact's own side; one that is not counts for nothing until they register it, too. */
  counts: boolean;
}

export interface RegisteredKey {
  id: Id;
  contactId: Id;
  partyId: Id;
  publicKey: string;
  registeredBy: string;
  registeredAt: Date;
  counts: boolean;
}

/**
 * Keys with which contacts sign elsewhere. A key counts for what is proposed after it was registered. Only the contact's own
 * side registers one: whoever else could, could answer in its name. One that somebody else registered, before that was so,
 * counts for nothing until that side registers the same one.
 */
@Injectable()
export class SigningKeys {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
  ) {}

  async register(contactId: Id, pem: string, by: Principal): Promise<Result<SigningKeyView, Refusal>> {
    const key = readPublicKey(pem);
    if (!key)
      return err(
        refusal('invalid', 'not-a-key', 'That is no Ed25519 public key.', {
          fields: [
            {
              field: '/publicKey',
              problem: 'is no Ed25519 public key in PEM or of OpenSSH',
              mend: 'Send what `openssl pkey -pubout` prints for an Ed25519 key, or the line of its `.pub` file.',
            },
          ],
        }),
      );
    const der = key.export({ type: 'spki', format: 'der' });
    const fingerprint = createHash('sha256').update(der).digest();
    const at = this.clock.now();
    const strange = await this.#registeredByOthers(contactId, fingerprint, by);
    try {
      return ok(
        await this.transactions.run(by, async (db) => {
          const [contact] = await db.query<{ partyId: Id; own: boolean }[]>(
            `SELECT k.party_id AS "partyId", ${isOwn('$2')} AS own FROM contact k JOIN party p ON p.id = k.party_id WHERE k.id = $1 AND k.active`,
            [contactId, by.partyId],
          );
          if (!contact) throw new Refused(refusal('not_found', 'no-contact', 'There is no such contact.'));
          if (!contact.own)
            throw new Refused(
              refusal(
                'forbidden',
                'not-their-side',
                'Only the contact’s own party registers a key for it: give one of its people an account, and have them register it on /signing-keys.',
              ),
            );
          const rows = await db.query<{ id: Id }[]>(
            `INSERT INTO signing_key (id, party_id, contact_id, public_key, fingerprint, registered_by, registered_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT ON CONSTRAINT signing_key_fingerprint
             DO UPDATE SET registered_by = excluded.registered_by, registered_at = excluded.registered_at
              WHERE signing_key.id = $8 AND signing_key.revoked_at IS NULL RETURNING id`,
            [
              newId(),
              contact.partyId,
              contactId,
              key.export({ type: 'spki', format: 'pem' }),
              fingerprint,
              by.id,
              iso(at),
              strange,
            ],
          );
          const id = rows[0]?.id;
          if (id === undefined)
            throw new Refused(refusal('conflict', 'key-known', 'This contact has that key already.'));
          await this.ledger.append(db, {
            kind: id === strange ? 'signing_key.confirmed' : 'signing_key.registered',
            subject: { kind: 'contact', id: contactId },
            by,
            at,
            facts: { key: id, fingerprint: fingerprint.toString('hex') },
          });
          await this.outbox.put(db, tellOfKey, { keyId: id });
          return {
            id,
            contactId,
            fingerprint: fingerprint.toString('hex'),
            registeredAt: iso(at),
            revokedAt: null,
            counts: true,
          };
        }),
      );
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  /** The same key, registered for the contact by somebody who is not of its side. */
  async #registeredByOthers(contactId: Id, fingerprint: Buffer, by: Principal): Promise<Id | null> {
    const [key] = await this.transactions.run(system('signing-keys', by.correlationId), (db) =>
      db.query<{ id: Id }[]>(
        `SELECT s.id FROM signing_key s WHERE s.contact_id = $1 AND s.fingerprint = $2 AND NOT ${COUNTS}`,
        [contactId, fingerprint],
      ),
    );
    return key?.id ?? null;
  }

  /** Signs nothing from now on; what it signed before stands. */
  async retire(keyId: Id, by: Principal): Promise<Result<void, Refusal>> {
    const at = this.clock.now();
    return this.transactions.run(by, async (db) => {
      const [key] = await db.query<{ contactId: Id; retired: boolean }[]>(
        `SELECT contact_id AS "contactId", revoked_at IS NOT NULL AS retired FROM signing_key WHERE id = $1 FOR UPDATE`,
        [keyId],
      );
      if (!key) return err(refusal('not_found', 'no-key', 'There is no such key.'));
      if (key.retired) return err(refusal('conflict', 'key-retired', 'The key was retired already.'));
      await db.query('UPDATE signing_key SET revoked_at = $2, revoked_by = $3 WHERE id = $1', [
        keyId,
        iso(at),
        by.id,
      ]);
      await this.ledger.append(db, {
        kind: 'signing_key.retired',
        subject: { kind: 'contact', id: key.contactId },
        by,
        at,
        facts: { key: keyId },
      });
      return ok(undefined);
    });
  }

  async of(contactId: Id, by: Principal): Promise<SigningKeyView[] | undefined> {
    const found = await this.transactions.run(by, async (db) => {
      const known = await db.query<unknown[]>('SELECT 1 FROM contact WHERE id = $1', [contactId]);
      if (known.length === 0) return undefined;
      return db.query<Row<SigningKeyView>[]>(
        `SELECT id, contact_id AS "contactId", encode(fingerprint, 'hex') AS fingerprint, registered_at AS "registeredAt", revoked_at AS "revokedAt"
           FROM signing_key WHERE contact_id = $1 ORDER BY registered_at DESC`,
        [contactId],
      );
    });
    return found && this.#judged(found, by);
  }

  /** Every key that the reader may see, those in use first. */
  async list(by: Principal): Promise<KeyLine[]> {
    const rows = await this.transactions.run(by, (db) =>
      db.query<Row<KeyLine>[]>(
        `SELECT s.id, s.contact_id AS "contactId", encode(s.fingerprint, 'hex') AS fingerprint, s.registered_at AS "registeredAt",
                s.revoked_at AS "revokedAt", k.name AS "contactName", p.name AS "partyName",
                (SELECT count(*)::int FROM attestation a WHERE a.signing_key_id = s.id) AS signatures
           FROM signing_key s JOIN contact k ON k.id = s.contact_id JOIN party p ON p.id = s.party_id
          ORDER BY s.revoked_at IS NOT NULL, p.name, k.name, s.registered_at DESC, s.id LIMIT 500`,
      ),
    );
    return this.#judged(rows, by);
  }

  /** Who registered a key is for the installation to know; whether it counts is for its party, too. */
  async #judged<T extends SigningKeyView>(rows: readonly Row<T>[], by: Principal): Promise<T[]> {
    const counting = await this.transactions.run(system('signing-keys', by.correlationId), (db) =>
      db.query<{ id: Id }[]>(`SELECT s.id FROM signing_key s WHERE s.id = ANY ($1::uuid[]) AND ${COUNTS}`, [
        rows.map(({ id }) => id),
      ]),
    );
    const known = new Set(counting.map(({ id }) => id));
    return rows.map(
      (row) =>
        ({
          ...row,
          registeredAt: row.registeredAt.toISOString(),
          revokedAt: row.revokedAt?.toISOString() ?? null,
          counts: known.has(row.id),
        }) as unknown as T,
    );
  }
}

/** As the database has it. */
type Row<T extends SigningKeyView> = Omit<T, 'registeredAt' | 'revokedAt' | 'counts'> & {
  id: Id;
  registeredAt: Date;
  revokedAt: Date | null;
};

/** Of a key `s`, in the scope of the installation. */
const COUNTS = actedFor('s.registered_by', 's.party_id');

export interface KeyLine extends SigningKeyView {
  contactName: string;
  partyName: string;
  /** How many signatures stand on it. */
  signatures: number;
}

/** SQL, of a contact `k` of a party `p`: whether whoever acts for a party (null: who runs this) is of its side. */
const isOwn = (party: string) =>
  `CASE WHEN ${party}::uuid IS NULL THEN p.is_operator ELSE k.party_id = ${party} END`;

/** Contacts for whom somebody may register a key: those of their own side. */
export function contactsForKeys(
  db: Db,
  by: Pick<Principal, 'partyId'>,
): Promise<{ id: Id; name: string; partyName: string }[]> {
  return db.query(
    `SELECT k.id, k.name, p.name AS "partyName" FROM contact k JOIN party p ON p.id = k.party_id WHERE k.active AND ${isOwn('$1')}
      ORDER BY p.name, k.ordinal, k.name, k.id LIMIT 500`,
    [by.partyId],
  );
}

/** @param db of the installation */
export async function findKey(db: Db, id: Id): Promise<RegisteredKey | undefined> {
  const [row] = await db.query<RegisteredKey[]>(
    `SELECT id, contact_id AS "contactId", party_id AS "partyId", public_key AS "publicKey", registered_by AS "registeredBy",
            registered_at AS "registeredAt", ${COUNTS} AS counts FROM signing_key s WHERE id = $1 AND revoked_at IS NULL`,
    [id],
  );
  return row;
}
