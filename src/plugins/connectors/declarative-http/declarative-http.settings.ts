import { z } from 'zod';
import { REVOCABILITIES } from '../../../domain/revocation/connector.ts';
import { neverTells } from '../../../domain/revocation/answers.rules.ts';
import type { AnswerRow } from '../../../platform/http/answer-table.rules.ts';
import { namesIn, type RequestTemplate } from '../../../platform/http/request-template.rules.ts';
import {
  declared,
  declaredRequestSchema,
  isKnownHole,
} from '../../vendors/declared-http/declared-request.ts';
import {
  issueSchema,
  listIssuedSchema,
  listUsageSchema,
} from '../../vendors/declared-http/issued-answers.ts';
import { assertionSchema, loginSchema, type Assertions } from '../../vendors/declared-http/login.ts';
import {
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

/** The parts that are each one request. */
export const PARTS = [
  'revoke',
  'probe',
  'ownAuthentication',
  'endSessions',
  'issue',
  'listIssued',
  'listUsage',
] as const;

export const declarativeHttpSettings = z
  .strictObject({
    revocability: z.enum(REVOCABILITIES).default('instant'),
    revocabilityByKind: z.record(z.string(), z.enum(REVOCABILITIES)).optional(),
    /** Statements that requests name as `{jwt.<name>}`. */
    assertions: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), assertionSchema).optional(),
    /** How an access token of our own is had, before any request that names `{token}`. */
    login: loginSchema.optional(),
    revoke: z.union([
      declaredRequestSchema(REVOKE_MEANINGS),
      /** No machine path: what a person has to do. */
      z.strictObject({ manual: z.string().min(1).max(2000) }),
    ]),
    probe: z
      .strictObject({
        ...declared(PROBE_MEANINGS),
        /** The issuer is asked about the credential, which is not presented as one. */
        introspects: z.boolean().optional(),
      })
      .optional(),
    /** `login`: our own login shows it. */
    ownAuthentication: z.union([declaredRequestSchema(PROBE_MEANINGS), z.literal('login')]).optional(),
    endSessions: sessions.optional(),
    issue: issueSchema.optional(),
    listIssued: listIssuedSchema.optional(),
    listUsage: listUsageSchema.optional(),
  })
  .superRefine((settings, context) => {
    const complain = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const part of ['login', ...PARTS] as const) {
      const request = requestOf(settings[part]);
      if (!request) continue;
      for (const name of namesIn(request)) {
        if (isKnownHole(name)) continue;
        if (name === 'token' && settings.login && part !== 'login') continue;
        if (part === 'issue' && ISSUE_HOLES.includes(name)) continue;
        if (name.startsWith('jwt.') && Object.hasOwn(settings.assertions ?? {}, name.slice(4))) continue;
        complain([part, 'request'], `{${name}} stands for nothing`);
      }
    }
    for (const part of ['probe', 'ownAuthentication'] as const) {
      const asked = settings[part];
      if (!asked || asked === 'login') continue;
      asked.answers.forEach((row, index) => {
        if (row.means !== 'indeterminate' && [row.status].flat().some(neverTells))
          complain([part, 'answers', String(index), 'status'], `cannot mean ${row.means}: it tells nothing`);
      });
    }
    // Our own authentication shown to be good must be ours, not the credential's under test.
    const own = requestOf(settings.ownAuthentication);
    if (own && needsValue(own, settings.assertions)) complain(['ownAuthentication'], 'must not use {value}');
    if (settings.login && needsValue(settings.login.request, settings.assertions))
      complain(['login'], 'must not use {value}');
    if (settings.ownAuthentication === 'login' && !settings.login)
      complain(['ownAuthentication'], 'there is no login');
  });

export type DeclarativeHttpSettings = z.infer<typeof declarativeHttpSettings>;

/** What the maker of a new version chooses: its name at the supplier, and its end as an instant, a date or in seconds. */
export const ISSUE_HOLES: readonly string[] = ['label', 'expiresAt', 'expiresOn'];

export function requestOf(part: unknown): RequestTemplate | null {
  return typeof part === 'object' && part !== null && 'request' in part
    ? (part as { request: RequestTemplate }).request
    : null;
}

export function answersOf(part: unknown): readonly AnswerRow[] {
  return typeof part === 'object' && part !== null && 'answers' in part
    ? (part as { answers: AnswerRow[] }).answers
    : [];
}

/** Whether the request holds the value of the credential, or something signed with it. */
export function needsValue(request: RequestTemplate, assertions: Assertions = {}): boolean {
  return [...namesIn(request)].some(
    (name) => name === 'value' || (name.startsWith('jwt.') && assertions[name.slice(4)]?.key === '{value}'),
  );
}
