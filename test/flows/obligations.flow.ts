import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY, HOUR, iso, MINUTE, type Millis } from '../../src/kernel/time.ts';
import { LedgerService } from '../../src/domain/ledger/ledger.service.ts';
import { DutyClockSweep } from '../../src/domain/obligations/duty-clock.sweep.ts';
import type { SupplierAccountView } from '../../src/domain/obligations/obligation.schema.ts';
import { UsageRetentionSweep } from '../../src/domain/usage/usage-retention.sweep.ts';
import { Clock } from '../../src/platform/clock/clock.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, until } from '../support/app.ts';
import { dutyWorld, type Leaked, type DutyWorld } from '../support/duty-scene.ts';
import { caller } from '../support/portfolio.ts';

/** What is owed after a leak: by agreements and by laws, each case by its own clock; and when suppliers told us. */

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

describe('the register of an incident', () => {
  let made: Leaked;
  beforeAll(async () => {
    made = await duties.leak([await duties.integration('Shop payments')]);
  });

  test('holds what laws and agreements ask: dated, without a number, and not started', async () => {
    const { obligations } = await duties.register(made.incidentId);
    const told = Object.fromEntries(
      obligations.map((one) => [`${one.source.split(' ')[0]} ${one.phase}`, one.standing]),
    );
    expect(told).toEqual({
      'term confirmed': 'dated',
      'gdpr-33-1 notification': 'dated',
      'gdpr-34 communication': 'not_started',
      'dora-19 initial': 'not_started',
      'dora-19 intermediate': 'not_started',
      'dora-19 final': 'not_started',
    });
    const gdpr = await duties.duty(made.incidentId, 'gdpr-33-1', 'notification');
    const confirmed = await scene.one<{ at: Date }>(
      `SELECT at FROM instant WHERE case_id = $1 AND kind = 'confirmed'`,
      [gdpr.caseId],
    );
    expect(gdpr.dueAt).toBe(iso(confirmed.at.getTime() + 72 * HOUR));
    expect(gdpr.why).toContain('+ 72 hours');
    await duties.same(gdpr.id);
  });

  test('a decision starts a clock, with its author and its time', async () => {
    const at = world.clock.now();
    expect((await duties.asserted(made.incidentId, 'classified', at)).status).toBe(201);
    const initial = await duties.duty(made.incidentId, 'dora-19', 'initial');
    expect(initial).toMatchObject({ standing: 'dated', dueAt: iso(at + 4 * HOUR) });
    const [instant] = await scene.rows<{ asserted_by: string; by: string }>(
      `SELECT t.asserted_by, t.asserted_by_kind AS by FROM instant t WHERE t.incident_id = $1 AND t.kind = 'classified' LIMIT 1`,
      [made.incidentId],
    );
    expect(instant).toMatchObject({ by: 'user' });
    expect((await duties.asserted(made.incidentId, 'determined', at)).status).toBe(201);
    expect(await duties.duty(made.incidentId, 'gdpr-34', 'communication')).toMatchObject({
      standing: 'no_number',
      dueAt: null,
    });
    await duties.same(initial.id);
  });

  test('a report that was handed in is in time, and starts the next one', async () => {
    const initial = await duties.duty(made.incidentId, 'dora-19', 'initial');
    const next = await duties.duty(made.incidentId, 'dora-19', 'intermediate');
    expect(
      (await duties.act(rita, next.id, 'submit', { at: iso(world.clock.now()), document: 'portal 1' })).body,
    ).toMatchObject({
      code: 'not-started',
    });
    world.clock.advance(HOUR);
    const at = world.clock.now();
    const early = await duties.act(rita, initial.id, 'submit', {
      at: iso(at - 9 * ELAPSED_DAY),
      document: 'portal 1',
    });
    expect(early.status).toBe(400);
    const done = await duties.act(rita, initial.id, 'submit', { at: iso(at), document: 'portal 1' });
    expect(done).toMatchObject({ status: 200, body: { timeliness: 'met' } });
    expect(await duties.duty(made.incidentId, 'dora-19', 'intermediate')).toMatchObject({
      standing: 'dated',
      dueAt: iso(at + 72 * HOUR),
    });
    expect(
      (await duties.act(rita, initial.id, 'submit', { at: iso(at), document: 'again' })).body,
    ).toMatchObject({
      code: 'already-told',
    });
    await duties.same(next.id);
  });

  test('"not required" is a reasoned decision by a second person', async () => {
    const { id } = await duties.duty(made.incidentId, 'gdpr-34', 'communication');
    expect((await duties.act(rita, id, 'not-required', { reason: '' })).status).toBe(400);
    expect(
      (await duties.act(rita, id, 'not-required', { reason: 'the data were encrypted' })).body,
    ).toMatchObject({
      obligation: 'required',
    });
    expect(await duties.duty(made.incidentId, 'gdpr-34', 'communication')).toMatchObject({ askedBy: 'Rita' });
    expect((await duties.act(rita, id, 'not-required', { reason: 'still' })).body).toMatchObject({
      code: 'second-person-needed',
    });
    expect((await duties.act(omar, id, 'keep', { reason: 'not all of them were' })).status).toBe(200);
    const machine = { ...rita, call: caller(world, await world.token('responder')) };
    await duties.act(machine, id, 'not-required', { reason: 'no person of ours is named in it' });
    expect(await duties.duty(made.incidentId, 'gdpr-34', 'communication')).toMatchObject({
      askedBy: 'somebody over the API',
    });
    expect((await duties.act(omar, id, 'keep', { reason: 'some are' })).status).toBe(200);
    expect((await duties.act(omar, id, 'not-required', { reason: 'they were after all' })).status).toBe(200);
    expect((await duties.act(rita, id, 'not-required', { reason: 'I looked' })).body).toMatchObject({
      obligation: 'not_required',
    });
    const decided = await duties.duty(made.incidentId, 'gdpr-34', 'communication');
    expect(decided).toMatchObject({ obligation: 'not_required', askedBy: null });
    expect(decided.decisions.map((one) => [one.decision, one.by])).toEqual([
      ['not_required_asked', 'Rita'],
      ['kept', 'Omar'],
      ['not_required_asked', 'token'],
      ['kept', 'Omar'],
      ['not_required_asked', 'Omar'],
      ['not_required', 'Rita'],
    ]);
    // Decided by mistake: it is owed again, by the clock that it had.
    expect((await duties.act(omar, id, 'keep', { reason: '' })).status).toBe(400);
    expect((await duties.act(omar, id, 'keep', { reason: 'that was another case' })).body).toMatchObject({
      obligation: 'required',
    });
    const again = await duties.duty(made.incidentId, 'gdpr-34', 'communication');
    expect(again).toMatchObject({ obligation: 'required', dueAt: decided.dueAt, startAt: decided.startAt });
    expect(again.decisions.at(-1)).toMatchObject({
      decision: 'kept',
      by: 'Omar',
      reason: 'that was another case',
    });
    expect((await duties.act(omar, id, 'keep', { reason: 'once more' })).body).toMatchObject({
      code: 'nobody-asked',
    });
    await duties.same(id);
    const notice = (await duties.register(made.incidentId)).obligations.find(
      ({ kind }) => kind === 'notice',
    )!;
    await duties.act(rita, notice.id, 'not-required', { reason: 'told by phone before the agreement' });
    expect(
      (await duties.act(omar, notice.id, 'not-required', { reason: 'heard the call' })).body,
    ).toMatchObject({
      obligation: 'not_required',
    });
  });

  test('an authority’s written word withholds it until it expires; then it runs on with what was left', async () => {
    const before = await duties.duty(made.incidentId, 'gdpr-33-1', 'notification');
    const word = {
      authority: 'Public prosecutor',
      document: 'letter 7 of today',
      reason: 'an arrest is near',
    };
    const [from, until_] = [world.clock.now(), world.clock.now() + 5 * ELAPSED_DAY];
    expect((await duties.act(rita, before.id, 'withhold', { ...word, until: iso(from - 1) })).status).toBe(
      400,
    );
    expect(
      (await duties.act(rita, before.id, 'withhold', { ...word, until: iso(until_) })).body,
    ).toMatchObject({
      obligation: 'withheld',
    });
    world.clock.advance(4 * ELAPSED_DAY);
    await duties.sweep();
    // Its own time has passed meanwhile, and it is not late.
    expect(await duties.duty(made.incidentId, 'gdpr-33-1', 'notification')).toMatchObject({
      obligation: 'withheld',
      timeliness: 'open',
      withheldUntil: iso(until_),
      lateBy: null,
    });
    world.clock.advance(ELAPSED_DAY + MINUTE);
    await duties.sweep();
    await duties.sweep();
    const after = await duties.duty(made.incidentId, 'gdpr-33-1', 'notification');
    expect(after).toMatchObject({ obligation: 'required', timeliness: 'open' });
    expect(Date.parse(after.dueAt!)).toBe(Date.parse(before.dueAt!) + (until_ - from));
    expect(after.decisions.filter(({ decision }) => decision === 'returned')).toHaveLength(1);
    await duties.same(after.id);
  });

  test('who is late says why, and stays late', async () => {
    const intermediate = await duties.duty(made.incidentId, 'dora-19', 'intermediate');
    await until(
      async () => (await duties.duty(made.incidentId, 'dora-19', 'intermediate')).timeliness === 'missed',
      'missed',
    );
    const at = iso(world.clock.now());
    expect((await duties.act(rita, intermediate.id, 'submit', { at, document: 'portal 2' })).status).toBe(
      400,
    );
    const done = await duties.act(rita, intermediate.id, 'submit', {
      at,
      document: 'portal 2',
      reason: 'nobody was there',
    });
    expect(done).toMatchObject({ status: 200, body: { timeliness: 'missed' } });
    expect((await duties.duty(made.incidentId, 'dora-19', 'intermediate')).lateBy).toBeGreaterThan(0);
    await expect(
      scene.rows(`UPDATE obligation SET timeliness = 'met' WHERE id = $1`, [intermediate.id]),
    ).rejects.toThrow('decided once');
    await expect(
      scene.rows(`UPDATE obligation SET due_at = due_at + interval '9 days' WHERE id = $1`, [
        intermediate.id,
      ]),
    ).rejects.toThrow('decided once');
    // The final report counts from the day on which the late one was handed in.
    expect(await duties.duty(made.incidentId, 'dora-19', 'final')).toMatchObject({ standing: 'dated' });
  });
});

describe('a dispute about when something was', () => {
  test('keeps both, and works to the earlier', async () => {
    const { incidentId } = await duties.leak([await duties.integration('Disputed')]);
    const before = await duties.duty(incidentId, 'gdpr-33-1', 'notification');
    const notice = (await duties.register(incidentId)).obligations.find(({ kind }) => kind === 'notice')!;
    const { id: disputesId, at } = await scene.one<{ id: Id; at: Date }>(
      `SELECT id, at FROM instant WHERE incident_id = $1 AND case_id IS NULL AND kind = 'confirmed'`,
      [incidentId],
    );
    const earlier = at.getTime() - 10 * HOUR;
    expect((await duties.asserted(incidentId, 'confirmed', earlier, { disputesId })).status).toBe(201);
    const after = await duties.duty(incidentId, 'gdpr-33-1', 'notification');
    expect(after.dueAt).toBe(iso(earlier + 72 * HOUR));
    expect(after.disputed.map(({ dueAt }) => dueAt)).toEqual([iso(earlier + 72 * HOUR), before.dueAt]);
    await duties.same(after.id);
    const told = (await duties.register(incidentId)).obligations.find(({ id }) => id === notice.id)!;
    if (notice.fulfilledAt === null) {
      expect(told.dueAt).toBe(iso(Date.parse(notice.dueAt!) - 10 * HOUR));
      expect(told.disputed.map(({ dueAt }) => dueAt)).toEqual([told.dueAt, notice.dueAt]);
    }
    // A later one is kept, too, and moves nothing.
    await duties.asserted(incidentId, 'confirmed', at.getTime(), { disputesId });
    expect((await duties.duty(incidentId, 'gdpr-33-1', 'notification')).dueAt).toBe(after.dueAt);
  });
});

describe('a credential that three integrations share', () => {
  test('opens a case for each, by its own agreement, laws and clocks; each outside party sees its own', async () => {
    const [north, south] = [await duties.party('North SA'), await duties.party('South Inc')];
    const a = await duties.integration('North link', {
      parties: [north],
      agreementId: await duties.agreement(north, [{ direction: 'to_party', hours: 12 }]),
    });
    const b = await duties.integration('South link', {
      parties: [south],
      agreementId: await duties.agreement(south, [{ direction: 'to_party', hours: 48 }]),
      regions: ['US-CA'],
    });
    const c = await duties.integration('Own link', {
      regions: ['SG'],
      agreementId: await duties.agreement(scene.supplierId, []),
    });
    const insurer = await duties.party('Insurer plc');
    await duties.agreement(insurer, [{ direction: 'to_party', hours: 36 }]);
    await scene.rows(
      `INSERT INTO integration_party (integration_id, party_id, party_name, role) VALUES ($1, $2, 'Insurer plc', 'insurer')`,
      [c, insurer],
    );
    const { incidentId, cases } = await duties.leak([a, b, c]);
    expect([...cases.keys()].sort()).toEqual([a, b, c].sort());
    const { obligations } = await duties.register(incidentId);
    const of = (id: Id) =>
      obligations
        .filter((one) => one.caseId === cases.get(id)!.id && !one.watched)
        .map((one) => (one.kind === 'notice' ? `notice ${one.recipient}` : one.source.split(' ')[0]!));
    expect(new Set(of(a))).toEqual(new Set(['notice North SA', 'gdpr-33-1', 'gdpr-34', 'dora-19']));
    expect(new Set(of(b))).toEqual(
      new Set(['notice South Inc', 'gdpr-33-1', 'gdpr-34', 'dora-19', 'ca-1798-82']),
    );
    expect(new Set(of(c))).toEqual(
      new Set(['notice Insurer plc', 'gdpr-33-1', 'gdpr-34', 'dora-19', 'sg-pdpa-26d']),
    );
    const hours = (id: Id) => {
      const one = obligations.find(({ kind, caseId }) => kind === 'notice' && caseId === cases.get(id)!.id)!;
      return (Date.parse(one.dueAt!) - Date.parse(one.startAt!)) / HOUR;
    };
    expect([hours(a), hours(b), hours(c)]).toEqual([12, 48, 36]);

    for (const [partyId, own, other] of [
      [north, a, b],
      [south, b, a],
    ] as const) {
      const token = await scene.token('party_contact', partyId);
      const seen = await scene.call('GET', '/api/v1/cases', { token });
      expect((seen.body as { cases: { id: Id; incidentId: Id | null }[] }).cases).toEqual([
        expect.objectContaining({ id: cases.get(own)!.id, incidentId: null }),
      ]);
      expect((await scene.call('GET', `/api/v1/cases/${cases.get(other)!.id}`, { token })).status).toBe(404);
      const notices = await scene.call('GET', '/api/v1/notices', { token });
      const ids = (notices.body as { notices: { subjectId: Id }[] }).notices.map(
        ({ subjectId }) => subjectId,
      );
      expect(ids).toEqual([cases.get(own)!.id]);
      expect((await scene.call('GET', `/api/v1/incidents/${incidentId}/obligations`, { token })).status).toBe(
        403,
      );
    }

    // A report for all: the same rule is told once, and its cases know it.
    const gdpr = obligations.find((one) => one.source.startsWith('gdpr-33-1'))!;
    await duties.act(rita, gdpr.id, 'submit', {
      at: iso(world.clock.now()),
      document: 'one form',
      everyCase: true,
    });
    const told = (await duties.register(incidentId)).obligations.filter((one) =>
      one.source.startsWith('gdpr-33-1'),
    );
    expect(told.map(({ timeliness }) => timeliness)).toEqual(['met', 'met', 'met']);
  });
});

describe('the inbound clock', () => {
  test('a supplier that told late is on record as late; a dispute keeps both and counts the earlier', async () => {
    const agreed = await duties.agreement(scene.supplierId, [{ direction: 'from_party', hours: 24 }]);
    const linked = await duties.integration('Inbound', { agreementId: agreed });
    const { incidentId, cases } = await duties.leak([linked]);
    const caseId = cases.get(linked)!.id;
    const now = world.clock.now();
    const said = (knew: Millis, told: Millis, more: object = {}) =>
      rita.call('POST', `/api/v1/cases/${caseId}/supplier-accounts`, {
        body: {
          partyId: scene.supplierId,
          knewAt: iso(knew),
          knewBasis: 'their own report',
          toldAt: iso(told),
          toldBasis: 'their mail',
          ...more,
        },
      });
    expect((await said(now - HOUR, now - 2 * HOUR)).status).toBe(400);
    expect((await said(now - HOUR, now + 2 * HOUR)).status).toBe(400);
    const first = await said(now - 20 * HOUR, now);
    expect(first.status).toBe(201);
    const accounts = async () =>
      (
        (await rita.call('GET', `/api/v1/incidents/${incidentId}/supplier-accounts`)).body as {
          accounts: SupplierAccountView[];
        }
      ).accounts;
    expect(await accounts()).toMatchObject([
      { judgement: 'in_time', counts: true, dueAt: iso(now + 4 * HOUR) },
    ]);
    const disputesId = (first.body as { id: Id }).id;
    const same = await Promise.all([said(now - 20 * HOUR, now), said(now - 20 * HOUR, now)]);
    expect(same.map(({ status, body }) => [status, body])).toMatchObject(
      same.map(() => [409, { code: 'account-known' }]),
    );
    expect(await accounts()).toHaveLength(1);
    expect((await said(now - 30 * HOUR, now, { disputesId })).status).toBe(201);
    const both = await accounts();
    expect(new Set(both.map(({ judgement, counts, lateBy }) => `${judgement} ${counts} ${lateBy}`))).toEqual(
      new Set(['in_time false null', `late true ${6 * 3600}`]),
    );
    expect(await scene.alerts('supplier.told-late')).toHaveLength(1);
    await expect(scene.rows(`UPDATE supplier_account SET judgement = 'in_time'`)).rejects.toThrow(
      'permission denied',
    );
    const other = await rita.call('POST', `/api/v1/cases/${caseId}/supplier-accounts`, {
      body: {
        partyId: scene.customerId,
        knewAt: iso(now),
        knewBasis: 'none',
        toldAt: iso(now),
        toldBasis: 'none',
      },
    });
    expect(other.status).toBe(400);
  });
});

describe('a legal hold', () => {
  test('keeps the record and what retention would take, until a second person lifts it', async () => {
    const { incidentId, versionId } = await duties.leak([await duties.integration('Held')]);
    const hold = (who: typeof rita, what = '') =>
      who.call('POST', `/api/v1/incidents/${incidentId}/legal-hold${what}`, {
        body: { reason: 'a court asked' },
      });
    expect((await hold(rita)).status).toBe(204);
    expect((await hold(omar)).body).toMatchObject({ code: 'held-already' });
    expect((await duties.register(incidentId)).hold).toMatchObject({
      reason: 'a court asked',
      placedBy: 'Rita',
    });

    await scene.rows(`UPDATE incident_credential SET open = false WHERE incident_id = $1`, [incidentId]);
    const old = new Date(world.clock.now() - 3000 * ELAPSED_DAY);
    await scene.rows(`INSERT INTO usage_slot (version_id, slot, accepted, refused) VALUES ($1, $2, 1, 0)`, [
      versionId,
      old,
    ]);
    const kept = () => scene.rows(`SELECT FROM usage_slot WHERE version_id = $1`, [versionId]);
    const retain = () => world.app.get(UsageRetentionSweep).sweep(BY);
    await retain();
    expect(await kept()).toHaveLength(1);

    const detail = await scene.one<{ entry_id: Id; field: string }>(
      `SELECT d.entry_id, d.field FROM ledger_detail d JOIN ledger_entry e ON e.id = d.entry_id
        WHERE e.subject_id = $1 AND e.kind = 'legal-hold.placed'`,
      [incidentId],
    );
    const erase = () =>
      world.app.get(Transactions).run(BY, (db) =>
        world.app.get(LedgerService).eraseDetail(db, {
          entryId: detail.entry_id,
          field: detail.field,
          basis: 'retention',
          by: BY,
          at: world.clock.now(),
        }),
      );
    await expect(erase()).rejects.toThrow('a legal hold keeps this');
    expect((await hold(rita, '/lift')).body).toMatchObject({ code: 'second-person-needed' });
    expect((await hold(omar, '/lift')).status).toBe(204);
    expect((await erase()).ok).toBe(true);
    await retain();
    expect(await kept()).toHaveLength(0);
  });
});

test('a duty that is taken back after its time is late by its first clock, and a notice is owed again', async () => {
  const late = await duties.leak([await duties.integration('Shop refunds')]);
  const before = await duties.duty(late.incidentId, 'gdpr-33-1', 'notification');
  const told = (await duties.register(late.incidentId)).obligations.find(({ kind }) => kind === 'notice')!;
  for (const { id } of [before, told]) {
    await duties.act(rita, id, 'not-required', { reason: 'it was a drill' });
    expect((await duties.act(omar, id, 'not-required', { reason: 'so it was' })).body).toMatchObject({
      obligation: 'not_required',
    });
  }
  world.clock.advance(100 * HOUR);
  await duties.sweep();
  expect(await duties.duty(late.incidentId, 'gdpr-33-1', 'notification')).toMatchObject({
    timeliness: 'open',
  });
  for (const { id } of [before, told])
    expect((await duties.act(rita, id, 'keep', { reason: 'it was none' })).body).toMatchObject({
      obligation: 'required',
    });
  await duties.sweep();
  expect(await duties.duty(late.incidentId, 'gdpr-33-1', 'notification')).toMatchObject({
    obligation: 'required',
    timeliness: 'missed',
    dueAt: before.dueAt,
  });
  const after = (await duties.register(late.incidentId)).obligations.find(({ id }) => id === told.id)!;
  expect(after).toMatchObject({ obligation: 'required', dueAt: told.dueAt });
});

describe('a process that was down while a deadline passed', () => {
  test('tells on its start, once, that it was missed, and escalates', async () => {
    const { incidentId } = await duties.leak([await duties.integration('Slept through')]);
    const { id } = await duties.duty(incidentId, 'gdpr-33-1', 'notification');
    const at = world.clock.now() + 90 * HOUR;
    await world.app.close();
    const later = new (class extends Clock {
      override now(): Millis {
        return at;
      }
    })();
    const again = await startApp({ database: world.database, settings: { clock: later } });
    try {
      const missed = () =>
        again.app.get(Transactions).run(BY, (db) =>
          db.query<{ timeliness: string; entries: number; misses: number; escalated: number }[]>(
            `SELECT o.timeliness, (SELECT count(*)::int FROM ledger_entry e WHERE e.subject_id = o.id AND e.kind = 'obligation.missed') AS entries,
                    (SELECT count(*)::int FROM escalation x WHERE x.subject_id = o.id AND x.level = 'missed') AS misses,
                    (SELECT count(*)::int FROM escalation x WHERE x.subject_id = o.id AND x.level = 'escalate') AS escalated
               FROM obligation o WHERE o.id = $1`,
            [id],
          ),
        );
      await until(async () => (await missed())[0]!.timeliness === 'missed', 'missed');
      await again.app.get(DutyClockSweep).sweep(BY);
      expect(await missed()).toEqual([{ timeliness: 'missed', entries: 1, misses: 1, escalated: 1 }]);
    } finally {
      await again.app.close();
      world = { ...world, close: () => world.database.drop() };
    }
  });
});
