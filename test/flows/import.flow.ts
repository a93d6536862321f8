import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import type { ImportView, ProblemView } from '../../src/domain/portfolio/import.schema.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { caller, importFile, MEDIA, portfolioExample as example } from '../support/portfolio.ts';

let world: TestApp;
let token: string;
let call: ReturnType<typeof caller>;

beforeAll(async () => {
  world = await startApp();
  token = await world.token('vendor_risk');
  call = caller(world, token);
});
afterAll(() => world.close());

function imported(body: string | Buffer, type: keyof typeof MEDIA, query = '') {
  return importFile(world, token, body, type, query);
}

async function asAdmin<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
  const client = new Client(world.database.adminUrl);
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** Everything that is stored of the portfolio, as one text. */
async function portfolio(): Promise<string> {
  const tables = await asAdmin<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname NOT LIKE 'typeorm%' AND relname NOT LIKE 'import%' AND relname NOT LIKE 'ledger%' AND relname NOT LIKE 'access_review%'
        AND relname NOT IN ('gate_stale', 'gate_standing', 'policy_template', 'outbox', 'queue_canary', 'engine_worker', 'api_token', 'idempotency_key') ORDER BY 1`,
  );
  const parts = await Promise.all(
    tables.map(async ({ name }) => {
      const [row] = await asAdmin<{ rows: string }>(
        `SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') AS rows FROM "${name}" t`,
      );
      return `${name}: ${row?.rows ?? ''}`;
    }),
  );
  return parts.join('\n');
}

const changes = ({ job }: { job: ImportView }) =>
  Object.values(job.counts).reduce((sum, { created, changed }) => sum + created + changed, 0);

describe('the examples', () => {
  test.each(['yaml', 'json', 'jsonl'] as const)(
    'the %s file goes in, and a second time changes nothing',
    async (format) => {
      const file = example(`example.${format}`);
      const source = format === 'jsonl' ? 'source=example' : '';
      const first = await imported(file, format, source);
      expect(first).toMatchObject({ job: { state: 'done', problems: 0, source: 'example' }, problems: [] });
      const before = await portfolio();

      const second = await imported(file, format, source);
      expect(second.job).toMatchObject({ state: 'done', problems: 0 });
      expect(changes(second)).toBe(0);
      expect(await portfolio()).toBe(before);
    },
  );

  test('all formats say the same: the first one created, the others found nothing to do', async () => {
    const { body } = await call('GET', '/api/v1/imports');
    const imports = body.imports as ImportView[];
    const created = imports.map(({ counts }) =>
      Object.values(counts).reduce((sum, count) => sum + count.created, 0),
    );
    expect(created.filter((count) => count > 0)).toHaveLength(1);
    const [first] = imports.filter(({ counts }) => (counts['party']?.created ?? 0) > 0);
    expect(first?.counts).toMatchObject({
      party: { created: 3, changed: 0, unchanged: 0 },
      contact: { created: 4 },
      agreement: { created: 1 },
      agreement_version: { created: 1 },
      connection: { created: 1 },
      integration: { created: 2 },
      matrix_version: { created: 1 },
      credential: { created: 1 },
      credential_version: { created: 2 },
      location: { created: 3 },
      system: { created: 2 },
    });
  });

  test('the digest of a value is kept under a key only', async () => {
    const sha256 = createHash('sha256').update('an example value, and no secret').digest('hex');
    const file = example('example.yaml')
      .toString()
      .replace(/sha256: [0-9a-f]{64}/, `sha256: ${sha256}`)
      .replaceAll('checkout-token', 'other-token');
    expect(file).toContain(sha256);
    const { job } = await imported(
      file.replace('source: example', 'source: digest-test').replaceAll('de-office', 'de-office-2'),
      'yaml',
    );
    expect(job.state).toBe('done');
    const [found] = await asAdmin<{ n: number }>(
      `SELECT count(*)::int AS n FROM fingerprint f JOIN credential c ON c.id = f.credential_id WHERE c.source = 'digest-test'`,
    );
    expect(found?.n).toBeGreaterThan(0);
    expect(await asAdmin(`SELECT 1 FROM fingerprint WHERE digest = decode($1, 'hex')`, [sha256])).toEqual([]);
    expect(world.log.text).not.toContain(sha256);
    expect(await portfolio()).not.toContain(sha256);
  });

  test('spreadsheets: rows of all kinds in one file, or a file of one kind', async () => {
    expect(await imported(example('integrations.csv'), 'csv', 'source=sheet')).toMatchObject({
      job: {
        state: 'done',
        counts: {
          integration: { created: 1 },
          matrix_version: { created: 1 },
          credential_version: { created: 1 },
          location: { created: 1 },
        },
      },
      problems: [],
    });
    expect(await imported(example('parties.csv'), 'csv', 'source=sheet&kind=party')).toMatchObject({
      job: { state: 'done', counts: { party: { created: 1, changed: 1, unchanged: 0 } } },
    });
    expect(changes(await imported(example('integrations.csv'), 'csv', 'source=sheet'))).toBe(0);
  });
});

describe('what an import leaves behind', () => {
  test('a ledger entry for each thing, and nothing in staging or in the data folder', async () => {
    const { job } = await imported(
      '{"kind":"party","key":"one","name":"One"}\n{"kind":"party","key":"two","name":"Two"}\n',
      'jsonl',
      'source=ledger',
    );
    const entries = await asAdmin<{ kind: string }>(
      `SELECT kind FROM ledger_entry WHERE body::jsonb #>> '{facts,importJobId}' = $1 ORDER BY kind`,
      [job.id],
    );
    expect(entries.map(({ kind }) => kind)).toEqual(['party.created', 'party.created']);
    expect(
      await asAdmin(`SELECT kind FROM ledger_entry WHERE subject_id = $1 ORDER BY id`, [job.id]),
    ).toEqual([{ kind: 'import.requested' }, { kind: 'import.applied' }]);
    for (const table of ['staging_row', 'staging_key', 'staging_change', 'staging_problem'])
      expect(await asAdmin(`SELECT 1 FROM ${table}`)).toEqual([]);
    expect(await asAdmin(`SELECT 1 FROM import_job WHERE spool IS NOT NULL`)).toEqual([]);
  });

  test('a dry run says what would be, and changes nothing', async () => {
    const before = await portfolio();
    const { job } = await imported('kind,key,name\nparty,dry,Dry\n', 'csv', 'source=dry&dryRun=true');
    expect(job).toMatchObject({
      state: 'done',
      dryRun: true,
      counts: { party: { created: 1, changed: 0, unchanged: 0 } },
    });
    expect(await portfolio()).toBe(before);
    const bad = await imported(
      'kind,key,name\nparty,dry,Dry\nparty,dry,Again\n',
      'csv',
      'source=dry&dryRun=true',
    );
    expect(bad).toMatchObject({
      job: { state: 'refused', problems: 1 },
      problems: [{ line: 3, field: '/key' }],
    });
  });

  test('a changed field moves the version of its row, and of no other', async () => {
    await imported(
      '{"kind":"party","key":"p","name":"Before"}\n{"kind":"party","key":"q","name":"Same"}\n',
      'jsonl',
      'source=change',
    );
    const again = await imported(
      '{"kind":"party","key":"p","name":"After"}\n{"kind":"party","key":"q","name":"Same"}\n',
      'jsonl',
      'source=change',
    );
    expect(again.job.counts['party']).toEqual({ created: 0, changed: 1, unchanged: 1 });
    expect(
      await asAdmin(
        `SELECT external_key AS key, name, row_version AS v FROM party WHERE source = 'change' ORDER BY 1`,
      ),
    ).toEqual([
      { key: 'p', name: 'After', v: 2 },
      { key: 'q', name: 'Same', v: 1 },
    ]);
  });

  test('another matrix or other terms are another version; the old ones stay as they were', async () => {
    const file = example('example.yaml')
      .toString()
      .replace('source: example', 'source: versions')
      .replaceAll('de-office', 'de-office-3');
    await imported(file, 'yaml');
    const before = await asAdmin(
      `SELECT r.* FROM matrix_row r JOIN integration i ON i.id = r.integration_id WHERE i.source = 'versions' ORDER BY r.id`,
    );
    const changed = file
      .replace('{ duty: storage, accountable: us,', '{ duty: storage, accountable: paylane,')
      .replace('24 elapsed-hours', '12 elapsed-hours');
    const again = await imported(changed, 'yaml');
    expect(again.job.counts).toMatchObject({
      matrix_version: { created: 1 },
      agreement_version: { created: 1 },
      integration: { created: 0, changed: 0 },
    });
    const versions = await asAdmin(
      `SELECT v.number, v.state, v.valid_until IS NULL AS open FROM matrix_version v JOIN integration i ON i.id = v.integration_id WHERE i.source = 'versions' ORDER BY 1`,
    );
    expect(versions).toEqual([
      { number: 1, state: 'superseded', open: false },
      { number: 2, state: 'draft', open: true },
    ]);
    expect(
      await asAdmin(
        `SELECT r.* FROM matrix_row r JOIN matrix_version v ON v.id = r.matrix_version_id JOIN integration i ON i.id = r.integration_id WHERE i.source = 'versions' AND v.number = 1 ORDER BY r.id`,
      ),
    ).toEqual(before);
    const windows = await asAdmin(
      `SELECT v.number, t.window_count AS hours FROM term t JOIN agreement_version v ON v.id = t.agreement_version_id JOIN agreement a ON a.id = v.agreement_id WHERE a.source = 'versions' AND t.direction = 'to_party' ORDER BY 1`,
    );
    expect(windows).toEqual([
      { number: 1, hours: 24 },
      { number: 2, hours: 12 },
    ]);
  });
});

describe('bad rows', () => {
  const rows = (...lines: object[]) => lines.map((line) => JSON.stringify(line)).join('\n');
  const base = [
    { kind: 'party', key: 'a', name: 'A' },
    { kind: 'integration', key: 'i', name: 'I', parties: ['a=supplier'] },
    {
      kind: 'credential',
      key: 'c',
      integration: 'i',
      name: 'C',
      type: 'api_key',
      issuer: 'a',
      verifier: 'a',
    },
  ];

  test.each<[string, object[], Partial<ProblemView>[]]>([
    [
      'a field that is missing',
      [{ kind: 'party', key: 'x' }],
      [{ line: 4, field: '/name', problem: 'is missing' }],
    ],
    [
      'a field that no such row has',
      [{ kind: 'party', key: 'x', name: 'X', colour: 'red' }],
      [{ line: 4, field: '/colour', problem: 'no such field' }],
    ],
    ['an unknown kind', [{ kind: 'planet', key: 'x' }], [{ line: 4, field: 'kind' }]],
    [
      'a word that is not in the vocabulary',
      [{ kind: 'contact', key: 'x', party: 'a', name: 'X', role: 'boss' }],
      [{ line: 4, field: '/role', problem: 'must be one of: security, contract, on_call' }],
    ],
    [
      'a reference to nothing',
      [{ kind: 'contact', key: 'x', party: 'nobody', name: 'X', role: 'security' }],
      [{ line: 4, field: '/party', problem: 'no party has the key "nobody"' }],
    ],
    [
      'a reference deep inside',
      [
        {
          kind: 'credential',
          key: 'x',
          integration: 'i',
          name: 'X',
          type: 'api_key',
          issuer: 'a',
          verifier: 'a',
          uses: ['j'],
        },
      ],
      [{ line: 4, field: '/uses/integration', problem: 'no integration has the key "j"' }],
    ],
    [
      'the same key twice',
      [{ kind: 'party', key: 'a', name: 'B' }],
      [{ line: 4, field: '/key', problem: 'stands there twice; first on line 1' }],
    ],
    [
      'a secret value',
      [{ kind: 'credentialVersion', credential: 'c', value: 'hunter2' }],
      [{ line: 4, field: '/value', problem: 'a secret never goes into a portfolio' }],
    ],
    [
      'two active versions',
      [
        { kind: 'credentialVersion', credential: 'c', number: 1 },
        { kind: 'credentialVersion', credential: 'c', number: 2 },
      ],
      [
        { line: 4, field: '/phase' },
        { line: 5, field: '/phase' },
      ],
    ],
    [
      'a duty for somebody outside the integration',
      [
        { kind: 'party', key: 'b', name: 'B' },
        { kind: 'matrixRow', integration: 'i', duty: 'storage', accountable: 'b', performing: ['a'] },
      ],
      [{ line: 5, field: '/accountable', problem: 'the party "b" is not in the integration' }],
    ],
    [
      'a duty twice',
      [
        { kind: 'matrixRow', integration: 'i', duty: 'storage', accountable: 'a', performing: ['a'] },
        {
          kind: 'matrixRow',
          integration: 'i',
          duty: 'storage',
          part: '',
          accountable: 'a',
          performing: ['a'],
        },
      ],
      [{ line: 5 }],
    ],
    [
      'a copy in an integration that does not use the credential',
      [
        { kind: 'integration', key: 'j', name: 'J' },
        {
          kind: 'location',
          key: 'l',
          credential: 'c',
          integration: 'j',
          type: 'vault',
          name: 'V',
          party: 'a',
        },
      ],
      [{ line: 5, field: '/integration' }],
    ],
    [
      'a zone that is nowhere',
      [{ kind: 'party', key: 'x', name: 'X', zone: 'Mars/Olympus' }],
      [{ line: 4, field: '/zone' }],
    ],
    [
      'an instant without an offset',
      [{ kind: 'credentialVersion', credential: 'c', expiresAt: '2027-01-01' }],
      [{ line: 4, field: '/expiresAt' }],
    ],
    [
      'a preset that no connector takes',
      [
        {
          kind: 'connectorPreset',
          key: 'x',
          title: 'X',
          connector: 'none',
          kinds: ['k'],
          baseUrl: '',
          canary: { how: 'h' },
          facts: [{ fact: 'f', source: 's', status: 'verified' }],
          settings: {},
        },
      ],
      [{ line: 4, field: '/connector' }],
    ],
    [
      'a preset that is nowhere',
      [{ kind: 'connection', key: 'x', party: 'a', name: 'X', preset: 'nowhere' }],
      [{ line: 4, field: '/preset', problem: 'no connector preset has the key "nowhere"' }],
    ],
  ])('%s', async (_, extra, expected) => {
    const before = await portfolio();
    const { job, problems } = await imported(rows(...base, ...extra), 'jsonl', 'source=bad');
    expect(problems).toHaveLength(expected.length);
    expect(problems).toMatchObject(expected);
    for (const { mend } of problems) expect(mend).not.toBe('');
    expect(job).toMatchObject({ state: 'refused', problems: expected.length, counts: {} });
    expect(await portfolio()).toBe(before);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  test('a circle of dependencies is named', async () => {
    const on = (key: string, other: string) => ({
      kind: 'integration',
      key,
      name: key,
      dependencies: [{ party: 'a', integration: other }],
    });
    const { job, problems } = await imported(
      rows(base[0]!, on('x', 'y'), on('y', 'z'), on('z', 'x'), on('w', 'x')),
      'jsonl',
      'source=circle',
    );
    expect(job.state).toBe('refused');
    expect(problems.map(({ line, field }) => [line, field])).toEqual(
      [2, 3, 4].map((line) => [line, '/dependencies']),
    );
    expect(problems[0]?.problem).toBe('depends on itself: "x" → "y" → "z" → "x"');
  });

  test('a circle that only the stored portfolio closes is found, too', async () => {
    await imported(
      rows(
        base[0]!,
        { kind: 'integration', key: 'x', name: 'X' },
        { kind: 'integration', key: 'y', name: 'Y', dependencies: [{ party: 'a', integration: 'x' }] },
      ),
      'jsonl',
      'source=circle-2',
    );
    const { problems } = await imported(
      rows({ kind: 'integration', key: 'x', name: 'X', dependencies: [{ party: 'a', integration: 'y' }] }),
      'jsonl',
      'source=circle-2',
    );
    expect(problems).toMatchObject([{ line: 1, field: '/dependencies' }]);
  });

  test('partial takes what is good, leaves what is bad and what stands on it', async () => {
    const lines = rows(
      ...base,
      { kind: 'party', key: 'bad' },
      { kind: 'contact', key: 'follows', party: 'bad', name: 'F', role: 'security' },
      { kind: 'contact', key: 'fine', party: 'a', name: 'F', role: 'security' },
      { kind: 'integration', key: 'owned', name: 'O', owner: 'follows' },
    );
    const whole = await imported(lines, 'jsonl', 'source=partial');
    expect(whole.job.state).toBe('refused');
    expect(whole.problems.map(({ line }) => line)).toEqual([4]); // those that follow from it are not blamed

    const part = await imported(lines, 'jsonl', 'source=partial&partial=true');
    expect(part.job).toMatchObject({
      state: 'done',
      problems: 3,
      counts: {
        party: { created: 1 },
        contact: { created: 1 },
        integration: { created: 1 },
        credential: { created: 1 },
      },
    });
    expect(part.problems.map(({ line }) => line)).toEqual([4, 5, 7]);
  });

  test('partial drops a matrix row that only the whole file shows to be wrong, and the rest goes in', async () => {
    const part = await imported(
      rows(
        ...base,
        { kind: 'party', key: 'b', name: 'B' },
        { kind: 'matrixRow', integration: 'i', duty: 'storage', accountable: 'b', performing: ['a'] },
        { kind: 'matrixRow', integration: 'i', duty: 'issuance', accountable: 'a', performing: ['a'] },
      ),
      'jsonl',
      'source=partial-2&partial=true',
    );
    expect(part).toMatchObject({
      job: { state: 'done', problems: 1, counts: { matrix_version: { created: 1 } } },
      problems: [{ line: 5 }],
    });
  });

  test('ten thousand problems are kept, the others counted', async () => {
    const lines = Array.from({ length: 10_500 }, (_, at) =>
      JSON.stringify({ kind: 'party', key: `p${at}` }),
    ).join('\n');
    const { job } = await imported(lines, 'jsonl', 'source=many');
    expect(job).toMatchObject({ state: 'refused', problems: 10_500 });
    const last = await call('GET', `/api/v1/imports/${job.id}/problems?after=9990&limit=1000`);
    expect(last.body.problems.map(({ ordinal }: ProblemView) => ordinal)).toEqual([
      9991, 9992, 9993, 9994, 9995, 9996, 9997, 9998, 9999, 10000,
    ]);
  });
});

describe('files that cannot be read', () => {
  test.each<[string, keyof typeof MEDIA, string | Buffer, Partial<ProblemView>]>([
    ['JSON that ends early', 'json', '{"parties": [\n{"key": "a",\n', { line: 3 }],
    [
      'a member twice',
      'json',
      '{"parties": [\n{"key": "a", "name": "A"},\n{"key": "b", "key": "c", "name": "B"}\n]}',
      { line: 3, field: '/parties/1/key' },
    ],
    [
      'a prototype key',
      'json',
      '{"parties": [\n{"__proto__": {"x": 1}}\n]}',
      { line: 2, field: '/parties/0/__proto__' },
    ],
    [
      'JSON nested too deeply',
      'json',
      `{"parties": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      { problem: 'nested deeper than 20 levels' },
    ],
    [
      'ill-formed UTF-8 in JSON',
      'json',
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
      { problem: 'the text is not well-formed UTF-8' },
    ],
    [
      'a list of an unknown name',
      'json',
      '{\n"planets": []}',
      { field: '/planets', problem: 'no list has this name' },
    ],
    ['a YAML alias', 'yaml', 'parties:\n  - &a {key: a, name: A}\n  - *a\n', { line: 2 }],
    [
      'a YAML bomb',
      'yaml',
      `a: &a [x,x,x,x,x,x,x,x]\n${Array.from({ length: 20 }, (_, at) => `b${at}: &b${at} [${'*a,'.repeat(9)}]`).join('\n')}`,
      {},
    ],
    ['YAML nested too deeply', 'yaml', `parties: ${'['.repeat(50_000)}`, {}],
    [
      'a YAML member twice',
      'yaml',
      'parties:\n  - key: a\n    key: b\n',
      { line: 3, problem: 'a member stands there twice' },
    ],
    ['two YAML documents', 'yaml', 'parties: []\n---\nparties: []\n', { line: 2 }],
    ['a YAML tag', 'yaml', 'parties: !!js/function x\n', { line: 1 }],
    ['CSV whose quotation marks do not close', 'csv', 'kind,key,name\nparty,a,"A\nparty,b,B\n', {}],
    [
      'ill-formed UTF-8 in CSV',
      'csv',
      Buffer.concat([Buffer.from('kind,key,name\nparty,a,'), Buffer.from([0xff, 0x0a])]),
      { problem: 'the text is not well-formed UTF-8' },
    ],
    ['a CSV column that no kind has', 'csv', 'kind,key,colour\nparty,a,red\n', { line: 1, field: 'colour' }],
    ['a line that is no JSON', 'jsonl', '{"kind":"party","key":"a","name":"A"}\nnonsense\n', { line: 2 }],
  ])('%s', async (_, type, body, expected) => {
    const { job, problems } = await imported(body, type);
    expect(job.state).toBe('refused');
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject(expected);
    expect(problems[0]?.mend).not.toBe('');
  });

  test('a file that is too large for its format is not even kept', async () => {
    const answer = await call('POST', '/api/v1/imports', {
      type: 'application/yaml',
      body: Buffer.alloc(2_000_001, 0x20),
    });
    expect(answer).toMatchObject({ status: 413, body: { code: 'import-too-large' } });
  });

  test('a format that is none is refused with the ones that are', async () => {
    expect(await call('POST', '/api/v1/imports', { type: 'text/html', body: '<p>' })).toMatchObject({
      status: 415,
      body: { code: 'unsupported-media-type' },
    });
  });

  test('formulas stay text', async () => {
    await imported(
      'kind,key,name\nparty,formula,"=HYPERLINK(""http://evil.example"")"\n',
      'csv',
      'source=formula',
    );
    expect(await asAdmin(`SELECT name FROM party WHERE source = 'formula'`)).toEqual([
      { name: '=HYPERLINK("http://evil.example")' },
    ]);
  });
});

describe('who may', () => {
  test('an auditor may not import; nobody may without a token', async () => {
    const auditor = await world.token('auditor');
    for (const [headers, status] of [
      [{ authorization: `Bearer ${auditor}` }, 403],
      [{}, 401],
    ] as const) {
      const answer = await world.app.inject({
        method: 'POST',
        url: '/api/v1/imports',
        headers: { ...headers, 'content-type': 'text/csv' },
        payload: 'kind,key\n',
      });
      expect(answer.statusCode).toBe(status);
    }
  });

  test('the format is published as JSON Schema 2020-12', async () => {
    const answer = await world.app.inject({ method: 'GET', url: '/api/schemas/portfolio.json' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
    });
  });
});
