import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { isWanted, type WantedVersion } from '../../kernel/row-version.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Config } from '../../platform/config/config.ts';
import { CONFIG } from '../../platform/config/token.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { AllowedPeers } from '../../platform/http/addresses.rules.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { SOURCES, type Source } from './source.ts';
import { mustBeDialled, settingsOf } from './source-settings.ts';
import { apiTokenBinding, keyBinding, type KeyRef } from './source-keys.ts';
import type { NewSource, SourceChange, SourceView } from './source.schema.ts';

/** Reporters over the API have no key and no deliveries; a source of this kind says how far a party is trusted. */
const API_KIND = 'api';
const MOST_KEYS = 5;

interface Row {
  id: Id;
  key: string;
  kind: string;
  name: string;
  environment: string;
  trust: SourceView['trust'];
  party_id: Id | null;
  owner_contact_id: Id | null;
  key_refs: KeyRef[];
  api_base_url: string | null;
  api_token_ref: string | null;
  active: boolean;
  quota_per_hour: number;
  settings: Record<string, string | boolean>;
  body_limit: number | null;
  poll_seconds: number;
  polled_at: Date | null;
  poll_problem: string | null;
  poll_taken: number;
  poll_refused: number;
  published_at: Date | null;
  last_seen_at: Date | null;
  row_version: number;
}

const COLUMNS = `id, key, kind, name, environment, trust, party_id, owner_contact_id, key_refs, api_base_url, api_token_ref,
  active, quota_per_hour, settings, body_limit, poll_seconds, polled_at, poll_problem, poll_taken, poll_refused, published_at,
  last_seen_at, row_version`;
const SELECT = `SELECT ${COLUMNS} FROM source`;

/** A kind of source, for whoever sets one up. */
export interface KnownKind {
  key: string;
  title: string;
  filesOnly: boolean;
  /** Bytes that a delivery may have unless the source says otherwise; null: it has none. */
  bodyLimit: number | null;
  /** Whether it can be asked for its deliveries. */
  polls: boolean;
  /** Whether its API is asked for anything. */
  asksItsApi: boolean;
  settings: { name: string; type: 'text' | 'flag'; required: boolean; hint: string }[];
}

/** Where reports come from, and the keys that prove it. Keys go in and never come out. */
@Injectable()
export class SourcesService {
  readonly #allowed: AllowedPeers;

  constructor(
    @Inject(SOURCES) private readonly kinds: readonly Source[],
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly vault: Vault,
    private readonly ledger: LedgerService,
    @Inject(CONFIG) config: Config,
  ) {
    this.#allowed = new AllowedPeers(config.outboundAllow);
  }

  /** By key. @param page.after the key that the page before ended with */
  async list(by: Principal, page: { limit: number; after?: string }): Promise<SourceView[]> {
    const rows = await this.transactions.run(by, (db) =>
      rowsOf<Row>(db, `${SELECT} WHERE $1::text IS NULL OR key > $1 ORDER BY key LIMIT $2`, [
        page.after ?? null,
        page.limit,
      ]),
    );
    return rows.map(viewOf);
  }

  async get(id: Id, by: Principal): Promise<Result<SourceView, Refusal>> {
    const [row] = await this.transactions.run(by, (db) => rowsOf<Row>(db, `${SELECT} WHERE id = $1`, [id]));
    return row ? ok(viewOf(row)) : err(unknown());
  }

  /** The kinds that are switched on. */
  known(): KnownKind[] {
    const kinds = this.kinds.map((kind) => ({
      key: kind.key,
      title: kind.title,
      filesOnly: kind.filesOnly ?? false,
      bodyLimit: kind.bodyLimit,
      polls: kind.poll !== undefined,
      asksItsApi: kind.fetchMissing !== undefined || kind.apiBaseUrl !== undefined,
      settings: fieldsOf(kind.settingsSchema),
    }));
    const api = {
      key: API_KIND,
      title: 'Reports of a party over the API',
      filesOnly: true,
      bodyLimit: null,
      polls: false,
      asksItsApi: false,
      settings: [],
    };
    return [...kinds, api];
  }

  create(input: NewSource, by: Principal): Promise<Result<SourceView, Refusal>> {
    return this.#change(by, async (db, now) => {
      const kind = this.kinds.find((one) => one.key === input.kind);
      if (!kind && input.kind !== API_KIND) {
        const known = [...this.kinds.map((one) => one.key), API_KIND].join(', ');
        throw new Refused(
          invalid('/kind', 'is no kind of source that is switched on', `Choose one of ${known}.`),
        );
      }
      const settings = settingsOf(kind, input.settings);
      mustBeDialled({ apiBaseUrl: input.apiBaseUrl, settings }, this.#allowed);
      const id = newId();
      const keyRefs: KeyRef[] = [];
      for (const [at, key] of input.keys.entries()) {
        keyRefs.push(await this.#seal(db, id, kind, Secret.of(key), now, `/keys/${at}`));
      }
      const tokenRef = input.apiToken
        ? await this.vault.put(db, apiTokenBinding(id), Secret.of(input.apiToken))
        : null;
      const made = await rowsOf<Row>(
        db,
        `INSERT INTO source (id, key, kind, name, environment, trust, party_id, owner_contact_id, key_refs, api_base_url,
                             api_token_ref, quota_per_hour, created_at, updated_at, settings, body_limit, poll_seconds)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15, $16) ON CONFLICT (key) DO NOTHING RETURNING ${COLUMNS}`,
        [
          id,
          input.key,
          input.kind,
          input.name,
          input.environment,
          input.trust,
          input.partyId,
          input.ownerContactId,
          JSON.stringify(keyRefs),
          input.apiBaseUrl,
          tokenRef,
          input.quotaPerHour,
          new Date(now),
          JSON.stringify(settings),
          input.bodyLimit,
          input.pollEverySeconds,
        ],
      );
      if (!made[0])
        throw new Refused(refusal('conflict', 'source-key-taken', 'There is a source with this key.'));
      await this.#entry(db, 'source.made', made[0], by, now);
      return made[0];
    });
  }

  /** An edit of the version that the caller saw. Another address of the API drops the token that was meant for the old one. */
  edit(
    id: Id,
    version: WantedVersion,
    change: SourceChange,
    by: Principal,
  ): Promise<Result<SourceView, Refusal>> {
    return this.#change(by, async (db, now) => {
      const row = await this.#lock(db, id, version);
      const kind = this.kinds.find((one) => one.key === row.kind);
      const settings = change.settings ? settingsOf(kind, change.settings) : row.settings;
      mustBeDialled({ apiBaseUrl: change.apiBaseUrl, settings }, this.#allowed, {
        apiBaseUrl: row.api_base_url,
        settings: row.settings,
      });
      const moved = change.apiBaseUrl !== undefined && change.apiBaseUrl !== row.api_base_url;
      const askedElsewhere = settings['pollUrl'] !== row.settings['pollUrl'];
      // Keys that were published for another address or issuer prove nothing here.
      const otherKeys = moved || JSON.stringify(settings) !== JSON.stringify(row.settings);
      let tokenRef = row.api_token_ref;
      if (tokenRef && (moved || askedElsewhere || change.apiToken !== undefined)) {
        await this.vault.destroy(db, tokenRef);
        tokenRef = null;
      }
      if (change.apiToken)
        tokenRef = await this.vault.put(db, apiTokenBinding(id), Secret.of(change.apiToken));
      const pick = <T>(given: T | undefined, kept: T) => (given === undefined ? kept : given);
      const [edited] = await rowsOf<Row>(
        db,
        `UPDATE source SET name = $2, environment = $3, trust = $4, owner_contact_id = $5, api_base_url = $6, api_token_ref = $7,
                quota_per_hour = $8, active = $9, updated_at = $10, settings = $11, body_limit = $12, poll_seconds = $14,
                published_keys = CASE WHEN $13::boolean THEN NULL ELSE published_keys END, published_tag = CASE WHEN $13::boolean THEN NULL ELSE published_tag END,
                published_at = CASE WHEN $13::boolean THEN NULL ELSE published_at END, row_version = row_version + 1 WHERE id = $1 RETURNING ${COLUMNS}`,
        [
          id,
          pick(change.name, row.name),
          pick(change.environment, row.environment),
          pick(change.trust, row.trust),
          pick(change.ownerContactId, row.owner_contact_id),
          pick(change.apiBaseUrl, row.api_base_url),
          tokenRef,
          pick(change.quotaPerHour, row.quota_per_hour),
          pick(change.active, row.active),
          new Date(now),
          JSON.stringify(settings),
          pick(change.bodyLimit, row.body_limit),
          otherKeys,
          pick(change.pollEverySeconds, row.poll_seconds),
        ],
      );
      await this.#entry(db, 'source.changed', edited!, by, now);
      return edited!;
    });
  }

  /** A further key; both are good until the old one is retired, so that a change of keys loses no delivery. */
  addKey(id: Id, key: Secret, by: Principal): Promise<Result<SourceView, Refusal>> {
    return this.#change(by, async (db, now) => {
      const row = await this.#lock(db, id);
      const kind = this.kinds.find((one) => one.key === row.kind);
      if (row.key_refs.length >= MOST_KEYS) {
        throw new Refused(
          refusal('conflict', 'too-many-keys', `A source has at most ${MOST_KEYS} keys: retire one first.`),
        );
      }
      const added = await this.#seal(db, id, kind, key, now, '/key');
      return this.#keys(db, row, [...row.key_refs, added], 'source.key-added', by, now);
    });
  }

  retireKey(id: Id, keyId: Id, by: Principal): Promise<Result<SourceView, Refusal>> {
    return this.#change(by, async (db, now) => {
      const row = await this.#lock(db, id);
      const retired = row.key_refs.find((key) => key.id === keyId);
      if (!retired) throw new Refused(refusal('not_found', 'no-such-key', 'The source has no such key.'));
      await this.vault.destroy(db, retired.ref);
      const left = row.key_refs.filter((key) => key.id !== keyId);
      return this.#keys(db, row, left, 'source.key-retired', by, now);
    });
  }

  async #change(
    by: Principal,
    work: (db: Db, now: Millis) => Promise<Row>,
  ): Promise<Result<SourceView, Refusal>> {
    try {
      return ok(viewOf(await this.transactions.run(by, (db) => work(db, this.clock.now()))));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      // A party or contact that is not there.
      if ((thrown as { code?: string }).code === '23503') {
        const what = (thrown as { constraint?: string }).constraint?.includes('contact')
          ? 'contact'
          : 'party';
        const field = what === 'contact' ? '/ownerContactId' : '/partyId';
        return err(invalid(field, `names a ${what} that is not there`, `Name a ${what} by its id.`));
      }
      throw thrown;
    }
  }

  async #lock(db: Db, id: Id, version?: WantedVersion): Promise<Row> {
    const [row] = await rowsOf<Row>(db, `${SELECT} WHERE id = $1 FOR NO KEY UPDATE`, [id]);
    if (!row) throw new Refused(unknown());
    if (version !== undefined && !isWanted(row.row_version, version)) {
      throw new Refused(
        refusal('precondition', 'stale-version', 'The source was changed since you read it.'),
      );
    }
    return row;
  }

  async #seal(
    db: Db,
    id: Id,
    kind: Source | undefined,
    key: Secret,
    now: Millis,
    field: string,
  ): Promise<KeyRef> {
    const wrong = kind
      ? kind.checkKey(key)
      : 'does not belong here: reports over the API are proven by their token';
    if (wrong !== undefined) throw new Refused(invalid(field, wrong, 'Take the key as the source gives it.'));
    const keyId = newId();
    return { id: keyId, ref: await this.vault.put(db, keyBinding(id, keyId), key), addedAt: iso(now) };
  }

  async #keys(
    db: Db,
    row: Row,
    keys: readonly KeyRef[],
    what: string,
    by: Principal,
    now: Millis,
  ): Promise<Row> {
    const [edited] = await rowsOf<Row>(
      db,
      `UPDATE source SET key_refs = $2, updated_at = $3, row_version = row_version + 1 WHERE id = $1 RETURNING ${COLUMNS}`,
      [row.id, JSON.stringify(keys), new Date(now)],
    );
    await this.#entry(db, what, edited!, by, now);
    return edited!;
  }

  async #entry(db: Db, kind: string, row: Row, by: Principal, now: Millis): Promise<void> {
    await this.ledger.append(db, {
      kind,
      subject: { kind: 'source', id: row.id },
      by,
      at: now,
      facts: {
        key: row.key,
        sourceKind: row.kind,
        trust: row.trust,
        partyId: row.party_id,
        active: row.active,
        keys: row.key_refs.map((key) => key.id),
        apiBaseUrl: row.api_base_url,
        hasApiToken: row.api_token_ref !== null,
        quotaPerHour: row.quota_per_hour,
        settings: row.settings,
        bodyLimit: row.body_limit,
        pollEverySeconds: row.poll_seconds,
      },
    });
  }
}

/** What a kind wants to be told besides its keys. */
function fieldsOf(schema: Source['settingsSchema']): KnownKind['settings'] {
  if (!schema) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' });
  return Object.entries(properties).map(([name, field]) => {
    const { type, description = '' } = typeof field === 'object' ? field : {};
    return {
      name,
      type: type === 'boolean' ? 'flag' : 'text',
      required: required.includes(name),
      hint: description,
    };
  });
}

function viewOf(row: Row): SourceView {
  return {
    id: row.id,
    key: row.key,
    kind: row.kind,
    name: row.name,
    environment: row.environment,
    trust: row.trust,
    partyId: row.party_id,
    ownerContactId: row.owner_contact_id,
    apiBaseUrl: row.api_base_url,
    hasApiToken: row.api_token_ref !== null,
    keys: row.key_refs.map(({ id, addedAt }) => ({ id, addedAt })),
    active: row.active,
    quotaPerHour: row.quota_per_hour,
    settings: row.settings,
    bodyLimit: row.body_limit,
    pollEverySeconds: row.poll_seconds,
    polled: row.polled_at && {
      at: row.polled_at.toISOString(),
      taken: row.poll_taken,
      refused: row.poll_refused,
      problem: row.poll_problem,
    },
    publishedKeysAt: row.published_at?.toISOString() ?? null,
    lastSeenAt: row.last_seen_at?.toISOString() ?? null,
    rowVersion: row.row_version,
  };
}

function unknown(): Refusal {
  return refusal('not_found', 'no-such-source', 'There is no such source.');
}

function invalid(field: string, problem: string, mend: string): Refusal {
  return refusal('invalid', 'bad-source', 'The source is not as it must be.', {
    fields: [{ field, problem, mend }],
  });
}
