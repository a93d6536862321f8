import { Injectable } from '@nestjs/common';
import type {
  Abilities,
  Call,
  Capability,
  Connector,
  IssueAnswer,
  IssueRequest,
  ListAnswer,
  ProbeAnswer,
  Reading,
  Revocability,
  RevokeAnswer,
  SessionsAnswer,
  Target,
  UsageAnswer,
} from '../../../domain/revocation/connector.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { SECOND, type Millis } from '../../../kernel/time.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import { namesIn, type RequestTemplate } from '../../../platform/http/request-template.rules.ts';
import {
  ask,
  unsent,
  type DeclaredRequest,
  type Heard,
  type More,
} from '../../vendors/declared-http/declared-request.ts';
import { asIssueAnswer, asListAnswer, asUsageAnswer } from '../../vendors/declared-http/issued-answers.ts';
import {
  assertionOf,
  logIn,
  type Assertions,
  type LoggedIn,
  type Login,
} from '../../vendors/declared-http/login.ts';
import {
  asProbeAnswer,
  asRevokeAnswer,
  asSessionsAnswer,
} from '../../vendors/declared-http/supplier-answers.ts';
import {
  answersOf,
  declarativeHttpSettings,
  ISSUE_HOLES,
  needsValue,
  PARTS,
  requestOf,
  type DeclarativeHttpSettings,
} from './declarative-http.settings.ts';

type Asked = Target<DeclarativeHttpSettings>;

/** Any supplier whose issue, revoke and probe are one request each, as a preset writes them down. */
@Injectable()
export class DeclarativeHttpConnector implements Connector<DeclarativeHttpSettings> {
  readonly key = 'declarative-http';
  readonly title = 'HTTP, as a preset declares it';
  readonly settings = declarativeHttpSettings;
  readonly capabilities: readonly Capability[] = [
    'issue',
    'revoke',
    'probe',
    'endSessions',
    'listUsage',
    'introspect',
  ];
  readonly mutualTls = true;

  constructor(private readonly outbound: Outbound) {}

  revocability(settings: DeclarativeHttpSettings, credentialKind: string): Revocability {
    const byKind = settings.revocabilityByKind ?? {};
    return (
      (Object.hasOwn(byKind, credentialKind) ? byKind[credentialKind] : undefined) ?? settings.revocability
    );
  }

  abilities(settings: DeclarativeHttpSettings): Abilities {
    const takes = (part: { request: RequestTemplate }) =>
      needsValue(part.request, settings.assertions) ? 'value' : 'id';
    return {
      revoke: 'manual' in settings.revoke ? 'no' : takes(settings.revoke),
      probe: settings.probe ? takes(settings.probe) : 'no',
      ownAuthentication: settings.ownAuthentication !== undefined,
      endSessions: settings.endSessions !== undefined,
      issue: settings.issue?.makes ?? 'no',
      listUsage: settings.listUsage !== undefined,
      introspect: settings.probe?.introspects === true,
    };
  }

  readings(settings: DeclarativeHttpSettings): Reading[] {
    return PARTS.flatMap((part) => {
      const request = requestOf(settings[part]);
      if (!request) return [];
      return [{ part, asks: `${request.method} ${request.path}`, rows: answersOf(settings[part]) }];
    });
  }

  async revoke(target: Asked, call: Call): Promise<RevokeAnswer> {
    const { revoke } = target.settings;
    if ('manual' in revoke) return { outcome: 'manual', instructions: revoke.manual };
    return asRevokeAnswer(await this.#ask(revoke, target, call));
  }

  async probe(target: Asked, call: Call): Promise<ProbeAnswer> {
    const { probe } = target.settings;
    if (!probe) return { verdict: 'indeterminate', why: 'this preset has no probe', exchange: null };
    return asProbeAnswer(await this.#ask(probe, target, call));
  }

  async checkOwnAuthentication(target: Asked, call: Call): Promise<ProbeAnswer> {
    const { ownAuthentication: own, login } = target.settings;
    if (own === undefined || (own === 'login' && !login)) {
      return {
        verdict: 'indeterminate',
        why: 'this preset has no check of our own authentication',
        exchange: null,
      };
    }
    if (own !== 'login') return asProbeAnswer(await this.#ask(own, target, call));
    const entered = await this.#enter(login!, target, call);
    if (entered.ok) return { verdict: 'live', why: 'our own login is granted', exchange: entered.exchange };
    const { heard } = entered;
    const refused = heard.kind === 'incomplete' && heard.ownAuthentication === true;
    const verdict = refused ? 'dead' : 'indeterminate';
    return { verdict, why: 'why' in heard ? heard.why : '', exchange: heard.exchange };
  }

  async endSessions(target: Asked, call: Call): Promise<SessionsAnswer> {
    const { endSessions } = target.settings;
    if (!endSessions) return { outcome: 'unknown', why: 'this preset knows no way to end sessions' };
    if ('none' in endSessions) return { outcome: 'none', why: endSessions.none };
    if ('residual' in endSessions) {
      const { seconds, why } = endSessions.residual;
      return { outcome: 'residual', until: call.now() + seconds * SECOND, why };
    }
    return asSessionsAnswer(await this.#ask(endSessions, target, call));
  }

  async issue(target: Asked, wanted: IssueRequest, call: Call): Promise<IssueAnswer> {
    const { issue, revoke } = target.settings;
    if (!issue) {
      const how = 'manual' in revoke ? `${revoke.manual}\n` : '';
      return { outcome: 'manual', instructions: `${how}Make the new version at the supplier by hand.` };
    }
    const holes = issueHoles(wanted);
    const declared = { ...issue, request: without(issue.request, unfilled(holes)) };
    return asIssueAnswer(await this.#ask(declared, target, call, { holes }), issue, target.supplierId);
  }

  async listIssued(target: Asked, call: Call): Promise<ListAnswer> {
    const { listIssued } = target.settings;
    if (!listIssued) return { outcome: 'unknown', why: 'this preset cannot list versions', exchange: null };
    return asListAnswer(await this.#ask(listIssued, target, call), listIssued);
  }

  async listUsage(target: Asked, call: Call): Promise<UsageAnswer> {
    const { listUsage } = target.settings;
    if (!listUsage) return { outcome: 'unknown', why: 'this preset states no use', exchange: null };
    return asUsageAnswer(await this.#ask(listUsage, target, call), listUsage);
  }

  async #enter(login: Login, target: Asked, call: Call): Promise<LoggedIn> {
    const said = statements(login.request, target, call);
    return 'unsigned' in said
      ? { ok: false, heard: said.unsigned }
      : logIn(this.outbound, login, target, call, said);
  }

  /** Logs in first where the request names the token that a login brings. */
  async #ask<M extends string>(
    declared: DeclaredRequest<M>,
    target: Asked,
    call: Call,
    more: More = {},
  ): Promise<Heard<M>> {
    const { login } = target.settings;
    const said = statements(declared.request, target, call);
    if ('unsigned' in said) return said.unsigned;
    let secrets = { ...more.secrets, ...said.secrets };
    if (login && namesIn(declared.request).has('token')) {
      const entered = await this.#enter(login, target, call);
      if (!entered.ok) return entered.heard;
      secrets = { ...secrets, token: entered.token };
    }
    return ask(this.outbound, declared, target, call, { ...more, secrets });
  }
}

/** The signed statements that a request names, made now. */
function statements(
  request: RequestTemplate,
  target: Asked,
  call: Call,
): { secrets: Record<string, Secret> } | { unsigned: Heard<never> } {
  const assertions: Assertions = target.settings.assertions ?? {};
  const secrets: Record<string, Secret> = {};
  for (const name of namesIn(request)) {
    const assertion = name.startsWith('jwt.') ? assertions[name.slice(4)] : undefined;
    if (!assertion) continue;
    const made = assertionOf(assertion, target, call);
    if (made) secrets[name] = made;
    else return { unsigned: cannotSign(assertion.key, request, call) };
  }
  return { secrets };
}

function cannotSign(key: string, request: RequestTemplate, call: Call): Heard<never> {
  const own = key.startsWith('{auth.');
  const why = `${own ? key : 'the value'} is missing, or no key that can sign`;
  const exchange = unsent(request, call, why);
  return { kind: 'incomplete', why, exchange, ...(own ? { ownAuthentication: true } : {}) };
}

function issueHoles({ label, expiresAt }: IssueRequest): Record<string, string> {
  if (expiresAt === null) return { label };
  const instant = new Date(expiresAt satisfies Millis).toISOString();
  return { label, expiresAt: instant, expiresOn: instant.slice(0, 10) };
}

function unfilled(holes: Readonly<Record<string, string>>): string[] {
  return ISSUE_HOLES.filter((name) => !Object.hasOwn(holes, name));
}

/** The request without the members of its body and query that name one of these: the supplier does as it does. */
function without(request: RequestTemplate, names: readonly string[]): RequestTemplate {
  const named = (value: unknown) =>
    typeof value === 'string' && names.some((name) => value.includes(`{${name}}`));
  const pruned = <T>(value: T): T => {
    if (Array.isArray(value)) return value.filter((one) => !named(one)).map(pruned) as T;
    if (typeof value !== 'object' || value === null) return value;
    const kept = Object.entries(value).filter(([, member]) => !named(member));
    return Object.fromEntries(kept.map(([key, member]) => [key, pruned<unknown>(member)])) as T;
  };
  const { body, query } = request;
  return { ...request, ...(body && { body: pruned(body) }), ...(query && { query: pruned(query) }) };
}
