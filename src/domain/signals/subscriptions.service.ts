import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import { isWanted, type WantedVersion } from '../../kernel/row-version.ts';
import { Secret } from '../../kernel/secret.ts';
import { HOUR, iso, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { TEST_TYPE } from './signal.rules.ts';
import { newSigningKey, whyNoSharedSecret, type SignatureKind } from './signature.rules.ts';
import {
  invalid,
  noSubscription,
  SubscriptionRecords,
  type SubscriptionChanges,
} from './subscription-records.service.ts';
import type {
  NewSubscription,
  RotateKey,
  SubscriptionChange,
  SubscriptionView,
} from './subscription.schema.ts';
import { keyBinding, signingNow, type KeyRef } from './subscription-secrets.ts';
import { subscriptionView, type SubscriptionRow } from './subscriptions.queries.ts';

/** A key right after it was made: the one time that its value leaves the vault. */
export interface KeyShown {
  subscription: SubscriptionView;
  /** Of a shared one that was made here. null: brought by the subscriber, or nothing is shared. */
  secret: Secret | null;
  publicKey: string | null;
}

const MOST_KEYS = 5;

/** Endpoints that a party is told at, by Standard Webhooks. */
@Injectable()
export class SubscriptionsService {
  constructor(private readonly records: SubscriptionRecords) {}

  async create(input: NewSubscription, by: Principal): Promise<Result<KeyShown, Refusal>> {
    let partyId: Id;
    try {
      partyId = await this.records.partyFor(by, input.partyId);
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
    return this.records.work(by, async (db, now) => {
      const id = newId();
      const made = await this.#key(db, id, input.signing, input.secret, now);
      const row = await this.records.insert(
        db,
        {
          id,
          partyId,
          kind: 'webhook',
          name: input.name,
          url: input.url,
          events: input.events,
          keyRefs: [made.ref],
        },
        by,
        now,
      );
      return shown(row, made);
    });
  }

  edit(
    id: Id,
    version: WantedVersion,
    change: SubscriptionChange,
    by: Principal,
  ): Promise<Result<SubscriptionView, Refusal>> {
    return this.#webhook(by, id, async (db, row, now) => {
      if (!isWanted(row.row_version, version)) {
        throw new Refused(
          refusal('precondition', 'stale-version', 'The subscription was changed since you read it.'),
        );
      }
      const changes: SubscriptionChanges = {};
      if (change.name !== undefined) changes.name = change.name;
      if (change.events !== undefined) changes.events = change.events;
      if (change.url !== undefined) {
        const sealed = await this.records.seal(db, id, change.url, row.kind);
        await this.records.destroy(db, row.url_ref);
        changes.url = sealed.shown;
        changes.url_ref = sealed.ref;
      }
      // Whoever says that it is well again, or moved it, wants it tried at once.
      if (change.state === 'enabled' || change.url !== undefined)
        Object.assign(changes, { failures: 0, failing_since: null, held_until: null });
      if (change.state !== undefined) Object.assign(changes, { state: change.state, state_why: '' });
      const after = await this.records.update(db, row, changes, 'subscription.changed', by, now);
      if (change.state === 'enabled') await this.records.seenTo(db, id, 'it was enabled');
      await this.records.wake(db);
      return subscriptionView(after);
    });
  }

  /** Ends it: its secrets are destroyed, and what waits is given up. Its log stays. */
  remove(id: Id, by: Principal): Promise<Result<void, Refusal>> {
    return this.records.change(by, id, (db, row, now) => endSubscription(this.records, db, row, by, now));
  }

  /** A new key signs beside those before it, which retire when the overlap ends. */
  rotateKey(id: Id, input: RotateKey, by: Principal): Promise<Result<KeyShown, Refusal>> {
    return this.#webhook(by, id, async (db, row, now) => {
      const live = signingNow(row.key_refs, now);
      if (live.length >= MOST_KEYS) {
        throw new Refused(
          refusal('conflict', 'too-many-keys', `At most ${MOST_KEYS} keys sign at once: retire one first.`),
        );
      }
      const made = await this.#key(db, id, input.signing, input.secret, now);
      const until = now + input.overlapHours * HOUR;
      const kept = live.map((key) => ({
        ...key,
        retiresAt: iso(Math.min(until, key.retiresAt === null ? until : Date.parse(key.retiresAt))),
      }));
      const after = await this.#keys(db, row, [made.ref, ...kept], 'subscription.key-rotated', by, now);
      return shown(after, made);
    });
  }

  retireKey(id: Id, keyId: Id, by: Principal): Promise<Result<SubscriptionView, Refusal>> {
    return this.#webhook(by, id, async (db, row, now) => {
      const left = row.key_refs.filter((key) => key.id !== keyId);
      if (left.length === row.key_refs.length)
        throw new Refused(refusal('not_found', 'no-such-key', 'The subscription has no such key.'));
      if (signingNow(left, now).length === 0) {
        throw new Refused(
          refusal('conflict', 'last-key', 'Nothing would be signed any more: rotate the key instead.'),
        );
      }
      return subscriptionView(await this.#keys(db, row, left, 'subscription.key-retired', by, now));
    });
  }

  /** A message that says nothing but that it is a test; it comes in the log like any other. @returns its delivery */
  test(id: Id, by: Principal): Promise<Result<Id, Refusal>> {
    return this.#webhook(by, id, async (db, row, now) => {
      if (row.state !== 'enabled')
        throw new Refused(
          refusal('conflict', 'subscription-not-enabled', `It is ${row.state}: enable it first.`),
        );
      // Asked for by somebody who looks: not behind a hold.
      await this.records.update(db, row, { held_until: null }, 'subscription.test-asked', by, now);
      return this.records.tell(
        db,
        row,
        { type: TEST_TYPE, data: { subscription: { id: row.id, name: row.name } } },
        now,
      );
    });
  }

  /** One further attempt at once, under the same message id, whatever became of it before. */
  sendAgain(id: Id, deliveryId: Id, by: Principal): Promise<Result<void, Refusal>> {
    return this.records.change(by, id, async (db, row, now) => {
      if (row.kind === 'set-poll')
        throw new Refused(refusal('conflict', 'polled', 'Its receiver polls: nothing is sent there.'));
      if (row.state !== 'enabled')
        throw new Refused(
          refusal('conflict', 'subscription-not-enabled', `It is ${row.state}: enable it first.`),
        );
      const sent = await rowsOf(
        db,
        `UPDATE subscription_delivery SET state = 'pending', next_at = $3, ended_at = NULL
          WHERE subscription_id = $1 AND id = $2 AND (lease_until IS NULL OR lease_until < clock_timestamp()) RETURNING id`,
        [id, deliveryId, iso(now)],
      );
      if (sent.length === 0) {
        const [known] = await db.query<unknown[]>(
          `SELECT FROM subscription_delivery WHERE subscription_id = $1 AND id = $2`,
          [id, deliveryId],
        );
        throw new Refused(
          known
            ? refusal('conflict', 'attempt-under-way', 'An attempt is under way: look at how it ends.')
            : refusal('not_found', 'no-such-delivery', 'The subscription has no such message.'),
        );
      }
      await db.query(`UPDATE subscription SET held_until = NULL WHERE id = $1`, [id]);
      await this.records.entry(db, 'subscription.sent-again', row, by, now, { deliveryId });
      await this.records.wake(db);
    });
  }

  #webhook<T>(
    by: Principal,
    id: Id,
    work: (db: Db, row: SubscriptionRow, now: Millis) => Promise<T>,
  ): Promise<Result<T, Refusal>> {
    return this.records.change(by, id, (db, row, now) => {
      // A stream is its receiver's to configure, over its own protocol.
      if (row.kind !== 'webhook') throw new Refused(noSubscription());
      return work(db, row, now);
    });
  }

  async #key(db: Db, id: Id, kind: SignatureKind, given: string | undefined, now: Millis) {
    const brought = given === undefined ? null : Secret.of(given);
    const wrong = brought && whyNoSharedSecret(brought);
    if (wrong) throw new Refused(invalid('/secret', wrong, 'Leave it out, and one is made.'));
    const { key, publicKey } = brought ? { key: brought, publicKey: null } : newSigningKey(kind);
    const keyId = newId();
    const ref: KeyRef = {
      id: keyId,
      kind,
      ref: await this.records.vault.put(db, keyBinding(id, keyId), key),
      addedAt: iso(now),
      retiresAt: null,
      publicKey,
    };
    return { ref, secret: kind === 'v1' && !brought ? key : null };
  }

  async #keys(
    db: Db,
    row: SubscriptionRow,
    keys: readonly KeyRef[],
    what: string,
    by: Principal,
    now: Millis,
  ): Promise<SubscriptionRow> {
    const kept = new Set(keys.map(({ id }) => id));
    for (const gone of row.key_refs.filter(({ id }) => !kept.has(id)))
      await this.records.destroy(db, gone.ref);
    return this.records.update(db, row, { key_refs: JSON.stringify(keys) }, what, by, now);
  }
}

/** Ends a subscription of any kind. */
export async function endSubscription(
  records: SubscriptionRecords,
  db: Db,
  row: SubscriptionRow,
  by: Principal,
  now: Millis,
): Promise<void> {
  for (const ref of [row.url_ref, row.auth_ref, ...row.key_refs.map((key) => key.ref)])
    await records.destroy(db, ref);
  await db.query(
    `UPDATE subscription_delivery SET state = 'failed', next_at = NULL, ended_at = $2
      WHERE subscription_id = $1 AND state = 'pending'`,
    [row.id, iso(now)],
  );
  await records.update(
    db,
    row,
    {
      state: 'disabled',
      state_why: 'it was removed',
      removed_at: new Date(now),
      url_ref: null,
      auth_ref: null,
      key_refs: '[]',
    },
    'subscription.removed',
    by,
    now,
  );
  await records.seenTo(db, row.id, 'it was removed');
}

function shown(row: SubscriptionRow, made: { ref: KeyRef; secret: Secret | null }): KeyShown {
  return { subscription: subscriptionView(row), secret: made.secret, publicKey: made.ref.publicKey };
}
