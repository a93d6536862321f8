import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  fillRequest,
  namesIn,
  oauthBasicAuth,
  requestTemplateSchema,
  type RequestTemplate,
} from './request-template.rules.ts';

const template = (more: object): RequestTemplate =>
  requestTemplateSchema.parse({ method: 'DELETE', path: '/v1/keys/{supplierId}/revoke', ...more });
const filled = (more: object, values: Record<string, string>, base = 'https://api.example/base') =>
  fillRequest(template(more), base, (name) => (Object.hasOwn(values, name) ? values[name] : undefined));

describe('filling a request', () => {
  test('encodes values into the path, query, headers and body', () => {
    const request = filled(
      {
        query: { id: '{supplierId}', fixed: '1' },
        headers: { 'X-Id': '{supplierId}' },
        auth: { style: 'basic', username: '{auth.id}', password: '{value}' },
        body: { json: { token: '{value}', nested: [{ id: 'x-{supplierId}' }], n: 1, no: null } },
      },
      { supplierId: 'a b&c', value: 'p"w', 'auth.id': 'me' },
    );
    expect(request).toEqual({
      ok: true,
      value: {
        method: 'DELETE',
        url: 'https://api.example/base/v1/keys/a%20b%26c/revoke?id=a+b%26c&fixed=1',
        headers: {
          accept: 'application/json',
          'x-id': 'a b&c',
          authorization: `Basic ${Buffer.from('me:p"w').toString('base64')}`,
          'content-type': 'application/json',
        },
        body: '{"token":"p\\"w","nested":[{"id":"x-a b&c"}],"n":1,"no":null}',
      },
    });
  });

  test('a form', () => {
    const request = filled(
      { path: '/revoke', body: { form: { token: '{value}', hint: 'a&b' } } },
      { value: 'x=1&y' },
    );
    expect(request).toMatchObject({
      value: {
        body: 'token=x%3D1%26y&hint=a%26b',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
    });
  });

  test('a value cannot bring a hole of its own', () => {
    expect(
      filled(
        { body: { form: { token: '{value}' } } },
        { supplierId: '1', value: '{auth.secret}', 'auth.secret': 'S' },
      ),
    ).toMatchObject({ value: { body: 'token=%7Bauth.secret%7D' } });
  });

  test('says what is missing, without values', () => {
    expect(filled({ body: { form: { token: '{value}' } } }, {})).toEqual({
      ok: false,
      error: 'no value for {supplierId}, {value}',
    });
  });

  test.each(['', '.', '..', '/', '../../revoke', 'a/b', 'a\\b', '%2e%2e/x', 'a\u0000b', 'a\r\nb'])(
    'the id %j does not reach the path',
    (supplierId) => {
      expect(filled({}, { supplierId }).ok).toBe(false);
    },
  );

  test.each(['%2e%2e', '?x=1', '#x', ';x', '@evil.example', ':80', '..;', '...', '~', 'é'])(
    'the id %j stays one segment',
    (supplierId) => {
      const request = filled({}, { supplierId });
      expect(request.ok && new URL(request.value.url).pathname.split('/')).toEqual([
        '',
        'base',
        'v1',
        'keys',
        encodeURIComponent(supplierId),
        'revoke',
      ]);
    },
  );

  test('two values side by side cannot become a dot segment', () => {
    expect(filled({ path: '/v1/{a}{b}/x' }, { a: '.', b: '.' }).ok).toBe(false);
    expect(filled({ path: '/v1/.{a}/x' }, { a: '.' }).ok).toBe(false);
  });

  test('whatever the id, origin and the other segments stay', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (supplierId) => {
        const request = filled({}, { supplierId });
        if (!request.ok) return;
        const url = new URL(request.value.url);
        expect(url.origin).toBe('https://api.example');
        expect(url.search + url.hash).toBe('');
        const parts = url.pathname.split('/');
        expect([parts.length, parts[2], parts[3], parts[5]]).toEqual([6, 'v1', 'keys', 'revoke']);
        expect(decodeURIComponent(parts[4] as string)).toBe(supplierId.toWellFormed());
      }),
      { numRuns: 500 },
    );
  });

  test('knows every name that it needs', () => {
    expect(
      [
        ...namesIn(
          template({ auth: { style: 'bearer', token: '{auth.admin}' }, body: { json: [{ a: '{value}' }] } }),
        ),
      ].sort(),
    ).toEqual(['auth.admin', 'supplierId', 'value']);
  });

  test('refuses a template with a query in the path, and a base URL with one', () => {
    expect(requestTemplateSchema.safeParse({ method: 'GET', path: '/a?b={value}' }).success).toBe(false);
    expect(requestTemplateSchema.safeParse({ method: 'GET', path: 'https://evil.example/' }).success).toBe(
      false,
    );
    expect(filled({}, { supplierId: '1' }, 'https://api.example/?x=1').ok).toBe(false);
  });

  test('an OAuth client authenticates with both parts form-encoded (RFC 6749 section 2.3.1)', () => {
    expect(Buffer.from(oauthBasicAuth('a:b', 'c d%').slice(6), 'base64').toString()).toBe('a%3Ab:c+d%25');
  });
});
