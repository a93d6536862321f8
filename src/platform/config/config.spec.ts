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
