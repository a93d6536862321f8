import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { matrixScene } from '../support/matrix-scene.ts';
import { MEDIA, caller, importEnded, portfolioExample, type Answer } from '../support/portfolio.ts';

/** Bodies as they come over a connection: in pieces, their length not told before. */

let world: TestApp;
let port: number;
let risk: string;
let owner: string;

beforeAll(async () => {
  world = await startApp();
  await world.app.listen(0, '127.0.0.1');
  ({ port } = world.app.getHttpServer().address() as AddressInfo);
  risk = await world.token('vendor_risk');
  owner = await world.token('contract_owner');
});
afterAll(() => world.close());

async function send(
  method: 'POST' | 'PATCH',
  path: string,
  body: AsyncIterable<Buffer> | Iterable<Buffer>,
  headers: Record<string, string>,
): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
  const answered = new Promise<Answer>((resolve, reject) => {
    asked.once('error', reject);
    asked.once('response', (response) => {
      text(response).then(
        (said) =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: said === '' ? undefined : JSON.parse(said),
          }),
        reject,
      );
    });
  });
  // A body that is refused is not read to its end: then the answer counts, not that the rest could not be sent.
  await pipeline(Readable.from(body), asked).catch(() => undefined);
  return answered;
}

/** Cut where it falls: within a line, within a letter. */
function* pieces(body: Buffer, size: number): Iterable<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

async function imported(body: Buffer, type: keyof typeof MEDIA, size: number, query = '') {
  const accepted = await send('POST', `/api/v1/imports${query}`, pieces(body, size), {
    authorization: `Bearer ${risk}`,
    'content-type': MEDIA[type],
  });
  expect([accepted.status, accepted.body]).toEqual([
    202,
    expect.objectContaining({ id: expect.any(String) }),
  ]);
  expect(accepted.headers['location']).toBe(`/api/v1/imports/${accepted.body.id}`);
  return importEnded(world, risk, accepted.body.id);
}

describe('an import', () => {
  test('of a table is read while it comes, line by line', async () => {
    const rows = 4000;
    const table = ['kind,key,name']
      .concat(Array.from({ length: rows }, (_, n) => `party,sent-${n},Fjørd Höfn ${n} ✓`))
      .join('\n');
    const { job, problems } = await imported(Buffer.from(`${table}\n`), 'csv', 1021, '?source=sent');
    expect([job.state, problems]).toEqual(['done', []]);
    const call = caller(world, risk);
    const last = await call('GET', `/api/v1/parties?source=sent&key=sent-${rows - 1}`);
    expect(last.body.parties).toEqual([expect.objectContaining({ name: `Fjørd Höfn ${rows - 1} ✓` })]);
  });

  test('of a whole manifest comes to what it says', async () => {
    const { job, problems } = await imported(portfolioExample('example.yaml'), 'yaml', 97);
    expect([job.state, problems]).toEqual(['done', []]);
    const { body } = await caller(world, risk)('GET', '/api/v1/integrations?source=example&key=checkout');
    expect(body.integrations).toHaveLength(1);
  });

  test('whose connection ends in the middle is no import', async () => {
    const before = (await caller(world, risk)('GET', '/api/v1/imports')).body.imports.length;
    async function* torn() {
      yield Buffer.from('kind,key,name\nparty,torn,Torn\n');
      throw new Error('the sender is gone');
    }
    const answer = send('POST', '/api/v1/imports?source=torn', torn(), {
      authorization: `Bearer ${risk}`,
      'content-type': MEDIA.csv,
    });
    await expect(answer).rejects.toThrow();
    const call = caller(world, risk);
    expect((await call('GET', '/api/v1/imports')).body.imports).toHaveLength(before);
    expect((await call('GET', '/api/v1/parties?source=torn&key=torn')).body.parties).toEqual([]);
  });
});

describe('JSON', () => {
  const cells = (accountable: string, count: number) =>
    Array.from({ length: count }, (_, n) => ({
      duty: 'monitoring',
      part: `region ${n}`,
      accountable,
      performing: [accountable],
      note: `${n} `.padEnd(1900, 'søvn '),
    }));

  test('near the size that an address takes is taken whole, one byte above it not at all', async () => {
    const { integration, aurora } = await matrixScene(world);
    const at = `/api/v1/integrations/${integration}/matrix`;
    const patch = (body: Buffer) =>
      send('PATCH', at, pieces(body, 16_000), {
        authorization: `Bearer ${owner}`,
        'content-type': 'application/json',
        'if-match': '"0"',
      });
    const wanted = cells(aurora, 400);
    const body = Buffer.from(JSON.stringify({ cells: wanted }));
    expect(body.length).toBeGreaterThan(900_000);
    const tooMuch = Buffer.concat([body, Buffer.alloc(1_000_001 - body.length, ' ')]);
    expect(await patch(tooMuch)).toMatchObject({ status: 413, body: { code: 'too-large' } });
    const call = caller(world, owner);
    expect((await call('GET', at)).body).toMatchObject({ rowVersion: 0 });

    expect(await patch(tooMuch.subarray(0, 1_000_000))).toMatchObject({ status: 200 });
    const kept = (await call('GET', at)).body;
    expect(kept.rowVersion).toBe(1);
    expect(JSON.stringify(kept)).toContain('region 399');
  });
});
