import { Injectable } from '@nestjs/common';
import type { Refusal } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { templatesFolder } from '../../platform/config/templates.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { Connectors } from './connectors.ts';
import { contentHashOf, readPresetFiles, type KnownPreset } from './preset-files.ts';

/** An imported preset as it stands in its table. */
export interface ImportedPreset {
  content_hash: Buffer;
  body: unknown;
}

/** The presets of `templates/connectors`, and those that were imported beside them; of one key the imported one holds. */
@Injectable()
export class Presets {
  readonly #files: ReadonlyMap<string, KnownPreset>;
  readonly #checked = new Map<string, KnownPreset>();

  /** @throws Error naming the file that is not well-formed: an installation must not find out during an incident. */
  constructor(
    private readonly connectors: Connectors,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {
    this.#files = new Map(
      readPresetFiles(connectors, templatesFolder('connectors')).map((one) => [one.preset.key, one]),
    );
  }

  async get(db: Db, key: string): Promise<KnownPreset | null> {
    const [row] = await db.query<ImportedPreset[]>(
      `SELECT content_hash, body FROM connector_preset WHERE key = $1 AND active`,
      [key],
    );
    return this.of(key, row ?? null);
  }

  /** The preset of a key whose imported row, if there is one, was read already. */
  of(key: string, row: ImportedPreset | null): KnownPreset | null {
    if (!row) return this.#files.get(key) ?? null;
    const hash = row.content_hash.toString('hex');
    let known = this.#checked.get(hash);
    if (!known) {
      const checked = this.connectors.check(row.body);
      // A connector may have grown stricter since the import.
      if (!checked.ok) return null;
      known = { ...checked.value, contentHash: hash };
      this.#checked.set(hash, known);
    }
    return known;
  }

  /** Every preset by key, for choosing one. */
  async all(db: Db): Promise<KnownPreset[]> {
    const rows = await db.query<{ key: string }[]>(
      `SELECT key FROM connector_preset WHERE active ORDER BY key`,
    );
    const keys = new Set([...this.#files.keys(), ...rows.map((row) => row.key)]);
    // One after the other: a transaction has one connection.
    const found: (KnownPreset | null)[] = [];
    for (const key of keys) found.push(await this.get(db, key));
    return found.filter((preset) => preset !== null).sort((a, b) => (a.preset.key < b.preset.key ? -1 : 1));
  }

  /** Imports a preset; the same content again changes nothing. */
  async put(
    db: Db,
    document: unknown,
    source: string,
    by: Principal,
  ): Promise<Result<{ key: string; contentHash: string; changed: boolean }, Refusal>> {
    const checked = this.connectors.check(document);
    if (!checked.ok) return err(checked.error);
    const { preset } = checked.value;
    const hash = contentHashOf(preset);
    const [current] = await db.query<{ content_hash: Buffer }[]>(
      `SELECT content_hash FROM connector_preset WHERE key = $1 AND active FOR UPDATE`,
      [preset.key],
    );
    const contentHash = hash.toString('hex');
    if (current?.content_hash.equals(hash)) return ok({ key: preset.key, contentHash, changed: false });
    const now = this.clock.now();
    const id = newId();
    await db.query(`UPDATE connector_preset SET active = false WHERE key = $1 AND active`, [preset.key]);
    await db.query(
      `INSERT INTO connector_preset (id, key, content_hash, connector, title, body, source, active, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8)
       ON CONFLICT (key, content_hash) DO UPDATE SET active = true`,
      [id, preset.key, hash, preset.connector, preset.title, JSON.stringify(preset), source, new Date(now)],
    );
    await this.ledger.append(db, {
      kind: 'connector_preset.imported',
      subject: { kind: 'connector_preset', id },
      by,
      at: now,
      facts: { key: preset.key, contentHash, connector: preset.connector },
    });
    return ok({ key: preset.key, contentHash, changed: true });
  }
}
