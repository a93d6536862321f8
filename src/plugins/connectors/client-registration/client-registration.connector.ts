import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type {
  Abilities,
  Call,
  Capability,
  Connector,
  IssueAnswer,
  IssueRequest,
  ProbeAnswer,
  Reading,
  Revocability,
  RevokeAnswer,
  Target,
  Verdict,
} from '../../../domain/revocation/connector.ts';
import { Secret } from '../../../kernel/secret.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import { requestTemplateSchema } from '../../../platform/http/request-template.rules.ts';
import { ask, type DeclaredRequest, type Heard } from '../../vendors/declared-http/declared-request.ts';
import { asProbeAnswer, asRevokeAnswer, restingOn } from '../../vendors/declared-http/supplier-answers.ts';
import { CLIENT_AUTHENTICATIONS, clientForm, speakAs } from '../../vendors/oauth/client-authentication.ts';
import { registrationOf, same, withoutBody, type Registration } from './registration.rules.ts';

const path = requestTemplateSchema.shape.path;

export const clientRegistrationSettings = z.strictObject({
  /** The client configuration endpoint below the base URL; `{supplierId}` is the client's id. */
  registrationPath: path.default('/reg/{supplierId}'),
  /**
   * Where the client shows its secret to be tried: the token endpoint, with a refresh token that nobody issued, so that
   * no token is made; or introspection, about a token that nobody issued.
   */
  probeAt: z.enum(['token', 'introspection']).default('token'),
  probePath: path.default('/token'),
  clientAuthentication: z.enum(CLIENT_AUTHENTICATIONS).default('basic'),
});

export type ClientRegistrationSettings = z.infer<typeof clientRegistrationSettings>;

type Answers<M extends string> = DeclaredRequest<M>['answers'];

/** RFC 7592 section 2.1: 401 also when the client is gone; section 2: 403 where the client may not be managed. */
const ABOUT_US: Answers<'rejected'> = [
  {
    status: 401,
    means: 'rejected',
    why: 'the server refuses our registration access token, or has no such client any more',
    ownAuthentication: true,
  },
  { status: 403, means: 'rejected', why: 'the server does not let this client be managed (a static client)' },
];
const READ: Answers<'told' | 'rejected'> = [{ status: 200, means: 'told' }, ...ABOUT_US];
const UPDATE: Answers<'told' | 'rejected'> = [
  { status: 200, means: 'told' },
  { status: 400, means: 'rejected', why: 'the server refuses the registration as it told it' },
  ...ABOUT_US,
  { status: [404, 405, 501], means: 'rejected', why: 'the server has no update of registrations' },
];
const DELETE: Answers<'accepted' | 'rejected'> = [
  { status: 204, means: 'accepted', why: 'the server deleted the client' },
  ...ABOUT_US,
  { status: [405, 501], means: 'rejected', why: 'the server does not delete registrations' },
];

/** RFC 6749 section 5.2, RFC 7662 section 2.3: who fails to authenticate is an `invalid_client`. */
const REFUSED: Answers<Verdict> = [
  {
    status: [400, 401],
    when: [{ pointer: '/error', equals: 'invalid_client' }],
    means: 'dead',
    why: 'the server refuses the client with this secret (invalid_client)',
  },
];
const NOBODYS_TOKEN = 'countersign-asks-whether-this-client-is-accepted';

/**
 * What the answer to a probe means, by where the secret was tried. At the token endpoint the client is authenticated
 * before its grant is looked at, so a refused grant is an accepted secret.
 */
export const PROBE_ANSWERS: Readonly<Record<ClientRegistrationSettings['probeAt'], Answers<Verdict>>> = {
  token: [
    ...REFUSED,
    {
      status: 400,
      when: [{ pointer: '/error', in: ['invalid_grant', 'unauthorized_client'] }],
      means: 'live',
      why: 'the server accepts the client and refuses only the grant',
    },
  ],
  introspection: [
    ...REFUSED,
    {
      status: 200,
      when: [{ pointer: '/active', type: 'boolean' }],
      means: 'live',
      why: 'introspection accepts the client',
    },
  ],
};

/**
 * The secret of an OAuth client, through its registration (RFC 7591, RFC 7592). The supplier's id of a version is the
 * client's id; a connection holds the registration access token of one client.
 *
 * The protocol has no verb for "another secret": a server may make one with an update, and then the old one is dead at
 * once. It has none for "no secret" either: revoking deletes the client, and only if the secret in question is still the
 * one in force, so that a secret that was replaced never takes its successor with it.
 */
@Injectable()
export class ClientRegistrationConnector implements Connector<ClientRegistrationSettings> {
  readonly key = 'client-registration';
  readonly title = 'OAuth client secret, through its registration';
  readonly settings = clientRegistrationSettings;
  readonly capabilities: readonly Capability[] = ['issue', 'revoke', 'probe'];
  readonly mutualTls = true;

  constructor(private readonly outbound: Outbound) {}

  revocability(): Revocability {
    return 'instant';
  }

  abilities(): Abilities {
    return {
      revoke: 'value',
      probe: 'value',
      ownAuthentication: false,
      endSessions: false,
      issue: 'replaces',
    };
  }

  readings({ registrationPath, probeAt, probePath }: ClientRegistrationSettings): Reading[] {
    const client = restingOn('client', PROBE_ANSWERS[probeAt]);
    return [
      { part: 'revoke', asks: `DELETE ${registrationPath}`, rows: restingOn('manage', DELETE) },
      { part: 'probe', asks: `POST ${probePath}`, rows: client },
    ];
  }

  async revoke(target: Target<ClientRegistrationSettings>, call: Call): Promise<RevokeAnswer> {
    const before = await this.#try(target, call);
    const seen = asProbeAnswer(before);
    if (seen.verdict === 'dead' && seen.exchange) return { outcome: 'gone', exchange: seen.exchange };
    if (seen.verdict === 'indeterminate') return cannotTell(before, seen.why);
    const request = managing(target.settings, 'DELETE');
    return asRevokeAnswer(await ask(this.outbound, { request, answers: DELETE }, target, call));
  }

  async probe(target: Target<ClientRegistrationSettings>, call: Call): Promise<ProbeAnswer> {
    return asProbeAnswer(await this.#try(target, call));
  }

  /**
   * Another secret by an update that says again what the server told. To be repeated only after a look at the old one:
   * if the answer was lost and the old secret is refused, the new one is lost as well, and is made anew.
   */
  async issue(
    target: Target<ClientRegistrationSettings>,
    _request: IssueRequest,
    call: Call,
  ): Promise<IssueAnswer> {
    const clientId = target.supplierId ?? '';
    const read = await ask(
      this.outbound,
      { request: managing(target.settings, 'GET'), answers: READ },
      target,
      call,
    );
    const before = told(read, clientId);
    if (!before) return notRead(read);
    const old = before.clientSecret ?? target.value;
    if (!old) {
      const why =
        'the server does not tell the present secret and it is not at hand: a new one could not be told from it';
      return { outcome: 'rejected', why, exchange: withoutBody(read.exchange) };
    }
    const put = await ask(
      this.outbound,
      { request: managing(target.settings, 'PUT'), answers: UPDATE },
      target,
      call,
      { document: before.metadata },
    );
    const exchange = withoutBody(put.exchange);
    const after = told(put, clientId);
    if (!after) return notUpdated(put);
    const token = after.registrationAccessToken;
    const own = target.auth.registration_access_token;
    const auth = token && own && !same(token, own) ? { registration_access_token: token } : undefined;
    const changed = auth ? { auth } : {};
    if (!after.clientSecret || same(after.clientSecret, old)) {
      const why = 'the server took the update and kept the secret: it makes no other one this way';
      return { outcome: 'rejected', why, exchange, ...changed };
    }
    const issued = {
      supplierId: clientId,
      value: after.clientSecret,
      expiresAt: after.secretExpiresAt,
      ...changed,
    };
    return { outcome: 'issued', issued, exchange };
  }

  /** Shows the secret under test as the client itself would. */
  #try(target: Target<ClientRegistrationSettings>, call: Call): Promise<Heard<Verdict>> {
    const { probeAt, probePath, clientAuthentication } = target.settings;
    const form: Record<string, string> =
      probeAt === 'token'
        ? { grant_type: 'refresh_token', refresh_token: NOBODYS_TOKEN }
        : { token: NOBODYS_TOKEN };
    const request = clientForm(probePath, clientAuthentication, form);
    const { supplierId, value } = target;
    const bare = { ...target, auth: {} };
    const speaking =
      supplierId !== null && value ? speakAs(bare, { id: Secret.of(supplierId), secret: value }) : bare;
    return ask(this.outbound, { request, answers: PROBE_ANSWERS[probeAt] }, speaking, call);
  }
}

function managing(
  settings: ClientRegistrationSettings,
  method: 'GET' | 'PUT' | 'DELETE',
): DeclaredRequest<string>['request'] {
  const auth = { style: 'bearer' as const, token: '{auth.registration_access_token}' };
  return { method, path: settings.registrationPath, auth };
}

function told(heard: Heard<'told' | 'rejected'>, clientId: string): Registration | null {
  return heard.kind === 'answer' && heard.row?.means === 'told' ? registrationOf(heard.body, clientId) : null;
}

/** Nothing was asked of the registration yet: what follows must not be blind. */
function cannotTell(heard: Heard<Verdict>, seen: string): RevokeAnswer {
  const { exchange } = heard;
  const why = `not asked, as nobody can tell whether this secret is the one in force: ${seen}`;
  if (heard.kind === 'incomplete') return { outcome: 'rejected', why, exchange };
  if (heard.kind === 'failure' && !heard.sent) return { outcome: 'retry', why, exchange };
  if (heard.kind === 'answer' && heard.status === 429)
    return { outcome: 'retry', why, after: heard.retryAfter, exchange };
  return { outcome: 'unknown', why, exchange };
}

function rejectedBy(heard: Heard<'told' | 'rejected'>): IssueAnswer | null {
  if (heard.kind === 'incomplete')
    return { outcome: 'rejected', why: `not asked: ${heard.why}`, exchange: heard.exchange };
  if (heard.kind !== 'answer') return null;
  const exchange = withoutBody(heard.exchange);
  if (heard.status === 429)
    return { outcome: 'retry', why: 'the server asks for fewer requests', after: heard.retryAfter, exchange };
  if (heard.row?.means !== 'rejected') return null;
  const own = heard.row.ownAuthentication ? { ownAuthentication: true } : {};
  return { outcome: 'rejected', why: heard.row.why ?? 'the server refuses', exchange, ...own };
}

/** Reading makes nothing: whatever happened, another try is safe. */
function notRead(heard: Heard<'told' | 'rejected'>): IssueAnswer {
  const rejected = rejectedBy(heard);
  if (rejected) return rejected;
  const why =
    heard.kind === 'failure'
      ? `the registration could not be read: ${heard.why}`
      : 'the server did not tell the registration of this client';
  return { outcome: 'retry', why, exchange: withoutBody(heard.exchange) };
}

function notUpdated(heard: Heard<'told' | 'rejected'>): IssueAnswer {
  const rejected = rejectedBy(heard);
  if (rejected) return rejected;
  const exchange = withoutBody(heard.exchange);
  if (heard.kind === 'failure' && !heard.sent)
    return { outcome: 'retry', why: `not asked: ${heard.why}`, exchange };
  const why =
    heard.kind === 'failure'
      ? `asked, but ${heard.why}`
      : 'the answer does not tell this client’s registration';
  return { outcome: 'unknown', why, exchange };
}
