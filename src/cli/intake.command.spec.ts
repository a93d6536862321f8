import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Command, CommanderError } from 'commander';
import { CANARY, NOW, claimsOf, sample, setOver, voices } from '../../test/support/source-voices.ts';
import { reportFailure } from './failure.ts';
import { addIntake } from './intake.command.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'intake-check-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

let files = 0;
function file(content: Buffer | string): string {
  const path = join(folder, `f${files++}`);
  writeFileSync(path, content);
  return path;
}

/** The command as a person runs it. */
async function run(...words: string[]) {
  const said = { out: '', err: '' };
  const to = (name: 'out' | 'err') => (text: unknown) => {
    said[name] += String(text);
    return true;
  };
  jest.spyOn(process.stdout, 'write').mockImplementation(to('out'));
  jest.spyOn(process.stderr, 'write').mockImplementation(to('err'));
  const program = new Command().exitOverride().configureOutput({ writeErr: to('err'), writeOut: to('out') });
  addIntake(program);
  for (const one of program.commands) one.exitOverride().commands.forEach((sub) => sub.exitOverride());
  let status: number;
  try {
    await program.parseAsync(['node', 'countersign', 'intake', ...words]);
    status = Number(process.exitCode ?? 0);
  } catch (thrown) {
    status = thrown instanceof CommanderError ? 2 : reportFailure(thrown);
  }
  jest.restoreAllMocks();
  process.exitCode = undefined;
  return { status, ...said };
}

interface Verdict {
  accepted: boolean;
  status: number;
  reason: string;
  reports: Record<string, unknown>[];
}

/** As one kind would deliver it; @param change what is done to it on the way */
async function checked(
  kind: string,
  o: { body?: Buffer; key?: string | null; headers?: object | string; at?: number; more?: string[] } = {},
): Promise<Verdict & { exit: number }> {
  const voice = voices[kind]!;
  const body = o.body ?? voice.leak(CANARY);
  const words = ['check', kind, '--json', '--body', file(body), ...(o.more ?? [])];
  if (!voice.source.filesOnly) {
    const headers = o.headers ?? voice.headers(body, voice.key, {});
    words.push('--headers', file(typeof headers === 'string' ? headers : JSON.stringify(headers)));
    if (o.key !== null) words.push('--key', file(o.key ?? voice.key));
    words.push('--at', new Date(o.at ?? NOW).toISOString());
  }
  const { status: exit, out, err } = await run(...words);
  expect(err).toBe('');
  expect(out).not.toContain(CANARY);
  return { ...(JSON.parse(out) as Verdict), exit };
}

const KINDS = Object.keys(voices);
const SIGNED = KINDS.filter((kind) => !voices[kind]!.source.filesOnly);

test.each(KINDS)('%s: a good delivery is accepted, and its values are masked', async (kind) => {
  const { carries } = voices[kind]!;
  expect(await checked(kind)).toMatchObject({
    accepted: true,
    status: 202,
    exit: 0,
    reports: [{ value: carries ? '[secret]' : null, ref: expect.any(String), foundAt: expect.any(Array) }],
  });
});

describe.each(SIGNED)('%s', (kind) => {
  const refusedWith = kind === 'set' ? 400 : 401;
  const refused = { accepted: false, status: refusedWith, exit: 1, reports: [] };

  test('a changed byte, no key, another key: refused', async () => {
    const { leak, otherKey, key, headers } = voices[kind]!;
    const good = leak(CANARY);
    const body = Buffer.from(good);
    body[body.length - 3] = body[body.length - 3]! ^ 1;
    expect(await checked(kind, { body, headers: headers(good, key) })).toMatchObject(refused);
    expect(await checked(kind, { key: null })).toMatchObject(refused);
    expect(await checked(kind, { key: '' })).toMatchObject(refused);
    expect(await checked(kind, { key: otherKey })).toMatchObject(refused);
  });

  test('what is no event of its own is acknowledged', async () => {
    const { other, headers, key } = voices[kind]!;
    const given = { body: other.body, headers: headers(other.body, key, { event: other.event }) };
    expect(await checked(kind, given)).toMatchObject({ accepted: true, status: 202, reports: [] });
  });

  test('more than it takes is 413', async () => {
    const { source, key, headers } = voices[kind]!;
    const body = Buffer.alloc(source.bodyLimit + 1, 0x20);
    expect(await checked(kind, { body, headers: headers(body, key) })).toMatchObject({
      accepted: false,
      status: 413,
    });
  });
});

test.each(SIGNED)('%s: a capture that left out the content type is judged all the same', async (kind) => {
  const { leak, headers, key } = voices[kind]!;
  const body = leak(CANARY);
  const kept = Object.entries(headers(body, key, {})).filter(
    ([name]) => name.toLowerCase() !== 'content-type',
  );
  expect(await checked(kind, { body, headers: Object.fromEntries(kept) })).toMatchObject({ status: 202 });
});

test('nor is a form of GitHub taken for JSON then', async () => {
  const { leak, headers, key } = voices['github']!;
  const body = Buffer.from(`payload=${encodeURIComponent(leak(CANARY).toString())}`);
  const kept = Object.entries(headers(body, key, {})).filter(
    ([name]) => name.toLowerCase() !== 'content-type',
  );
  expect(await checked('github', { body, headers: Object.fromEntries(kept) })).toMatchObject({ status: 202 });
});

test('the published vectors of GitHub and GitGuardian authenticate; what they sign is no event', async () => {
  const hello = Buffer.from('Hello, World!');
  const github = (signature: string) =>
    checked('github', {
      body: hello,
      key: "It's a Secret to Everybody\n",
      headers: `X-GitHub-Event: ping\r\nX-GitHub-Delivery: d-1\r\nContent-Type: application/json\r\nX-Hub-Signature-256: ${signature}\r\n`,
    });
  const signature = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  expect(await github(`sha256=${signature}`)).toMatchObject({ status: 400, accepted: false });
  expect(await github(signature)).toMatchObject({ status: 401 });
  const guardian = (at: number) =>
    checked('gitguardian', {
      body: Buffer.from('bar'),
      key: 'foo',
      at,
      headers: {
        Timestamp: '0',
        'Gitguardian-Signature': 'sha256=172fe3d694b734aa53dc892fd3b8d62163fc240064de570ba006900bb54a0fc2',
      },
    });
  expect(await guardian(0)).toMatchObject({ status: 400 });
  expect(await guardian(NOW)).toMatchObject({
    status: 401,
    reason: expect.stringContaining('5 minutes off. Timestamp '),
  });
});

test('the published vector of Standard Webhooks is taken, though it names no event', async () => {
  const given = (body: string) =>
    checked('standard-webhooks', {
      body: Buffer.from(body),
      key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      at: 1614265330_000,
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
    });
  expect(await given('{"test": 2432232314}')).toMatchObject({ accepted: true, status: 202, reports: [] });
  expect(await given('{"test": 2432232315}')).toMatchObject({ accepted: false, status: 401 });
});

test('the published event of GitHub, signed; a ping; several keys, one a line', async () => {
  const body = sample('github-secret-scanning-alert-reopened.json');
  const key = 'sixteen characters!';
  const headers = {
    'Content-Type': 'application/json',
    'X-GitHub-Event': 'secret_scanning_alert',
    'X-GitHub-Delivery': 'd-1',
    'X-Hub-Signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
  };
  const both = `an older key of ours\n${key}\n`;
  expect(await checked('github', { body, key: both, headers })).toMatchObject({
    accepted: true,
    reports: [{ ref: 'Codertocat/Hello-World#191', kind: 'adafruit_io_key', value: null }],
  });
});

test('a stream has one issuer and one audience, where they are given', async () => {
  const one = ['--issuer', 'https://idp.example/', '--audience', 'https://countersign.example'];
  expect(await checked('set', { more: one })).toMatchObject({ accepted: true });
  expect(await checked('set', { more: ['--issuer', 'https://x.example/'] })).toMatchObject({
    status: 400,
    reason: 'invalid_issuer: The issuer is not the one of this stream.',
  });
  const { key } = voices['set']!;
  const body = setOver(JSON.stringify(claimsOf({}, { exp: 1 })), key);
  expect(await checked('set', { body })).toMatchObject({ accepted: false, status: 400 });
});

test('the artifact of GitLab is judged as a file, where neither headers nor a key are given', async () => {
  const found = { id: 'f', category: 'secret_detection', raw_source_code_extract: CANARY };
  const body = file(JSON.stringify({ vulnerabilities: [found] }));
  const { out, status } = await run('check', 'gitlab', '--body', body, '--json');
  expect([status, JSON.parse(out)]).toMatchObject([0, { accepted: true, reports: [{ value: '[secret]' }] }]);
});

test('told to people: one line, and one for each leak', async () => {
  const body = file(voices['gitleaks']!.leak(CANARY));
  expect(await run('check', 'gitleaks', '--body', body)).toEqual({
    status: 0,
    out: 'accepted (202): gitleaks.report: 1 report\n  c0ffee:src/a.py:x-token:3  x-token  [secret]  unknown\n',
    err: '',
  });
  const bad = await run('check', 'csv', '--body', file('ref,value\na,x,y\n'));
  expect(bad).toMatchObject({ status: 1, out: expect.stringContaining('refused (400): ') });
  expect(bad.out).toContain('line 2');
});

test('what cannot be judged at all: status 2, and why', async () => {
  const body = file('x');
  for (const [words, why] of [
    [['check', 'svn', '--body', body], 'There is no kind of source svn'],
    [['check', 'github', '--body', join(folder, 'absent')], 'cannot be read'],
    [['check', 'github', '--body', body, '--at', 'noon'], '--at must be'],
    [['check', 'github', '--body', body, '--headers', file('no header')], 'Line 1 of the headers'],
    [['check', 'github', '--body', body, '--headers', file('{')], 'no JSON object'],
    [['check', 'github'], '--body'],
  ] as [string[], string][]) {
    expect(await run(...words)).toMatchObject({ status: 2, err: expect.stringContaining(why) });
  }
});
