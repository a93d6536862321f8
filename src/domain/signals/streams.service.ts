import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { iso, SECOND, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import {
  audienceOf,
  credentialOfSubject,
  POLL,
  PUSH,
  SETS_SUPPORTED,
  typesOf,
  UPDATED_TYPE,
  urisOf,
  VERIFICATION_TYPE,
} from './set.rules.ts';
import { SetSigner } from './set-signer.service.ts';
import type { NewStream, StreamChange, StreamStatus, StreamView } from './stream.schema.ts';
import { invalid, SubscriptionRecords } from './subscription-records.service.ts';
import { authBinding } from './subscription-secrets.ts';
import { endSubscription } from './subscriptions.service.ts';
import { subscriptionRow, subscriptionRows, type SubscriptionRow } from './subscriptions.queries.ts';

/** Seconds that a receiver waits between two verification events. */
const VERIFY_EVERY = 30;
const KINDS = ['set-push', 'set-poll'] as const;

/** What a stream keeps beside the columns of a subscription. */
interface Settings {
  requested: string[];
  credentialTypes?: Record<string, string>;
  verifiedAt?: string;
}

/**
 * Streams of Security Event Tokens, as their receiver configures them (OpenID Shared Signals Framework 1.0, section 8).
 * Every stream belongs to one party, and speaks of that party's integrations only.
 */
@Injectable()
export class StreamsService {
  constructor(
    private readonly records: SubscriptionRecords,
    private readonly transactions: Transactions,
    private readonly signer: SetSigner,
  ) {}

  /** `/.well-known/ssf-configuration` (section 7.1). */
  metadata(): Record<string, unknown> {
    const issuer = this.signer.issuer();
    const at = (path: string) => `${issuer}/api/v1/ssf/${path}`;
    return {
      spec_version: '1_0',
      issuer,
      jwks_uri: at('jwks'),
      delivery_methods_supported: [PUSH, POLL],
      configuration_endpoint: at('streams'),
      status_endpoint: at('status'),
      add_subject_endpoint: at('subjects/add'),
      remove_subject_endpoint: at('subjects/remove'),
      verification_endpoint: at('verification'),
      critical_subject_members: [],
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }, { spec_urn: 'urn:ietf:rfc:6750' }],
      default_subjects: 'ALL',
    };
  }

  async create(input: NewStream, by: Principal): Promise<Result<StreamView, Refusal>> {
    if (by.partyId === null) {
      return err(
        refusal('forbidden', 'no-party', 'A stream speaks to one party: use a token that is bound to it.'),
      );
    }
    const partyId = by.partyId;
    return this.records.work(by, async (db, now) => {
      await this.signer.ensure(db, by);
      const id = newId();
      const { delivery } = input;
      const push = delivery?.method === PUSH ? delivery : undefined;
      const settings: Settings = {
        requested: input.events_requested ?? [...SETS_SUPPORTED],
        ...(input.credential_types ? { credentialTypes: input.credential_types } : {}),
      };
      const row = await this.records.insert(
        db,
        {
          id,
          partyId,
          kind: push ? 'set-push' : 'set-poll',
          name: input.description ?? '',
          url: push?.endpoint_url ?? null,
          events: typesOf(settings.requested),
          settings: { ...settings },
          authRef: await this.#sealed(db, id, push?.authorization_header),
        },
        by,
        now,
      );
      const shown = this.#shown(row);
      mustMatch(input, shown);
      return shown;
    });
  }

  /** Every stream that the caller may see, or the one asked for. */
  async read(by: Principal, id: Id): Promise<Result<StreamView, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const row = await subscriptionRow(db, id);
      return row && row.kind !== 'webhook' ? ok(this.#shown(row)) : err(noStream());
    });
  }

  async list(by: Principal): Promise<StreamView[]> {
    const rows = await this.transactions.run(by, (db) => subscriptionRows(db, { limit: 200, kinds: KINDS }));
    return rows.map((row) => this.#shown(row));
  }

  /** PATCH: what is not named stays. PUT (`whole`): what is not named goes back to how it would have begun. */
  change(input: StreamChange, whole: boolean, by: Principal): Promise<Result<StreamView, Refusal>> {
    return this.#stream(by, input.stream_id, async (db, row, now) => {
      mustMatch(input, this.#shown(row));
      const before = row.settings as unknown as Settings;
      const delivery = input.delivery ?? (whole ? { method: POLL } : undefined);
      const types = input.credential_types ?? (whole ? undefined : before.credentialTypes);
      const settings: Settings = {
        requested: input.events_requested ?? (whole ? [...SETS_SUPPORTED] : before.requested),
        ...(before.verifiedAt ? { verifiedAt: before.verifiedAt } : {}),
        ...(types ? { credentialTypes: types } : {}),
      };
      const moved = delivery === undefined ? {} : await this.#moved(db, row, delivery);
      const after = await this.records.update(
        db,
        row,
        {
          events: typesOf(settings.requested),
          settings: JSON.stringify(settings),
          ...(input.description !== undefined || whole ? { name: input.description ?? '' } : {}),
          ...moved,
        },
        'subscription.changed',
        by,
        now,
      );
      await this.records.wake(db);
      return this.#shown(after);
    });
  }

  remove(id: Id, by: Principal): Promise<Result<void, Refusal>> {
    return this.#stream(by, id, (db, row, now) => endSubscription(this.records, db, row, by, now));
  }

  async status(id: Id, by: Principal): Promise<Result<StreamStatus, Refusal>> {
    const row = await this.transactions.run(by, (db) => subscriptionRow(db, id));
    return row && row.kind !== 'webhook' ? ok(statusOf(row)) : err(noStream());
  }

  setStatus(
    id: Id,
    to: { status: StreamStatus['status']; reason?: string | undefined },
    by: Principal,
  ): Promise<Result<StreamStatus, Refusal>> {
    return this.#stream(by, id, async (db, row, now) => {
      const changes = {
        state: to.status,
        state_why: to.reason ?? '',
        ...(to.status === 'enabled' ? { failures: 0, failing_since: null, held_until: null } : {}),
      };
      // Who is the receiver knows what it did; what we do, it is told, before anything stops (section 8.1.5).
      if (by.partyId === null && row.state !== to.status) {
        const data = { status: to.status, ...(to.reason ? { reason: to.reason } : {}) };
        await this.records.tell(db, row, { type: UPDATED_TYPE, data }, now);
      }
      const after = await this.records.update(db, row, changes, 'subscription.changed', by, now);
      if (to.status === 'enabled') await this.records.seenTo(db, id, 'it was enabled');
      await this.records.wake(db);
      return statusOf(after);
    });
  }

  /** By default a stream speaks of every credential that its party may see; a removed one is left out until it is added. */
  setSubject(
    id: Id,
    subject: unknown,
    to: 'added' | 'removed',
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    return this.#stream(by, id, async (db, row, now) => {
      const credentialId = credentialOfSubject(subject, this.signer.issuer());
      if (credentialId === undefined) {
        throw new Refused(
          invalid('/subject', 'is no subject identifier', 'Send one as RFC 9493 writes it, with its format.'),
        );
      }
      if (credentialId === null || !(await mayHearOf(db, row.party_id, credentialId)))
        throw new Refused(refusal('not_found', 'no-such-subject', 'The subject is nobody that we know.'));
      await (to === 'removed'
        ? db.query(
            `INSERT INTO subscription_subject (subscription_id, party_id, credential_id, removed_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (subscription_id, credential_id) DO NOTHING`,
            [row.id, row.party_id, credentialId, iso(now)],
          )
        : db.query(`DELETE FROM subscription_subject WHERE subscription_id = $1 AND credential_id = $2`, [
            row.id,
            credentialId,
          ]));
      await this.records.entry(db, `subscription.subject-${to}`, row, by, now, { credentialId });
    });
  }

  /** Sends a verification event, with the receiver's own `state` in it (section 8.1.4). */
  verify(id: Id, state: string | undefined, by: Principal): Promise<Result<void, Refusal>> {
    return this.#stream(by, id, async (db, row, now) => {
      const settings = row.settings as unknown as Settings;
      const again = settings.verifiedAt ? Date.parse(settings.verifiedAt) + VERIFY_EVERY * SECOND : 0;
      if (again > now) {
        throw new Refused(
          refusal('too_many', 'verified-lately', `One verification in ${VERIFY_EVERY} seconds.`, {
            retryAfter: again - now,
          }),
        );
      }
      const next = JSON.stringify({ ...settings, verifiedAt: iso(now) });
      await this.records.update(
        db,
        row,
        { settings: next, held_until: null },
        'subscription.test-asked',
        by,
        now,
      );
      const data = state === undefined ? {} : { state };
      await this.records.tell(db, row, { type: VERIFICATION_TYPE, data }, now);
    });
  }

  #stream<T>(
    by: Principal,
    id: Id,
    work: (db: Db, row: SubscriptionRow, now: Millis) => Promise<T>,
  ): Promise<Result<T, Refusal>> {
    return this.records.change(by, id, (db, row, now) => {
      if (row.kind === 'webhook') throw new Refused(noStream());
      return work(db, row, now);
    });
  }

  /** Another way of delivery, or another address: what was kept for the old one goes. */
  async #moved(
    db: Db,
    row: SubscriptionRow,
    delivery: NonNullable<NewStream['delivery']>,
  ): Promise<Parameters<SubscriptionRecords['update']>[2]> {
    const push = delivery.method === PUSH ? delivery : undefined;
    const url = push ? await this.records.seal(db, row.id, push.endpoint_url, 'set-push') : null;
    const auth = await this.#sealed(db, row.id, push?.authorization_header);
    await this.records.destroy(db, row.url_ref);
    await this.records.destroy(db, row.auth_ref);
    return {
      kind: push ? 'set-push' : 'set-poll',
      url: url?.shown ?? '',
      url_ref: url?.ref ?? null,
      auth_ref: auth,
      failures: 0,
      failing_since: null,
      held_until: null,
    };
  }

  async #sealed(db: Db, id: Id, header: string | undefined): Promise<StoredRef | null> {
    return header === undefined ? null : this.records.vault.put(db, authBinding(id), Secret.of(header));
  }

  #shown(row: SubscriptionRow): StreamView {
    const { requested, credentialTypes } = row.settings as unknown as Settings;
    return {
      stream_id: row.id,
      iss: this.signer.issuer(),
      aud: audienceOf(row.settings, row.id),
      delivery: {
        method: row.kind === 'set-push' ? PUSH : POLL,
        // Masked where the receiver put a secret into its own address.
        endpoint_url: row.url === '' ? `${this.signer.issuer()}/api/v1/ssf/poll/${row.id}` : row.url,
      },
      events_supported: [...SETS_SUPPORTED],
      events_requested: requested,
      events_delivered: urisOf(row.events),
      ...(row.name === '' ? {} : { description: row.name }),
      ...(credentialTypes ? { credential_types: credentialTypes } : {}),
      min_verification_interval: VERIFY_EVERY,
    };
  }
}

function statusOf(row: SubscriptionRow): StreamStatus {
  return { stream_id: row.id, status: row.state, ...(row.state_why === '' ? {} : { reason: row.state_why }) };
}

/**
 * What the transmitter supplies may come back in a change, and must be as it is (SSF 1.0, sections 8.1.1.3 and 8.1.1.4):
 * whoever sends another value means another stream. So does whoever names another issuer or audience for a new one.
 *
 * @throws Refused
 */
function mustMatch(input: NewStream, shown: StreamView): void {
  const given: Record<string, unknown> = { ...input };
  // What it will be after the change is as right as what it was.
  const after = input.events_requested && urisOf(typesOf(input.events_requested));
  const fields = SUPPLIED.filter((member) => {
    const known: unknown[] = [shown[member], ...(member === 'events_delivered' && after ? [after] : [])];
    return given[member] !== undefined && !known.some((value) => sameAs(value) === sameAs(given[member]));
  }).map((member) => ({
    field: `/${member}`,
    problem: 'is not what the stream has',
    mend: 'Leave it out, or send it back as it was read: it is the transmitter’s to supply.',
  }));
  if (fields.length > 0)
    throw new Refused(
      refusal('invalid', 'not-yours-to-change', 'The stream is another one than that.', { fields }),
    );
}

const SUPPLIED = ['iss', 'aud', 'events_supported', 'events_delivered', 'min_verification_interval'] as const;

/** A list of one is that one (RFC 7519, section 4.1.3), and a list of events has no order. */
function sameAs(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? [...new Set(value.map(String))].sort() : [String(value)]);
}

async function mayHearOf(db: Db, partyId: Id, credentialId: Id): Promise<boolean> {
  const known = await rowsOf(
    db,
    `SELECT FROM credential_use u JOIN integration_party p ON p.integration_id = u.integration_id
      WHERE u.credential_id = $1 AND p.party_id = $2 LIMIT 1`,
    [credentialId, partyId],
  );
  return known.length > 0;
}

function noStream(): Refusal {
  return refusal('not_found', 'no-such-stream', 'There is no such stream.');
}
