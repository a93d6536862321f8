import { expect, test } from '@jest/globals';
import { expectOk } from '../../kernel/result.ts';
import { parseConfig } from './config.ts';

const PROXIED = { DATABASE_URL: 'postgres://a@b/c', COUNTERSIGN_SESSION_SECRET: 'x'.repeat(32) };

test.each([
  [{}, true],
  [{ COUNTERSIGN_PUBLIC_URL: 'http://127.0.0.1:8080' }, true],
  [{ COUNTERSIGN_INSECURE_COOKIES: 'false' }, false],
  [{ COUNTERSIGN_PUBLIC_URL: 'https://countersign.example' }, false],
  [{ COUNTERSIGN_TRUST_PROXY: '127.0.0.1' }, false],
  [{ ...PROXIED, COUNTERSIGN_HOST: '0.0.0.0' }, false],
])('session cookies go over plain http only where nothing leaves the machine: %o', (environment, plain) => {
  expect(expectOk(parseConfig({ NODE_ENV: 'development', ...environment })).insecureCookies).toBe(plain);
});

const VAULT = { COUNTERSIGN_VAULT_URL: 'https://vault.example', COUNTERSIGN_VAULT_TOKEN: 'hvs.token' };

test.each([
  [{ COUNTERSIGN_STORE: 'env' }, 'COUNTERSIGN_STORE', 'can be read and not written to'],
  [{ COUNTERSIGN_STORE: 'vault-kv2' }, 'COUNTERSIGN_VAULT_URL', 'cannot be reached without it'],
  [{ COUNTERSIGN_VAULT_URL: 'https://vault.example' }, 'COUNTERSIGN_VAULT_TOKEN', 'cannot be reached'],
  [{ ...VAULT, COUNTERSIGN_VAULT_PREFIX: '../other' }, 'COUNTERSIGN_VAULT_PREFIX', 'names between slashes'],
  [{ COUNTERSIGN_STORE: 'aws-secrets-manager', ...VAULT }, 'COUNTERSIGN_AWS_REGION', 'cannot be reached'],
])('a store that cannot be what it is asked to be is refused at boot: %o', (environment, field, problem) => {
  const parsed = parseConfig({ NODE_ENV: 'development', ...environment });
  expect(parsed).toMatchObject({
    ok: false,
    error: [{ field, problem: expect.stringContaining(problem) }],
  });
});

test('a store that is set up is read from, whether new secrets go there or not; its token is not shown', () => {
  const { stores } = expectOk(parseConfig({ NODE_ENV: 'development', ...VAULT }));
  expect(stores).toMatchObject({
    writeTo: 'sealed',
    vault: { url: 'https://vault.example', mount: 'secret' },
  });
  expect(JSON.stringify(stores)).not.toContain('hvs.token');
  const chosen = expectOk(parseConfig({ NODE_ENV: 'development', ...VAULT, COUNTERSIGN_STORE: 'vault-kv2' }));
  expect(chosen.stores.writeTo).toBe('vault-kv2');
});
