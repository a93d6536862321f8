import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { isId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { PublicUrl } from '../../platform/config/public-url.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import type { From } from '../access/access.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { signedBy, type PublicJwk } from './assertion-keys.ts';
import {
  claimsProblem,
  expiryOf,
  OWN_LIFE,
  parseAssertion,
  PLATFORM_LIFE,
  type Assertion,
} from './assertion.rules.ts';
import { IssuerKeys } from './issuer-keys.ts';

/** Where assertions have to be for: the address at which they are used. */
const CHECKOUTS_PATH = '/api/v1/checkouts';

interface Known {
  id: Id;
  kind: 'key' | 'oidc';
  publicKey: PublicJwk | null;
  issuer: string | null;
  subject: string | null;
  state: string;
  registeredBy: string;
  reference: string;
}

const DOOR = system('machine-door', 'machine-door');

/**
 * Lets machines in by a signed assertion (RFC 7523 section 3), in place of a secret of their own that would have to be kept
 * somewhere, too. Each is good for one call. To the caller every refusal looks the same; the ledger says why.
 */
@Injectable()
export class MachineDoor {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly keys: IssuerKeys,
    private readonly publicUrl: PublicUrl,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
  ) {}

  /** @param header the `Authorization` header */
  async enter(header: string | undefined, from: From): Promise<Result<Principal, Refusal>> {
    const token = /^Bearer ([A-Za-z0-9._-]{20,8192})$/i.exec(header ?? '')?.[1];
    const assertion = token === undefined ? undefined : parseAssertion(token);
    if (!token || !assertion) return err(nobody());
    const known = await this.#find(assertion);
    if (!known) return err(nobody());
    const by: Principal = {
      kind: 'machine',
      id: known.id,
      roles: [],
      permissions: [],
      madeBy: known.registeredBy,
      partyId: null,
      ...from,
    };
    const problem = (await this.#problem(known, assertion)) ?? (await this.#use(known, assertion, token));
    if (problem === null) return ok(by);
    await this.#note(known, by, problem);
    return err(nobody());
  }

  async #find({ claims: { iss, sub } }: Assertion): Promise<Known | undefined> {
    if (typeof iss !== 'string' || typeof sub !== 'string') return undefined;
    const own = isId(iss);
    const rows = await this.transactions.run(DOOR, (db) =>
      db.query<Known[]>(
        `SELECT id, kind, public_key AS "publicKey", issuer, subject, state, registered_by AS "registeredBy", reference
           FROM machine_identity WHERE ${own ? `id = $1 AND kind = 'key' AND $2::text IS NOT NULL` : `issuer = $1 AND subject = $2 AND state = 'approved'`}`,
        [iss, sub],
      ),
    );
    return rows[0];
  }

  async #problem(known: Known, assertion: Assertion): Promise<string | null> {
    if (known.state !== 'approved') return `the identity is ${known.state}`;
    const audience = `${this.publicUrl.get()}${CHECKOUTS_PATH}`;
    const own = known.kind === 'key';
    const wrong = claimsProblem(
      assertion.claims,
      {
        issuer: own ? known.id : known.issuer!,
        subject: own ? known.id : known.subject!,
        audience,
        longest: own ? OWN_LIFE : PLATFORM_LIFE,
        audienceAlone: own,
        needsId: own,
      },
      this.clock.now(),
    );
    if (wrong !== null) return wrong;
    const key = own ? known.publicKey : await this.keys.find(known.issuer!, assertion.header.kid);
    if (!key) return 'its issuer has no such key, or does not answer';
    return signedBy(key, assertion) ? null : 'its signature is wrong';
  }

  /** Remembers it; null where it is used for the first time. */
  #use(known: Known, assertion: Assertion, token: string): Promise<string | null> {
    const { jti } = assertion.claims;
    const hash = createHash('sha256')
      .update(typeof jti === 'string' ? `jti ${jti}` : `token ${token}`)
      .digest();
    const now = this.clock.now();
    return this.transactions.run(DOOR, async (db) => {
      const fresh = await rowsOf<unknown>(
        db,
        `INSERT INTO used_assertion (identity_id, jti_hash, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING identity_id`,
        [known.id, hash, iso(expiryOf(assertion))],
      );
      if (fresh.length === 0) return 'it was used before';
      await db.query(`UPDATE machine_identity SET last_used_at = $2 WHERE id = $1`, [known.id, iso(now)]);
      return null;
    });
  }

  async #note(known: Known, by: Principal, problem: string): Promise<void> {
    const at = this.clock.now();
    await this.transactions.run(DOOR, async (db) => {
      await this.ledger.append(db, {
        kind: 'machine.turned-away',
        subject: { kind: 'machine_identity', id: known.id },
        by,
        at,
        facts: { why: problem },
      });
      await this.alerts.raise(db, {
        kind: 'machine.turned-away',
        severity: 'warning',
        message: `Somebody who says to be ${known.reference} was turned away: ${problem}.`,
        dedupeKey: `machine.turned-away:${known.id}`,
        subject: { kind: 'machine_identity', id: known.id },
        at,
      });
    });
  }
}

function nobody(): Refusal {
  return refusal(
    'unauthenticated',
    'assertion-refused',
    'This needs a signed assertion of an approved machine identity, made for this address, fresh, and not used before.',
  );
}
