import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { DUTIES } from '../../src/domain/responsibility/matrix.rules.ts';
import type { WorkingMatrix } from '../../src/domain/responsibility/matrix.schema.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { ConsoleSession, fieldsOf } from '../support/console-session.ts';
import { matrixScene, member, type MatrixScene } from '../support/matrix-scene.ts';
import { caller } from '../support/portfolio.ts';

const BY = system('test', 'matrix-bulk');
const PASSWORD = 'correct horse battery staple';
type Fields = [string, string][];

let t: TestApp;
let call: ReturnType<typeof caller>;
let session: ConsoleSession;
let scenes = 0;

beforeAll(async () => {
  t = await startApp();
  call = caller(t, await t.token('contract_owner'));
  expectOk(
    await t.app.get(AccessService).createUser(
      {
        email: 'cora@operator.example',
        name: 'Cora',
        roles: ['contract_owner'],
        partyId: null,
        password: Secret.of(PASSWORD),
      },
      BY,
    ),
  );
  session = await ConsoleSession.signIn(t, 'cora@operator.example', PASSWORD);
}, 60_000);
afterAll(() => t.close());

const scene = () => matrixScene(t, ++scenes);
const api = (ids: MatrixScene) => `/api/v1/integrations/${ids.integration}/matrix`;
const working = async (ids: MatrixScene) => (await call('GET', api(ids))).body as WorkingMatrix;
const page = (ids: MatrixScene) => `/integrations/${ids.reference}/matrix/bulk`;
async function inherited(): Promise<MatrixScene> {
  const ids = await scene();
  await call('POST', `${api(ids)}/inherit`, { body: { template: 'supplier-issues' }, ifMatch: 0 });
  return ids;
}

/** The form with other choices made in it. */
const filled =
  (values: Record<string, string>, more: Fields = []) =>
  (fields: Fields): Fields => [
    ...fields.map(([name, value]): [string, string] => [name, values[name] ?? value]),
    ...more,
  ];
const rowsOf = (...values: string[]): Fields => values.map((value) => ['row', value]);

describe('several rows of one matrix', () => {
  test('take the same party, performers, contact and window; the rows that were not chosen stay', async () => {
    const ids = await inherited();
    const before = await working(ids);
    const chosen = ['storage', 'rotation', 'recovery'];
    const saved = await session.sendAsShown(
      page(ids),
      page(ids),
      filled(
        {
          accountable: ids.northwind,
          performing_how: 'beside',
          contact: ids.piet,
          window_how: 'set',
          window: '2d',
        },
        [...rowsOf(...chosen.map((duty) => `${duty}||`)), ['performing', ids.fjord]],
      ),
    );
    expect(saved.status).toBe(303);
    const after = await working(ids);
    expect(after.rowVersion).toBe(before.rowVersion + 1);
    for (const row of after.rows) {
      const old = before.rows.find(({ duty, part }) => duty === row.duty && part === row.part)!;
      if (!chosen.includes(row.duty)) expect({ ...row, id: '' }).toEqual({ ...old, id: '' });
      else {
        expect(row).toMatchObject({
          accountable: { id: ids.northwind },
          contact: { id: ids.piet },
          windowMinutes: 2880,
          note: old.note,
        });
        expect(row.performing.map(({ id }) => id).toSorted()).toEqual(
          [...new Set([...old.performing.map(({ id }) => id), ids.fjord])].toSorted(),
        );
      }
    }
  });

  test('are gaps at first; all of them can be chosen without a script', async () => {
    const ids = await scene();
    const all = await session.page(`${page(ids)}?choose=gaps`);
    expect(fieldsOf(all.html, page(ids)).filter(([name]) => name === 'row')).toHaveLength(DUTIES.length);
    const saved = await session.sendAsShown(
      `${page(ids)}?choose=gaps`,
      page(ids),
      filled({ accountable: ids.aurora, contact: ids.ann }),
    );
    expect(saved.status).toBe(303);
    const { rows, findings } = await working(ids);
    expect(rows.map(({ duty }) => duty)).toEqual([...DUTIES]);
    expect(new Set(rows.flatMap((row) => row.performing.map(({ id }) => id)))).toEqual(new Set([ids.aurora]));
    expect(findings).toEqual([]);
  });

  test('are refused together, each named, with the form as it was filled in', async () => {
    const ids = await inherited();
    const before = await working(ids);
    const own = before.rows
      .filter(({ accountable }) => accountable.id === ids.aurora)
      .map(({ duty }) => duty);
    const refused = await session.sendAsShown(
      page(ids),
      page(ids),
      filled({ contact: ids.piet, performing_how: 'instead', window_how: 'set', window: '4h' }, [
        ...rowsOf(`${own[0]}||`, 'revocation||'),
        ['performing', ids.aurora],
      ]),
    );
    expect(refused.status).toBe(422);
    expect(refused.html).toContain(`${own[0]!.replaceAll('_', ' ')}: is a contact of another party.`);
    const again = fieldsOf(refused.html, page(ids));
    expect(again).toEqual(
      expect.arrayContaining([
        ['row', 'revocation||'],
        ['window', '4h'],
        ['performing', ids.aurora],
      ]),
    );
    expect(await working(ids)).toEqual(before);
    const nothing = await session.sendAsShown(page(ids), page(ids));
    expect(nothing).toMatchObject({ status: 422, html: expect.stringContaining('Choose at least one row.') });
    const unsaid = await session.sendAsShown(page(ids), page(ids), filled({}, rowsOf('storage||')));
    expect(unsaid).toMatchObject({ status: 422, html: expect.stringContaining('Say what to set') });
    const strange = await session.sendAsShown(page(ids), page(ids), filled({}, rowsOf("storage|x' OR 1|")));
    expect(strange).toMatchObject({
      status: 422,
      html: expect.stringContaining('Choose rows of this matrix'),
    });
  });

  test('that somebody else changed meanwhile are not overwritten: 412 says what changed, and the form is kept', async () => {
    const ids = await inherited();
    const form = fieldsOf((await session.page(page(ids))).html, page(ids));
    const other = {
      duty: 'storage',
      accountable: ids.aurora,
      performing: [ids.aurora],
      contactId: ids.ann,
      windowMinutes: 7,
    };
    expect((await call('PATCH', api(ids), { body: { cells: [other] }, ifMatch: 1 })).status).toBe(200);
    const mine = filled({ window_how: 'set', window: '30m' }, rowsOf('storage||', 'rotation||'));
    const stale = await session.send(page(ids), page(ids), mine(form));
    expect(stale.status).toBe(412);
    expect(stale.html).toContain('storage was changed since you read it: its window is now 7 minutes.');
    expect(await working(ids)).toMatchObject({ rowVersion: 2 });
    // Having read it, the same is sent again upon the state that is shown.
    const decided = fieldsOf(stale.html, page(ids));
    expect((await session.send(page(ids), page(ids), decided)).status).toBe(303);
    const storage = (await working(ids)).rows.find(({ duty }) => duty === 'storage')!;
    expect(storage).toMatchObject({ accountable: { id: ids.aurora }, windowMinutes: 30 });
  });

  test('come from a template or from another integration by its reference, also over what stands', async () => {
    const [model, ids] = [await inherited(), await inherited()];
    const strict = {
      duty: 'rotation',
      accountable: model.aurora,
      performing: [model.aurora],
      windowMinutes: 15,
    };
    await call('PATCH', api(model), { body: { cells: [strict] }, ifMatch: 1 });
    expect(
      (await call('POST', `${api(model)}/propose`, { body: { invite: false }, ifMatch: 2 })).status,
    ).toBe(400);
    await call('PATCH', api(model), { body: { cells: [{ ...strict, contactId: model.ann }] }, ifMatch: 2 });
    expect(
      (await call('POST', `${api(model)}/propose`, { body: { invite: false }, ifMatch: 3 })).status,
    ).toBe(201);
    const inherit = `/integrations/${ids.reference}/matrix/inherit`;
    const window = async () =>
      (await working(ids)).rows.find(({ duty }) => duty === 'rotation')!.windowMinutes;
    const before = await window();
    const kept = await session.sendAsShown(page(ids), inherit, filled({ reference: model.reference }));
    expect(kept.status).toBe(303);
    expect(await window()).toBe(before);
    const over = await session.sendAsShown(
      page(ids),
      inherit,
      filled({ reference: model.reference }, [['replace', '1']]),
    );
    expect(over.status).toBe(303);
    expect(await window()).toBe(15);
    const nowhere = await session.sendAsShown(page(ids), inherit, filled({ reference: 'INT-2026-0404' }));
    expect(nowhere).toMatchObject({
      status: 422,
      html: expect.stringContaining('no integration INT-2026-0404'),
    });
  });
});

describe('gaps of many integrations', () => {
  const cells = (html: string, ids: MatrixScene): Fields =>
    [...html.matchAll(/<input [^>]*name="cell"[^>]*>/g)]
      .map(([tag]) => /value="([^"]*)"/.exec(tag)![1]!)
      .filter((value) => value.startsWith(ids.integration))
      .map((value) => ['cell', value]);

  test('get a party in one decision; each integration has its own draft and its own outcome', async () => {
    const [one, two, three, stale] = [await scene(), await scene(), await scene(), await inherited()];
    await t.app.get(Transactions).run(BY, (db) => member(db, three.integration, three.fjord, 'supplier'));
    const board = (await session.page('/matrices?gap=1')).html;
    expect(cells(board, one)).toEqual([['cell', `${one.integration}:*`]]);
    const chosen: Fields = [
      ...cells(board, one),
      ['cell', `${two.integration}:rotation`],
      ['cell', `${two.integration}:storage`],
      ...cells(board, three),
      ['cell', `${stale.integration}:rotation`],
    ];
    const asked = await session.send('/matrices?gap=1', '/matrices/chosen', chosen);
    expect(asked.status).toBe(200);
    for (const { reference } of [one, two, three, stale]) expect(asked.html).toContain(reference);
    // Somebody edits one of them before the decision is made.
    const cell = {
      duty: 'issuance',
      accountable: stale.aurora,
      performing: [stale.aurora],
      contactId: stale.ann,
    };
    expect((await call('PATCH', api(stale), { body: { cells: [cell] }, ifMatch: 1 })).status).toBe(200);
    const form = fieldsOf(asked.html, '/matrices/assign');
    const done = await session.send(
      '/matrices',
      '/matrices/assign',
      filled({ accountable: 'role:supplier', contact: 'on_call' })(form),
    );
    expect(done.status).toBe(200);
    expect(done.html).toMatch(/2 of 4 integrations have a drafted row more[^]*1 was refused and not changed/);
    expect(done.html).toContain('the integration has 2 parties in the role supplier');
    expect(done.html).toContain('issuance was changed since you read it: accountable is now Aurora Pay');
    const rows = async (ids: MatrixScene) =>
      (await working(ids)).rows.map((row) => [row.duty, row.accountable.id, row.contact?.id]);
    expect(await rows(one)).toEqual(DUTIES.map((duty) => [duty, one.northwind, one.piet]));
    expect(await rows(two)).toEqual([
      ['storage', two.northwind, two.piet],
      ['rotation', two.northwind, two.piet],
    ]);
    expect(await rows(three)).toEqual([]);
    expect((await working(stale)).rowVersion).toBe(2);
    // The gap stays one until both sides signed; the board says that somebody drafted an answer.
    const after = (await session.page(`/matrices?q=${two.reference}`)).html;
    expect(after).toContain('2 of 12 are drafted');
    // Sent once more, nothing is done twice.
    const again = await session.send(
      '/matrices',
      '/matrices/assign',
      filled({ accountable: 'role:supplier' })(form),
    );
    expect(again.html).toMatch(/0 of 4 integrations/);
  });

  test('can be chosen by nobody who may not write, and of an integration that one does not see nothing is done', async () => {
    const ids = await scene();
    const outside = caller(t, await t.token('party_contact', (await scene()).northwind));
    const body = {
      integrations: [{ id: ids.integration, rowVersion: 0, duties: ['rotation'] }],
      accountable: { role: 'supplier' },
    };
    const refused = await outside('POST', '/api/v1/matrices/assignments', { body });
    expect(refused).toMatchObject({
      status: 200,
      body: { outcomes: [{ name: null, named: [], refused: { code: 'no-integration' } }] },
    });
    expect((await working(ids)).rows).toEqual([]);
    const auditor = caller(t, await t.token('auditor'));
    expect((await auditor('POST', '/api/v1/matrices/assignments', { body })).status).toBe(403);
  });

  test('what cannot be read is refused as a whole, by name of the field', async () => {
    const ids = await scene();
    const post = (body: object) => call('POST', '/api/v1/matrices/assignments', { body });
    const item = { id: ids.integration, rowVersion: 0, duties: ['rotation'] };
    for (const body of [
      { integrations: [], accountable: { role: 'supplier' } },
      { integrations: [item, item], accountable: { role: 'supplier' } },
      { integrations: [item], accountable: { role: 'insurer' } },
      { integrations: [{ ...item, duties: ['cooking'] }], accountable: { role: 'supplier' } },
    ])
      expect(await post(body)).toMatchObject({ status: 400 });
    const none = await session.send('/matrices', '/matrices/chosen', {});
    expect(none).toMatchObject({ status: 422, html: expect.stringContaining('Choose at least one gap.') });
    const strange = await session.send('/matrices', '/matrices/chosen', { cell: 'x:*' });
    expect(strange.status).toBe(422);
  });
});
