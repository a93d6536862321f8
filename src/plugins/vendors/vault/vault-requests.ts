import { z } from 'zod';
import type { RequestTemplate } from '../../../platform/http/request-template.rules.ts';
import type { AnswerRow } from '../../../platform/http/answer-table.rules.ts';

/** Requests to Vault or OpenBao, with our own token as `{auth.token}`. Never run against either product: written from their documentation. */

/** A namespace, without slashes at its ends. */
export const namespaceSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, 'must be names between slashes');

/** Where a secrets engine is mounted. */
export const mountSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, 'must be names between slashes');

/** The path of a secret inside a KV mount: no empty segment, no dot segment, nothing that a server might decode. */
export const KV_PATH =
  /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._-]{1,200}(?:\/[A-Za-z0-9._-]{1,200}){0,20}$/;

export function vaultRequest(
  method: RequestTemplate['method'],
  path: string,
  namespace?: string,
  json?: Extract<NonNullable<RequestTemplate['body']>, { json: unknown }>['json'],
): RequestTemplate {
  return {
    method,
    path: `/v1/${path}`,
    headers: {
      'x-vault-token': '{auth.token}',
      // Asked for of agents and proxies, so that no other site’s page can send it for us.
      'x-vault-request': 'true',
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
    },
    auth: { style: 'none' },
    ...(json === undefined ? {} : { body: { json } }),
  };
}

/** 403 stands for a bad token and for a good one that may not: both are about us. 503: sealed, or a standby without a leader. */
export const REFUSES_US: AnswerRow<'rejected' | 'retry'>[] = [
  {
    status: 403,
    means: 'rejected',
    why: 'our own token is refused, or its policy does not allow this',
    ownAuthentication: true,
  },
  { status: 503, means: 'retry', why: 'the server is sealed or in maintenance' },
];

/** `auth/token/lookup-self`: allowed to every token by the default policy. */
export const ownTokenRequest = (namespace?: string): RequestTemplate =>
  vaultRequest('GET', 'auth/token/lookup-self', namespace);

export const OWN_TOKEN_ANSWERS: AnswerRow<'live' | 'dead' | 'indeterminate'>[] = [
  {
    status: 200,
    when: [{ pointer: '/data/accessor', exists: true }],
    means: 'live',
    why: 'our own token is accepted',
  },
  { status: 403, means: 'dead', why: 'our own token is refused' },
];
