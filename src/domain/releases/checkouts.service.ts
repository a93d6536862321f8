import { Injectable } from '@nestjs/common';
import { errorText, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Secret } from '../../kernel/secret.ts';
import { iso, MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Log } from '../../platform/log/log.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { versionBinding } from '../revocation/targets.service.ts';
import {
  end,
  factsOf,
  insert,
  isFull,
  lockGrant,
  newRow,
  noteUse,
  stateAt,
  viewOf,
  type Grant,
} from './checkout-rows.ts';
import { findAsking, findCheckout, type CheckoutRow } from './checkouts.queries.ts';
import { mailPerson } from './mail-person.definition.ts';
import { leaseEnd, whyNoCheckout, type CheckoutRefusal } from './release.rules.ts';
import type { AskCheckout, CheckoutView } from './release.schema.ts';
import { activeVersionState, type KnownVersion } from './version-state.queries.ts';

/** How long a checkout waits for consent. */
const ANSWERED_WITHIN: Millis = 15 * MINUTE;

/** A checkout as its machine sees it; with the value where this very call released it. The caller wipes it. */
export interface Lease {
  view: CheckoutView;
  value?: Secret;
}

/** What a transaction decided: a lease, and which value has to be read once it is committed. */
interface Decided {
  view: CheckoutView;
  read?: KnownVersion;
}

/**
 * Releases values to machines: each as a lease for one declared purpose, no more at once than was declared, only while the
 * integration has its pass and the credential is sound. The value goes out once, in the answer that releases it.
 */
@Injectable()
export class Checkouts {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly vault: Vault,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly log: Log,
  ) {}

  /**
   * Opens one. While one of the same grant waits for consent, or was consented to and not fetched, this is that one: asking
   * again asks nobody again, and nobody is asked for more than may be open.
   *
   * @param by the machine, as the door let it in
   */
  async open(asked: AskCheckout, by: Principal): Promise<Result<Lease, Refusal>> {
    const decided = await this.transactions.run(by, async (db): Promise<Result<Decided, Refusal>> => {
      const grant = await lockGrant(db, { identityId: by.id, ...asked });
      if (!grant)
        return err(
          refusal('not_found', 'no-grant', 'Nothing is declared for this machine, credential and purpose.'),
        );
      const now = this.clock.now();
      const sound = await this.#sound(db, grant, by, now);
      if (!sound.ok) return sound;
      const asking = await findAsking(db, grant.id, now);
      if (asking?.state === 'waiting') return ok({ view: viewOf(asking) });
      const full = await isFull(db, grant, now);
      if (full) return err(full);
      if (asking) return ok(await this.#release(db, asking, grant, sound.value, by, now));
      const row = newRow(grant, asked.seconds, now);
      if (grant.consentPersonId !== null && (grant.consentUntil ?? 0) <= now)
        return ok(await this.#wait(db, row, grant.consentPersonId, by, now));
      await insert(db, row);
      return ok(await this.#release(db, row, grant, sound.value, by, now));
    });
    return this.#delivered(decided, by);
  }

  /**
   * What has become of it. One that was consented to is released by this, once.
   *
   * @param take false: only looks, as whoever cannot receive a value
   */
  async look(id: Id, take: boolean, by: Principal): Promise<Result<Lease, Refusal>> {
    const decided = await this.#change(id, by, async (db, row, grant, now) => {
      if (row.state !== 'consented' || !take) return ok({ view: viewOf(row) });
      const sound = await this.#sound(db, grant, by, now);
      if (!sound.ok) return sound;
      const full = await isFull(db, grant, now);
      if (full) return err(full);
      return ok(await this.#release(db, row, grant, sound.value, by, now));
    });
    return this.#delivered(decided, by);
  }

  /** Lets a lease go on, for as long as it was asked for and never past its longest end. */
  async renew(id: Id, by: Principal): Promise<Result<Lease, Refusal>> {
    const decided = await this.#change(id, by, async (db, row, grant, now) => {
      if (row.state !== 'open')
        return err(refusal('conflict', 'not-open', `The checkout is ${row.state}: check out again.`));
      const sound = await this.#sound(db, grant, by, now);
      if (!sound.ok) return sound;
      if (sound.value.id !== row.versionId)
        return err(
          refusal(
            'conflict',
            'superseded',
            'Another version is active now: return this and check out again.',
          ),
        );
      const end = leaseEnd(
        {
          seconds: row.seconds,
          latestEnd: row.latestEnd!,
          versionExpiresAt: sound.value.expiresAt,
          grantExpiresAt: grant.expiresAt,
        },
        now,
      );
      if (end <= (row.expiresAt ?? 0))
        return err(
          refusal('conflict', 'longest-reached', 'It lasts no longer: return it and check out again.'),
        );
      await db.query(`UPDATE checkout SET expires_at = $2, renewals = renewals + 1 WHERE id = $1`, [
        id,
        iso(end),
      ]);
      await this.#enter(db, 'checkout.renewed', id, by, now, { until: iso(end) });
      return ok({ view: viewOf({ ...row, expiresAt: end, renewals: row.renewals + 1 }) });
    });
    return this.#delivered(decided, by);
  }

  /** The machine is done with it. Returning twice is returning once. */
  async giveBack(id: Id, by: Principal): Promise<Result<void, Refusal>> {
    const done = await this.#change(id, by, async (db, row, _grant, now) => {
      if (!['open', 'waiting', 'consented'].includes(row.state)) return ok({ view: viewOf(row) });
      await end(db, id, 'returned', handOf(by), now);
      await this.#enter(db, 'checkout.returned', id, by, now);
      return ok({ view: viewOf(row) });
    });
    return done.ok ? ok(undefined) : done;
  }

  /** A person ends what a machine holds. What it has seen it has seen: it is told so when it asks, and renews no more. */
  async revoke(db: Db, id: Id, by: Principal): Promise<Result<void, Refusal>> {
    const [row] = await db.query<{ state: string }[]>(`SELECT state FROM checkout WHERE id = $1 FOR UPDATE`, [
      id,
    ]);
    if (!row) return err(noCheckout());
    if (!['open', 'waiting', 'consented'].includes(row.state)) return ok(undefined);
    const now = this.clock.now();
    await end(db, id, 'revoked', handOf(by), now);
    await this.#enter(db, 'checkout.revoked', id, by, now);
    return ok(undefined);
  }

  /** Locks the grant and then the checkout, in the one order that everybody takes. Another machine's is as good as none. */
  async #change(
    id: Id,
    by: Principal,
    work: (db: Db, row: CheckoutRow, grant: Grant, now: Millis) => Promise<Result<Decided, Refusal>>,
  ): Promise<Result<Decided, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const [known] = await db.query<{ grantId: Id }[]>(
        `SELECT grant_id AS "grantId" FROM checkout WHERE id = $1 AND identity_id = $2`,
        [id, by.id],
      );
      const grant = known && (await lockGrant(db, { grantId: known.grantId }));
      if (!grant) return err(noCheckout());
      await db.query(`SELECT FROM checkout WHERE id = $1 FOR UPDATE`, [id]);
      const row = await findCheckout(db, id);
      const now = this.clock.now();
      return work(db, { ...row!, state: stateAt(row!, now) }, grant, now);
    });
  }

  /** The active version, or the refusal, which is on record. */
  async #sound(db: Db, grant: Grant, by: Principal, now: Millis): Promise<Result<KnownVersion, Refusal>> {
    const version = await activeVersionState(db, grant.credentialId);
    const refused = whyNoCheckout({ ...(await factsOf(db, grant.id)), version: version ?? null }, now);
    if (refused === null) return ok(version!);
    await this.ledger.append(db, {
      kind: 'checkout.refused',
      subject: { kind: 'checkout_grant', id: grant.id },
      by,
      at: now,
      facts: { credential: grant.credentialId, why: refused.code },
    });
    return err(refusalOf(refused));
  }

  async #wait(db: Db, row: CheckoutRow, personId: Id, by: Principal, now: Millis): Promise<Decided> {
    const waiting: CheckoutRow = { ...row, state: 'waiting', answerUntil: now + ANSWERED_WITHIN };
    await insert(db, waiting);
    await this.#enter(db, 'checkout.asked', row.id, by, now, { consentOf: personId });
    await this.outbox.put(
      db,
      mailPerson,
      { about: 'consent', personId, checkoutId: row.id },
      { key: row.id },
    );
    return { view: viewOf(waiting) };
  }

  async #release(
    db: Db,
    row: CheckoutRow,
    grant: Grant,
    version: KnownVersion,
    by: Principal,
    now: Millis,
  ): Promise<Decided> {
    const latestEnd = now + grant.maxSeconds * SECOND;
    const expiresAt = leaseEnd(
      {
        seconds: row.seconds,
        latestEnd,
        versionExpiresAt: version.expiresAt,
        grantExpiresAt: grant.expiresAt,
      },
      now,
    );
    await db.query(
      `UPDATE checkout SET state = 'open', version_id = $2, released_at = $3, expires_at = $4, latest_end = $5, answer_until = NULL WHERE id = $1`,
      [row.id, version.id, iso(now), iso(expiresAt), iso(latestEnd)],
    );
    await noteUse(db, grant, version, now);
    await this.#enter(db, 'checkout.released', row.id, by, now, {
      credential: grant.credentialId,
      version: version.id,
      until: iso(expiresAt),
    });
    const released: CheckoutRow = {
      ...row,
      state: 'open',
      answerUntil: null,
      versionId: version.id,
      expiresAt,
      latestEnd,
      version: { number: version.number, expiresAt: version.expiresAt, successor: version.successor },
    };
    return { view: viewOf(released), read: version };
  }

  /** Reads the value after the commit: its store may be another machine, and nothing waits for that with a lock. */
  async #delivered(decided: Result<Decided, Refusal>, by: Principal): Promise<Result<Lease, Refusal>> {
    if (!decided.ok) return decided;
    const { view, read } = decided.value;
    if (!read) return ok({ view });
    try {
      const value = await this.transactions.run(by, (db) =>
        this.vault.get(db, read.ref!, versionBinding(read.id)),
      );
      return ok({ view, value });
    } catch (thrown) {
      this.log.warn(
        { checkout: view.id, why: errorText(thrown) },
        'a value could not be read from its store',
      );
      await this.transactions.run(by, async (db) => {
        const now = this.clock.now();
        await end(db, view.id, 'failed', 'store', now);
        await this.#enter(db, 'checkout.failed', view.id, by, now);
      });
      return err(
        refusal('unavailable', 'store-silent', 'Its store did not give the value. Check out again.', {
          retryAfter: 5 * SECOND,
        }),
      );
    }
  }

  #enter(
    db: Db,
    kind: string,
    id: Id,
    by: Principal,
    at: Millis,
    facts: Record<string, string> = {},
  ): Promise<void> {
    return this.ledger.append(db, { kind, subject: { kind: 'checkout', id }, by, at, facts });
  }
}

function refusalOf({ code, why }: CheckoutRefusal): Refusal {
  return refusal('forbidden', code, why);
}

function noCheckout(): Refusal {
  return refusal('not_found', 'no-checkout', 'There is no such checkout.');
}
