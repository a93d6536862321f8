import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Secret } from '../../kernel/secret.ts';
import { MINUTE, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { keepAccess, type AccessKept } from '../../platform/vault/keep-access.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { connectionBinding } from './connections.service.ts';

import type { KnownPreset } from './preset-files.ts';
import { Presets } from './presets.service.ts';

interface Found {
  id: Id;
  name: string;
  baseUrl: string;
  preset: KnownPreset;
  refs: Record<string, StoredRef>;
}

/** As many are asked at once: a server that does not answer holds up a few others, for a while. */
const AT_ONCE = 4;

/** Prolongs our own tokens at suppliers before they end, and tells somebody where that cannot be done. */
@Sweep({ name: 'revocation.connection-access', every: 5 * MINUTE })
export class ConnectionAccessSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly presets: Presets,
    private readonly vault: Vault,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const found = await this.transactions.run(by, async (db) => {
      const all = await this.#connections(db);
      await this.#forgetOthers(
        db,
        all.map(({ id }) => id),
      );
      return all;
    });
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let next = found.pop(); next; next = found.pop()) await this.#seeTo(next, by);
      }),
    );
  }

  async #seeTo(one: Found, by: Principal): Promise<void> {
    const kept = await this.#kept(one, by);
    const at = this.clock.now();
    const dedupeKey = `connection.access:${one.id}`;
    await this.transactions.run(by, async (db) => {
      await db.query(
        `INSERT INTO connection_access (connection_id, ends_at, problem, looked_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (connection_id) DO UPDATE SET ends_at = $2, problem = $3, looked_at = $4`,
        [one.id, kept.endsAt === null ? null : new Date(kept.endsAt), kept.problem, new Date(at)],
      );
      if (kept.problem === null) return this.alerts.settle(db, dedupeKey, at);
      await this.alerts.raise(db, {
        kind: 'connection.access',
        severity: 'critical',
        message: `${one.name}: ${kept.problem} Without it, nothing can be revoked, proven or written there.`,
        dedupeKey,
        subject: { kind: 'connection', id: one.id },
        at,
      });
    });
  }

  /** Of connections that were taken out of use, or moved to a supplier without such tokens, nothing is to be seen to. */
  async #forgetOthers(db: Db, kept: readonly Id[]): Promise<void> {
    const gone = await rowsOf<{ id: Id }>(
      db,
      `SELECT connection_id AS id FROM connection_access WHERE connection_id <> ALL($1::uuid[])`,
      [kept],
    );
    for (const { id } of gone) {
      await db.query(`DELETE FROM connection_access WHERE connection_id = $1`, [id]);
      await this.alerts.settle(db, `connection.access:${id}`, this.clock.now());
    }
  }

  async #kept(one: Found, by: Principal): Promise<AccessKept> {
    const { connector, settings } = one.preset;
    const auth = await this.transactions.run(by, (db) => this.#secrets(db, one));
    const at = { settings, baseUrl: one.baseUrl, auth };
    const call = () => ({
      idempotencyKey: one.id,
      signal: AbortSignal.timeout(20 * SECOND),
      now: () => this.clock.now(),
    });
    try {
      return await keepAccess(
        {
          access: () => connector.ownAccess!(at, call()),
          renew: async () => (connector.renewOwnAccess ? connector.renewOwnAccess(at, call()) : null),
        },
        () => this.clock.now(),
      );
    } finally {
      for (const secret of Object.values(auth)) secret.wipe();
    }
  }

  /** Those in use whose suppliers give tokens that end. One without any secret is not set up, which its page says. */
  async #connections(db: Db): Promise<Found[]> {
    const rows = await rowsOf<{
      id: Id;
      name: string;
      presetKey: string;
      baseUrl: string;
      refs: Record<string, StoredRef>;
    }>(
      db,
      `SELECT id, name, preset_key AS "presetKey", base_url AS "baseUrl", auth_refs AS refs FROM connection
        WHERE retired_at IS NULL AND auth_refs <> '{}' ORDER BY id`,
    );
    const presets = new Map<string, KnownPreset | null>();
    const found: Found[] = [];
    for (const { presetKey, ...row } of rows) {
      if (!presets.has(presetKey)) presets.set(presetKey, await this.presets.get(db, presetKey));
      const preset = presets.get(presetKey);
      if (preset?.connector.ownAccess)
        found.push({ ...row, preset, baseUrl: row.baseUrl || preset.preset.baseUrl });
    }
    return found;
  }

  async #secrets(db: Db, one: Found): Promise<Record<string, Secret>> {
    const known = Object.entries(one.refs).filter(([, ref]) => this.vault.knows(ref));
    const given = await this.vault.getAll(
      db,
      known.map(([name, ref]) => ({ ref, boundTo: connectionBinding(one.id, name) })),
    );
    return Object.fromEntries(
      known.flatMap(([name], at) => {
        const secret = given[at];
        return secret === undefined || secret instanceof Error ? [] : [[name, secret]];
      }),
    );
  }
}
