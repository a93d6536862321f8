import { expect } from '@jest/globals';
import type { DrillView } from '../../src/domain/revocation/drill.schema.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { until, type TestApp } from './app.ts';
import { caller } from './portfolio.ts';
import { RevocationScene, type KnownVersion } from './revocation-scene.ts';
import type { Issued, ScriptedSupplier } from './scripted-supplier.ts';

export interface DrillPath extends KnownVersion {
  pathId: Id;
  connectionId: Id;
  /** The credential in use, as the supplier names it. */
  real: string;
}

/** Credentials with one path by machine each, canaries for it, and drills that run by the reconciler alone. */
export class DrillScene extends RevocationScene {
  #number = 0;

  private constructor(
    readonly world: TestApp,
    readonly supplier: ScriptedSupplier,
    readonly presetKey: string,
    readonly responder: ReturnType<typeof caller>,
    readonly admin: ReturnType<typeof caller>,
  ) {
    super(world.app);
  }

  static async at(world: TestApp, supplier: ScriptedSupplier, presetKey: string): Promise<DrillScene> {
    const [responder, admin] = [await world.token('responder'), await world.token('admin')];
    return new DrillScene(world, supplier, presetKey, caller(world, responder), caller(world, admin));
  }

  async path(partyId: Id): Promise<DrillPath> {
    this.#number += 1;
    const connectionId = await this.connection(partyId, this.presetKey, this.supplier, {
      canary: this.supplier.issue(`control-${this.#number}`),
    });
    const real = this.supplier.issue(`real-${this.#number}`);
    const version = await this.version(partyId, null, real);
    const pathId = newId();
    await this.query(
      `INSERT INTO revocation_path (id, credential_id, integration_id, ordinal, kind, connection_id, party_id) VALUES ($1, $2, $3, 1, 'connector', $4, $5)`,
      [pathId, version.credentialId, version.integrationId, connectionId, partyId],
    );
    return { ...version, pathId, connectionId, real: real.name };
  }

  async canary(connectionId: Id): Promise<Issued> {
    const issued = this.supplier.issue(`canary-${newId().slice(-6)}`);
    const { status } = await this.admin('POST', `/api/v1/connections/${connectionId}/canaries`, {
      body: { label: issued.name, supplierId: issued.id, value: issued.value },
    });
    expect(status).toBe(201);
    return issued;
  }

  start(pathId: Id, faults: readonly string[]) {
    return this.responder('POST', `/api/v1/revocation-paths/${pathId}/drills`, { body: { faults } });
  }

  /** @param step milliseconds by which the clock goes on between looks */
  async ended(drillId: Id, step = 250): Promise<DrillView> {
    let body: DrillView | undefined;
    await until(async () => {
      this.world.clock.advance(step);
      body = (await this.responder('GET', `/api/v1/drills/${drillId}`)).body as DrillView;
      return body.endedAt !== null;
    }, `drill ${drillId} to end`);
    return body!;
  }
}
