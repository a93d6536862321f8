import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Isolation } from '../../src/domain/policy/isolation.service.ts';
import { Policies } from '../../src/domain/policy/policies.ts';
import { newId } from '../../src/kernel/ids.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { LeakScene } from '../support/leak-scene.ts';
import { caller, importFile } from '../support/portfolio.ts';

let world: TestApp;
let token: string;
let scene: LeakScene | undefined;
let call: ReturnType<typeof caller>;

beforeAll(async () => {
  world = await startApp();
  token = await world.token('vendor_risk');
  call = caller(world, token);
});
afterAll(() => world.close());

const sha = (value: string) => createHash('sha256').update(value).digest('hex');
interface Version {
  credential: string;
  number?: number;
  phase?: string;
  value: string;
}

/** A file with one integration, credentials by environment, and their versions; one row a line. */
function file(name: string, credentials: Record<string, string>, versions: Version[]): string {
  return [
    { kind: 'party', key: `${name}-us`, name: 'Us', operator: false },
    {
      kind: 'integration',
      key: name,
      name,
      environments: ['production', 'staging'],
      parties: [`${name}-us=customer`],
    },
    ...Object.entries(credentials).map(([key, environment]) => ({
      kind: 'credential',
      key,
      integration: name,
      name: key,
      type: 'api_key',
      environment,
      issuer: `${name}-us`,
      verifier: `${name}-us`,
    })),
    ...versions.map(({ value, number = 1, phase = 'active', credential }) => ({
      kind: 'credentialVersion',
      credential,
      number,
      phase,
      sha256: sha(value),
    })),
  ]
    .map((row) => JSON.stringify(row))
    .join('\n');
}
const imported = (body: string, query = '') =>
  importFile(world, token, body, 'jsonl', `source=reuse${query}`);
const versionsOf = async (key: string) => {
  const { body } = await call('GET', `/api/v1/credentials?source=reuse&key=${key}`);
  const [found] = body.credentials as { id: string }[];
  if (!found) return undefined;
  return (await call('GET', `/api/v1/credentials/${found.id}`)).body.versions.length as number;
};

describe('one value in two environments', () => {
  const both = { 'a-live': 'production', 'a-test': 'staging' };

  test('is refused in one file, with both lines, what each clashes with, and how to mend it', async () => {
    const { job, problems } = await imported(
      file('a', both, [
        { credential: 'a-live', value: 'one' },
        { credential: 'a-test', value: 'one' },
      ]),
    );
    expect(job.state).toBe('refused');
    expect(problems).toEqual([
      expect.objectContaining({
        line: 5,
        kind: 'credentialVersion',
        field: '/sha256',
        problem: 'is the value of "a-test", in staging (line 6); this one is for production',
        mend: 'Issue one of its own for production, and give its digest.',
      }),
      expect.objectContaining({
        line: 6,
        problem: 'is the value of "a-live", in production (line 5); this one is for staging',
        mend: 'Issue one of its own for staging, and give its digest.',
      }),
    ]);
    expect(JSON.stringify(problems)).not.toContain(sha('one'));
    expect(await versionsOf('a-live')).toBeUndefined();
  });

  test('is refused against what is stored, and a second import of the stored file is no reuse', async () => {
    const stored = file('b', { 'b-live': 'production' }, [{ credential: 'b-live', value: 'two' }]);
    expect((await imported(stored)).job.state).toBe('done');
    expect((await imported(stored)).job.state).toBe('done');
    const { job, problems } = await imported(
      file('b', { 'b-test': 'staging' }, [{ credential: 'b-test', value: 'two' }]),
    );
    expect(job.state).toBe('refused');
    expect(problems).toMatchObject([
      { line: 4, problem: 'is the value of "b-live", in production; this one is for staging' },
    ]);
  });

  test('in one environment it is another matter; what is retired, or retired by the file, does not count', async () => {
    const versions = (phase: string) => [
      { credential: 'c-live', value: 'three' },
      { credential: 'c-twin', value: 'three' },
      { credential: 'c-test', value: 'three', phase },
    ];
    const credentials = { 'c-live': 'production', 'c-twin': 'production', 'c-test': 'staging' };
    expect((await imported(file('c', credentials, versions('pending')))).job.state).toBe('refused');
    expect((await imported(file('c', credentials, versions('retired')))).job.state).toBe('done');
    const moved = file('c', { ...credentials, 'c-next': 'staging' }, [
      { credential: 'c-live', value: 'three', phase: 'retired' },
      { credential: 'c-twin', value: 'three', phase: 'retired' },
      { credential: 'c-next', value: 'three' },
    ]);
    expect((await imported(moved)).job.state).toBe('done');
  });

  test('partial takes the rest', async () => {
    const { job, problems } = await imported(
      file('d', { 'd-live': 'production', 'd-test': 'staging', 'd-other': 'staging' }, [
        { credential: 'd-live', value: 'four' },
        { credential: 'd-test', value: 'four' },
        { credential: 'd-other', value: 'five' },
      ]),
      '&partial=true',
    );
    expect(job.state).toBe('done');
    expect(problems).toHaveLength(2);
    expect(await Promise.all(['d-live', 'd-test', 'd-other'].map(versionsOf))).toEqual([0, 0, 1]);
  });

  test('a policy that does not isolate environments lets it in, by file and over REST', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'countersign-policies-'));
    await cp(new URL('../../templates/policies/', import.meta.url), folder, { recursive: true });
    const baseline = await readFile(join(folder, 'baseline.yaml'), 'utf8');
    await writeFile(
      join(folder, 'baseline.yaml'),
      baseline.replace('isolateEnvironments: true', 'isolateEnvironments: false'),
    );
    const lax = new Isolation(new Policies(folder));
    const isolation = world.app.get(Isolation);
    const one = file('e', { 'e-live': 'production', 'e-test': 'staging' }, [
      { credential: 'e-live', value: 'six' },
      { credential: 'e-test', value: 'six' },
    ]);
    const { body } = await call('GET', '/api/v1/credentials?source=reuse&key=d-test');
    const add = () =>
      call('POST', `/api/v1/credentials/${body.credentials[0].id}/versions`, {
        body: { sha256: sha('two') },
      });
    expect((await imported(one)).job.state).toBe('refused');
    expect(await add()).toMatchObject({ status: 409, body: { code: 'reused-across-environments' } });
    jest.spyOn(isolation, 'holds').mockImplementation((integration) => lax.holds(integration));
    try {
      expect((await imported(one)).job.state).toBe('done');
      expect((await add()).status).toBe(201);
    } finally {
      jest.restoreAllMocks();
      await rm(folder, { recursive: true });
    }
  });
});

describe('the value of a credential, pasted into a row', () => {
  test.each(['csv', 'jsonl', 'json'] as const)(
    'of a %s file is refused with line, field and mend',
    async (type) => {
      scene ??= await LeakScene.set(world);
      const stored = (sql: string, values: unknown[] = []) => scene!.rows(sql, values);
      const value = `sk_live_${newId().replaceAll('-', '')}`;
      await scene.credential(await scene.integration(`Holds ${type}`), { value });
      const rows = [
        { kind: 'party', key: `plain-${type}`, name: 'Plain Ltd' },
        { kind: 'party', key: `pasted-${type}`, name: `Key ${value} of them` },
      ];
      const body =
        type === 'csv'
          ? `kind,key,name\n${rows.map((row) => Object.values(row).join(',')).join('\n')}\n`
          : type === 'jsonl'
            ? rows.map((row) => JSON.stringify(row)).join('\n')
            : JSON.stringify({ parties: rows.map(({ kind: _, ...row }) => row) });
      const query = `source=pasted-${type}`;
      const refused = await importFile(world, token, body, type, query);
      expect(refused).toMatchObject({
        job: { state: 'refused' },
        problems: [
          {
            kind: 'party',
            key: `pasted-${type}`,
            field: '/name',
            problem: 'holds the value of a credential',
            mend: expect.stringContaining('by its reference'),
          },
        ],
      });
      if (type !== 'json') expect(refused.problems[0]!.line).toBe(type === 'csv' ? 3 : 2);
      expect(await stored(`SELECT FROM party WHERE source = $1`, [`pasted-${type}`])).toEqual([]);
      const some = await importFile(world, token, body, type, `${query}&partial=true`);
      expect(some).toMatchObject({ job: { state: 'done' }, problems: [{ key: `pasted-${type}` }] });
      expect(await stored(`SELECT name FROM party WHERE source = $1`, [`pasted-${type}`])).toEqual([
        { name: 'Plain Ltd' },
      ]);
      expect(JSON.stringify(await stored(`SELECT * FROM import_problem`))).not.toContain(value);
    },
  );
});

describe('within how many minutes somebody has to approve', () => {
  const rows = (name: string, agreement: object | null, credential: object, more: object[] = []) =>
    [
      { kind: 'party', key: `${name}-us`, name: `Us ${name}`, operator: false },
      ...(agreement
        ? [{ kind: 'agreement', key: `${name}-deal`, party: `${name}-us`, title: 'Deal', ...agreement }]
        : []),
      {
        kind: 'integration',
        key: name,
        name,
        environments: ['production'],
        parties: [`${name}-us=customer`],
        ...(agreement ? { agreement: `${name}-deal` } : {}),
      },
      {
        kind: 'credential',
        key: `${name}-key`,
        integration: name,
        name: `${name} key`,
        type: 'api_key',
        issuer: `${name}-us`,
        verifier: `${name}-us`,
        authority: 'approve_within',
        ...credential,
      },
      ...more,
    ]
      .map((row) => JSON.stringify(row))
      .join('\n');
  const minutesOf = async (key: string) => {
    const { body } = await call('GET', `/api/v1/credentials?source=reuse&key=${key}`);
    const { authority, approveWithinMinutes, approveOtherwise } = (
      await call('GET', `/api/v1/credentials/${body.credentials[0].id}`)
    ).body;
    return { authority, approveWithinMinutes, approveOtherwise };
  };
  const agreed = { authority: 'approve_within', approveWithinMinutes: 45, approveOtherwise: 'act' };

  test('is what the agreement says, where the credential does not', async () => {
    expect((await imported(rows('m-agreed', agreed, {}))).problems).toEqual([]);
    expect(await minutesOf('m-agreed-key')).toEqual({
      authority: 'approve_within',
      approveWithinMinutes: 45,
      approveOtherwise: 'act',
    });
    expect((await imported(rows('m-own', agreed, { approveWithinMinutes: 10 }))).problems).toEqual([]);
    expect(await minutesOf('m-own-key')).toMatchObject({ approveWithinMinutes: 10 });
  });

  test('is found in the agreement on record, too', async () => {
    const credential = rows('m-agreed', null, {})
      .split('\n')
      .slice(-1)[0]!
      .replaceAll('m-agreed-key', 'm-later-key');
    expect((await imported(credential)).problems).toEqual([]);
    expect(await minutesOf('m-later-key')).toMatchObject({
      approveWithinMinutes: 45,
      approveOtherwise: 'act',
    });
  });

  test('and where nobody says, the row is refused with its field', async () => {
    const { problems } = await imported(rows('m-nobody', { authority: 'revoke_now' }, {}));
    expect(problems).toMatchObject([{ kind: 'credential', field: '/approveWithinMinutes' }]);
  });
});
