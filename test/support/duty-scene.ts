import { expect } from '@jest/globals';
import { DutyClockSweep } from '../../src/domain/obligations/duty-clock.sweep.ts';
import type { ObligationView } from '../../src/domain/obligations/obligation.schema.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY, iso, type Millis } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from './app.ts';
import { LeakScene, REPORTS_KEY } from './leak-scene.ts';
import { MailServer } from './mail-server.ts';
import { personCalling } from './people.ts';
import type { Answer } from './portfolio.ts';

const BY = system('sweeps', 'test');
type Caller = Awaited<ReturnType<typeof personCalling>>;

/** What became of a leaked credential. */
export interface Leaked {
  incidentId: Id;
  versionId: Id;
  /** By integration. */
  cases: Map<Id, { id: Id; reference: string }>;
}

interface Register {
  obligations: ObligationView[];
  hold: unknown;
  total: number;
}

/** Leaks of integrations whose agreements and laws say what is owed, and the register of it as somebody reads it. */
export class DutyScene {
  constructor(
    private readonly scene: LeakScene,
    private readonly teller: Caller,
  ) {}

  /** An agreement with a party, in force: who tells whom within how many hours. */
  async agreement(partyId: Id, terms: readonly { direction: string; hours: number | null }[]): Promise<Id> {
    const [id, versionId, from] = [
      newId(),
      newId(),
      new Date(this.scene.world.clock.now() - 30 * ELAPSED_DAY),
    ];
    await this.scene.work(async (db) => {
      await db.query(
        `INSERT INTO agreement (id, reference, party_id, title, created_at, updated_at) VALUES ($1, $2, $3, 'Agreement', $4, $4)`,
        [id, `AGR-${id}`, partyId, from],
      );
      await db.query(
        `INSERT INTO agreement_version (id, agreement_id, party_id, number, valid_from, authority, approve_within_minutes, content_hash, created_at)
       VALUES ($1, $2, $3, 1, $4, 'approve_within', 45, '\\x00', $4)`,
        [versionId, id, partyId, from],
      );
      for (const term of terms)
        await db.query(
          `INSERT INTO term (id, agreement_version_id, party_id, direction, trigger, start_event, window_count, window_unit, valid_from)
         VALUES ($1, $2, $3, $4, 'confirmed', 'confirmed', $5::int, CASE WHEN $5::int IS NOT NULL THEN 'elapsed-hours' END, $6)`,
          [newId(), versionId, partyId, term.direction, term.hours, from],
        );
    });
    return id;
  }

  async party(name: string): Promise<Id> {
    const id = newId();
    await this.scene.rows(
      `INSERT INTO party (id, reference, name, is_operator, created_at, updated_at) VALUES ($1, $2, $3, false, $4, $4)`,
      [id, `PTY-${id}`, name, this.scene.world.clock.date()],
    );
    return id;
  }

  /** An integration of which the operator is the customer. */
  async integration(
    name: string,
    o: { agreementId?: Id; parties?: Id[]; regions?: string[]; sectors?: string[] } = {},
  ) {
    const id = await this.scene.integration(name, { parties: [this.scene.operatorId, ...(o.parties ?? [])] });
    await this.scene.rows(
      `UPDATE integration SET agreement_id = coalesce($2, agreement_id), regions = $3, sectors = $4 WHERE id = $1`,
      [id, o.agreementId ?? null, o.regions ?? [], o.sectors ?? []],
    );
    return id;
  }

  async leak(integrations: readonly Id[]): Promise<Leaked> {
    const [first, ...uses] = integrations;
    const credential = await this.scene.credential(first!, { uses });
    const sent = await this.scene.signed([{ ref: newId(), value: credential.value }]);
    expect(sent.status).toBe(202);
    await this.scene.settled();
    const rows = await this.scene.rows<{ id: Id; reference: string; integration_id: Id; incident_id: Id }>(
      `SELECT c.id, c.reference, c.integration_id, c.incident_id FROM incident_case c
       JOIN incident_credential x ON x.incident_id = c.incident_id WHERE x.version_id = $1 ORDER BY c.reference`,
      [credential.versionId],
    );
    return {
      incidentId: rows[0]!.incident_id,
      versionId: credential.versionId,
      cases: new Map(rows.map((row) => [row.integration_id, row])),
    };
  }

  async register(incidentId: Id): Promise<Register> {
    return (await this.teller.call('GET', `/api/v1/incidents/${incidentId}/obligations`)).body as Register;
  }

  /** The one of a rule and phase. */
  async duty(incidentId: Id, rule: string, phase: string): Promise<ObligationView> {
    const found = (await this.register(incidentId)).obligations.find(
      (one) => one.source.startsWith(`${rule} `) && one.phase === phase,
    );
    if (!found) throw new Error(`${rule} ${phase} is not in the register`);
    return found;
  }

  asserted(incidentId: Id, kind: string, at: Millis, more: object = {}): Promise<Answer> {
    return this.teller.call('POST', `/api/v1/incidents/${incidentId}/instants`, {
      body: { kind, at: iso(at), zone: 'Europe/Berlin', basis: 'the team met', ...more },
    });
  }

  act(who: Caller, id: Id, what: string, body: object): Promise<Answer> {
    return who.call('POST', `/api/v1/obligations/${id}/${what}`, { body });
  }

  /** Computed anew from what is on record, it is what it was. */
  async same(id: Id): Promise<void> {
    const { body } = await this.teller.call('GET', `/api/v1/obligations/${id}/recomputed`);
    expect(body).toMatchObject({ same: true });
  }

  sweep(): Promise<void> {
    return this.scene.world.app.get(DutyClockSweep).sweep(BY);
  }
}

/** An operator whom laws of the Union bind, two who respond for it, and mail. */
export interface DutyWorld {
  world: TestApp;
  mail: MailServer;
  scene: LeakScene;
  duties: DutyScene;
  rita: Caller;
  omar: Caller;
}

export async function dutyWorld(): Promise<DutyWorld> {
  const mail = await MailServer.start();
  const world = await startApp({ config: { smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host] } });
  const scene = await LeakScene.set(world);
  await scene.source({ key: 'reports', kind: 'standard-webhooks', keys: [REPORTS_KEY] });
  const rita = await personCalling(world, 'Rita', 'responder');
  const omar = await personCalling(world, 'Omar', 'responder');
  await scene.rows(
    `UPDATE party SET region = 'Germany', sector = 'Credit institution', zone = 'Europe/Berlin' WHERE is_operator`,
  );
  return { world, mail, scene, duties: new DutyScene(scene, rita), rita, omar };
}
