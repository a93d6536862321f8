import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { Injectable } from '@nestjs/common';
import { SignJWT, type JWK } from 'jose';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { Secret } from '../../kernel/secret.ts';
import { ELAPSED_DAY, iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { PublicUrl } from '../../platform/config/public-url.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { claimsOf, type SetFacts } from './set.rules.ts';
import { MOST_AGE } from './signal.rules.ts';

/** What the CAEP interoperability profile asks for. */
const ALG = 'RS256';
const BITS = 2048;
/** A retired key is published for as long as a token that it signed may still be on its way, and a day more. */
const PUBLISHED: Millis = MOST_AGE + ELAPSED_DAY;

const keyBinding = (id: Id) => `signal_key:${id}`;

/** Signs Security Event Tokens, and publishes what they are verified with. The private key stays in the vault. */
@Injectable()
export class SetSigner {
  #open: { id: Id; key: KeyObject } | undefined;

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly vault: Vault,
    private readonly ledger: LedgerService,
    private readonly publicUrl: PublicUrl,
  ) {}

  /** Our name as the transmitter. */
  issuer(): string {
    return this.publicUrl.get();
  }

  /** The compact token of a message; the same claims each time. */
  token(db: Db, facts: SetFacts): Promise<string> {
    return this.sign(db, claimsOf(facts, this.issuer()));
  }

  async sign(db: Db, claims: Record<string, unknown>): Promise<string> {
    const { id, key } = await this.#current(db);
    return new SignJWT(claims).setProtectedHeader({ alg: ALG, kid: id, typ: 'secevent+jwt' }).sign(key);
  }

  /** The JWK Set (RFC 7517): the key that signs, and those that signed what may still be on its way. */
  async published(): Promise<{ keys: JWK[] }> {
    const now = this.clock.now();
    return this.transactions.run(system('signals', 'jwks'), async (db) => {
      const kept = () =>
        db.query<{ public_jwk: JWK }[]>(
          `SELECT public_jwk FROM signal_key WHERE retired_at IS NULL OR retired_at > $1 ORDER BY created_at DESC`,
          [iso(now - PUBLISHED)],
        );
      let rows = await kept();
      // Receivers read and keep the set before the first token: it is never empty.
      if (rows.length === 0) {
        await this.ensure(db, system('signals', 'jwks'));
        rows = await kept();
      }
      return { keys: rows.map((row) => row.public_jwk) };
    });
  }

  /** Makes the first key, where there is none. */
  async ensure(db: Db, by: Principal): Promise<void> {
    await db.query(`SELECT pg_advisory_xact_lock(hashtext('signal_key'))`);
    const [known] = await db.query<unknown[]>(
      `SELECT FROM signal_key WHERE alg = $1 AND retired_at IS NULL`,
      [ALG],
    );
    if (!known) await this.#make(db, by);
  }

  /** A new key signs from now on; the one before stays published until nothing that it signed can be on its way. */
  async rotate(by: Principal): Promise<{ kid: Id }> {
    return this.transactions.run(system('signals', by.correlationId), async (db) => {
      await db.query(`SELECT pg_advisory_xact_lock(hashtext('signal_key'))`);
      await db.query(`UPDATE signal_key SET retired_at = $2 WHERE alg = $1 AND retired_at IS NULL`, [
        ALG,
        iso(this.clock.now()),
      ]);
      return { kid: await this.#make(db, by) };
    });
  }

  async #make(db: Db, by: Principal): Promise<Id> {
    const id = newId();
    const now = this.clock.now();
    const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: BITS });
    const pem = Secret.of(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
    const jwk: JWK = { ...(publicKey.export({ format: 'jwk' }) as JWK), kid: id, alg: ALG, use: 'sig' };
    const ref = await this.vault.put(db, keyBinding(id), pem);
    await db.query(
      `INSERT INTO signal_key (id, alg, public_jwk, private_ref, created_at) VALUES ($1, $2, $3, $4, $5)`,
      [id, ALG, JSON.stringify(jwk), ref, iso(now)],
    );
    await this.ledger.append(db, {
      kind: 'signal_key.made',
      subject: { kind: 'signal_key', id },
      by,
      at: now,
      facts: { alg: ALG, modulus: jwk.n ?? '' },
    });
    return id;
  }

  async #current(db: Db): Promise<{ id: Id; key: KeyObject }> {
    const [row] = await db.query<{ id: Id; private_ref: string }[]>(
      `SELECT id, private_ref FROM signal_key WHERE alg = $1 AND retired_at IS NULL`,
      [ALG],
    );
    if (!row) throw new Error('there is no key to sign with');
    if (this.#open?.id !== row.id) {
      const pem = await this.vault.get(db, row.private_ref, keyBinding(row.id));
      this.#open = { id: row.id, key: pem.use((text) => createPrivateKey(text)) };
    }
    return this.#open;
  }
}
