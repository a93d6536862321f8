import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY, MINUTE } from '../../src/kernel/time.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { caller, importFile, portfolioExample } from '../support/portfolio.ts';

let world: TestApp;
let staff: ReturnType<typeof caller>;
let party: ReturnType<typeof caller>;
const ids: Record<string, Id> = {};
const BY = system('test', 'test-inventory');
const work = <T>(todo: (db: Db) => Promise<T>) => world.app.get(Transactions).run(BY, todo);
const sql = <T extends object>(text: string, params: unknown[] = []) =>
  work((db) => db.query<T[]>(text, params));

beforeAll(async () => {
  world = await startApp();
  const token = await world.token('vendor_risk');
  staff = caller(world, token);
  const { job } = await importFile(world, token, portfolioExample('example.yaml'), 'yaml');
  expect(job).toMatchObject({ state: 'done' });
  for (const [kind, key] of [
    ['parties', 'paylane'],
    ['parties', 'us'],
    ['parties', 'cloudhost'],
    ['integrations', 'checkout'],
    ['integrations', 'refunds'],
    ['credentials', 'checkout-token'],
  ] as const)
    ids[key] = (await staff('GET', `/api/v1/${kind}?source=example&key=${key}`)).body[kind][0].id;
  party = caller(world, await world.token('party_contact', ids['paylane']));
});
afterAll(() => world.close());

describe('the stoppers board', () => {
  const board = async (query = '') =>
    (await staff('GET', `/api/v1/stoppers?limit=200${query}`)).body.credentials;
  const token = async () =>
    (await board()).find((line: { id: Id }) => line.id === ids['checkout-token']) as {
      state: string;
      stoppers: {
        label: string;
        kind: string;
        pathId: Id;
        standing: string;
        reach: { state: string } | null;
      }[];
    };

  async function drill(pathId: Id, outcome: 'passed' | 'failed', ago: number): Promise<void> {
    const at = world.clock.now() - ago;
    await sql(
      `INSERT INTO drill (id, revocation_path_id, started_at, ended_at, outcome) VALUES ($1, $2, $3, $4, $5)`,
      [newId(), pathId, new Date(at), new Date(at + 7 * MINUTE), outcome],
    );
  }

  test('shows every credential, the riskiest first, page by page', async () => {
    const all = await board();
    const risks = all.map(({ risk }: { risk: number }) => risk);
    expect(risks).toEqual([...risks].sort((a, b) => b - a));
    const walked: Id[] = [];
    for (let cursor = ''; ;) {
      const { body } = await staff('GET', `/api/v1/stoppers?limit=1${cursor}`);
      walked.push(...body.credentials.map(({ id }: { id: Id }) => id));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(walked).toEqual(all.map(({ id }: { id: Id }) => id));
  });

  test('a way that nobody tried is red; a passed drill proves it, a failed or an old one does not', async () => {
    const untried = await token();
    expect(untried).toMatchObject({ state: 'unproven' });
    expect(untried.stoppers.map(({ standing }) => standing)).toEqual(['untried', 'untried']);
    const connector = untried.stoppers.find(({ kind }) => kind === 'connector')!;
    await drill(connector.pathId, 'passed', 181 * ELAPSED_DAY);
    expect((await token()).state).toBe('unproven');
    await drill(connector.pathId, 'passed', ELAPSED_DAY);
    expect(await token()).toMatchObject({
      state: 'proven',
      stoppers: [{ pathId: connector.pathId, standing: 'proven', expectedMinutes: 7, measured: true }, {}],
    });
    await drill(connector.pathId, 'failed', 1000);
    expect((await token()).state).toBe('unproven');
  });

  test('a proven way at whose end nobody answers is none', async () => {
    const person = (await token()).stoppers.find(({ kind }) => kind === 'contact')!;
    await drill(person.pathId, 'passed', ELAPSED_DAY);
    expect((await token()).state).toBe('proven');
    await sql(
      `UPDATE contact SET phone = NULL, email = NULL WHERE id = (SELECT contact_id FROM revocation_path WHERE id = $1)`,
      [person.pathId],
    );
    const now = await token();
    expect(now.state).toBe('unproven');
    expect(now.stoppers.find(({ pathId }) => pathId === person.pathId)?.reach).toEqual({
      state: 'unreachable',
      why: 'neither phone nor mail address',
    });
  });

  test('the filter for trouble keeps exactly what is red', async () => {
    const red = (await board()).filter(({ state }: { state: string }) => state !== 'proven');
    const filtered = await board('&trouble=true');
    expect(filtered.map(({ id }: { id: Id }) => id)).toEqual(red.map(({ id }: { id: Id }) => id));
    expect(filtered.length).toBeGreaterThan(0);
  });

  test('narrows to an integration, a supplier, a party', async () => {
    const of = async (query: string) => (await board(query)).map(({ id }: { id: Id }) => id);
    expect(await of(`&integrationId=${ids['checkout']}`)).toContain(ids['checkout-token']);
    expect(await of(`&supplierId=${ids['paylane']}`)).toContain(ids['checkout-token']);
    expect(await of(`&partyId=${ids['paylane']}`)).toContain(ids['checkout-token']);
    expect(await of(`&integrationId=${newId()}`)).toEqual([]);
  });

  test('a party sees its own, and of drills nothing', async () => {
    const { body } = await party('GET', '/api/v1/stoppers');
    const own = body.credentials.find(({ id }: { id: Id }) => id === ids['checkout-token']);
    expect(own.state).toBe('unknown');
    expect(own.stoppers.every(({ standing }: { standing: null }) => standing === null)).toBe(true);
  });
});
