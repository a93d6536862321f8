import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { DUTIES, dutyWords } from '../../src/domain/responsibility/matrix.rules.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { ConsoleSession } from '../support/console-session.ts';
import { matrixScene, type MatrixScene } from '../support/matrix-scene.ts';
import { caller } from '../support/portfolio.ts';
import { readXlsx } from '../support/read-xlsx.ts';

const BY = system('test', 'matrix-files');
const PASSWORD = 'correct horse battery staple';
let t: TestApp;
let token: string;
let call: ReturnType<typeof caller>;
let first: MatrixScene;
let second: MatrixScene;
let hash: string;

beforeAll(async () => {
  t = await startApp();
  token = await t.token('contract_owner');
  call = caller(t, token);
  first = await matrixScene(t, 1);
  second = await matrixScene(t, 2);
  const at = `/api/v1/integrations/${first.integration}/matrix`;
  await call('POST', `${at}/inherit`, { body: { template: 'supplier-issues' }, ifMatch: 0 });
  const override = {
    duty: 'revocation',
    part: '@weekend',
    accountable: first.northwind,
    performing: [first.northwind, first.fjord],
    contactId: first.piet,
    windowMinutes: 90,
    pathKind: 'contact',
    note: '=HYPERLINK("http://evil.example","click")',
  };
  await call('PATCH', at, { body: { cells: [override] }, ifMatch: 1 });
  const proposed = await call('POST', `${at}/propose`, { body: { invite: false }, ifMatch: 2 });
  expect(proposed.status).toBe(201);
  hash = (await call('GET', `/api/v1/matrices/${proposed.body.versionId}`)).body.contentHash;
  await t.app
    .get(Transactions)
    .run(BY, (db) => db.query(`UPDATE integration SET name = '=1+1' WHERE id = $1`, [second.integration]));
}, 60_000);
afterAll(() => t.close());

async function file(url: string, bearer = token) {
  const answer = await t.app.inject({ url, headers: { authorization: `Bearer ${bearer}` } });
  return { status: answer.statusCode, headers: answer.headers, bytes: answer.rawPayload };
}
const values = (row: readonly ({ value: unknown } | undefined)[]) =>
  Array.from(row, (cell) => cell?.value ?? null);

describe('the matrix of one integration as a workbook', () => {
  test('says duty by duty what the page says, with windows as numbers, and what version it is', async () => {
    const { status, headers, bytes } = await file(`/api/v1/integrations/${first.integration}/matrix.xlsx`);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      'content-disposition': `attachment; filename="matrix-${first.reference}.xlsx"`,
      'cache-control': 'no-store',
    });
    const [matrix, about, signatures] = readXlsx(bytes);
    expect(matrix).toMatchObject({ name: 'Matrix', frozen: { rows: 1, columns: 1 } });
    expect([...new Set(values(matrix!.rows.slice(1).map(([duty]) => duty)))]).toEqual(DUTIES.map(dutyWords));
    const weekend = matrix!.rows.find((row) => String(row[1]?.value).includes('weekend'))!;
    expect(values(weekend)).toEqual([
      'revocation',
      "'@weekend",
      null,
      'Northwind Cloud 1',
      'Northwind Cloud 1; Fjord Hosting 1',
      '90 minutes',
      90,
      'a contact is asked',
      'Piet de Boer',
      `'=HYPERLINK("http://evil.example","click")`,
    ]);
    expect(weekend[6]!.type).toBe('number');
    for (const cell of matrix!.rows.flat()) expect(cell?.type).not.toBe('formula');
    const facts = new Map(about!.rows.map(([name, is]) => [name?.value, is]));
    expect(facts.get('version')).toEqual({ type: 'number', value: 1 });
    expect(facts.get('hash of its content (SHA-256)')).toEqual({ type: 'text', value: hash });
    expect(facts.get('proposed (UTC)')).toEqual({ type: 'date', value: t.clock.date().toISOString() });
    expect(signatures!.rows.slice(1).map((row) => [row[0]?.value, row[6]?.value])).toEqual(
      expect.arrayContaining([['Northwind Cloud 1', 'has not signed']]),
    );
  });

  test('says of what is only drafted that it is, and keeps the version to be read by its number', async () => {
    const at = `/api/v1/integrations/${first.integration}/matrix`;
    const { rowVersion } = (await call('GET', at)).body;
    const cell = {
      duty: 'recovery',
      accountable: first.aurora,
      performing: [first.aurora],
      windowMinutes: 30,
    };
    expect((await call('PATCH', at, { body: { cells: [cell] }, ifMatch: rowVersion })).status).toBe(200);
    const recovery = async (query: string) => {
      const [matrix, about] = readXlsx((await file(`${at}.xlsx${query}`)).bytes);
      return {
        within: matrix!.rows.find(([duty]) => duty?.value === 'recovery')![6]?.value,
        shows: about!.rows.find(([name]) => name?.value === 'shows')![1]!.value,
      };
    };
    expect(await recovery('')).toEqual({ within: 30, shows: 'what is drafted, which nobody has signed' });
    expect(await recovery('?version=1')).toMatchObject({ shows: 'a version' });
    expect((await recovery('?version=1')).within).not.toBe(30);
    expect((await file(`${at}.xlsx?version=7`)).status).toBe(404);
    const csv: string[][] = parse((await file(`${at}.csv`)).bytes.toString('utf8'));
    expect(csv.find(([duty]) => duty === 'recovery')![6]).toBe('30');
  });
});

describe('the portfolio as a file', () => {
  test('is a workbook of text, numbers and dates; an integration called like a formula is text', async () => {
    const [sheet] = readXlsx((await file('/api/v1/matrices.xlsx')).bytes);
    expect(sheet!.frozen).toEqual({ rows: 1, columns: 2 });
    const [heading, ...lines] = sheet!.rows;
    expect(values(heading!)).toEqual([
      'reference',
      'integration',
      'state',
      'matrix',
      'version',
      'in force from (UTC)',
      'until (UTC)',
      ...DUTIES.map(dutyWords),
    ]);
    const formula = lines.find(([reference]) => reference?.value === second.reference)!;
    expect(formula[1]).toEqual({ type: 'text', value: "'=1+1" });
    expect(formula.slice(7).map((cell) => cell!.value)).toEqual(DUTIES.map(() => 'GAP'));
    const agreed = lines.find(([reference]) => reference?.value === first.reference)!;
    expect(agreed[4]).toEqual({ type: 'number', value: 1 });
    expect(agreed.slice(7).map((cell) => cell!.value)).not.toContain('GAP');
  });

  test('carries dates as dates once a version is in force', async () => {
    await t.app
      .get(Transactions)
      .run(BY, (db) =>
        db.query(
          `UPDATE matrix_version SET state = 'countersigned', valid_from = '2026-11-01T09:30:00Z' WHERE integration_id = $1`,
          [first.integration],
        ),
      );
    const [sheet] = readXlsx((await file('/api/v1/matrices.xlsx')).bytes);
    const agreed = sheet!.rows.find(([reference]) => reference?.value === first.reference)!;
    expect(agreed[5]).toEqual({ type: 'date', value: '2026-11-01T09:30:00.000Z' });
  });

  test('holds what the filter asks for and what the reader may see, and no more', async () => {
    const gaps = readXlsx((await file('/api/v1/matrices.xlsx?gap=true')).bytes)[0]!;
    expect(gaps.rows.slice(1).map(([reference]) => reference!.value)).toEqual([second.reference]);
    const outside = await t.token('party_contact', second.northwind);
    const seen = readXlsx((await file('/api/v1/matrices.xlsx', outside)).bytes)[0]!;
    expect(seen.rows.slice(1).map(([reference]) => reference!.value)).toEqual([second.reference]);
    expect((await file(`/api/v1/integrations/${first.integration}/matrix.xlsx`, outside)).status).toBe(404);
    const csv: string[][] = parse((await file('/api/v1/matrices.csv', outside)).bytes.toString('utf8'));
    expect(csv.map(([reference]) => reference)).toEqual(['reference', second.reference]);
  });

  test('comes from the pages of the console, too', async () => {
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
    const session = await ConsoleSession.signIn(t, 'cora@operator.example', PASSWORD);
    const links = (await session.page('/matrices?gap=1')).html;
    expect(links).toContain('href="/matrices.xlsx?gap=1"');
    const portfolio = readXlsx(await session.file('/matrices.xlsx?gap=1'))[0]!;
    expect(portfolio.rows.slice(1).map(([reference]) => reference!.value)).toEqual([second.reference]);
    const own = `/integrations/${first.reference}/matrix`;
    expect((await session.page(own)).html).toContain(`href="${own}.xlsx"`);
    expect(readXlsx(await session.file(`${own}.xlsx?version=1`)).map(({ name }) => name)).toEqual([
      'Matrix',
      'About',
      'Signatures',
    ]);
    expect((await session.page('/integrations/INT-2026-0404/matrix.xlsx')).status).toBe(404);
  });
});
