import { z } from 'zod';
import type { FieldProblem } from '../../kernel/errors.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';

const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `must be a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`,
    );

const port = z.coerce
  .number('must be a whole number from 0 to 65535 (0: any free port)')
  .int('must be a whole number from 0 to 65535 (0: any free port)')
  .min(0, 'must be 0 or more (0: any free port)')
  .max(65535, 'must be at most 65535');

const hostPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, 'must be an exact host:port, e.g. 127.0.0.1:8443');

const placeName = (example: string) =>
  z.string().regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, `must be names between slashes, e.g. ${example}`);

const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');

/**
 * Every environment variable that Countersign reads, with its meaning, its form and its default. Parsed once; only this
 * folder knows `process.env`. An empty text counts as absent, as compose files write unset variables so.
 */
export const environmentSchema = z.object({
  NODE_ENV: z
    .enum(['production', 'development', 'test'], 'must be production, development or test')
    .default('development'),
  COUNTERSIGN_DATA: z
    .string()
    .default('./data')
    .describe('Folder for the embedded database, keys and checkpoints'),
  COUNTERSIGN_ROLE: z
    .enum(['all', 'web', 'worker'], 'must be all, web or worker')
    .default('all')
    .describe('What this process does. On the embedded database only `all` is possible'),
  COUNTERSIGN_HOST: z.string().default('127.0.0.1').describe('Address to listen on'),
  COUNTERSIGN_PORT: port.default(4100).describe('Port to listen on; 0 takes any free one'),
  COUNTERSIGN_PUBLIC_URL: url('http:', 'https:')
    .optional()
    .describe(
      'How people reach the console: in links of mails, and where forms come from behind a proxy that changes Host',
    ),
  COUNTERSIGN_TRUST_PROXY: z
    .string()
    .regex(/^[0-9a-fA-F:./, ]+$/, 'must be a list of addresses or CIDR ranges; `true` would trust anybody')
    .optional()
    .describe('Proxies whose X-Forwarded-For is believed'),
  COUNTERSIGN_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'must be a pino level, e.g. info')
    .default('info'),
  DATABASE_URL: url('postgres:', 'postgresql:')
    .optional()
    .describe('Postgres as countersign_app. Absent: an embedded one'),
  MIGRATE_DATABASE_URL: url('postgres:', 'postgresql:')
    .optional()
    .describe('The same database as countersign_owner'),
  REDIS_URL: url('redis:', 'rediss:').optional().describe('Redis for BullMQ. Absent: BullMQ on Postgres'),
  COUNTERSIGN_QUEUE: z
    .enum(['on', 'off'], 'must be on or off')
    .default('on')
    .describe('off: no queue at all, the reconciler alone carries the work'),
  COUNTERSIGN_OUTBOUND_ALLOW: z
    .string()
    .default('')
    .transform((text) => text.split(/[\s,]+/).filter(Boolean))
    .pipe(z.array(hostPort))
    .describe(
      'Exact host:port pairs, comma separated, that may be dialled although they are loopback or private',
    ),
  COUNTERSIGN_SMTP_URL: url('smtp:', 'smtps:')
    .optional()
    .describe('Mail server. Absent: notices stay owed and say why'),
  COUNTERSIGN_BODY_SECONDS: z.coerce
    .number('must be a whole number of seconds')
    .int('must be a whole number of seconds')
    .min(1, 'must be at least 1')
    .max(600, 'must be at most 600')
    .default(30)
    .describe('How long the body of a request may take to arrive; whoever is slower is cut off'),
  COUNTERSIGN_MAIL_FROM: z
    .string()
    .default('countersign@localhost')
    .describe('Envelope and header sender of every mail'),
  COUNTERSIGN_MAIL_BOUNCE: z
    .string()
    .regex(
      /^[A-Za-z0-9._-]{1,20}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/,
      'must be an address like bounces@example.org: at most 20 letters before the @, no plus',
    )
    .optional()
    .describe(
      'Where notices that cannot be delivered come back to: each notice leaves with a return path of its own, bounces+<token>@example.org. Absent: the sender address',
    ),
  COUNTERSIGN_BOUNCE_MAILDIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A Maildir that mail to the sender address, and to that of bounces, is delivered into: bounces in it re-open their notices',
    ),
  COUNTERSIGN_PEPPER: z
    .string()
    .min(32, 'must be at least 32 characters')
    .optional()
    .describe('Key of the fingerprints. Absent: a file in the data folder'),
  COUNTERSIGN_KEK: z
    .string()
    .optional()
    .describe('Key-encryption key, base64 of 32 bytes. Absent: a file in the data folder'),
  COUNTERSIGN_STORE: z
    .enum(
      ['sealed', 'vault-kv2', 'aws-secrets-manager'],
      'must be sealed, vault-kv2 or aws-secrets-manager; an environment can be read and not written to',
    )
    .default('sealed')
    .describe(
      'Where new secrets are kept. Those that are kept elsewhere are read from there as long as it is set up',
    ),
  COUNTERSIGN_VAULT_URL: url('http:', 'https:')
    .optional()
    .describe('Vault or OpenBao, for the store vault-kv2'),
  COUNTERSIGN_VAULT_TOKEN: z
    .string()
    .optional()
    .describe('Its token: create, read and delete below mount and prefix. Whoever gave it renews it'),
  COUNTERSIGN_VAULT_MOUNT: placeName('secret')
    .default('secret')
    .describe('Where the KV version 2 engine is mounted'),
  COUNTERSIGN_VAULT_PREFIX: placeName('countersign').default('countersign').describe('Path below the mount'),
  COUNTERSIGN_VAULT_NAMESPACE: placeName('teams/risk').optional(),
  COUNTERSIGN_AWS_REGION: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region, e.g. eu-central-1')
    .optional()
    .describe('For the store aws-secrets-manager'),
  COUNTERSIGN_AWS_ACCESS_KEY_ID: z.string().optional(),
  COUNTERSIGN_AWS_SECRET_ACCESS_KEY: z
    .string()
    .optional()
    .describe(
      'May CreateSecret, GetSecretValue and DeleteSecret below the prefix. Nothing else of AWS is looked at',
    ),
  COUNTERSIGN_AWS_SECRETS_URL: url('http:', 'https:')
    .optional()
    .describe('Address of Secrets Manager. Absent: that of the region'),
  COUNTERSIGN_AWS_SECRETS_PREFIX: placeName('countersign')
    .default('countersign')
    .describe('Beginning of the names'),
  COUNTERSIGN_SESSION_SECRET: z
    .string()
    .min(32, 'must be at least 32 characters')
    .optional()
    .describe('Signs session cookies. Absent: a file in the data folder'),
  COUNTERSIGN_INSECURE_COOKIES: flag
    .optional()
    .describe(
      'true: session cookies over plain http. Absent: only on loopback, where nothing leaves the machine',
    ),
});

export type Environment = z.infer<typeof environmentSchema>;

/** The configuration in the product's words. Immutable, trusted by everything above. */
export interface Config {
  production: boolean;
  dataFolder: string;
  role: 'all' | 'web' | 'worker';
  host: string;
  port: number;
  publicUrl?: string;
  trustProxy?: string;
  logLevel: Environment['COUNTERSIGN_LOG_LEVEL'];
  databaseUrl?: string;
  migrateDatabaseUrl?: string;
  redisUrl?: string;
  queue: 'on' | 'off';
  outboundAllow: readonly string[];
  smtpUrl?: string;
  mailFrom: string;
  /** How long the body of a request may take to arrive. */
  bodySeconds: number;
  /** Base of the return paths: `bounces@example.org`. */
  mailBounce?: string;
  bounceMaildir?: string;
  pepper?: string;
  kek?: string;
  sessionSecret?: string;
  insecureCookies: boolean;
  stores: StoresConfig;
}

/** Where secrets are kept. Stores that are set up and not written to are still read from. */
export interface StoresConfig {
  writeTo: 'sealed' | 'vault-kv2' | 'aws-secrets-manager';
  vault?: { url: string; token: Secret; mount: string; prefix: string; namespace?: string | undefined };
  aws?: {
    endpoint: string;
    region: string;
    accessKeyId: Secret;
    secretAccessKey: Secret;
    prefix: string;
  };
}

/** @returns the configuration, or every bad variable with its mend. */
export function parseConfig(env: Record<string, string | undefined>): Result<Config, FieldProblem[]> {
  const present = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(present);
  if (!parsed.success) {
    return err(
      parsed.error.issues.map((issue) => ({
        field: String(issue.path[0]),
        problem: issue.message,
        mend: `Set ${String(issue.path[0])} to a value that fits, or unset it for its default.`,
      })),
    );
  }
  const e = parsed.data;
  const problems = contradictions(e);
  if (problems.length > 0) return err(problems);
  return ok({
    production: e.NODE_ENV === 'production',
    dataFolder: e.COUNTERSIGN_DATA,
    role: e.COUNTERSIGN_ROLE,
    host: e.COUNTERSIGN_HOST,
    port: e.COUNTERSIGN_PORT,
    publicUrl: e.COUNTERSIGN_PUBLIC_URL?.replace(/\/+$/, ''),
    trustProxy: e.COUNTERSIGN_TRUST_PROXY,
    logLevel: e.COUNTERSIGN_LOG_LEVEL,
    databaseUrl: e.DATABASE_URL,
    migrateDatabaseUrl: e.MIGRATE_DATABASE_URL,
    redisUrl: e.REDIS_URL,
    queue: e.COUNTERSIGN_QUEUE,
    outboundAllow: e.COUNTERSIGN_OUTBOUND_ALLOW,
    bodySeconds: e.COUNTERSIGN_BODY_SECONDS,
    smtpUrl: e.COUNTERSIGN_SMTP_URL,
    mailFrom: e.COUNTERSIGN_MAIL_FROM,
    mailBounce: e.COUNTERSIGN_MAIL_BOUNCE,
    bounceMaildir: e.COUNTERSIGN_BOUNCE_MAILDIR,
    pepper: e.COUNTERSIGN_PEPPER,
    kek: e.COUNTERSIGN_KEK,
    sessionSecret: e.COUNTERSIGN_SESSION_SECRET,
    insecureCookies: e.COUNTERSIGN_INSECURE_COOKIES ?? staysOnThisMachine(e),
    stores: storesOf(e),
  });
}

function storesOf(e: Environment): StoresConfig {
  const {
    COUNTERSIGN_VAULT_URL: url,
    COUNTERSIGN_VAULT_TOKEN: token,
    COUNTERSIGN_AWS_REGION: region,
    COUNTERSIGN_AWS_ACCESS_KEY_ID: keyId,
    COUNTERSIGN_AWS_SECRET_ACCESS_KEY: key,
  } = e;
  return {
    writeTo: e.COUNTERSIGN_STORE,
    ...(url && token
      ? {
          vault: {
            url,
            token: Secret.of(token),
            mount: e.COUNTERSIGN_VAULT_MOUNT,
            prefix: e.COUNTERSIGN_VAULT_PREFIX,
            namespace: e.COUNTERSIGN_VAULT_NAMESPACE,
          },
        }
      : {}),
    ...(region && keyId && key
      ? {
          aws: {
            endpoint: e.COUNTERSIGN_AWS_SECRETS_URL ?? secretsManagerOf(region),
            region,
            accessKeyId: Secret.of(keyId),
            secretAccessKey: Secret.of(key),
            prefix: e.COUNTERSIGN_AWS_SECRETS_PREFIX,
          },
        }
      : {}),
  };
}

function secretsManagerOf(region: string): string {
  return `https://secretsmanager.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** What each store outside takes to be reached. */
const STORE_NEEDS = {
  'vault-kv2': ['COUNTERSIGN_VAULT_URL', 'COUNTERSIGN_VAULT_TOKEN'],
  'aws-secrets-manager': [
    'COUNTERSIGN_AWS_REGION',
    'COUNTERSIGN_AWS_ACCESS_KEY_ID',
    'COUNTERSIGN_AWS_SECRET_ACCESS_KEY',
  ],
} as const;

/** Whether browsers reach the application over loopback and plain http alone, where no cookie can be asked to be secure. */
function staysOnThisMachine(e: Environment): boolean {
  return (
    ['127.0.0.1', '::1', 'localhost'].includes(e.COUNTERSIGN_HOST) &&
    !e.COUNTERSIGN_TRUST_PROXY &&
    !(e.COUNTERSIGN_PUBLIC_URL ?? '').startsWith('https:')
  );
}

/** Values that are well-formed one by one and wrong together. */
function contradictions(e: Environment): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!e.DATABASE_URL && e.COUNTERSIGN_ROLE !== 'all') {
    problems.push({
      field: 'COUNTERSIGN_ROLE',
      problem: `a ${e.COUNTERSIGN_ROLE} process needs a Postgres that other processes can reach`,
      mend: 'Set DATABASE_URL, or COUNTERSIGN_ROLE=all on the embedded default.',
    });
  }
  if (e.MIGRATE_DATABASE_URL && !e.DATABASE_URL) {
    problems.push({
      field: 'MIGRATE_DATABASE_URL',
      problem: 'names a database to migrate while DATABASE_URL names none to run on',
      mend: 'Set DATABASE_URL too, or unset MIGRATE_DATABASE_URL.',
    });
  }
  for (const [store, needs] of Object.entries(STORE_NEEDS)) {
    const absent = needs.filter((name) => !e[name]);
    if (absent.length === 0 || (absent.length === needs.length && e.COUNTERSIGN_STORE !== store)) continue;
    problems.push({
      field: absent[0] ?? 'COUNTERSIGN_STORE',
      problem: `is missing, and the store ${store} cannot be reached without it`,
      mend: `Set ${needs.join(', ')}, or none of them and another COUNTERSIGN_STORE.`,
    });
  }
  return problems;
}
