import { convergenceOf } from '../../src/domain/credentials/convergence.rules.ts';
import { placesOf, targetOf } from '../../src/domain/credentials/holdings.queries.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { fingerprintsOf } from '../../src/domain/credentials/fingerprint.rules.ts';
import { CopiesService } from '../../src/domain/revocation/copies.service.ts';
import { Presets } from '../../src/domain/revocation/presets.service.ts';
import { Targets } from '../../src/domain/revocation/targets.service.ts';
import { findRotation } from '../../src/domain/rotation/rotations.queries.ts';
import { RotationWords } from '../../src/domain/rotation/rotation-words.service.ts';
import { RotationsService } from '../../src/domain/rotation/rotations.service.ts';
import type { RotationView } from '../../src/domain/rotation/rotation.schema.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { Keys } from '../../src/platform/signing/keys.ts';
import { until, type TestApp } from './app.ts';
import type { IssuingSupplier, Key } from './issuing-supplier.ts';
import { BY, RevocationScene, type KnownVersion } from './revocation-scene.ts';

export interface Slot extends KnownVersion {
  old: Key;
}

/** Credentials at an issuing supplier, and rotations of them. */
export class RotationScene extends RevocationScene {
  readonly rotations: RotationsService;
  readonly words: RotationWords;

  constructor(
    readonly world: TestApp,
    readonly supplier: IssuingSupplier | null = null,
  ) {
    super(world.app);
    this.rotations = world.app.get(RotationsService);
    this.words = world.app.get(RotationWords);
  }

  async preset(key: string, makes: 'adds' | 'replaces' | 'no', o: { list?: boolean } = {}): Promise<void> {
    const document = this.issuing.preset(key, makes, o);
    expectOk(
      await this.transactions.run(BY, (db) => this.world.app.get(Presets).put(db, document, 'test', BY)),
    );
  }

  get issuing(): IssuingSupplier {
    if (!this.supplier) throw new Error('there is no issuing supplier in this scene');
    return this.supplier;
  }

  /** A credential with a living version at the supplier, and a connection by which its versions are made. */
  async slot(partyId: Id, presetKey: string, o: { keepValue?: boolean } = {}): Promise<Slot> {
    const old = this.issuing.issue(`old-${newId().slice(-8)}`);
    const connectionId = await this.connection(partyId, presetKey, {
      baseUrl: this.issuing.baseUrl,
      dialect: this.issuing.dialect,
    });
    const known = await this.version(
      partyId,
      connectionId,
      { id: old.id, value: old.value, name: old.label },
      o,
    );
    return { ...known, old };
  }

  /** Which copies hold what they are to hold, as the console and the API say it. */
  async convergence(credentialId: Id) {
    return this.world.app.get(Transactions).run(BY, async (db) => {
      const places = (await placesOf(db, [credentialId])).get(credentialId) ?? [];
      const { target, converged, places: told } = convergenceOf(places, await targetOf(db, credentialId));
      return { target, converged, rows: told.map(({ version, standing }) => ({ version, standing })) };
    });
  }

  /** The old value is known by its fingerprint. */
  async fingerprinted(slot: Slot): Promise<void> {
    const peppers = this.world.app.get(Keys).peppers();
    for (const { part, scheme, keyId, digest } of fingerprintsOf(
      { value: Secret.of(slot.old.value) },
      peppers,
    ))
      await this.query(
        `INSERT INTO fingerprint (version_id, credential_id, integration_id, part, scheme, key_id, digest, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          slot.versionId,
          slot.credentialId,
          slot.integrationId,
          part,
          scheme,
          keyId,
          digest,
          this.world.clock.date(),
        ],
      );
  }

  async start(
    of: Pick<Slot, 'credentialId'>,
    input: { recipe?: string; emergency?: boolean; overlapMinutes?: number } = {},
  ): Promise<Id> {
    const { emergency = false, ...rest } = input;
    return expectOk(await this.rotations.start(of.credentialId, { emergency, reason: 'a test', ...rest }, BY))
      .id;
  }

  async view(id: Id): Promise<RotationView> {
    const found = await this.transactions.run(BY, (db) => findRotation(db, { id }));
    if (!found) throw new Error(`there is no rotation ${id}`);
    return found;
  }

  /** Waits until a rotation is as wanted; the clock goes on meanwhile. */
  async once(
    id: Id,
    reached: (view: RotationView) => boolean,
    step = 500,
    limit = 60_000,
  ): Promise<RotationView> {
    let view = await this.view(id);
    await until(
      async () => {
        view = await this.view(id);
        if (reached(view)) return true;
        this.world.clock.advance(step);
        return false;
      },
      () => JSON.stringify(view, null, 1),
      limit,
      20,
    );
    return view;
  }

  /** What a version's value is, as those read it who have to try it. */
  async valueIn(versionId: Id): Promise<string> {
    const loaded = await this.transactions.run(BY, (db) => this.world.app.get(Targets).load(db, versionId));
    return loaded!.path!.target.value!.use((value) => value);
  }

  /** Somebody signs that a version was revoked. */
  async signRevoked(versionId: Id): Promise<void> {
    expectOk(
      await this.world.app.get(CopiesService).sign(BY, {
        kind: 'revoked',
        subjectKind: 'credential_version',
        subjectId: versionId,
        signsFor: 'Ada Person, operations',
        text: 'It is off every list.',
        strength: 'account',
      }),
    );
  }

  /** What the steps of a run wait for. */
  async waitsFor(
    runId: Id | null,
  ): Promise<
    { step: string; state: string; forWhat: string | null; reason: string | null; item: string | null }[]
  > {
    return this.query(
      `SELECT n.step, s.state, s.for_what AS "forWhat", s.reason, s.item_key AS item FROM step s JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node
        WHERE s.run_id = $1 AND s.state NOT IN ('done', 'skipped', 'pending', 'cancelled') ORDER BY s.id`,
      [runId],
    );
  }
}
