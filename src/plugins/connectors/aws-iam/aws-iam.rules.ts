import { z } from 'zod';
import type { Exchange, ProbeAnswer, Verdict } from '../../../domain/revocation/connector.ts';
import type { Millis } from '../../../kernel/time.ts';
import { judge } from '../../../domain/revocation/answers.rules.ts';
import type { AnswerRow } from '../../../platform/http/answer-table.rules.ts';
import type { AwsHeard } from '../../vendors/aws/aws.ts';

/** IAM has one address and one region of signing a partition. */
const PARTITIONS = {
  aws: { iam: 'https://iam.amazonaws.com', sts: 'https://sts.amazonaws.com', region: 'us-east-1' },
  'aws-cn': {
    iam: 'https://iam.cn-north-1.amazonaws.com.cn',
    sts: 'https://sts.cn-north-1.amazonaws.com.cn',
    region: 'cn-north-1',
  },
  'aws-us-gov': {
    iam: 'https://iam.us-gov.amazonaws.com',
    sts: 'https://sts.us-gov-west-1.amazonaws.com',
    region: 'us-gov-west-1',
  },
} as const;

export const awsIamSettings = z.strictObject({
  partition: z.enum(['aws', 'aws-cn', 'aws-us-gov']).default('aws'),
  /** How long temporary credentials that the key made may live on, in hours. */
  sessionHours: z.int().min(1).max(36).default(36),
});

export type AwsIamSettings = z.infer<typeof awsIamSettings>;

/** Where STS is: beside the partition's own IAM; at any other address (a proxy, a test) at that address, too. */
export function stsOf(settings: AwsIamSettings, baseUrl: string): string {
  const { iam, sts } = PARTITIONS[settings.partition];
  return baseUrl === iam ? sts : baseUrl;
}

export function regionOf(settings: AwsIamSettings): string {
  return PARTITIONS[settings.partition].region;
}

/** A user's long-lived key. Temporary ones begin with ASIA and cannot be managed. */
export const ACCESS_KEY_ID = /^AKIA[A-Z0-9]{12,124}$/;

/** One row, by the error code as the XML of the query protocol says it, and as JSON where that was asked for. */
function coded(code: string, row: Omit<AnswerRow<Verdict>, 'status' | 'when'>): AnswerRow<Verdict>[] {
  return [
    { status: 403, when: [{ element: 'Code', in: [code] }], ...row },
    { status: 403, when: [{ pointer: '/Error/Code', equals: code }], ...row },
  ];
}

/** What `GetCallerIdentity` with the key under test means. It needs no permission, so that an accepted key is always let through. */
export const IDENTITY_ANSWERS: readonly AnswerRow<Verdict>[] = [
  { status: 200, means: 'live', why: 'STS accepts the key', fact: 'identity' },
  ...coded('InvalidClientTokenId', {
    means: 'dead',
    why: 'STS knows no such key, or it is not active (InvalidClientTokenId)',
    fact: 'identity',
  }),
  ...coded('SignatureDoesNotMatch', {
    means: 'indeterminate',
    why: 'STS knows the key id and refuses the signature: the secret at hand is not the key’s',
    fact: 'signature',
  }),
];

export function judgeIdentity(status: number, code: string): { verdict: Verdict; why: string } {
  const body = Buffer.from(/^\w{1,100}$/.test(code) ? `<Error><Code>${code}</Code></Error>` : '');
  const { verdict, why, row } = judge(IDENTITY_ANSWERS, { status, headers: {}, body });
  const named = code === '' ? '' : ` (${code})`;
  return { verdict, why: row ? why : `STS answered ${status}${named}, which says nothing about the key` };
}

export function asIdentityAnswer(heard: AwsHeard<{ Arn?: string | undefined }>): ProbeAnswer {
  const { exchange } = heard;
  if (heard.kind === 'failure') return { verdict: 'indeterminate', why: heard.why, exchange };
  if (heard.kind === 'answer' && !heard.value.Arn)
    return { verdict: 'indeterminate', why: 'STS answered 200 and named nobody', exchange };
  const judged = judgeIdentity(heard.status, heard.kind === 'error' ? heard.code : '');
  // A 2xx that could not be read is no acceptance.
  if (heard.kind === 'error' && judged.verdict === 'live')
    return { verdict: 'indeterminate', why: 'STS answered 200 with something else', exchange };
  const wait =
    heard.kind === 'error' && heard.retryAfter !== undefined ? { retryAfter: heard.retryAfter } : {};
  return { ...judged, exchange, ...(judged.verdict === 'indeterminate' ? wait : {}) };
}

const SLOW_DOWN = new Set([
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
]);
const ABOUT_US = new Set([
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'MissingAuthenticationToken',
  'IncompleteSignature',
  'ExpiredToken',
  'AccessDenied',
  'AccessDeniedException',
  'OptInRequired',
  'RequestExpired',
]);

/** What `refusedBy` and a yes of IAM come to, as people read it. */
export const REVOKE_ANSWERS: readonly AnswerRow[] = [
  { status: 200, means: 'accepted', why: 'IAM switched the key off' },
  {
    status: 404,
    when: [{ element: 'Code', in: ['NoSuchEntity'] }],
    means: 'gone',
    why: 'IAM has no such key',
  },
  {
    status: [400, 403],
    when: [{ element: 'Code', in: [...ABOUT_US] }],
    means: 'rejected',
    why: 'IAM refuses our own key or what it may do',
    ownAuthentication: true,
  },
  {
    status: 400,
    when: [{ element: 'Code', in: [...SLOW_DOWN] }],
    means: 'retry',
    why: 'IAM asks for fewer requests',
  },
];

export type Refused =
  | { outcome: 'gone'; exchange: Exchange }
  | { outcome: 'rejected'; why: string; exchange: Exchange; ownAuthentication?: boolean }
  | { outcome: 'retry'; why: string; after?: Millis; exchange: Exchange }
  | { outcome: 'unknown'; why: string; exchange: Exchange };

/** What it means that IAM did not do what it was asked. */
export function refusedBy(heard: Exclude<AwsHeard<unknown>, { kind: 'answer' }>): Refused {
  const { exchange } = heard;
  if (heard.kind === 'failure') {
    return heard.sent
      ? { outcome: 'unknown', why: `asked, but ${heard.why}`, exchange }
      : { outcome: 'retry', why: `not asked: ${heard.why}`, exchange };
  }
  const { code, status } = heard;
  const named = code === '' ? `${status}` : `${status} ${code}`;
  if (status === 429 || SLOW_DOWN.has(code)) {
    const after = heard.retryAfter === undefined ? {} : { after: heard.retryAfter };
    return { outcome: 'retry', why: 'IAM asks for fewer requests', exchange, ...after };
  }
  if (code === 'NoSuchEntity') return { outcome: 'gone', exchange };
  if (ABOUT_US.has(code)) {
    const why = `IAM refuses our own key or what it may do (${code})`;
    return { outcome: 'rejected', why, exchange, ownAuthentication: true };
  }
  if (code === 'LimitExceeded') {
    const why = 'the user has as many access keys as it may have (two): clear one away first';
    return { outcome: 'rejected', why, exchange };
  }
  return code !== '' && status >= 400 && status < 500
    ? { outcome: 'rejected', why: `IAM refuses the request (${named})`, exchange }
    : { outcome: 'unknown', why: `IAM answered ${named}, which does not tell what happened`, exchange };
}
