import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Call, Target } from '../../src/domain/revocation/connector.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { Outbound } from '../../src/platform/http/outbound.ts';
import { AwsIamConnector } from '../../src/plugins/connectors/aws-iam/aws-iam.connector.ts';
import {
  awsIamSettings,
  judgeIdentity,
  stsOf,
  type AwsIamSettings,
} from '../../src/plugins/connectors/aws-iam/aws-iam.rules.ts';
import { ScriptedIam } from '../support/scripted-aws.ts';
import { ScriptedSupplier, type Issued } from '../support/scripted-supplier.ts';

let iam: ScriptedIam;
let peer: ScriptedSupplier;
let outbound: Outbound;
let connector: AwsIamConnector;
let key: Issued;

beforeEach(async () => {
  iam = new ScriptedIam();
  peer = await new ScriptedSupplier(iam).start();
  outbound = new Outbound({ outboundAllow: [peer.hostPort] }, new SystemClock());
  connector = new AwsIamConnector(outbound);
  key = peer.issue('leaked');
});
afterEach(async () => {
  await outbound.close();
  await peer.stop();
});

const settings = awsIamSettings.parse({});
const call = (): Call => ({ idempotencyKey: 'k', signal: AbortSignal.timeout(10_000), now: Date.now });
const target = (more: Partial<Target<AwsIamSettings>> = {}): Target<AwsIamSettings> => ({
  settings,
  baseUrl: peer.baseUrl,
  auth: {
    access_key_id: Secret.of(iam.admin.access_key_id),
    secret_access_key: Secret.of(iam.admin.secret_access_key),
  },
  credentialKind: 'aws_access_key',
  supplierId: key.id,
  value: Secret.of(key.value),
  ...more,
});
const actions = () => peer.asked.map((one) => new URLSearchParams(one.body).get('Action'));

describe('an access key', () => {
  test('is deactivated, proven dead, and only then deleted', async () => {
    expect(await connector.probe(target(), call())).toMatchObject({ verdict: 'live' });
    expect(await connector.revoke(target(), call())).toMatchObject({ outcome: 'accepted' });
    expect(await connector.probe(target(), call())).toMatchObject({ verdict: 'dead' });
    expect(peer.byId(key.id)).not.toBeNull();
    expect(await connector.clearAway(target(), call())).toMatchObject({ outcome: 'accepted' });
    expect(peer.byId(key.id)).toBeNull();
    expect(await connector.clearAway(target(), call())).toMatchObject({ outcome: 'gone' });
    expect(await connector.revoke(target(), call())).toMatchObject({ outcome: 'gone' });
  });

  test('that somebody made active again is not deleted', async () => {
    await connector.revoke(target(), call());
    key.live = true;
    expect(await connector.clearAway(target(), call())).toMatchObject({ outcome: 'rejected' });
    expect(peer.byId(key.id)).not.toBeNull();
    expect(actions()).not.toContain('DeleteAccessKey');
  });

  test('a signature that does not match once is asked for once more; twice, it says nothing', async () => {
    iam.mismatches = 1;
    expect(await connector.probe(target(), call())).toMatchObject({ verdict: 'live' });
    iam.mismatches = 2;
    expect(await connector.probe(target(), call())).toMatchObject({ verdict: 'indeterminate' });
    const wrong = target({ value: Secret.of('not-the-secret-of-this-key-0123456789') });
    expect(await connector.probe(wrong, call())).toMatchObject({ verdict: 'indeterminate' });
  });

  test('another one is made beside it, up to two; the value of neither answer is kept', async () => {
    const answer = await connector.issue(target(), { label: 'x', expiresAt: null }, call());
    if (answer.outcome !== 'issued') throw new Error(JSON.stringify(answer));
    const made = peer.byId(answer.issued.supplierId ?? '');
    expect(answer.issued.value.use((value) => value)).toBe(made?.value);
    expect(JSON.stringify(answer)).not.toContain(made?.value);
    const listed = await connector.listIssued(target(), call());
    if (listed.outcome !== 'listed') throw new Error(JSON.stringify(listed));
    expect(listed.versions.map((one) => one.supplierId)).toEqual([key.id, made?.id]);
    expect(listed.versions[0]?.createdAt).toBe(Date.parse('2026-01-02T03:04:05Z'));
    expect(await connector.issue(target(), { label: 'x', expiresAt: null }, call())).toMatchObject({
      outcome: 'rejected',
      why: expect.stringContaining('two'),
    });
  });

  test('a lost answer to making one is unknown, and the list shows what was made', async () => {
    const made = () => peer.issued.length;
    peer.onRequest = (asked) => {
      if (asked.body.includes('Action=CreateAccessKey')) peer.goesWrong('lost', 'other', 1);
    };
    expect(await connector.issue(target(), { label: 'x', expiresAt: null }, call())).toMatchObject({
      outcome: 'unknown',
    });
    expect(made()).toBe(2);
    expect(await connector.listIssued(target(), call())).toMatchObject({
      outcome: 'listed',
      versions: [{ supplierId: key.id }, { supplierId: peer.issued[1]?.id }],
    });
  });

  test('its last use is told, and none is not never', async () => {
    expect(await connector.listUsage(target(), call())).toMatchObject({
      outcome: 'stated',
      lastUsedAt: Date.parse('2026-11-20T10:00:00Z'),
      where: 's3 in eu-west-1',
    });
    iam.lastUsed = null;
    expect(await connector.listUsage(target(), call())).toMatchObject({ lastUsedAt: null, where: null });
  });

  test('temporary credentials that it made outlive it, and cannot be managed themselves', async () => {
    const before = Date.now();
    const sessions = await connector.endSessions(target(), call());
    if (sessions.outcome !== 'residual') throw new Error(JSON.stringify(sessions));
    expect(sessions.until - before).toBeGreaterThanOrEqual(36 * HOUR);
    const temporary = target({ supplierId: 'ASIAIOSFODNN7EXAMPLE' });
    expect(await connector.revoke(temporary, call())).toMatchObject({
      outcome: 'rejected',
      why: expect.stringContaining('ASIA'),
    });
    expect(await connector.probe(temporary, call())).toMatchObject({ verdict: 'indeterminate' });
    expect(peer.asked).toEqual([]);
  });
});

test('nothing of the environment is believed: neither address, nor key, nor region', async () => {
  const planted = {
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    AWS_ENDPOINT_URL_IAM: 'http://127.0.0.1:9',
    AWS_ACCESS_KEY_ID: 'AKIAPLANTEDPLANTED00',
    AWS_SECRET_ACCESS_KEY: 'planted',
    AWS_SESSION_TOKEN: 'planted',
    AWS_REGION: 'eu-north-1',
    AWS_MAX_ATTEMPTS: '5',
    AWS_USE_FIPS_ENDPOINT: 'true',
    AWS_SDK_UA_APP_ID: 'planted',
  };
  const kept = Object.keys(planted).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, planted);
  try {
    expect(await connector.revoke(target(), call())).toMatchObject({ outcome: 'accepted' });
    peer.goesWrong('server_error', 'any', 1);
    expect(await connector.revoke(target(), call())).toMatchObject({ outcome: 'unknown' });
    expect(actions()).toEqual(['GetAccessKeyLastUsed', 'UpdateAccessKey', 'GetAccessKeyLastUsed']);
    expect(JSON.stringify(peer.asked.map((one) => one.headers))).not.toMatch(/planted/i);
  } finally {
    for (const [name, value] of kept)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
});

test('what an answer of STS means', () => {
  expect(judgeIdentity(200, '').verdict).toBe('live');
  expect(judgeIdentity(403, 'InvalidClientTokenId').verdict).toBe('dead');
  for (const [status, code] of [
    [403, 'SignatureDoesNotMatch'],
    [403, 'AccessDenied'],
    [403, ''],
    [401, 'InvalidClientTokenId'],
    [400, 'Throttling'],
    [500, ''],
  ] as const)
    expect(judgeIdentity(status, code).verdict).toBe('indeterminate');
});

test('STS is asked where the partition has it, and at the same place elsewhere', () => {
  expect(stsOf(settings, 'https://iam.amazonaws.com')).toBe('https://sts.amazonaws.com');
  expect(stsOf(settings, 'http://127.0.0.1:8080')).toBe('http://127.0.0.1:8080');
});
