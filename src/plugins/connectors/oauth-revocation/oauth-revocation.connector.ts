import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import {
  REVOCABILITIES,
  type Abilities,
  type Call,
  type Capability,
  type Connector,
  type IssueAnswer,
  type IssueRequest,
  type ProbeAnswer,
  type Reading,
  type Revocability,
  type RevokeAnswer,
  type SessionsAnswer,
  type Target,
  type Verdict,
} from '../../../domain/revocation/connector.ts';
import { Secret } from '../../../kernel/secret.ts';
import { SECOND, type Millis } from '../../../kernel/time.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import { requestTemplateSchema } from '../../../platform/http/request-template.rules.ts';
import {
  ask,
  declaredRequestSchema,
  type DeclaredRequest,
} from '../../vendors/declared-http/declared-request.ts';
import { asIssueAnswer, parsed, type ISSUE_MEANINGS } from '../../vendors/declared-http/issued-answers.ts';
import { CLIENT_AUTHENTICATIONS, clientForm, speakAs } from '../../vendors/oauth/client-authentication.ts';
import {
  asProbeAnswer,
  asRevokeAnswer,
  asSessionsAnswer,
  restingOn,
  PROBE_MEANINGS,
  REVOKE_MEANINGS,
  SESSIONS_MEANINGS,
} from '../../vendors/declared-http/supplier-answers.ts';

const path = requestTemplateSchema.shape.path;
type RevokeMeaning = (typeof REVOKE_MEANINGS)[number];

const sessions = z.union([
  declaredRequestSchema(SESSIONS_MEANINGS),
  /** Nothing outlives the token, and why. */
  z.strictObject({ none: z.string().min(1) }),
  /** Nobody can say, and why. */
  z.strictObject({ unknown: z.string().min(1) }),
  /** Access tokens that a refresh token made live on for at most so long. */
  z.strictObject({
    residual: z.strictObject({ seconds: z.int().min(1).max(31_536_000), why: z.string().min(1) }),
  }),
]);

export const oauthRevocationSettings = z.strictObject({
  revocability: z.enum(REVOCABILITIES).default('instant'),
  /** Below the base URL. */
  revocationPath: path.default('/revoke'),
  /** Below the base URL; absent where the supplier has no introspection, which leaves `resourceProbe`. */
  introspectionPath: path.optional(),
  /** How the client authenticates (RFC 6749 section 2.3.1). Its parts: `client_id`, `client_secret`. */
  clientAuthentication: z.enum(CLIENT_AUTHENTICATIONS).default('basic'),
  /**
   * The token endpoint below the base URL, where a refresh token is renewed (RFC 6749 section 6); absent where the server
   * keeps the one that it was shown.
   */
  renewalPath: path.optional(),
  /** Which kinds of credentials are refresh tokens. */
  refreshTokens: z.array(z.string().min(1).max(120)).min(1).default(['oauth_refresh_token', 'refresh_token']),
  tokenTypeHint: z.enum(['access_token', 'refresh_token']).optional(),
  /** A call to the resource server with the token: its refusal is the death that counts, and wins over introspection. */
  resourceProbe: declaredRequestSchema(PROBE_MEANINGS).optional(),
  endSessions: sessions.optional(),
  /** By kind of credential, before `endSessions`: a refresh token has a family of access tokens, which have none. */
  endSessionsByKind: z.record(z.string(), sessions).optional(),
});

export type OAuthRevocationSettings = z.infer<typeof oauthRevocationSettings>;

/**
 * RFC 7009 section 2.2: 200 for "revoked" and for "never heard of it" alike; section 2.2.1: 503 means that the token
 * lives on and the client may ask again.
 */
const REVOCATION_ANSWERS: DeclaredRequest<RevokeMeaning>['answers'] = [
  { status: 200, means: 'accepted', why: 'the supplier says yes, as it does to tokens that it never knew' },
  {
    status: 400,
    when: [{ pointer: '/error', equals: 'unsupported_token_type' }],
    means: 'rejected',
    why: 'the supplier cannot revoke tokens of this type (self-contained ones, mostly)',
  },
  {
    status: [400, 401],
    when: [{ pointer: '/error', equals: 'invalid_client' }],
    means: 'rejected',
    why: 'the supplier refuses our own client',
    ownAuthentication: true,
  },
  {
    status: [401, 403],
    means: 'rejected',
    why: 'the supplier refuses our own client',
    ownAuthentication: true,
  },
  {
    status: 400,
    when: [{ pointer: '/error', type: 'string' }],
    means: 'rejected',
    why: 'the supplier refuses the request',
  },
  { status: 503, means: 'retry', why: 'the supplier cannot revoke now; the token lives on' },
];

/** RFC 7662 section 2.2: `active` is required and a boolean. 401 (section 2.3) is about our own client. */
const INTROSPECTION_ANSWERS: DeclaredRequest<Verdict>['answers'] = [
  {
    status: 200,
    when: [{ pointer: '/active', equals: true }],
    means: 'live',
    why: 'introspection says active',
  },
  {
    status: 200,
    when: [{ pointer: '/active', equals: false }],
    means: 'dead',
    why: 'introspection says not active',
  },
  { status: [400, 401, 403], means: 'indeterminate', why: 'introspection refuses our own client' },
];

/** A token that nobody ever issued: any answer about it shows that our client was accepted. */
const OWN_AUTHENTICATION_ANSWERS: DeclaredRequest<Verdict>['answers'] = [
  {
    status: 200,
    when: [{ pointer: '/active', type: 'boolean' }],
    means: 'live',
    why: 'introspection accepts our client',
  },
  { status: [400, 401, 403], means: 'dead', why: 'introspection refuses our own client' },
];
const NOBODYS_TOKEN = Secret.of('countersign-asks-whether-its-own-client-is-accepted');

/**
 * RFC 6749 sections 5.1, 5.2 and 6: the answer to a refresh may bring another refresh token, and the old one is to be thrown
 * away then; RFC 9700 section 4.14.2: it has ended at the server, and with it the family where it is seen again.
 */
const RENEWAL_ANSWERS: DeclaredRequest<(typeof ISSUE_MEANINGS)[number]>['answers'] = [
  { status: 200, means: 'issued', why: 'the server gives another refresh token' },
  {
    status: 400,
    when: [{ pointer: '/error', equals: 'invalid_grant' }],
    means: 'rejected',
    why: 'the server refuses this refresh token (invalid_grant): only another consent brings a new one',
  },
  {
    status: [400, 401],
    when: [{ pointer: '/error', equals: 'invalid_client' }],
    means: 'rejected',
    why: 'the server refuses our own client',
  },
  {
    status: 400,
    when: [{ pointer: '/error', type: 'string' }],
    means: 'rejected',
    why: 'the server refuses the request',
  },
];

/** OAuth 2 token revocation (RFC 7009), proven by token introspection (RFC 7662) or at the resource server; refresh tokens renewed. */
@Injectable()
export class OAuthRevocationConnector implements Connector<OAuthRevocationSettings> {
  readonly key = 'oauth-revocation';
  readonly title = 'OAuth token revocation and introspection';
  readonly settings = oauthRevocationSettings;
  readonly capabilities: readonly Capability[] = ['issue', 'revoke', 'probe', 'introspect', 'endSessions'];
  readonly mutualTls = true;

  constructor(private readonly outbound: Outbound) {}

  revocability(settings: OAuthRevocationSettings): Revocability {
    return settings.revocability;
  }

  abilities(settings: OAuthRevocationSettings, credentialKind?: string): Abilities {
    const renews = credentialKind === undefined || settings.refreshTokens.includes(credentialKind);
    return {
      revoke: 'value',
      probe: settings.resourceProbe || settings.introspectionPath ? 'value' : 'no',
      ownAuthentication: settings.introspectionPath !== undefined && !settings.resourceProbe,
      endSessions: true,
      issue: settings.renewalPath !== undefined && renews ? 'replaces' : 'no',
      introspect: settings.introspectionPath !== undefined && !settings.resourceProbe,
    };
  }

  readings(settings: OAuthRevocationSettings): Reading[] {
    const { revocationPath, introspectionPath, resourceProbe, renewalPath } = settings;
    const revoke: Reading = {
      part: 'revoke',
      asks: `POST ${revocationPath}`,
      rows: restingOn('revocation', REVOCATION_ANSWERS),
    };
    const renew: Reading[] =
      renewalPath === undefined
        ? []
        : [{ part: 'issue', asks: `POST ${renewalPath}`, rows: restingOn('renewal', RENEWAL_ANSWERS) }];
    if (resourceProbe) {
      const { method, path: where } = resourceProbe.request;
      return [revoke, { part: 'probe', asks: `${method} ${where}`, rows: resourceProbe.answers }, ...renew];
    }
    if (introspectionPath === undefined) return [revoke, ...renew];
    const asks = `POST ${introspectionPath}`;
    return [
      revoke,
      { part: 'probe', asks, rows: restingOn('introspection', INTROSPECTION_ANSWERS) },
      { part: 'ownAuthentication', asks, rows: restingOn('introspection', OWN_AUTHENTICATION_ANSWERS) },
      ...renew,
    ];
  }

  async revoke(target: Target<OAuthRevocationSettings>, call: Call): Promise<RevokeAnswer> {
    const request = aboutToken(target.settings, target.settings.revocationPath);
    const answers = REVOCATION_ANSWERS;
    return asRevokeAnswer(await ask(this.outbound, { request, answers }, withClient(target), call));
  }

  async probe(target: Target<OAuthRevocationSettings>, call: Call): Promise<ProbeAnswer> {
    const { resourceProbe } = target.settings;
    if (resourceProbe) return asProbeAnswer(await ask(this.outbound, resourceProbe, target, call));
    return this.#introspect(target, call, INTROSPECTION_ANSWERS);
  }

  checkOwnAuthentication(target: Target<OAuthRevocationSettings>, call: Call): Promise<ProbeAnswer> {
    return this.#introspect({ ...target, value: NOBODYS_TOKEN }, call, OWN_AUTHENTICATION_ANSWERS);
  }

  /**
   * Another refresh token for the one that is shown. Never repeated blindly: the old one ends as the new one is given, and
   * shown twice it may end its family. The access token that comes along is dropped unseen and ends by itself.
   */
  async issue(
    target: Target<OAuthRevocationSettings>,
    _request: IssueRequest,
    call: Call,
  ): Promise<IssueAnswer> {
    const { renewalPath, clientAuthentication, refreshTokens } = target.settings;
    if (renewalPath === undefined || !refreshTokens.includes(target.credentialKind))
      return { outcome: 'manual', instructions: 'Only a refresh token is renewed by machine.' };
    const request = clientForm(renewalPath, clientAuthentication, {
      grant_type: 'refresh_token',
      refresh_token: '{value}',
    });
    const heard = await ask(
      this.outbound,
      { request, answers: RENEWAL_ANSWERS, secretAnswer: true },
      withClient(target),
      call,
    );
    const told = heard.kind === 'answer' && heard.row?.means === 'issued' ? renewalOf(heard.body) : null;
    if (told && (told.refreshToken === null || target.value?.use((old) => old === told.refreshToken))) {
      const why = 'the server gave an access token and kept the refresh token: it renews none this way';
      return { outcome: 'rejected', why, exchange: heard.exchange };
    }
    const answer = asIssueAnswer(
      heard,
      {
        request,
        answers: [...RENEWAL_ANSWERS],
        makes: 'replaces',
        value: { pointer: '/refresh_token' },
        id: 'same',
      },
      target.supplierId,
    );
    if (answer.outcome !== 'issued' || !told?.lifetime) return answer;
    return { ...answer, issued: { ...answer.issued, expiresAt: call.now() + told.lifetime } };
  }

  async endSessions(target: Target<OAuthRevocationSettings>, call: Call): Promise<SessionsAnswer> {
    const byKind = target.settings.endSessionsByKind ?? {};
    const kind = target.credentialKind;
    const endSessions =
      (Object.hasOwn(byKind, kind) ? byKind[kind] : undefined) ?? target.settings.endSessions;
    if (endSessions && 'request' in endSessions) {
      return asSessionsAnswer(await ask(this.outbound, endSessions, target, call));
    }
    // A resource server that never asks back believes a self-contained token until it expires by itself.
    const expiry = target.value?.use(expiryOfJwt) ?? null;
    if (expiry !== null) {
      return expiry > call.now()
        ? { outcome: 'residual', until: expiry, why: 'a self-contained token is believed until it expires' }
        : { outcome: 'none', why: 'the self-contained token has expired' };
    }
    if (endSessions && 'none' in endSessions) return { outcome: 'none', why: endSessions.none };
    if (endSessions && 'unknown' in endSessions) return { outcome: 'unknown', why: endSessions.unknown };
    if (endSessions) {
      const { seconds, why } = endSessions.residual;
      return { outcome: 'residual', until: call.now() + seconds * SECOND, why };
    }
    return { outcome: 'unknown', why: 'whether tokens derived from this one live on is not known here' };
  }

  async #introspect(
    target: Target<OAuthRevocationSettings>,
    call: Call,
    answers: DeclaredRequest<Verdict>['answers'],
  ): Promise<ProbeAnswer> {
    const { introspectionPath } = target.settings;
    if (introspectionPath === undefined) {
      return { verdict: 'indeterminate', why: 'this supplier has no introspection', exchange: null };
    }
    const request = aboutToken(target.settings, introspectionPath);
    return asProbeAnswer(await ask(this.outbound, { request, answers }, withClient(target), call));
  }
}

/** The form of both protocols: a token, perhaps a hint, and the client's authentication. */
function aboutToken(settings: OAuthRevocationSettings, where: string): DeclaredRequest<string>['request'] {
  return clientForm(where, settings.clientAuthentication, {
    token: '{value}',
    ...(settings.tokenTypeHint ? { token_type_hint: settings.tokenTypeHint } : {}),
  });
}

function withClient(target: Target<OAuthRevocationSettings>): Target<OAuthRevocationSettings> {
  const { client_id: id, client_secret: secret } = target.auth;
  return id && secret ? speakAs(target, { id, secret }) : target;
}

/**
 * What a token response says of its refresh token (RFC 6749 section 5.1). How long it lives stands under either of two
 * names, in seconds, where a server says it at all. Null: this is no token response.
 */
function renewalOf(body: Buffer): { refreshToken: string | null; lifetime: Millis | null } | null {
  const json = parsed(body);
  if (json === null || typeof json !== 'object' || !('access_token' in json)) return null;
  const told = json as Record<string, unknown>;
  const token = told['refresh_token'];
  const seconds = told['refresh_token_expires_in'] ?? told['refresh_expires_in'];
  const lives = typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 && seconds < 1e10;
  return {
    refreshToken: typeof token === 'string' && token !== '' ? token : null,
    lifetime: lives ? seconds * SECOND : null,
  };
}

/** When a JWT says that it ends (RFC 7519 section 4.1.4), unverified; null for any other token. */
function expiryOfJwt(token: string): Millis | null {
  const parts = token.split('.');
  if (parts.length !== 3 || !parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part))) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] as string, 'base64url').toString('utf8'));
    const exp =
      claims !== null && typeof claims === 'object' && Object.hasOwn(claims, 'exp')
        ? (claims as { exp: unknown }).exp
        : null;
    return typeof exp === 'number' && Number.isFinite(exp) && exp > 0 && exp < 1e11 ? exp * 1000 : null;
  } catch {
    return null;
  }
}
