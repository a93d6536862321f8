import { expect, test } from '@jest/globals';
import type { Db } from '../../platform/database/transactions.ts';
import { ReadsTogether } from './reads-together.ts';

/** A database that notes what it is asked, and answers each read with its place and its parameters. */
function noting(fails = false) {
  const asked: { sql: string; parameters: unknown[] }[] = [];
  const db = {
    query: async (sql: string, parameters: unknown[]) => {
      asked.push({ sql, parameters });
      if (fails) throw new Error('the server went away');
      const names = [...sql.matchAll(/\) AS (r\d+)/g)].map(([, name]) => name!);
      return [Object.fromEntries(names.map((name) => [name, [{ name }]]))];
    },
  } as unknown as Db;
  return { asked, reads: new ReadsTogether(db) };
}

test('what is asked in one turn is one statement, each read with its own parameters and its own rows', async () => {
  const { asked, reads } = noting();
  const answers = await Promise.all([
    reads.query('SELECT a FROM x WHERE b = $1 AND c < $2', ['b', 7]),
    reads.query('SELECT d FROM y WHERE e = $1 OR f = $1 OR g = $2', ['e', 'g']),
    reads.query('SELECT 1', []),
  ]);
  expect(answers).toEqual([[{ name: 'r0' }], [{ name: 'r1' }], [{ name: 'r2' }]]);
  expect(asked).toHaveLength(1);
  expect(asked[0]!.parameters).toEqual(['b', 7, 'e', 'g']);
  expect(asked[0]!.sql).toContain('b = $1 AND c < $2');
  expect(asked[0]!.sql).toContain('e = $3 OR f = $3 OR g = $4');
});

test('what needs an answer first goes with the next', async () => {
  const { asked, reads } = noting();
  await Promise.all([
    reads.query('SELECT 1', []).then(() => reads.query('SELECT 3', [])),
    reads.query('SELECT 2', []).then(() => reads.query('SELECT 4', [])),
  ]);
  expect(asked.map(({ sql }) => [...sql.matchAll(/SELECT (\d)/g)].map(([, digit]) => digit))).toEqual([
    ['1', '2'],
    ['3', '4'],
  ]);
});

test('a failure reaches every read that travelled with it', async () => {
  const { reads } = noting(true);
  const settled = await Promise.allSettled([reads.query('SELECT 1', []), reads.query('SELECT 2', [])]);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
