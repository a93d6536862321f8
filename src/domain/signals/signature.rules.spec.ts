import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { Secret } from '../../kernel/secret.ts';
import { newSigningKey, signaturesOf, whyNoSharedSecret, type SigningKey } from './signature.rules.ts';

const text = (key: Secret) => key.use((value) => value);
const BODY = '{"type":"credential.dead","timestamp":"2026-11-22T12:00:00.000Z","data":{"name":"Zürich"}}';

function signed(keys: SigningKey[], body = BODY, id = 'msg_1') {
  const timestamp = Math.floor(Date.now() / 1000);
  return {
    timestamp,
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signaturesOf(keys, id, timestamp, body),
    },
  };
}

describe('what we sign', () => {
  test('is what every implementation signs, by the published vector', () => {
    const key = Secret.of('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    expect(
      signaturesOf([{ kind: 'v1', key }], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}'),
    ).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  test('is verified by the official package, with either key of a change of keys', () => {
    const [old, fresh] = [newSigningKey('v1'), newSigningKey('v1')];
    const both: SigningKey[] = [
      { kind: 'v1', key: fresh.key },
      { kind: 'v1', key: old.key },
      { kind: 'v1a', key: newSigningKey('v1a').key },
    ];
    const { headers } = signed(both);
    for (const { key } of [old, fresh]) {
      expect(new Webhook(text(key)).verify(BODY, headers)).toEqual(JSON.parse(BODY));
      expect(() => new Webhook(text(key)).verify(BODY.replace('dead', 'live'), headers)).toThrow();
    }
    expect(() => new Webhook(text(newSigningKey('v1').key)).verify(BODY, headers)).toThrow();
  });

  test('with Ed25519 is verified with the public half that the receiver was given', () => {
    const { key, publicKey } = newSigningKey('v1a');
    const { timestamp, headers } = signed([{ kind: 'v1a', key }]);
    const x = Buffer.from(publicKey!.slice('whpk_'.length), 'base64').toString('base64url');
    const open = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    const given = Buffer.from(headers['webhook-signature'].slice('v1a,'.length), 'base64');
    expect(verify(null, Buffer.from(`msg_1.${timestamp}.${BODY}`), open, given)).toBe(true);
    expect(verify(null, Buffer.from(`msg_2.${timestamp}.${BODY}`), open, given)).toBe(false);
  });

  test('never has a full stop in its id', () => {
    const { key } = newSigningKey('v1');
    expect(() => signaturesOf([{ kind: 'v1', key }], 'msg.1', 1, BODY)).toThrow();
  });
});

test('a secret that a subscriber brings is long enough and none that can be guessed', () => {
  expect(whyNoSharedSecret(newSigningKey('v1').key)).toBeUndefined();
  expect(whyNoSharedSecret(Secret.of('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'))).toBeUndefined();
  for (const bad of ['', 'whsec_', 'whsec_c2hvcnQ=', 'password', `whsec_${'A'.repeat(200)}`])
    expect(whyNoSharedSecret(Secret.of(bad))).toMatch(/24 to 64/);
});
