import type { SupplierView } from '../control/schema.ts';

/** A connector preset as the product's public import takes it, and the supplier of the world that it speaks of. */
export interface PresetOffer {
  supplier: string;
  preset: {
    key: string;
    title: string;
    connector: string;
    /** Kinds of credentials that it speaks of; the supplier issues the first. */
    kinds: string[];
    baseUrl: string;
    /** What a connection holds, by the names that `POST /control/access` gives. */
    auth: Record<string, string>;
    canary: { how: string } | { impossible: string };
    facts: { fact: string; source: string; status: 'verified' | 'unverified' }[];
    settings: Record<string, unknown>;
  };
}

/** What each supplier of the world would print in its manual. */
export function connectorPresets(suppliers: SupplierView[]): PresetOffer[] {
  return suppliers.flatMap((supplier) => {
    const preset = presets[supplier.key];
    if (!preset) return [];
    return [{ supplier: supplier.key, preset: { ...preset, baseUrl: supplier.baseUrl ?? '' } }];
  });
}

const manual = (title: string): string => `${title}, manual of its API`;
const ADMIN_AUTH = { style: 'bearer', token: '{auth.admin_key}' };
const OWN_KEY = { style: 'bearer', token: '{value}' };
const CANARY = {
  how: 'Ask for a credential of an account made for this installation, and use it for nothing else.',
};

const presets: Record<string, Omit<PresetOffer['preset'], 'baseUrl'>> = {
  meridian: {
    key: 'meridian-identity',
    title: 'Meridian Identity access token',
    connector: 'oauth-revocation',
    kinds: ['meridian_access_token', 'oauth_access_token'],
    auth: {
      client_id: 'The client that manages tokens for the whole account',
      client_secret: 'Its secret',
    },
    canary: CANARY,
    facts: [
      {
        fact: 'Revocation and introspection follow RFC 7009 and RFC 7662; callers who may not see a token are answered as if there were none.',
        source: manual('Meridian Identity'),
        status: 'verified',
      },
      {
        fact: 'Sessions opened with a token outlive it until DELETE /sessions/{token id} ends them.',
        source: manual('Meridian Identity'),
        status: 'verified',
      },
    ],
    settings: {
      revocationPath: '/token/revocation',
      introspectionPath: '/token/introspection',
      clientAuthentication: 'basic',
      endSessions: {
        request: {
          method: 'DELETE',
          path: '/sessions/{supplierId}',
          auth: { style: 'basic', username: '{auth.client_id}', password: '{auth.client_secret}' },
        },
        answers: [
          { status: 200, when: [{ pointer: '/ended', type: 'number' }], means: 'ended' },
          { status: [429, 503], means: 'retry' },
          {
            status: [401, 404],
            means: 'unknown',
            why: 'Meridian Identity does not know the token by this id',
          },
        ],
      },
    },
  },
  northwind: {
    key: 'northwind-pay',
    title: 'Northwind Pay API key',
    connector: 'declarative-http',
    kinds: ['northwind_api_key'],
    auth: { admin_key: 'An admin key of the account' },
    canary: CANARY,
    facts: [
      {
        fact: 'DELETE /v1/keys/{id} answers 204, and 404 for a key that is gone or another account’s.',
        source: manual('Northwind Pay'),
        status: 'verified',
      },
      {
        fact: 'GET /v1/ping answers 200 to a live key, 403 to a live one that may not ping, 401 to a dead one.',
        source: manual('Northwind Pay'),
        status: 'verified',
      },
      { fact: 'Each call presents the key itself.', source: manual('Northwind Pay'), status: 'verified' },
    ],
    settings: {
      revoke: {
        request: { method: 'DELETE', path: '/v1/keys/{supplierId}', auth: ADMIN_AUTH },
        answers: [
          { status: 204, means: 'accepted' },
          { status: 404, when: [{ pointer: '/error/type', equals: 'not_found' }], means: 'gone' },
          {
            status: 401,
            means: 'rejected',
            why: 'Northwind Pay refuses our own admin key',
            ownAuthentication: true,
          },
          { status: [429, 503], means: 'retry' },
        ],
      },
      probe: {
        request: { method: 'GET', path: '/v1/ping', auth: OWN_KEY },
        answers: [
          { status: 200, when: [{ pointer: '/object', equals: 'ping' }], means: 'live' },
          {
            status: 403,
            when: [{ pointer: '/error/type', equals: 'permission_error' }],
            means: 'live',
            why: 'Northwind Pay answers 403 to a live key that may not ping',
          },
          {
            status: 401,
            when: [{ pointer: '/error/type', equals: 'authentication_error' }],
            means: 'dead',
          },
        ],
      },
      ownAuthentication: {
        request: { method: 'GET', path: '/v1/account', auth: ADMIN_AUTH },
        answers: [
          { status: 200, when: [{ pointer: '/account', type: 'string' }], means: 'live' },
          { status: 401, means: 'dead' },
        ],
      },
      endSessions: { none: 'each call presents the key itself' },
    },
  },
  kestrel: {
    key: 'kestrel-logs',
    title: 'Kestrel Logs ingest key',
    connector: 'declarative-http',
    kinds: ['kestrel_ingest_key'],
    auth: { admin_key: 'An admin key of the account' },
    canary: CANARY,
    facts: [
      {
        fact: 'GET /v1/ping answers 200 to every key it ever issued; the body says ok, or key_revoked, key_expired, missing_scope. 403 means that it never knew the key, or no longer does.',
        source: manual('Kestrel Logs'),
        status: 'verified',
      },
      {
        fact: 'DELETE /v1/keys/{id} answers 204, and 404 with key_not_found for a key that is gone.',
        source: manual('Kestrel Logs'),
        status: 'verified',
      },
      { fact: 'Each call presents the key itself.', source: manual('Kestrel Logs'), status: 'verified' },
    ],
    settings: {
      revoke: {
        request: { method: 'DELETE', path: '/v1/keys/{supplierId}', auth: ADMIN_AUTH },
        answers: [
          { status: 204, means: 'accepted' },
          { status: 404, when: [{ pointer: '/error', equals: 'key_not_found' }], means: 'gone' },
          {
            status: 403,
            means: 'rejected',
            why: 'Kestrel Logs refuses our own admin key',
            ownAuthentication: true,
          },
          { status: [429, 503], means: 'retry' },
        ],
      },
      probe: {
        request: { method: 'GET', path: '/v1/ping', auth: OWN_KEY },
        answers: [
          { status: 200, when: [{ pointer: '/ok', equals: true }], means: 'live' },
          {
            status: 200,
            when: [
              { pointer: '/ok', equals: false },
              { pointer: '/error', equals: 'missing_scope' },
            ],
            means: 'live',
            why: 'Kestrel Logs knows the key and only refuses the scope',
          },
          {
            status: 200,
            when: [
              { pointer: '/ok', equals: false },
              { pointer: '/error', in: ['key_revoked', 'key_expired'] },
            ],
            means: 'dead',
          },
          { status: 403, when: [{ pointer: '/error', equals: 'invalid_key' }], means: 'dead' },
        ],
      },
      ownAuthentication: {
        request: { method: 'GET', path: '/v1/account', auth: ADMIN_AUTH },
        answers: [
          { status: 200, when: [{ pointer: '/ok', equals: true }], means: 'live' },
          { status: 403, means: 'dead' },
        ],
      },
      endSessions: { none: 'each call presents the key itself' },
    },
  },
  halden: {
    key: 'halden-freight',
    title: 'Halden Freight EDI password, by mail',
    connector: 'manual',
    kinds: ['halden_edi_password'],
    auth: {},
    canary: { impossible: 'Halden Freight has no API; nothing can be asked by machine' },
    facts: [
      {
        fact: 'Passwords are changed by its desk on a request by mail, and nothing shows from outside that they were.',
        source: manual('Halden Freight'),
        status: 'verified',
      },
    ],
    settings: {
      instructions:
        'Write to the security desk of Halden Freight: change the EDI password {supplierId} now. Note who confirms it and when, then sign here.',
    },
  },
};
