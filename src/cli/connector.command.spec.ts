import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Command, CommanderError } from 'commander';
import fc from 'fast-check';
import { judge, judgeStated, probeRows } from '../domain/revocation/answers.rules.ts';
import { Connectors } from '../domain/revocation/connectors.ts';
import { readPresetFiles } from '../domain/revocation/preset-files.ts';
import { factOf, readingsOf } from '../domain/revocation/preset-view.rules.ts';
import { SystemClock } from '../platform/clock/clock.ts';
import { templatesFolder } from '../platform/config/templates.ts';
import { Outbound } from '../platform/http/outbound.ts';
import { connectorClasses } from '../plugins/connectors/registry.ts';
import { addConnector } from './connector.command.ts';
import { reportFailure } from './failure.ts';

const KEYS =
  'aws cloudflare datadog entra gcp github gitlab okta pagerduty rfc7009 rfc7662 sendgrid slack snyk stripe twilio vault';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'connector-check-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

/** The command as a person runs it. */
async function run(...words: string[]): Promise<{ status: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const to = (name: 'out' | 'err') => (text: unknown) => {
    said[name] += String(text);
    return true;
  };
  jest.spyOn(process.stdout, 'write').mockImplementation(to('out'));
  jest.spyOn(process.stderr, 'write').mockImplementation(to('err'));
  const program = new Command().exitOverride().configureOutput({ writeErr: to('err'), writeOut: to('out') });
  addConnector(program);
  for (const one of program.commands) one.exitOverride().commands.forEach((sub) => sub.exitOverride());
  let status = 0;
  try {
    await program.parseAsync(['node', 'countersign', 'connector', ...words]);
  } catch (thrown) {
    status = thrown instanceof CommanderError ? 2 : reportFailure(thrown);
  }
  jest.restoreAllMocks();
  return { status, ...said };
}

async function check(key: string, status: number, body?: unknown, ...more: string[]) {
  const file = join(folder, 'body');
  if (body !== undefined) writeFileSync(file, typeof body === 'string' ? body : JSON.stringify(body));
  const words = ['check', key, '--status', String(status), '--json', ...more];
  const done = await run(...words, ...(body === undefined ? [] : ['--body', file]));
  expect(done).toMatchObject({ status: 0, err: '' });
  return JSON.parse(done.out) as { verdict: string; why: string; verified: boolean | null; variant: string };
}

const html = '<!DOCTYPE html><html><body><form action="/login">sign in</form></body></html>';
const xml = (code: string) =>
  `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`;
const slack = (error: string) => ({ ok: false, error });
const cloudflare = (status: string) => ({ success: true, errors: [], result: { id: 'a', status } });

/** Key, status, body, verdict, variant: what each supplier documents, and the traps. */
const DOCUMENTED: [string, number, unknown, 'live' | 'dead' | 'indeterminate', string?][] = [
  ['github', 200, { login: 'octocat', id: 1 }, 'live'],
  ['github', 200, undefined, 'live'],
  ['github', 401, { message: 'Bad credentials' }, 'dead'],
  ['github', 401, undefined, 'dead'],
  ['github', 403, { message: 'API rate limit exceeded' }, 'indeterminate'],
  ['github', 404, { message: 'Not Found' }, 'indeterminate'],
  ['github', 200, { token: 'gho_1', id: 1 }, 'live', 'app-user-token'],
  ['github', 404, { message: 'Not Found' }, 'dead', 'app-user-token'],
  ['github', 401, undefined, 'indeterminate', 'app-user-token'],
  ['github', 200, { total_count: 0 }, 'live', 'installation-token'],
  ['github', 401, undefined, 'dead', 'installation-token'],
  ['github', 200, { id: 7 }, 'live', 'deploy-key'],
  ['github', 404, undefined, 'dead', 'deploy-key'],
  ['github', 403, { message: 'rate limit' }, 'indeterminate', 'deploy-key'],
  ['github', 401, undefined, 'indeterminate', 'deploy-key'],
  ['github', 401, undefined, 'dead', 'organization-token'],
  ['gitlab', 200, { id: 1, active: true, revoked: false }, 'live'],
  ['gitlab', 200, { id: 1, active: false, revoked: true }, 'indeterminate'],
  ['gitlab', 401, { message: '401 Unauthorized' }, 'dead'],
  ['gitlab', 403, undefined, 'indeterminate'],
  ['gitlab', 200, { revoked: true, active: false }, 'dead', 'any-token'],
  ['gitlab', 404, { message: '404 Not found' }, 'dead', 'any-token'],
  ['gitlab', 404, { error: '404 Not Found' }, 'indeterminate', 'any-token'],
  ['gitlab', 403, undefined, 'indeterminate', 'any-token'],
  ['slack', 200, { ok: true, user_id: 'U1' }, 'live'],
  ['slack', 200, slack('token_revoked'), 'dead'],
  ['slack', 200, slack('invalid_auth'), 'dead'],
  ['slack', 200, slack('account_inactive'), 'dead'],
  ['slack', 200, slack('token_expired'), 'dead'],
  ['slack', 200, slack('ratelimited'), 'indeterminate'],
  ['slack', 200, slack('not_authed'), 'indeterminate'],
  ['slack', 200, undefined, 'indeterminate'],
  ['slack', 401, undefined, 'indeterminate'],
  ['twilio', 200, { services: [], meta: {} }, 'live'],
  ['twilio', 401, { code: 20003 }, 'dead'],
  ['twilio', 403, { code: 20003 }, 'dead'],
  ['twilio', 404, undefined, 'indeterminate'],
  ['sendgrid', 200, { scopes: ['mail.send'] }, 'live'],
  ['sendgrid', 403, { errors: [{ message: 'access forbidden' }] }, 'live'],
  ['sendgrid', 403, undefined, 'live'],
  ['sendgrid', 401, { errors: [{ message: 'authorization required' }] }, 'dead'],
  ['sendgrid', 401, undefined, 'dead', 'eu'],
  ['stripe', 200, { object: 'list', data: [] }, 'live'],
  ['stripe', 403, { error: { type: 'invalid_request_error' } }, 'live'],
  ['stripe', 401, { error: { type: 'invalid_request_error' } }, 'dead'],
  ['stripe', 402, undefined, 'indeterminate'],
  ['aws', 200, '<GetCallerIdentityResponse/>', 'live'],
  ['aws', 200, undefined, 'live'],
  ['aws', 403, xml('InvalidClientTokenId'), 'dead'],
  ['aws', 403, { Error: { Code: 'InvalidClientTokenId' } }, 'dead'],
  ['aws', 403, xml('SignatureDoesNotMatch'), 'indeterminate'],
  ['aws', 403, xml('AccessDenied'), 'indeterminate'],
  ['aws', 403, undefined, 'indeterminate'],
  ['aws', 401, xml('InvalidClientTokenId'), 'indeterminate'],
  ['gcp', 200, { access_token: 'ya29', expires_in: 3599 }, 'live'],
  ['gcp', 400, { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' }, 'dead'],
  ['gcp', 400, { error: 'invalid_grant' }, 'dead'],
  [
    'gcp',
    400,
    { error: 'invalid_grant', error_description: 'Token must be in a reasonable timeframe' },
    'indeterminate',
  ],
  ['gcp', 400, { error: 'invalid_scope' }, 'indeterminate'],
  ['gcp', 401, { error: 'invalid_client' }, 'indeterminate'],
  ['entra', 200, { access_token: 'ey', token_type: 'Bearer' }, 'live'],
  [
    'entra',
    401,
    { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret' },
    'dead',
  ],
  ['entra', 401, { error: 'invalid_client', error_description: 'AADSTS7000222: expired' }, 'dead'],
  ['entra', 401, { error: 'invalid_client', error_description: 'AADSTS7000218: missing' }, 'indeterminate'],
  ['entra', 400, { error: 'unauthorized_client', error_description: 'AADSTS700016' }, 'indeterminate'],
  ['entra', 401, undefined, 'indeterminate'],
  ['okta', 200, { id: '00u1' }, 'live'],
  ['okta', 401, { errorCode: 'E0000011' }, 'dead'],
  ['okta', 403, { errorCode: 'E0000006' }, 'indeterminate'],
  ['okta', 401, { error: 'invalid_client' }, 'dead', 'client-secret'],
  ['okta', 200, { active: false }, 'live', 'client-secret'],
  ['cloudflare', 200, cloudflare('active'), 'live'],
  ['cloudflare', 200, cloudflare('disabled'), 'indeterminate'],
  ['cloudflare', 200, cloudflare('expired'), 'indeterminate'],
  ['cloudflare', 401, { success: false, errors: [{ code: 1000 }] }, 'dead'],
  ['cloudflare', 403, { success: false }, 'dead'],
  ['cloudflare', 403, undefined, 'dead', 'account'],
  ['cloudflare', 400, { success: false }, 'indeterminate'],
  ['datadog', 200, { valid: true }, 'live'],
  ['datadog', 403, { errors: ['Forbidden'] }, 'dead'],
  ['datadog', 401, undefined, 'indeterminate'],
  ['datadog', 403, undefined, 'dead', 'application-key'],
  ['pagerduty', 200, { users: [] }, 'live'],
  ['pagerduty', 401, { error: 'unauthorized' }, 'dead'],
  ['pagerduty', 403, undefined, 'indeterminate'],
  ['snyk', 200, { id: 'x' }, 'live'],
  ['snyk', 401, { code: 401 }, 'dead'],
  ['snyk', 403, undefined, 'indeterminate'],
  ['snyk', 401, { error: 'invalid_client' }, 'dead', 'app-secret'],
  ['vault', 200, { data: { accessor: 'a' } }, 'live'],
  ['vault', 403, { errors: ['invalid accessor'] }, 'dead'],
  ['vault', 403, { errors: ['bad token'] }, 'dead'],
  ['vault', 403, { errors: ['permission denied'] }, 'indeterminate'],
  ['vault', 403, undefined, 'indeterminate'],
  ['vault', 404, { errors: [] }, 'indeterminate'],
  ['vault', 400, { errors: ['invalid lease'] }, 'dead', 'lease'],
  ['vault', 200, { data: { versions: { 1: { destroyed: true } } } }, 'indeterminate', 'kv-copy'],
  ['rfc7009', 200, undefined, 'indeterminate'],
  ['rfc7009', 200, {}, 'indeterminate'],
  ['rfc7009', 400, { error: 'unsupported_token_type' }, 'indeterminate'],
  ['rfc7009', 401, { error: 'invalid_client' }, 'indeterminate'],
  ['rfc7662', 200, { active: true }, 'live'],
  ['rfc7662', 200, { active: false }, 'dead'],
  ['rfc7662', 200, { active: 'false' }, 'indeterminate'],
  ['rfc7662', 200, undefined, 'indeterminate'],
  ['rfc7662', 401, undefined, 'indeterminate'],
  // Two readers may take these for different answers.
  ['rfc7662', 200, '{"active":true,"active":false}', 'indeterminate'],
  ['slack', 200, '{"ok":false,"error":"ratelimited","error":"token_revoked"}', 'indeterminate'],
  ['aws', 403, `<!-- ${xml('InvalidClientTokenId')} -->${xml('AccessDenied')}`, 'indeterminate'],
];

describe('connector check', () => {
  test.each(DOCUMENTED.map((row) => [row] as const))('%j', async ([key, status, body, verdict, variant]) => {
    const answer = await check(key, status, body, ...(variant === undefined ? [] : ['--variant', variant]));
    expect(answer).toMatchObject({ verdict });
    expect(answer.why.length).toBeGreaterThan(10);
    if (variant !== undefined) expect(answer.variant).toBe(variant);
  });

  test('a body without end is read no further than what counts, and tells nothing', async () => {
    const answer = await run('check', 'slack', '--status', '200', '--body', '/dev/zero', '--json');
    expect(answer).toMatchObject({ status: 0, err: '' });
    expect(JSON.parse(answer.out)).toMatchObject({
      verdict: 'indeterminate',
      why: expect.stringContaining('longer than'),
    });
  });

  test.each(KEYS.split(' '))(
    '%s: limits, faults, ways elsewhere and pages for people tell nothing',
    async (key) => {
      for (const status of [302, 429, 503])
        for (const body of [undefined, { active: false }, xml('InvalidClientTokenId')])
          expect((await check(key, status, body)).verdict).toBe('indeterminate');
      for (const status of [200, 401, 403])
        expect((await check(key, status, html)).verdict).toBe('indeterminate');
      expect(
        (await check(key, 401, '{}', '--header', 'Content-Type: text/html; charset=utf-8')).verdict,
      ).toBe('indeterminate');
    },
  );

  test('an id that is named must be the one', async () => {
    const deployKey = ['--variant', 'deploy-key', '--id'];
    expect((await check('github', 200, { id: 7 }, ...deployKey, '7')).verdict).toBe('live');
    expect((await check('github', 200, { id: 8 }, ...deployKey, '7')).verdict).toBe('indeterminate');
  });

  test('nothing of the body is said again', async () => {
    const canary = 'countersign-canary-value-0123456789';
    for (const key of KEYS.split(' '))
      for (const status of [200, 401, 418]) {
        const { why } = await check(key, status, { error: canary, ok: canary, errors: [canary] });
        expect(why).not.toContain(canary);
      }
  });

  test('people read the verdict, the preset and what it rests on', async () => {
    const { out } = await run('check', 'stripe', '--status', '403');
    expect(out).toMatch(/^live: .+\n {2}preset stripe .+\n {2}verified: trufflehog detector stripe\n$/);
  });

  test.each([
    [['check', 'nobody', '--status', '200'], KEYS.replaceAll(' ', ', ')],
    [['check', 'github', '--status', '99'], '--status must be'],
    [['check', 'github', '--status', '600'], '--status must be'],
    [['check', 'github', '--status', '4o1'], '--status must be'],
    [['check', 'github'], '--status'],
    [['check', 'github', '--status', '401', '--variant', 'x'], 'leaked-token'],
    [['check', 'github', '--status', '401', '--header', 'nothing'], '--header 1 must be'],
    [['check', 'github', '--status', '401', '--header', 'a: b\r\nc: d'], '--header 1 must be'],
    [['check', 'github', '--status', '401', '--header', ': b'], '--header 1 must be'],
    [['check', 'github', '--status', '401', '--body', '/nowhere/at/all'], 'cannot be read'],
  ])('%j cannot be read: status 2', async (words, problem) => {
    const done = await run(...words);
    expect(done).toMatchObject({ status: 2, out: '' });
    expect(done.err).toContain(problem);
  });
});

describe('connector list', () => {
  test('names exactly the suppliers, each with one usual preset', async () => {
    const { out } = await run('list', '--json');
    const { connectors } = JSON.parse(out) as {
      connectors: { key: string; presets: { usual: boolean; variant: string; revocability: string }[] }[];
    };
    expect(connectors.map(({ key }) => key)).toEqual(KEYS.split(' '));
    for (const { presets } of connectors) {
      expect(presets.map(({ usual }) => usual).filter(Boolean)).toHaveLength(1);
      expect(new Set(presets.map(({ variant }) => variant)).size).toBe(presets.length);
    }
    expect((await run('list')).out.split('\n')[0]).toMatch(/^connector +variant +title/);
  });
});

const outbound = new Outbound({ outboundAllow: [] }, new SystemClock());
const connectors = new Connectors(connectorClasses.map((one) => new one(outbound)));
const presets = readPresetFiles(connectors, templatesFolder('connectors'));
const tables = presets.flatMap((known) => {
  const rows = probeRows(readingsOf(known));
  return rows ? [{ key: known.preset.key, rows, known }] : [];
});

describe.each(tables)('the answers of $key', ({ rows, known }) => {
  const statuses = fc.integer({ min: 100, max: 599 });
  const bodies = fc.oneof(
    fc.json().map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(
      ...[
        { active: false },
        slack('invalid_auth'),
        { error: 'invalid_client' },
        { errors: ['invalid accessor'] },
      ].map((one) => Buffer.from(JSON.stringify(one))),
      Buffer.from(xml('InvalidClientTokenId')),
    ),
  );
  const headers = fc.constantFrom<Record<string, string>>(
    {},
    { 'retry-after': '7' },
    { 'content-type': 'text/html' },
  );

  test('no status without a row of its own is ever dead or live, and limits and faults never tell', () => {
    fc.assert(
      fc.property(statuses, bodies, headers, (status, body, given) => {
        for (const { verdict } of [
          judge(rows, { status, headers: given, body }),
          judgeStated(rows, { status, headers: given, body }),
          judgeStated(rows, { status, headers: given, body: null }),
        ]) {
          const listed = rows.some((row) => row.means === verdict && [row.status].flat().includes(status));
          if (!listed || status === 429 || status >= 500 || status < 200 || (status >= 300 && status < 400))
            expect(verdict).toBe('indeterminate');
        }
      }),
      { numRuns: 50 },
    );
  });

  test('each row says why and names what it rests on', () => {
    for (const reading of readingsOf(known))
      for (const row of reading.rows)
        expect({ row, why: typeof row.why, fact: factOf(known.preset, row)?.status }).toEqual({
          row,
          why: 'string',
          fact: expect.stringMatching(/verified/),
        });
  });
});
