import { Inject, Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { CanonicalValue } from '../../kernel/canonical-json.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Config } from '../../platform/config/config.ts';
import { CONFIG } from '../../platform/config/token.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { AllowedPeers, whyNeverDialled } from '../../platform/http/addresses.rules.ts';
import { Redactor } from '../../platform/http/redactor.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { endpointChanged } from './signals.events.ts';
import { urlBinding } from './subscription-secrets.ts';
import { wakeSender } from './wake-sender.ts';
import { subscriptionRow, type SubscriptionRow } from './subscriptions.queries.ts';

/** One party's endpoints and streams together. */
const MOST_OF_A_PARTY = 50;

/** A row to write: what is not named keeps its value. */
export type SubscriptionChanges = Partial<{
  kind: SubscriptionRow['kind'];
  name: string;
  url: string;
  url_ref: StoredRef | null;
  auth_ref: StoredRef | null;
  events: readonly string[];
  key_refs: string;
  settings: string;
  state: 'enabled' | 'paused' | 'disabled';
  state_why: string;
  failures: number;
  failing_since: Date | null;
  held_until: Date | null;
  removed_at: Date;
}>;

/**
 * Subscriptions as rows. A party reaches its own only; the secrets of a subscription lie where no party's hand reaches, so
 * what it may touch is looked up with its own sight, and then written with the installation's.
 */
@Injectable()
export class SubscriptionRecords {
  readonly #allowed: AllowedPeers;

  constructor(
    private readonly transactions: Transactions,
    readonly clock: Clock,
    readonly vault: Vault,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    @Inject(CONFIG) config: Config,
  ) {
    this.#allowed = new AllowedPeers(config.outboundAllow);
  }

  /** Whose subscription it is to be. @throws Refused where the caller is none of that party's */
  async partyFor(by: Principal, asked: Id | undefined): Promise<Id> {
    const partyId = by.partyId ?? asked;
    if (partyId === undefined || (asked !== undefined && asked !== partyId)) {
      throw new Refused(
        partyId === undefined
          ? invalid('/partyId', 'is missing', 'Say whose subscription it is, or use a token of that party.')
          : refusal('forbidden', 'not-your-party', 'A party subscribes for itself.'),
      );
    }
    const known = await this.transactions.run(by, (db) =>
      db.query<unknown[]>(`SELECT FROM party WHERE id = $1`, [partyId]),
    );
    if (known.length === 0)
      throw new Refused(invalid('/partyId', 'names no party that is there', 'Name a party by its id.'));
    return partyId;
  }

  /** Runs work with the installation's sight. @throws nothing that was refused inside: that is the answer */
  async work<T>(by: Principal, work: (db: Db, now: Millis) => Promise<T>): Promise<Result<T, Refusal>> {
    try {
      const whole = system('signals', by.correlationId);
      return ok(await this.transactions.run(whole, (db) => work(db, this.clock.now())));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  /** The same for one subscription that the caller may see, held until the work ends. */
  async change<T>(
    by: Principal,
    id: Id,
    work: (db: Db, row: SubscriptionRow, now: Millis) => Promise<T>,
  ): Promise<Result<T, Refusal>> {
    const seen = await this.transactions.run(by, (db) => subscriptionRow(db, id));
    if (!seen) return err(noSubscription());
    return this.work(by, async (db, now) => {
      const row = await subscriptionRow(db, id, true);
      if (!row) throw new Refused(noSubscription());
      return work(db, row, now);
    });
  }

  async insert(
    db: Db,
    row: {
      id: Id;
      partyId: Id;
      kind: SubscriptionRow['kind'];
      name: string;
      url: string | null;
      events: readonly string[];
      keyRefs?: unknown[];
      settings?: Record<string, unknown>;
      authRef?: StoredRef | null;
    },
    by: Principal,
    now: Millis,
  ): Promise<SubscriptionRow> {
    // One after the other for a party, so that none slips past the limit.
    await db.query(`SELECT FROM party WHERE id = $1 FOR NO KEY UPDATE`, [row.partyId]);
    const [held] = await db.query<{ number: number }[]>(
      `SELECT count(*)::int AS number FROM subscription WHERE party_id = $1 AND removed_at IS NULL`,
      [row.partyId],
    );
    if (held!.number >= MOST_OF_A_PARTY) {
      throw new Refused(
        refusal(
          'conflict',
          'too-many-subscriptions',
          `A party has at most ${MOST_OF_A_PARTY}: remove one first.`,
        ),
      );
    }
    const url = row.url === null ? null : await this.seal(db, row.id, row.url, row.kind);
    await db.query(
      `INSERT INTO subscription (id, party_id, kind, name, url, url_ref, auth_ref, events, key_refs, settings, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`,
      [
        row.id,
        row.partyId,
        row.kind,
        row.name,
        url?.shown ?? '',
        url?.ref ?? null,
        row.authRef ?? null,
        row.events,
        JSON.stringify(row.keyRefs ?? []),
        JSON.stringify(row.settings ?? {}),
        iso(now),
      ],
    );
    const made = (await subscriptionRow(db, row.id))!;
    await this.entry(db, 'subscription.made', made, by, now);
    return made;
  }

  async update(
    db: Db,
    row: SubscriptionRow,
    changes: SubscriptionChanges,
    what: string,
    by: Principal,
    now: Millis,
  ): Promise<SubscriptionRow> {
    const names = Object.keys(changes);
    await db.query(
      `UPDATE subscription SET ${names.map((name, at) => `${name} = $${at + 3}, `).join('')}updated_at = $2,
              row_version = row_version + 1 WHERE id = $1`,
      [row.id, iso(now), ...Object.values(changes)],
    );
    const after = (await subscriptionRow(db, row.id)) ?? { ...row, state: 'disabled' as const };
    await this.entry(db, what, after, by, now);
    return after;
  }

  /** Keeps an address; another one takes its place. @throws Refused where nothing would ever be sent there */
  async seal(
    db: Db,
    id: Id,
    text: string,
    kind: SubscriptionRow['kind'],
  ): Promise<{ ref: StoredRef; shown: string }> {
    const url = new URL(text);
    const never = whyNeverDialled(url, this.#allowed);
    if (never) {
      const field = kind === 'webhook' ? '/url' : '/delivery/endpoint_url';
      throw new Refused(invalid(field, never.problem, never.mend));
    }
    const ref = await this.vault.put(db, urlBinding(id), Secret.of(url.href));
    return { ref, shown: new Redactor([]).url(url.href) };
  }

  /** Writes a message for one subscription alone, and wakes the sender. */
  async tell(
    db: Db,
    row: Pick<SubscriptionRow, 'id' | 'party_id'>,
    message: { type: string; data: Record<string, unknown> },
    now: Millis,
  ): Promise<Id> {
    const id = newId();
    await db.query(
      `INSERT INTO subscription_delivery (id, subscription_id, party_id, type, txn, data, occurred_at, created_at, next_at)
       VALUES ($1, $2, $3, $4, $1, $5, $6, $6, $6)`,
      [id, row.id, row.party_id, message.type, JSON.stringify(message.data), iso(now)],
    );
    await this.wake(db);
    return id;
  }

  /** Somebody saw to it: whatever was wrong with it is nobody's to look at any more. */
  async seenTo(db: Db, subscriptionId: Id, why: string): Promise<void> {
    await this.outbox.put(db, endpointChanged, { subscriptionId, to: 'well', why });
  }

  wake(db: Db): Promise<void> {
    return wakeSender(db, this.outbox);
  }

  async destroy(db: Db, ref: StoredRef | null): Promise<void> {
    if (ref !== null && this.vault.mayDestroy(ref)) await this.vault.destroy(db, ref);
  }

  async entry(
    db: Db,
    kind: string,
    row: SubscriptionRow,
    by: Principal,
    now: Millis,
    more: Record<string, CanonicalValue> = {},
  ): Promise<void> {
    await this.ledger.append(db, {
      kind,
      subject: { kind: 'subscription', id: row.id },
      by,
      at: now,
      facts: {
        partyId: row.party_id,
        subscriptionKind: row.kind,
        events: [...row.events].sort().join(' '),
        state: row.state,
        keys: row.key_refs.map(({ id }) => id),
        ...more,
      },
      committed: { url: row.url },
    });
  }
}

export function noSubscription(): Refusal {
  return refusal('not_found', 'no-such-subscription', 'There is no such subscription.');
}

export function invalid(field: string, problem: string, mend: string): Refusal {
  return refusal('invalid', 'bad-subscription', 'The subscription is not as it must be.', {
    fields: [{ field, problem, mend }],
  });
}
