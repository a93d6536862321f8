import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { CompactSign, SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from 'jose';
import { Secret } from '../../src/kernel/secret.ts';
import type { SourceSettings } from '../../src/domain/exposures/source.ts';
import type { Outbound, OutboundRequest } from '../../src/platform/http/outbound.ts';
import { SetSource } from '../../src/plugins/sources/set/set.source.ts';
import { CAEP, NOW, RISC, claimsOf, offline, sample } from '../support/source-voices.ts';

const source = new SetSource(offline);
const settings = { issuer: 'https://idp.example/', audience: 'https://countersign.example' };
const compromise = { [RISC]: { credential_type: 'api-key', event_timestamp: 1_795_305_600 } };

async function transmitter(alg = 'RS256', kid = 'k1') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid };
  return {
    jwk,
    keys: Secret.of(JSON.stringify({ keys: [jwk] })),
    sign: (claims: object, header: object = {}) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg, kid, typ: 'secevent+jwt', ...header })
        .sign(privateKey),
  };
}

const pushed = (token: string, headers = {}) => ({
  body: Buffer.from(token),
  headers: { 'content-type': 'application/secevent+jwt', ...headers },
});

async function judged(
  token: string,
  keys: readonly Secret[],
  o: { headers?: object; settings?: SourceSettings } = {},
) {
  const delivery = pushed(token, o.headers);
  const proven = await source.authenticate(delivery, keys, NOW, o.settings ?? settings);
  const outcome = proven.ok ? source.read(delivery) : proven;
  const answer = source.answer(
    outcome.ok
      ? { ok: true, value: outcome.value.reports.map((report) => ({ report, known: false })) }
      : outcome,
  )!;
  const body = answer.body as { err: string; description: string } | undefined;
  return { status: answer.status, err: body?.err, body, read: outcome.ok ? outcome.value : undefined };
}

describe('a token signed by jose', () => {
  test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('%s is accepted: 202, without a body', async (alg) => {
    const { keys, sign } = await transmitter(alg);
    const answer = await judged(await sign(claimsOf(compromise)), [keys]);
    expect(answer).toMatchObject({ status: 202, body: undefined });
    expect(answer.read!.reports).toEqual([
      expect.objectContaining({
        externalRef: 'https://idp.example/ api-key key-77',
        supplierId: 'key-77',
        kind: 'api-key',
        detectedAt: 1_795_305_600_000,
        asOf: NOW,
        sourceSays: 'unknown',
      }),
    ]);
  });

  test('the published claim sets of RISC and CAEP', async () => {
    const { keys, sign } = await transmitter();
    const of = async (name: string) => {
      const claims = JSON.parse(sample(name).toString()) as { iss: string; aud: string };
      return judged(await sign(claims), [keys], { settings: { issuer: claims.iss, audience: claims.aud } });
    };
    const risc = await of('risc-credential-compromise.json');
    expect(risc.status).toBe(202);
    expect(risc.read!.reports).toEqual([
      expect.objectContaining({ kind: 'password', supplierId: undefined }),
    ]);
    // Whose password it is names a person, and stands nowhere.
    expect(JSON.stringify(risc.read)).not.toContain('joe.smith');
    const caep = await of('caep-credential-change.json');
    expect(caep).toMatchObject({ status: 202, read: { reports: [], acknowledged: 'a credential was made' } });
  });

  test('a credential that its supplier revoked is the end of the leak that was told before', async () => {
    const { keys, sign } = await transmitter();
    const of = async (change_type: string) => {
      const events = { [CAEP]: { credential_type: 'api-key', change_type } };
      return (await judged(await sign(claimsOf(events)), [keys])).read!.reports[0];
    };
    expect(await of('revoke')).toMatchObject({
      externalRef: 'https://idp.example/ api-key key-77',
      resolved: 'revoked',
      sourceSays: 'dead',
    });
    expect(await of('delete')).toMatchObject({ resolved: 'revoked' });
    expect(await of('update')).toBeUndefined();
  });

  test('after a change of keys either set is good; of two keys of one name the one that fits', async () => {
    const [old, fresh] = [await transmitter(), await transmitter()];
    const token = await fresh.sign(claimsOf(compromise));
    expect(await judged(token, [old.keys, fresh.keys])).toMatchObject({ status: 202 });
    const both = Secret.of(JSON.stringify({ keys: [old.jwk, fresh.jwk] }));
    expect(await judged(token, [both])).toMatchObject({ status: 202 });
  });

  test('every subject that is no person is the id that its supplier has for the credential', async () => {
    const { keys, sign } = await transmitter();
    const idOf = async (sub_id: unknown) =>
      (await judged(await sign(claimsOf(compromise, { sub_id })), [keys])).read!.reports[0]!.supplierId;
    expect(await idOf({ format: 'opaque', id: 'a' })).toBe('a');
    expect(await idOf({ subject_type: 'iss-sub', iss: 'i', sub: 'b' })).toBe('b');
    expect(await idOf({ format: 'jwt_id', iss: 'i', jti: 'c' })).toBe('c');
    expect(await idOf({ format: 'email', email: 'joe@example.com' })).toBeUndefined();
    expect(
      await idOf({ format: 'aliases', identifiers: [{ format: 'email' }, { format: 'opaque', id: 'd' }] }),
    ).toBe('d');
    expect(
      await idOf({ format: 'complex', user: { format: 'email' }, session: { format: 'opaque', id: 'e' } }),
    ).toBe('e');
    for (const odd of [null, 7, [], 'x']) expect(await idOf(odd)).toBeUndefined();
  });

  test('events of tomorrow and of others are acknowledged', async () => {
    const { keys, sign } = await transmitter();
    const events = { 'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 's' } };
    expect(await judged(await sign(claimsOf(events)), [keys])).toMatchObject({
      status: 202,
      read: { event: 'ssf/event-type/verification', reports: [], acknowledged: expect.any(String) },
    });
  });
});

describe('each error code of RFC 8935', () => {
  test('invalid_request', async () => {
    const { keys, sign } = await transmitter();
    const good = await sign(claimsOf(compromise));
    const codes = [
      await judged(good, [keys], { headers: { 'content-type': 'application/jwt' } }),
      await judged('not.a.token', [keys]),
      await judged('{}', [keys]),
      await judged(await sign(claimsOf(compromise), { typ: 'JWT' }), [keys]),
      await judged(await sign(claimsOf(compromise), { typ: undefined }), [keys]),
      await judged(await sign(claimsOf(compromise, { exp: NOW / 1000 + 60 })), [keys]),
      await judged(await sign(claimsOf(compromise, { sub: 'joe' })), [keys]),
      await judged(await sign(claimsOf(compromise, { jti: undefined })), [keys]),
      await judged(await sign(claimsOf({})), [keys]),
      await judged(await sign(claimsOf({ [RISC]: {} })), [keys]),
      await judged(await sign(claimsOf({ [CAEP]: { credential_type: 'x', change_type: 'x' } })), [keys]),
    ];
    for (const one of codes) expect([one.status, one.err]).toEqual([400, 'invalid_request']);
    expect(codes[0]!.body!.description).toMatch(/content type/);
  });

  test('invalid_key: unknown, or too weak', async () => {
    const { sign } = await transmitter('RS256', 'k2');
    const { keys } = await transmitter('RS256', 'k1');
    expect(await judged(await sign(claimsOf(compromise)), [keys])).toMatchObject({
      status: 400,
      err: 'invalid_key',
    });
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const weakly = Secret.of(JSON.stringify({ keys: [{ ...weak, kid: 'k2' }] }));
    expect(await judged(await sign(claimsOf(compromise)), [weakly])).toMatchObject({ err: 'invalid_key' });
  });

  test('invalid_issuer and invalid_audience', async () => {
    const { keys, sign } = await transmitter();
    const of = async (more: object) => (await judged(await sign(claimsOf(compromise, more)), [keys])).err;
    expect(await of({ iss: 'https://other.example/' })).toBe('invalid_issuer');
    expect(await of({ aud: 'https://other.example' })).toBe('invalid_audience');
    expect(await of({ aud: undefined })).toBe('invalid_audience');
    expect(await of({ aud: ['https://other.example', 'https://countersign.example'] })).toBeUndefined();
  });

  test('authentication_failed: no key, another key, a changed byte, no signature, a symmetric one', async () => {
    const { keys, sign, jwk } = await transmitter();
    const token = await sign(claimsOf(compromise));
    const other = await transmitter();
    const [head, , signature] = token.split('.') as [string, string, string];
    const changed = Buffer.from(JSON.stringify(claimsOf(compromise, { jti: 'jti-2' }))).toString('base64url');
    const unsigned = new UnsecuredJWT(claimsOf(compromise)).encode();
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'secevent+jwt' })).toString('base64url');
    const hmac = await new CompactSign(Buffer.from(JSON.stringify(claimsOf(compromise))))
      .setProtectedHeader({ alg: 'HS256', typ: 'secevent+jwt', kid: 'k1' })
      .sign(Buffer.from(JSON.stringify(jwk)));
    for (const [bad, by] of [
      [token, []],
      [token, [other.keys]],
      [`${head}.${changed}.${signature}`, [keys]],
      [`${none}.${unsigned.split('.')[1]}.`, [keys]],
      [hmac, [keys]],
    ] as [string, Secret[]][]) {
      expect(await judged(bad, by)).toMatchObject({ status: 400, err: 'authentication_failed' });
    }
    const agreed = Secret.of('Bearer of-the-stream-1');
    expect(await judged(token, [keys, agreed])).toMatchObject({ err: 'authentication_failed' });
    const headers = { authorization: 'Bearer of-the-stream-1' };
    expect(await judged(token, [keys, agreed], { headers })).toMatchObject({ status: 202 });
  });

  test('access_denied: proven, and not taken now', () => {
    const off = { kind: 'forbidden', code: 'source-switched-off', message: 'Not now.' } as const;
    expect(source.answer({ ok: false, error: off })).toEqual({
      status: 400,
      body: { err: 'access_denied', description: 'Not now.' },
      headers: { 'content-language': 'en' },
    });
    const many = { kind: 'too_many', code: 'source-over-quota', message: '' } as const;
    expect(source.answer({ ok: false, error: many })).toBeUndefined();
  });
});

describe('poll, RFC 8936', () => {
  const polling = (answer: object, status = 200) => {
    const asked: OutboundRequest[] = [];
    const outbound = {
      request: (request: OutboundRequest) => {
        asked.push(request);
        return Promise.resolve({ ok: true, status, headers: {}, body: Buffer.from(JSON.stringify(answer)) });
      },
    } as unknown as Outbound;
    const poll = (o: object = {}) =>
      new SetSource(outbound).poll({
        settings: { ...settings, pollUrl: 'https://idp.example/poll' },
        token: Secret.of('stream-token'),
        signal: new AbortController().signal,
        done: [],
        refused: {},
        last: false,
        ...o,
      });
    return { asked, poll };
  };

  test('asks, and hands on what came', async () => {
    const { asked, poll } = polling({ sets: { 'jti-1': 'a.b.c' }, moreAvailable: true });
    expect(await poll()).toMatchObject({
      ok: true,
      value: { deliveries: [{ id: 'jti-1', delivery: { body: Buffer.from('a.b.c') } }], more: true },
    });
    expect(asked[0]).toMatchObject({ method: 'POST', url: 'https://idp.example/poll' });
    expect(asked[0]!.headers!['authorization']).toBe('Bearer stream-token');
    expect(JSON.parse(asked[0]!.body as string)).toEqual({ maxEvents: 50, returnImmediately: true });
  });

  test('says what was done with them, and may ask for none', async () => {
    const { asked, poll } = polling({ sets: {} });
    const wrong = { kind: 'unauthenticated', code: 'set-invalid-key', message: 'Unknown key.' };
    await poll({ done: ['a'], refused: { b: wrong }, last: true });
    expect(JSON.parse(asked[0]!.body as string)).toEqual({
      maxEvents: 0,
      returnImmediately: true,
      ack: ['a'],
      setErrs: { b: { err: 'invalid_key', description: 'Unknown key.' } },
    });
  });

  test('an answer that is none', async () => {
    expect(await polling({}, 401).poll()).toMatchObject({ ok: false, error: { kind: 'forbidden' } });
    expect(await polling({}, 503).poll()).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
    expect(await polling({ sets: [] }).poll()).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
    expect(await polling({}).poll()).toMatchObject({ ok: true, value: { deliveries: [], more: false } });
  });
});
