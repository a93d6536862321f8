import { Injectable } from '@nestjs/common';
import { errorText, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
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
import { findCheckout, type CheckoutRow } from './checkouts.queries.ts';
import { mailPerson } from './mail-person.definition.ts';
import { leaseEnd, whyNoCheckout, type CheckoutRefusal } from './release.rules.ts';
import type { AskCheckout, CheckoutView } from './release.schema.ts';
import { activeVersionState, millisOf, type KnownVersion } from './version-state.queries.ts';

/** How long a checkout waits for consent. */
const ANSWERED_WITHIN: Millis = 15 * MINUTE;

/** A checkout as its machine sees it; with the value where this very call released it. The caller wipes it. */
export interface Lease {
  view: CheckoutView;
  value?: Secret;
}

interface Grant {
  id: Id;
  identityId: Id;
  integrationId: Id;
  credentialId: Id;
  purpose: string;
  maxSimultaneous: number;
  maxSeconds: number;
  consentPersonId: Id | null;
  consentUntil: Millis | null;
  expiresAt: Millis;
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

  /** @param by the machine, as the door let it in */
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
      const row = newRow(grant, asked.seconds, now);
      if (grant.consentPersonId !== null && (grant.consentUntil ?? 0) <= now)
        return ok(await this.#wait(db, row, grant.consentPersonId, by, now));
      const full = await isFull(db, grant, now);
      if (full) return err(full);
      await insert(db, row);
      return ok(await this.#release(db, row, grant, sound.value, by, now));
    });
    return this.#delivered(decided, by);
  }

  /** What has become of it. One that was consented to is released by this, once. */
  async look(id: Id, by: Principal): Promise<Result<Lease, Refusal>> {
    const decided = await this.#change(id, by, async (db, row, grant, now) => {
      if (row.state !== 'consented') return ok({ view: viewOf(row) });
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
    await db.query(
      `INSERT INTO usage_event (id, version_id, credential_id, integration_id, at, outcome, actor, environment, reported_by)
       SELECT $1, $2, $3, $4, $5, 'checked_out', m.reference, m.environment, 'checkout' FROM machine_identity m WHERE m.id = $6`,
      [newId(), version.id, version.credentialId, version.integrationId, iso(now), grant.identityId],
    );
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

async function lockGrant(
  db: Db,
  of: { grantId: Id } | { identityId: Id; credentialId: Id; purpose: string },
): Promise<Grant | undefined> {
  const where =
    'grantId' in of
      ? { sql: 'id = $1', params: [of.grantId] }
      : {
          sql: `identity_id = $1 AND credential_id = $2 AND purpose = $3 AND state IN ('proposed', 'approved')`,
          params: [of.identityId, of.credentialId, of.purpose],
        };
  const [row] = await db.query<
    (Omit<Grant, 'consentUntil' | 'expiresAt'> & { consentUntil: Date | null; expiresAt: Date })[]
  >(
    `SELECT id, identity_id AS "identityId", integration_id AS "integrationId", credential_id AS "credentialId", purpose,
            max_simultaneous AS "maxSimultaneous", max_seconds AS "maxSeconds", consent_person_id AS "consentPersonId",
            consent_until AS "consentUntil", expires_at AS "expiresAt"
       FROM checkout_grant WHERE ${where.sql} FOR UPDATE`,
    where.params,
  );
  return row && { ...row, consentUntil: millisOf(row.consentUntil), expiresAt: row.expiresAt.getTime() };
}

/** What else decides, read after the lock. */
async function factsOf(db: Db, grantId: Id): Promise<Omit<Parameters<typeof whyNoCheckout>[0], 'version'>> {
  const [row] = await db.query<
    {
      grant: { state: string; expires: number };
      identity: { state: string; environment: string };
      integration: { state: string; pass: string; graceUntil: number | null };
      credential: { environment: string; retired: boolean };
    }[]
  >(
    `SELECT json_build_object('state', g.state, 'expires', (extract(epoch FROM g.expires_at) * 1000)::float8) AS "grant",
            json_build_object('state', m.state, 'environment', m.environment) AS identity,
            json_build_object('state', i.state, 'pass', i.pass, 'graceUntil', (extract(epoch FROM i.pass_grace_until) * 1000)::float8) AS integration,
            json_build_object('environment', c.environment, 'retired', c.retired_at IS NOT NULL) AS credential
       FROM checkout_grant g JOIN machine_identity m ON m.id = g.identity_id JOIN integration i ON i.id = g.integration_id
       JOIN credential c ON c.id = g.credential_id WHERE g.id = $1`,
    [grantId],
  );
  const { grant, ...rest } = row!;
  return { ...rest, grant: { state: grant.state, expiresAt: grant.expires } };
}

/** Under the grant's lock: nobody opens another one meanwhile. */
async function isFull(db: Db, grant: Grant, now: Millis): Promise<Refusal | undefined> {
  const [open] = await db.query<{ count: number; next: Date | null }[]>(
    `SELECT count(*)::int AS count, min(expires_at) AS next FROM checkout WHERE grant_id = $1 AND state = 'open' AND expires_at > $2`,
    [grant.id, iso(now)],
  );
  if (open!.count < grant.maxSimultaneous) return undefined;
  return refusal(
    'too_many',
    'limit-reached',
    `${grant.maxSimultaneous} are open already, as many as were declared. Return one, or wait for one to end.`,
    { retryAfter: Math.max(SECOND, (open!.next?.getTime() ?? now) - now) },
  );
}

function newRow(grant: Grant, seconds: number, now: Millis): CheckoutRow {
  return {
    id: newId(),
    grantId: grant.id,
    identityId: grant.identityId,
    integrationId: grant.integrationId,
    credentialId: grant.credentialId,
    purpose: grant.purpose,
    state: 'consented',
    seconds: Math.min(seconds, grant.maxSeconds),
    askedAt: now,
    answerUntil: null,
    versionId: null,
    version: null,
    expiresAt: null,
    latestEnd: null,
    renewals: 0,
  };
}

async function insert(db: Db, row: CheckoutRow): Promise<void> {
  await db.query(
    `INSERT INTO checkout (id, grant_id, identity_id, credential_id, integration_id, state, seconds, asked_at, answer_until)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      row.id,
      row.grantId,
      row.identityId,
      row.credentialId,
      row.integrationId,
      row.state,
      row.seconds,
      iso(row.askedAt),
      row.answerUntil === null ? null : iso(row.answerUntil),
    ],
  );
}

async function end(
  db: Db,
  id: Id,
  state: 'returned' | 'revoked' | 'failed',
  hand: string,
  now: Millis,
): Promise<void> {
  await db.query(`UPDATE checkout SET state = $2, ended_by = $3, ended_at = $4 WHERE id = $1`, [
    id,
    state,
    hand,
    iso(now),
  ]);
}

/** A lease that has lapsed is over, whether or not anybody has written that down yet. */
function stateAt(row: CheckoutRow, now: Millis): CheckoutRow['state'] {
  const over =
    (row.state === 'open' && (row.expiresAt ?? 0) <= now) ||
    ((row.state === 'waiting' || row.state === 'consented') && (row.answerUntil ?? 0) <= now);
  return over ? 'expired' : row.state;
}

function viewOf(row: CheckoutRow): CheckoutView {
  const at = (millis: Millis | null) => (millis === null ? null : iso(millis));
  return {
    id: row.id,
    state: row.state,
    credentialId: row.credentialId,
    purpose: row.purpose,
    answerUntil: at(row.answerUntil),
    expiresAt: at(row.expiresAt),
    latestEnd: at(row.latestEnd),
    renewals: row.renewals,
    version: row.version && { ...row.version, expiresAt: at(row.version.expiresAt) },
  };
}

function refusalOf({ code, why }: CheckoutRefusal): Refusal {
  return refusal('forbidden', code, why);
}

function noCheckout(): Refusal {
  return refusal('not_found', 'no-checkout', 'There is no such checkout.');
}
