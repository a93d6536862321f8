import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Secret } from '../../src/kernel/secret.ts';
import type { RawDelivery, ReadDelivery, Source } from '../../src/domain/exposures/source.ts';
import { CsvSource } from '../../src/plugins/sources/csv/csv.source.ts';
import { GithubPartnerSource } from '../../src/plugins/sources/github-partner/github-partner.source.ts';
import { GitguardianSource } from '../../src/plugins/sources/gitguardian/gitguardian.source.ts';
import { GitlabSource } from '../../src/plugins/sources/gitlab/gitlab.source.ts';
import { GitleaksSource } from '../../src/plugins/sources/gitleaks/gitleaks.source.ts';
import { SarifSource } from '../../src/plugins/sources/sarif/sarif.source.ts';
import { TrufflehogSource } from '../../src/plugins/sources/trufflehog/trufflehog.source.ts';
import { CANARY, NOW, sample, voices } from '../support/source-voices.ts';

const text = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

function reading(source: Source) {
  return (body: Buffer | string | object, headers = {}): ReadDelivery => {
    const raw = { body: Buffer.isBuffer(body) ? body : text(body), headers };
    const read = source.read(raw);
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    return read.value;
  };
}
const valuesOf = ({ reports }: ReadDelivery) => reports.map(({ value }) => value?.use((one) => one) ?? null);

describe('github-partner', () => {
  const source = new GithubPartnerSource();
  const identifier = 'bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c';
  const key =
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAdAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==';
  const listed = (identifier: string, key: string, is_current = false) =>
    Secret.of(JSON.stringify({ public_keys: [{ key_identifier: identifier, key, is_current }] }));
  const published: RawDelivery = {
    body: Buffer.from(
      '[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]',
    ),
    headers: {
      'github-public-key-identifier': identifier,
      'github-public-key-signature':
        'MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==',
    },
  };
  const pem = `-----BEGIN PUBLIC KEY-----\n${key.match(/.{1,64}/g)!.join('\n')}\n-----END PUBLIC KEY-----\n`;

  test('the published message verifies, whichever way the key is written and whether it is current or not', () => {
    for (const list of [listed(identifier, key), listed(identifier, pem, true)]) {
      expect(source.checkKey(list)).toBeUndefined();
      expect(source.authenticate(published, [list], NOW)).toEqual({ ok: true, value: { deliveryId: null } });
    }
  });

  test('another body, another identifier, another key: refused', () => {
    const list = [listed(identifier, key)];
    const tampered = { ...published, body: Buffer.from(published.body.toString().replace('some', 'same')) };
    expect(source.authenticate(tampered, list, NOW).ok).toBe(false);
    const named = (id: string) => ({
      ...published,
      headers: { ...published.headers, 'github-public-key-identifier': id },
    });
    expect(source.authenticate(named('other'), list, NOW).ok).toBe(false);
    expect(source.authenticate(named(''), list, NOW).ok).toBe(false);
    const other = voices['github-partner']!.key;
    expect(source.authenticate(published, [Secret.of(other)], NOW).ok).toBe(false);
  });

  test('after a change of keys both lists are good as long as both are known', () => {
    const { key: rotated } = voices['github-partner']!;
    const keys = [Secret.of(rotated), listed(identifier, key)];
    expect(source.authenticate(published, keys, NOW).ok).toBe(true);
  });

  test('Title-case, lower-case, unknown and missing sources; an empty url; many in one message', () => {
    const found = reading(source)([
      {
        token: 'a-token-1',
        type: 't',
        url: 'https://github.com/Octo/Repo/blob/x',
        source: 'Pull_request_title',
      },
      { token: 'a-token-2', type: 't', url: ' https://github.com/octo/repo', source: 'commit' },
      { token: 'a-token-3', type: 't', url: '', source: 'Of_tomorrow' },
      { token: 'a-token-4', type: 't', url: '' },
    ]);
    expect(found.reports.map(({ foundAt, place }) => [foundAt[0]!.type, place])).toEqual([
      ['pull_request_title', 'github:octo/repo'],
      ['commit', 'github:octo/repo'],
      ['of_tomorrow', undefined],
      ['unknown', undefined],
    ]);
    expect(new Set(found.reports.map(({ externalRef }) => externalRef)).size).toBe(4);
    const twice = { token: 'a', type: 't', url: 'https://x.example/1', source: 'commit' };
    expect(reading(source)([twice, { ...twice, source: 'gist' }, { ...twice, token: 'b' }]).reports).toEqual([
      expect.objectContaining({ foundAt: [expect.anything(), expect.anything()] }),
      expect.objectContaining({ externalRef: 't at https://x.example/1 (2)' }),
    ]);
  });

  test('an entry that cannot be read costs none of the tokens beside it; a list of nothing else is refused', () => {
    const [good, bad] = [
      { token: CANARY, type: 't', url: '' },
      { token: 5, type: 't' },
    ];
    const found = reading(source)([bad, good, 'what', { type: 't' }]);
    expect(valuesOf(found)).toEqual([CANARY]);
    expect(found.unread?.map(({ field }) => field)).toEqual(['body/0/token', 'body/2', 'body/3/token']);
    expect(reading(source)([good]).unread).toEqual([]);
    expect(source.read({ body: Buffer.from(JSON.stringify([bad])), headers: {} })).toMatchObject({
      ok: false,
      error: { code: 'delivery-unreadable', fields: [{ field: 'body/0/token' }] },
    });
  });

  test('thirty thousand tokens of one name are told apart at once', () => {
    const tokens = Array.from({ length: 30_000 }, (_, n) => ({ token: `token-${n}`, type: 't', url: '' }));
    const started = process.hrtime.bigint();
    const { reports } = reading(source)(tokens);
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(8000);
    expect(new Set(reports.map(({ externalRef }) => externalRef)).size).toBe(30_000);
  });

  test('the answer labels what is known, and others only where the inventory is complete; never with the token', () => {
    const { reports } = reading(source)([
      { token: CANARY, type: 'ours', url: '' },
      { token: 'made_up_token', type: 'ours', url: 'https://x.example' },
    ]);
    const judged = reports.map((report, n) => ({ report, known: n === 0 }));
    const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
    const mine = { token_hash: hashOf(CANARY), token_type: 'ours', label: 'true_positive' };
    expect(source.answer({ ok: true, value: judged }, {})).toEqual({ status: 202, body: [mine] });
    expect(source.answer({ ok: true, value: judged }, { inventoryIsComplete: true })).toEqual({
      status: 202,
      body: [mine, { token_hash: hashOf('made_up_token'), token_type: 'ours', label: 'false_positive' }],
    });
    expect(
      source.answer({ ok: false, error: { kind: 'invalid', code: 'x', message: '' } }, {}),
    ).toBeUndefined();
  });
});

describe('gitguardian', () => {
  const source = new GitguardianSource();
  const vector = {
    body: Buffer.from('bar'),
    headers: {
      timestamp: '0',
      'gitguardian-signature': 'sha256=172fe3d694b734aa53dc892fd3b8d62163fc240064de570ba006900bb54a0fc2',
    },
  };
  const judged = (o: { headers?: object; body?: string; at?: number; token?: string } = {}) => {
    const raw = { body: text(o.body ?? 'bar'), headers: { ...vector.headers, ...o.headers } };
    const answer = source.authenticate(raw, [Secret.of(o.token ?? 'foo')], o.at ?? 0);
    return answer.ok ? 'accepted' : answer.error.code;
  };

  test('the published vector, good and tampered', () => {
    expect(judged()).toBe('accepted');
    expect(judged({ body: 'baz' })).toBe('delivery-not-authenticated');
    expect(judged({ headers: { timestamp: '1' } })).toBe('delivery-not-authenticated');
    expect(judged({ token: 'fo' })).toBe('delivery-not-authenticated');
    const plain = `sha256=${createHmac('sha256', 'foo').update('bar').digest('hex')}`;
    const older = { 'gitguardian-signature': undefined, 'x-gitguardian-signature': plain };
    expect(judged({ headers: older })).toBe('delivery-not-authenticated');
    expect(judged({ headers: { 'x-gitguardian-signature': 'sha256=00' } })).toBe('accepted');
  });

  test('good for five minutes around its timestamp, which is said to whoever holds the token', () => {
    expect(judged({ at: 300_000 })).toBe('accepted');
    expect(judged({ at: 300_001 })).toBe('delivery-stale');
    const written = '2026-11-22T02:00:00Z';
    const signature = createHmac('sha256', `${written}foo`).update('bar').digest('hex');
    const headers = { timestamp: written, 'gitguardian-signature': `sha256=${signature}` };
    expect(judged({ headers, at: NOW })).toBe('accepted');
    const unreadable = { timestamp: 'soon' };
    const of = createHmac('sha256', 'soonfoo').update('bar').digest('hex');
    expect(judged({ headers: { ...unreadable, 'gitguardian-signature': `sha256=${of}` } })).toBe(
      'delivery-stale',
    );
  });

  test('the published incident, and what becomes of it', () => {
    const { event, reports } = reading(source)(sample('gitguardian-incident-triggered.json'));
    expect([event, reports]).toEqual([
      'incident_triggered',
      [
        expect.objectContaining({
          externalRef: 'gitguardian#31542',
          value: null,
          kind: 'generic_password',
          sourceSays: 'unknown',
          detectedAt: Date.parse('2022-06-20T07:45:31.666Z'),
        }),
      ],
    ]);
    const said = (action: string, incident: object) =>
      reading(source)({ source: 'GitGuardian', action, incident: { id: 1, ...incident } }).reports[0];
    expect(said('incident_resolved', { status: 'resolved', secret_revoked: true })).toMatchObject({
      resolved: 'revoked',
      sourceSays: 'dead',
    });
    expect(said('incident_ignored', { status: 'ignored', ignore_reason: 'test_credential' })).toMatchObject({
      resolved: 'test_credential',
    });
    expect(said('incident_validity_changed', { validity: 'valid' })).toMatchObject({ sourceSays: 'live' });
    expect(said('incident_reopened', { status: 'triggered', ignore_reason: 'x' })).toMatchObject({
      resolved: undefined,
    });
    expect(said('incident_note_created', {})).toBeUndefined();
  });

  test('what its test button sends has another shape, and reports nothing', () => {
    const body = { author: 'a', date: '2042-10-10 04:00:00 PM', type: 'x', matches: [{ match: CANARY }] };
    const read = reading(source)(body);
    expect(read).toMatchObject({ event: 'test', reports: [], acknowledged: 'a test message' });
    expect(JSON.stringify(read)).not.toContain(CANARY);
  });
});

describe('gitlab', () => {
  const source = new GitlabSource();
  const { key: signing, leak, headers } = voices['gitlab']!;
  const token = 'a secret token in clear';
  const raw = (given: string | undefined, more = {}): RawDelivery => ({
    body: leak(''),
    headers: { 'x-gitlab-event': 'Vulnerability Hook', 'x-gitlab-token': given, ...more },
  });
  const taken = (delivery: RawDelivery, ...keys: string[]) =>
    source.authenticate(
      delivery,
      keys.map((key) => Secret.of(key)),
      NOW,
    );

  test('the secret token in clear, compared whole', () => {
    expect(taken(raw(token), token)).toEqual({ ok: true, value: { deliveryId: null } });
    expect(taken(raw(token), 'another token, the old one', token).ok).toBe(true);
    for (const bad of [undefined, '', token.slice(0, -1), `${token}x`, token.toUpperCase()])
      expect(taken(raw(bad), token).ok).toBe(false);
    const id = { 'idempotency-key': 'f5e5f430' };
    expect(taken(raw(token, id), token)).toEqual({ ok: true, value: { deliveryId: 'f5e5f430' } });
  });

  test('a signing token is never taken for one in clear, and a signature not for less than it is', () => {
    expect(taken(raw(signing), signing).ok).toBe(false);
    const delivery = raw(token);
    const good = { ...delivery, headers: { ...delivery.headers, ...headers(delivery.body, signing) } };
    expect(taken(good, signing)).toEqual({ ok: true, value: { deliveryId: 'msg_1' } });
    const forged = { ...good, body: text('{"object_kind":"vulnerability"}') };
    expect(taken(forged, signing, token).ok).toBe(false);
    // Before a signing token is set up here, the one in clear still proves it.
    expect(taken(good, token)).toEqual({ ok: true, value: { deliveryId: 'msg_1' } });
  });

  test('a vulnerability of another type, an expiry warning, an event of tomorrow: acknowledged', () => {
    const read = reading(source);
    const of = (report_type: string) =>
      read({ object_kind: 'vulnerability', object_attributes: { report_type } });
    expect(of('dependency_scanning')).toMatchObject({ reports: [], acknowledged: expect.any(String) });
    for (const object_kind of ['access_token', 'deploy_token', 'push', 'of_tomorrow'])
      expect(read({ object_kind })).toMatchObject({ reports: [], acknowledged: expect.any(String) });
    expect(read(leak('')).reports[0]).toMatchObject({
      place: 'gitlab:group/sub/project',
      foundAt: [{ type: 'vulnerability' }, { type: 'file', path: 'src/a.py', line: 3 }],
      detectedAt: Date.parse('2026-11-21T10:00:00.413Z'),
    });
  });

  test('the artifact of its own scan, with the value', () => {
    const finding = {
      id: 'f00',
      category: 'secret_detection',
      name: 'X token',
      raw_source_code_extract: CANARY,
      identifiers: [{ type: 'gitleaks_rule_id', name: 'x', value: 'x-token' }],
      location: { file: 'a.py', commit: { sha: 'c0ffee' }, start_line: 3 },
    };
    const file = (vulnerabilities: unknown) =>
      source.readFile(
        text({ version: '15.0.0', vulnerabilities, scan: { end_time: '2026-11-22T00:00:00' } }),
      );
    const read = file([finding, { ...finding, id: 'f01', category: 'sast' }]);
    expect(read.ok && valuesOf(read.value)).toEqual([CANARY]);
    expect(JSON.stringify(read)).not.toContain(CANARY);
    expect(file([])).toMatchObject({ ok: true, value: { acknowledged: expect.any(String) } });
    expect(file(undefined)).toMatchObject({
      ok: false,
      error: { fields: [{ field: 'body/vulnerabilities' }] },
    });
  });
});

describe('gitleaks', () => {
  const source = new GitleaksSource();
  const read = reading(source);

  test('the published report', () => {
    const found = read(sample('gitleaks-report.json'));
    expect(valuesOf(found)).toEqual(['a secret']);
    expect(found.reports[0]).toMatchObject({
      externalRef: '0000000000000000:auth.py:test-rule:1',
      kind: 'test-rule',
      occurredAt: undefined,
      foundAt: [{ type: 'commit', path: 'auth.py', line: 1 }],
    });
  });

  test('version 7: lower camel, `null` for nothing', () => {
    const found = read([
      {
        line: `token = ${CANARY}`,
        lineNumber: 9,
        offender: CANARY,
        commit: 'c0ffee',
        repo: 'r.git',
        repoURL: 'https://github.com/Octo/Repo.git',
        rule: 'X',
        file: 'a.py',
        date: '2021-06-01T10:00:00Z',
        tags: 'key, x',
      },
    ]);
    expect(valuesOf(found)).toEqual([CANARY]);
    expect(found.reports[0]).toMatchObject({ externalRef: 'c0ffee:a.py:X:9', place: 'github:octo/repo' });
    for (const nothing of ['null', '[]', ' [ ] '])
      expect(read(nothing)).toMatchObject({ reports: [], acknowledged: 'a report without findings' });
  });

  test.each([
    'REDACTED',
    'redacted',
    '[REDACTED]',
    '********',
    'AKIA****************',
    'AKIAIOS...',
    'xxxxxxxx',
    '',
  ])('a blanked value, %j, is never taken for one', (Secret) => {
    expect(valuesOf(read([{ RuleID: 'x', Secret, File: 'a' }]))).toEqual([null]);
    expect(valuesOf(read([{ rule: 'x', offender: Secret, file: 'a' }]))).toEqual([null]);
  });

  test('two secrets at one place are two leaks; one twice is one', () => {
    const at = { RuleID: 'x', File: 'a', StartLine: 1 };
    const found = read([
      { ...at, Secret: 'one-secret' },
      { ...at, Secret: 'other-secret' },
      { ...at, Secret: 'one-secret' },
    ]);
    expect(found.reports.map(({ externalRef }) => externalRef)).toEqual(['a:x:1', 'a:x:1 (2)']);
  });
});

describe('trufflehog', () => {
  const read = reading(new TrufflehogSource());
  const line = (more: object) =>
    JSON.stringify({
      SourceMetadata: {
        Data: {
          Git: {
            commit: 'c0ffee',
            file: 'a.py',
            line: 3,
            repository: 'https://github.com/octo/repo.git',
            timestamp: '2022-06-16 10:17:40 -0700 PDT',
          },
        },
      },
      DetectorName: 'X',
      DecoderName: 'PLAIN',
      Verified: false,
      Raw: CANARY,
      ...more,
    });

  test('one object a line, among lines of its log', () => {
    const found = read(
      `{"level":"info-0","msg":"running"}\n${line({})}\r\n\n${line({ Raw: 'another-one' })}\n`,
    );
    expect(valuesOf(found)).toEqual([CANARY, 'another-one']);
    expect(found.reports[0]).toMatchObject({
      place: 'github:octo/repo',
      occurredAt: Date.parse('2022-06-16T17:17:40Z'),
      foundAt: [{ type: 'git', path: 'a.py', line: 3 }],
    });
  });

  test('not verified is unknown, with an error or without; an older one is base64', () => {
    const says = (more: object) => read(line(more)).reports[0]!.sourceSays;
    expect(says({ Verified: true })).toBe('live');
    expect(says({ VerificationError: 'timeout' })).toBe('unknown');
    expect(says({})).toBe('unknown');
    const base64 = Buffer.from(CANARY).toString('base64');
    expect(valuesOf(read(line({ DecoderName: undefined, Raw: base64 })))).toEqual([CANARY]);
    expect(valuesOf(read(line({ Raw: base64 })))).toEqual([base64]);
    expect(valuesOf(read(line({ DecoderName: undefined, Raw: 'not/base64/of/text=' })))).toEqual([
      'not/base64/of/text=',
    ]);
  });

  test('a key of AWS is its id with its secret', () => {
    const aws = {
      DetectorName: 'AWS',
      Raw: 'AKIAIOSFODNN7EXAMPLE',
      RawV2: 'AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI',
    };
    const found = read(line(aws));
    expect([valuesOf(found), found.reports[0]!.supplierId]).toEqual([
      ['wJalrXUtnFEMI'],
      'AKIAIOSFODNN7EXAMPLE',
    ]);
  });

  test('a line that cannot be read is named', () => {
    const bad = new TrufflehogSource().readFile(text(`${line({})}\n{"DetectorName":"X"}\n`));
    expect(bad).toMatchObject({ ok: false, error: { fields: [{ line: 2 }, { line: 2 }] } });
  });
});

describe('sarif', () => {
  const source = new SarifSource();
  const read = reading(source);

  test('the published report: the snippet is the secret, and stays nowhere else', () => {
    const found = read(sample('gitleaks-report.sarif'));
    expect(valuesOf(found)).toEqual(['a secret']);
    expect(JSON.stringify(found)).not.toContain('a secret');
    expect(found.reports[0]).toMatchObject({
      externalRef: 'gitleaks:0000000000000000:auth.py:test-rule:1',
      kind: 'test-rule',
      foundAt: [{ path: 'auth.py', line: 1 }],
    });
  });

  test('a result without a place, one that is suppressed, one that is gone, a run without results', () => {
    const results = [
      { rule: { id: 'a' } },
      { ruleId: 'b', suppressions: [{ kind: 'inSource' }] },
      { ruleId: 'c', suppressions: [{ status: 'rejected' }] },
      { ruleId: 'd', baselineState: 'absent' },
    ];
    const tool = { driver: { name: 'Gitleaks' } };
    expect(read({ runs: [{ tool, results }] }).reports.map(({ kind, resolved }) => [kind, resolved])).toEqual(
      [
        ['a', undefined],
        ['b', 'suppressed'],
        ['c', undefined],
        ['d', 'absent'],
      ],
    );
    expect(read({ runs: [{ tool }] })).toMatchObject({ reports: [], acknowledged: expect.any(String) });
  });
});

describe('csv', () => {
  const source = new CsvSource();
  const read = reading(source);
  const refused = (file: string | Buffer) => {
    const answer = source.readFile(Buffer.isBuffer(file) ? file : text(file));
    return answer.ok
      ? 'read'
      : `${answer.error.fields?.[0]?.line ?? ''} ${answer.error.fields?.[0]?.problem}`;
  };

  test('headings as people write them; a byte order mark; comma, semicolon or tab; quoted cells', () => {
    for (const d of [',', ';', '\t']) {
      const file = [
        ['\uFEFFSecret', 'Type', 'URL', 'File', 'Line', 'Detected at', 'Notes'].join(d),
        [
          `"${CANARY}${d}""x"""`,
          'x_token',
          'https://x.example/1',
          'a.py',
          '3',
          '2026-11-22T01:00:00Z',
          'n',
        ].join(d),
      ].join('\r\n');
      const found = read(file);
      expect(valuesOf(found)).toEqual([`${CANARY}${d}"x"`]);
      expect(found.reports[0]).toMatchObject({
        externalRef: 'x_token https://x.example/1 a.py 3',
        foundAt: [{ type: 'file', url: 'https://x.example/1', path: 'a.py', line: 3 }],
        detectedAt: Date.parse('2026-11-22T01:00:00Z'),
      });
    }
  });

  test('a hash or an id in place of the value; a formula stays text', () => {
    const found = read(
      `ref,sha256,supplier_id\na,${'AB'.repeat(32)},\nb,,=HYPERLINK("x")\n`.replaceAll('"', ''),
    );
    expect(found.reports.map(({ sha256, supplierId }) => [sha256, supplierId])).toEqual([
      ['ab'.repeat(32), undefined],
      [undefined, '=HYPERLINK(x)'],
    ]);
  });

  test('what cannot be read is named by its line', () => {
    expect(refused('')).toBe('1 no column holds a secret or its id');
    expect(refused('a,b\n1,2\n')).toBe('1 no column holds a secret or its id');
    expect(refused('value,secret\nx,y\n')).toBe('1 two columns mean value');
    expect(refused('ref,value\na,x,y\n')).toBe('2 the row has 3 cells and the heading 2');
    expect(refused('ref,value\na,x\nb,\n')).toMatch(/^3 must have a value/);
    expect(refused('ref,value\na,"x\n')).toMatch(/^\d+ the quotation marks do not fit/);
    expect(refused('ref,value\na,x\u0000\n')).toBe('2 holds a NUL character');
    expect(refused(Buffer.from([0x76, 0x61, 0x6c, 0x75, 0x65, 0x0a, 0xc3, 0x28]))).toMatch(/UTF-8/);
    expect(refused(`value\n"${'x'.repeat(300_000)}"\n`)).toMatch(/longer than/);
  });
});
