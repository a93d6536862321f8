import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { HOUR, iso, MINUTE } from '../../src/kernel/time.ts';
import { BouncesService } from '../../src/domain/notices/bounces.service.ts';
import { DeliverySweep } from '../../src/domain/notices/deliver-notice.job.ts';
import { until } from '../support/app.ts';
import { dutyWorld, type Leaked, type DutyWorld } from '../support/duty-scene.ts';
import { acknowledgeLink } from '../support/acknowledge.ts';
import { bounceOf } from '../support/notice-scene.ts';

/** What laws ask us to tell, carried through us; and what they ask of other parties, watched. */

const BY = system('sweeps', 'test');
let world: DutyWorld['world'];
let mail: DutyWorld['mail'];
let scene: DutyWorld['scene'];
let duties: DutyWorld['duties'];
let rita: DutyWorld['rita'];
let omar: DutyWorld['omar'];

beforeAll(async () => {
  ({ world, mail, scene, duties, rita, omar } = await dutyWorld());
});
afterAll(async () => {
  await world?.close();
  await mail?.close();
});

describe('a duty of a law that is told through us', () => {
  let linked: Id;
  let authority: Id;
  let desk: Id;
  let made: Leaked;
  const deliver = () =>
    until(async () => {
      await world.app.get(DeliverySweep).sweep(BY);
      await duties.sweep();
      return (await duties.duty(made.incidentId, 'gdpr-33-1', 'notification')).fulfilledAt !== null;
    }, 'told');
  const draft = (id: Id, more: object = {}) =>
    duties.act(rita, id, 'notice', { contactId: desk, ...more }) as Promise<{
      status: number;
      body: { writtenId: Id };
    }>;
  const written = async (id: Id) =>
    (await omar.call('GET', `/api/v1/written-notices/${id}`)).body as {
      text: string;
      rowVersion: number;
      notice: string | null;
    };
  const decide = async (who: typeof rita, id: Id, send = true) =>
    who.call('POST', `/api/v1/written-notices/${id}/decide`, {
      body: { send, rowVersion: (await written(id)).rowVersion },
    });
  beforeAll(async () => {
    authority = await duties.party('Data Protection Authority');
    desk = newId();
    linked = await duties.integration('Told through us', { regions: ['DE'] });
    const at = world.clock.date();
    await scene.rows(
      `INSERT INTO integration_party (integration_id, party_id, party_name, role) VALUES ($1, $2, 'Data Protection Authority', 'authority')`,
      [linked, authority],
    );
    for (const [id, email, role, ordinal] of [
      [desk, 'desk@authority.example', 'security', 1],
      [newId(), 'duty@authority.example', 'on_call', 2],
    ] as const)
      await scene.rows(
        `INSERT INTO contact (id, party_id, role, ordinal, name, email, language, created_at, updated_at) VALUES ($1, $2, $3, $4, $3, $5, 'en', $6, $6)`,
        [id, authority, role, ordinal, email, at],
      );
    made = await duties.leak([linked]);
  });

  test('names its authority as soon as the integration has one, though the incident is open already', async () => {
    const late = await duties.integration('Named later', { regions: ['DE'] });
    const { incidentId } = await duties.leak([late]);
    const told = async () => {
      const { recipient, recipientRole } = await duties.duty(incidentId, 'gdpr-33-1', 'notification');
      return { recipient, recipientRole };
    };
    const before = await told();
    expect(before.recipientRole).toBe('authority');
    expect(before.recipient).not.toBe('Data Protection Authority');
    await scene.rows(
      `INSERT INTO integration_party (integration_id, party_id, party_name, role) VALUES ($1, $2, 'Data Protection Authority', 'authority')`,
      [late, authority],
    );
    expect(await told()).toEqual({ recipient: 'Data Protection Authority', recipientRole: 'authority' });
  });

  test('is drafted with what is known, approved by a second person, carried, and the register follows', async () => {
    const gdpr = await duties.duty(made.incidentId, 'gdpr-33-1', 'notification');
    expect(gdpr).toMatchObject({ recipient: 'Data Protection Authority', told: null, watched: false });
    // What somebody wrote them besides told them of no incident.
    await scene.rows(
      `INSERT INTO notice (id, reference, integration_id, party_id, subject_kind, subject_id, idempotency_key, category, trigger, start_event,
                           start_at, fulfilled_by, facts, message_id, correlation_id, created_at, updated_at, dispatch, accepted_at, fulfilled_at)
       VALUES ($1, 'NTC-2026-9099', $2, $3, 'case', $4, 'besides', 'written', 'written', 'written', $5, 'accepted_by_peer', '{}', 'besides', 'test',
               $5, $5, 'accepted', $5, $5)`,
      [newId(), linked, authority, gdpr.caseId, world.clock.date()],
    );
    const drafted = await draft(gdpr.id);
    expect(drafted).toMatchObject({ status: 201 });
    const { text } = await written(drafted.body.writtenId);
    expect(text).not.toContain('NTC-2026-9099');
    const { reference } = await scene.one<{ reference: string }>(
      `SELECT d.reference FROM credential d JOIN credential_version v ON v.credential_id = d.id WHERE v.id = $1`,
      [made.versionId],
    );
    expect(text).toContain(reference);
    expect(text).toContain('first known on');
    expect(text).toMatch(/not contained yet|contained since/);
    expect(text).toContain('name the file');
    expect((await draft(gdpr.id)).body).toMatchObject({ code: 'drafted-already' });
    expect((await decide(rita, drafted.body.writtenId)).body).toMatchObject({ code: 'second-person-needed' });
    expect((await decide(omar, drafted.body.writtenId)).status).toBe(200);
    await deliver();
    const told = await duties.duty(made.incidentId, 'gdpr-33-1', 'notification');
    expect(told).toMatchObject({
      timeliness: 'met',
      told: { state: 'sent', dispatch: 'accepted', notice: expect.stringMatching(/^NTC-/) },
    });
    expect(told.decisions.map(({ decision }) => decision)).toEqual(['told']);
    const got = mail.received.filter(({ to }) => to.includes('desk@authority.example'));
    expect(got).toHaveLength(1);
    expect(got[0]!.text).toContain('Regulation (EU) 2016/679, Art. 33(1)');
    expect(got[0]!.text).toContain(gdpr.reference);
    const clock = await scene.one<{ due_at: Date; category: string }>(
      `SELECT due_at, category FROM notice WHERE reference = $1`,
      [told.told!.notice],
    );
    expect(clock).toEqual({ due_at: new Date(gdpr.dueAt!), category: 'report' });
    await acknowledgeLink(world, got[0]!.text, 'Ada Desk');
    expect((await duties.duty(made.incidentId, 'gdpr-33-1', 'notification')).told!.receipt).toBe(
      'acknowledged',
    );
    expect((await draft(gdpr.id)).body).toMatchObject({ code: 'already-told' });
    // What is told is no second row of the register.
    expect(
      (await duties.register(made.incidentId)).obligations.filter(({ kind }) => kind === 'notice'),
    ).toHaveLength(1);
  });

  test('comes back and is owed again; what its contact does not take goes to another of the authority', async () => {
    made = await duties.leak([linked]);
    const gdpr = await duties.duty(made.incidentId, 'gdpr-33-1', 'notification');
    const { writtenId } = (await draft(gdpr.id)).body;
    await decide(omar, writtenId);
    await deliver();
    const { message_id: messageId } = await scene.one<{ message_id: string }>(
      `SELECT n.message_id FROM notice n JOIN written_notice w ON w.notice_id = n.id WHERE w.id = $1`,
      [writtenId],
    );
    const before = mail.received.length;
    const bounced = await world.app
      .get(BouncesService)
      .take(Buffer.from(bounceOf(messageId, 'desk@authority.example')), BY);
    expect(bounced).toMatchObject({ is: 'bounced' });
    await until(async () => {
      await duties.sweep();
      const one = await duties.duty(made.incidentId, 'gdpr-33-1', 'notification');
      return one.decisions.some(({ decision }) => decision === 'came_back');
    }, 'came back');
    await deliver();
    expect(mail.received.slice(before).map(({ to }) => to)).toEqual([['duty@authority.example']]);
    const after = await duties.duty(made.incidentId, 'gdpr-33-1', 'notification');
    expect(after).toMatchObject({ timeliness: 'met', obligation: 'required' });
    expect(after.decisions.map(({ decision }) => decision)).toEqual(['told', 'came_back', 'told']);
  });

  test('waits for the expiry of a written delay; what was handed in by hand ends its notice', async () => {
    made = await duties.leak([linked]);
    const gdpr = await duties.duty(made.incidentId, 'gdpr-33-1', 'notification');
    const { writtenId } = (await draft(gdpr.id)).body;
    const word = { authority: 'Prosecutor', document: 'letter 9', reason: 'an arrest is near' };
    await duties.act(rita, gdpr.id, 'withhold', { ...word, until: iso(world.clock.now() + HOUR) });
    expect((await decide(omar, writtenId)).body).toMatchObject({ code: 'wrong-state' });
    world.clock.advance(HOUR + MINUTE);
    await duties.sweep();
    await mail.behave('busy', 'desk@authority.example');
    await mail.behave('busy', 'duty@authority.example');
    expect((await decide(omar, writtenId)).status).toBe(200);
    const state = () =>
      scene.one<{ obligation: string; due_at: Date }>(
        `SELECT n.obligation, n.due_at FROM notice n JOIN written_notice w ON w.notice_id = n.id WHERE w.id = $1`,
        [writtenId],
      );
    world.clock.advance(MINUTE);
    await duties.act(rita, gdpr.id, 'withhold', { ...word, until: iso(world.clock.now() + HOUR) });
    const held = await state();
    expect(held.obligation).toBe('withheld');
    world.clock.advance(HOUR + MINUTE);
    await duties.sweep();
    const back = await state();
    expect(back.obligation).toBe('required');
    expect(back.due_at.getTime()).toBeGreaterThan(held.due_at.getTime());
    expect(iso(back.due_at.getTime())).toBe(
      (await duties.duty(made.incidentId, 'gdpr-33-1', 'notification')).dueAt,
    );
    expect((await draft(gdpr.id)).body).toMatchObject({ code: 'under-way' });
    await duties.act(rita, gdpr.id, 'submit', { at: iso(world.clock.now()), document: 'portal 11' });
    expect(await state()).toMatchObject({ obligation: 'superseded' });
  });
});

describe('the duties of other parties', () => {
  test('are in the register as theirs, watched and not told by us', async () => {
    const customer = await duties.party('Customer of the Union');
    await scene.rows(`UPDATE party SET region = 'FR', zone = 'Europe/Paris' WHERE id = $1`, [customer]);
    const agreed = await duties.agreement(customer, [{ direction: 'to_party', hours: 24 }]);
    const desk = newId();
    await scene.rows(
      `INSERT INTO contact (id, party_id, role, ordinal, name, email, language, created_at, updated_at) VALUES ($1, $2, 'security', 1, 'Desk', 'desk@customer.example', 'en', $3, $3)`,
      [desk, customer, world.clock.date()],
    );
    await scene.rows(
      `INSERT INTO term_recipient (term_id, contact_id, party_id, ordinal) SELECT t.id, $1, $2, 0 FROM term t WHERE t.party_id = $2`,
      [desk, customer],
    );
    const id = await scene.integration('Both in the Union', { parties: [scene.operatorId] });
    await scene.rows(`UPDATE integration SET agreement_id = $2, regions = '{EU}' WHERE id = $1`, [
      id,
      agreed,
    ]);
    await scene.rows(
      `INSERT INTO integration_party (integration_id, party_id, party_name, role) VALUES ($1, $2, 'Customer of the Union', 'customer') ON CONFLICT DO NOTHING`,
      [id, customer],
    );
    const made = await duties.leak([id]);
    const of = async (name: string) =>
      (await duties.register(made.incidentId)).obligations.filter(({ whose }) => whose === name);
    const supplier = await of('Supplier AG');
    expect(supplier.map((one) => [one.source.split(' ')[0], one.watched, one.recipient])).toEqual([
      ['gdpr-33-2', true, expect.any(String)],
    ]);
    const [asked] = supplier;
    expect((await duties.act(rita, asked!.id, 'notice', { contactId: desk })).body).toMatchObject({
      code: 'not-ours',
    });

    // The customer knows since our notice reached it: its own three days run from there, and remind nobody here.
    const theirs = async () =>
      (await of('Customer of the Union')).find((one) => one.source.startsWith('gdpr-33-1 '))!;
    await until(async () => {
      await world.app.get(DeliverySweep).sweep(BY);
      await duties.sweep();
      return (await theirs()).standing === 'dated';
    }, 'started');
    const { at } = await scene.one<{ at: Date }>(
      `SELECT min(accepted_at) AS at FROM notice WHERE party_id = $1 AND accepted_at IS NOT NULL`,
      [customer],
    );
    const running = await theirs();
    expect(running).toMatchObject({ watched: true, dueAt: iso(at.getTime() + 72 * HOUR) });
    expect(running.why).toContain('Europe/Paris');
    world.clock.advance(80 * HOUR);
    await duties.sweep();
    expect(await theirs()).toMatchObject({ timeliness: 'open', lateBy: null });
    expect(await scene.rows(`SELECT FROM escalation WHERE subject_id = $1`, [running.id])).toHaveLength(0);
    // What they say later is on record as theirs, in time or late.
    await duties.act(rita, running.id, 'submit', {
      at: iso(at.getTime() + 70 * HOUR),
      document: 'their mail of today',
    });
    expect(await theirs()).toMatchObject({ timeliness: 'met' });

    // The supplier's account of when it knew and told us is what it owed us.
    const stated = await rita.call('POST', `/api/v1/cases/${made.cases.get(id)!.id}/supplier-accounts`, {
      body: {
        partyId: scene.supplierId,
        knewAt: iso(at.getTime() - 5 * HOUR),
        knewBasis: 'their own report',
        toldAt: iso(at.getTime() - HOUR),
        toldBasis: 'their mail',
      },
    });
    expect(stated.status).toBe(201);
    expect((await of('Supplier AG'))[0]).toMatchObject({
      startAt: iso(at.getTime() - 5 * HOUR),
      fulfilledAt: iso(at.getTime() - HOUR),
      timeliness: 'met',
    });
    const own = (await of('Operator Ltd')).filter(({ kind }) => kind === 'obligation');
    expect(own.length).toBeGreaterThan(0);
    expect(own.every(({ watched }) => !watched)).toBe(true);
  });
});
