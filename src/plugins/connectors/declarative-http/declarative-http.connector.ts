import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import {
  REVOCABILITIES,
  type Abilities,
  type Call,
  type Capability,
  type Connector,
  type ProbeAnswer,
  type Revocability,
  type RevokeAnswer,
  type SessionsAnswer,
  type Target,
} from '../../../domain/revocation/connector.ts';
import { SECOND } from '../../../kernel/time.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import { namesIn } from '../../../platform/http/request-template.rules.ts';
import {
  ask,
  declaredRequestSchema,
  isKnownHole,
  needsValue,
} from '../../vendors/declared-http/declared-request.ts';
import {
  asProbeAnswer,
  asRevokeAnswer,
  asSessionsAnswer,
  PROBE_MEANINGS,
  REVOKE_MEANINGS,
  SESSIONS_MEANINGS,
} from '../../vendors/declared-http/supplier-answers.ts';

const sessions = z.union([
  declaredRequestSchema(SESSIONS_MEANINGS),
  /** Nothing outlives the credential, and why. */
  z.strictObject({ none: z.string().min(1) }),
  /** What was derived lives on for at most so long, and why. */
  z.strictObject({
    residual: z.strictObject({ seconds: z.int().min(1).max(31_536_000), why: z.string().min(1) }),
  }),
]);

export const declarativeHttpSettings = z
  .strictObject({
    revocability: z.enum(REVOCABILITIES).default('instant'),
    revocabilityByKind: z.record(z.string(), z.enum(REVOCABILITIES)).optional(),
    revoke: z.union([
      declaredRequestSchema(REVOKE_MEANINGS),
      /** No machine path: what a person has to do. */
      z.strictObject({ manual: z.string().min(1).max(2000) }),
    ]),
    probe: declaredRequestSchema(PROBE_MEANINGS).optional(),
    ownAuthentication: declaredRequestSchema(PROBE_MEANINGS).optional(),
    endSessions: sessions.optional(),
  })
  .superRefine((settings, context) => {
    for (const part of ['revoke', 'probe', 'ownAuthentication', 'endSessions'] as const) {
      const declared = settings[part];
      if (!declared || !('request' in declared)) continue;
      for (const name of namesIn(declared.request)) {
        if (isKnownHole(name)) continue;
        context.addIssue({
          code: 'custom',
          path: [part, 'request'],
          message: `{${name}} stands for nothing`,
        });
      }
    }
    // Our own authentication shown to be good must be ours, not the credential's under test.
    if (settings.ownAuthentication && needsValue(settings.ownAuthentication.request)) {
      context.addIssue({ code: 'custom', path: ['ownAuthentication'], message: 'must not use {value}' });
    }
  });

export type DeclarativeHttpSettings = z.infer<typeof declarativeHttpSettings>;

/** Any supplier whose revoke and probe are one request each, as a preset writes them down. */
@Injectable()
export class DeclarativeHttpConnector implements Connector<DeclarativeHttpSettings> {
  readonly key = 'declarative-http';
  readonly title = 'HTTP, as a preset declares it';
  readonly settings = declarativeHttpSettings;
  readonly capabilities: readonly Capability[] = ['revoke', 'probe', 'endSessions'];

  constructor(private readonly outbound: Outbound) {}

  revocability(settings: DeclarativeHttpSettings, credentialKind: string): Revocability {
    const byKind = settings.revocabilityByKind ?? {};
    return (
      (Object.hasOwn(byKind, credentialKind) ? byKind[credentialKind] : undefined) ?? settings.revocability
    );
  }

  abilities(settings: DeclarativeHttpSettings): Abilities {
    const takes = (part: { request: Parameters<typeof needsValue>[0] }) =>
      needsValue(part.request) ? 'value' : 'id';
    return {
      revoke: 'manual' in settings.revoke ? 'no' : takes(settings.revoke),
      probe: settings.probe ? takes(settings.probe) : 'no',
      ownAuthentication: settings.ownAuthentication !== undefined,
      endSessions: settings.endSessions !== undefined,
      issue: 'no',
    };
  }

  async revoke(target: Target<DeclarativeHttpSettings>, call: Call): Promise<RevokeAnswer> {
    const { revoke } = target.settings;
    if ('manual' in revoke) return { outcome: 'manual', instructions: revoke.manual };
    return asRevokeAnswer(await ask(this.outbound, revoke, target, call));
  }

  async probe(target: Target<DeclarativeHttpSettings>, call: Call): Promise<ProbeAnswer> {
    const { probe } = target.settings;
    if (!probe) return { verdict: 'indeterminate', why: 'this preset has no probe', exchange: null };
    return asProbeAnswer(await ask(this.outbound, probe, target, call));
  }

  async checkOwnAuthentication(target: Target<DeclarativeHttpSettings>, call: Call): Promise<ProbeAnswer> {
    const { ownAuthentication } = target.settings;
    if (!ownAuthentication) {
      return {
        verdict: 'indeterminate',
        why: 'this preset has no check of our own authentication',
        exchange: null,
      };
    }
    return asProbeAnswer(await ask(this.outbound, ownAuthentication, target, call));
  }

  async endSessions(target: Target<DeclarativeHttpSettings>, call: Call): Promise<SessionsAnswer> {
    const { endSessions } = target.settings;
    if (!endSessions) return { outcome: 'unknown', why: 'this preset knows no way to end sessions' };
    if ('none' in endSessions) return { outcome: 'none', why: endSessions.none };
    if ('residual' in endSessions) {
      const { seconds, why } = endSessions.residual;
      return { outcome: 'residual', until: call.now() + seconds * SECOND, why };
    }
    return asSessionsAnswer(await ask(this.outbound, endSessions, target, call));
  }
}
