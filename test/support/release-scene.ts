import { randomUUID } from 'node:crypto';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { PublicUrl } from '../../src/platform/config/public-url.ts';
import type { TestApp } from './app.ts';
import { jwt, ownKey, type OwnKey } from './jwt.ts';
import { matrixScene, type MatrixScene } from './matrix-scene.ts';
import { personCalling } from './people.ts';
import { caller } from './portfolio.ts';
import { RevocationScene } from './revocation-scene.ts';

/** A live integration, whose credential has an active version. */
export interface Scene extends MatrixScene {
  version: Id;
}

/** A portfolio for releases, and the people who run it: an engineer who asks, and a lead who approves. */
export class ReleaseScene {
  readonly rows: RevocationScene;
  #number = 0;

  private constructor(
    readonly world: TestApp,
    readonly engineer: Awaited<ReturnType<typeof personCalling>>,
    readonly lead: Awaited<ReturnType<typeof personCalling>>,
  ) {
    this.rows = new RevocationScene(world.app);
  }

  static async set(world: TestApp): Promise<ReleaseScene> {
    return new ReleaseScene(
      world,
      await personCalling(world, 'Enid', 'integration_engineer'),
      await personCalling(world, 'Lea', 'vendor_risk'),
    );
  }

  query<T>(sql: string, params: unknown[] = []): Promise<T[]> {
    return this.rows.query<T>(sql, params);
  }

  async integration(o: { value?: string | null; environment?: string } = {}): Promise<Scene> {
    const scene = await matrixScene(this.world, 100 + (this.#number += 1));
    const version = newId();
    await this.query(
      `UPDATE integration SET state = 'live', pass = 'held', environments = '{production,staging}' WHERE id = $1`,
      [scene.integration],
    );
    if (o.environment)
      await this.query(`UPDATE credential SET environment = $2 WHERE id = $1`, [
        scene.credential,
        o.environment,
      ]);
    await this.query(
      `INSERT INTO credential_version (id, credential_id, integration_id, number, phase, created_at) VALUES ($1, $2, $3, 1, 'active', $4)`,
      [version, scene.credential, scene.integration, this.world.clock.date()],
    );
    if (o.value !== null) await this.put(version, o.value ?? `value-${newId()}`);
    return { ...scene, version };
  }

  async put(version: Id, value: string): Promise<void> {
    const answer = await this.lead.call('PUT', `/api/v1/credential-versions/${version}/value`, {
      body: { value },
    });
    if (answer.status !== 204) throw new Error(`not placed: ${JSON.stringify(answer.body)}`);
  }

  /** A registered and approved machine. */
  async machine(
    scene: Scene,
    o: { key?: OwnKey; environment?: string; approve?: boolean } = {},
  ): Promise<Machine> {
    const key = o.key ?? ownKey();
    const made = await this.engineer.call('POST', '/api/v1/machine-identities', {
      body: {
        integrationId: scene.integration,
        partyId: scene.aurora,
        name: 'billing worker',
        environment: o.environment ?? 'production',
        publicKey: key.jwk,
      },
    });
    if (made.status !== 201) throw new Error(`not registered: ${JSON.stringify(made.body)}`);
    const machine = new Machine(this.world, made.body.id as Id, key);
    if (o.approve !== false) await this.decide(`machine-identities/${machine.id}`);
    return machine;
  }

  async decide(what: string): Promise<void> {
    const answer = await this.lead.call('POST', `/api/v1/${what}/decision`, {
      body: { decision: 'approve' },
    });
    if (answer.status !== 200) throw new Error(`not approved: ${JSON.stringify(answer.body)}`);
  }

  /** Declared and approved. @returns the grant */
  async grant(machine: Machine, scene: Scene, more: object = {}): Promise<Id> {
    const made = await this.engineer.call('POST', `/api/v1/machine-identities/${machine.id}/grants`, {
      body: {
        credentialId: scene.credential,
        purpose: 'nightly export',
        maxSimultaneous: 3,
        maxSeconds: 900,
        expiresAt: new Date(this.world.clock.now() + 30 * 86_400_000).toISOString(),
        ...more,
      },
    });
    if (made.status !== 201) throw new Error(`not declared: ${JSON.stringify(made.body)}`);
    await this.decide(`checkout-grants/${made.body.id}`);
    return made.body.id as Id;
  }

  async ledger(subjectId: Id): Promise<string[]> {
    return this.rows.ledger(subjectId);
  }
}

/** A workload with its key. */
export class Machine {
  constructor(
    readonly world: TestApp,
    readonly id: Id,
    readonly key: OwnKey,
  ) {}

  get audience(): string {
    return `${this.world.app.get(PublicUrl).get()}/api/v1/checkouts`;
  }

  claims(more: object = {}): Record<string, unknown> {
    const now = Math.floor(this.world.clock.now() / 1000);
    return {
      iss: this.id,
      sub: this.id,
      aud: this.audience,
      iat: now,
      exp: now + 60,
      jti: randomUUID(),
      ...more,
    };
  }

  assertion(more: object = {}, header: object = {}): string {
    return jwt(this.key, this.claims(more), header);
  }

  call(method: 'GET' | 'POST' | 'DELETE', path = '', body?: unknown, assertion = this.assertion()) {
    return caller(this.world, assertion)(
      method,
      `/api/v1/checkouts${path}`,
      body === undefined ? {} : { body },
    );
  }

  open(scene: Scene, more: object = {}) {
    return this.call('POST', '', { credentialId: scene.credential, purpose: 'nightly export', ...more });
  }
}
