import { readFileSync } from 'node:fs';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY } from '../../src/kernel/time.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import type { TestApp } from './app.ts';
import { caller, importFile } from './portfolio.ts';

/** The integration of `templates/ci/countersign.yaml` on record, and the evidence that it needs to go live. */
export class GateScene {
  readonly by = system('test', 'gate-scene');

  private constructor(
    readonly world: TestApp,
    readonly integrationId: Id,
    readonly reference: string,
  ) {}

  static async set(world: TestApp, change: (text: string) => string = (text) => text): Promise<GateScene> {
    const token = await world.token('vendor_risk');
    const { job, problems } = await importFile(world, token, change(manifestText()), 'yaml');
    if (job.state !== 'done') throw new Error(`the manifest was refused: ${JSON.stringify(problems)}`);
    const found = await caller(world, token)('GET', '/api/v1/integrations?source=shop&key=checkout');
    const [{ id, reference }] = found.body.integrations as [{ id: Id; reference: string }];
    return new GateScene(world, id, reference);
  }

  query<T extends object>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    return this.world.app.get(Transactions).run(this.by, (db) => db.query<T[]>(sql, parameters));
  }

  async partyOf(key: string): Promise<Id> {
    const [row] = await this.query<{ id: Id }>(
      `SELECT id FROM party WHERE source = 'shop' AND external_key = $1`,
      [key],
    );
    return row!.id;
  }

  /** A party signs the newest version of the matrix. @returns the attestation */
  async sign(party: string, days = 365): Promise<Id> {
    const [person, id] = [newId(), newId()];
    const now = this.world.clock.now();
    await this.query(`INSERT INTO person (id, name, created_at) VALUES ($1, 'Signer', $2)`, [
      person,
      new Date(now),
    ]);
    await this.query(
      `INSERT INTO attestation (id, matrix_version_id, integration_id, party_id, person_id, signs_for, content_hash, text_hash, language, strength, at, expires_at)
       SELECT $1, id, integration_id, $3, $4, 'the company', content_hash, content_hash, 'en', 'account_mfa', $5, $6
         FROM matrix_version WHERE integration_id = $2 ORDER BY number DESC LIMIT 1`,
      [
        id,
        this.integrationId,
        await this.partyOf(party),
        person,
        new Date(now),
        new Date(now + days * ELAPSED_DAY),
      ],
    );
    return id;
  }

  /** Every revocation path of the integration's credentials is tried, and works. */
  async drill(outcome: 'passed' | 'failed' = 'passed'): Promise<void> {
    const now = new Date(this.world.clock.now());
    const paths = await this.query<{ id: Id }>(`SELECT id FROM revocation_path WHERE integration_id = $1`, [
      this.integrationId,
    ]);
    for (const { id } of paths)
      await this.query(
        `INSERT INTO drill (id, revocation_path_id, started_at, ended_at, outcome) VALUES ($1, $2, $3, $3, $4)`,
        [newId(), id, now, outcome],
      );
  }

  async confirmContacts(): Promise<void> {
    await this.query(`UPDATE contact SET confirmed_at = $1 WHERE source = 'shop'`, [
      new Date(this.world.clock.now()),
    ]);
  }
}

export function manifestText(): string {
  return readFileSync(new URL('../../templates/ci/countersign.yaml', import.meta.url), 'utf8');
}
