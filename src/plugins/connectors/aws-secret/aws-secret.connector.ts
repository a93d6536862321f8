import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import {
  type Abilities,
  type Call,
  type Capability,
  type Connector,
  type Exchange,
  type Revocability,
  MOST_VERSIONS,
  type EntryProblem,
  type EntryReading,
  type EntryWritten,
  type HeldValue,
  type StoreEntry,
} from '../../../domain/revocation/connector.ts';
import { Secret } from '../../../kernel/secret.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import { askAws, type AwsClientConfig, type AwsHeard } from '../../vendors/aws/aws.ts';
import { notSent, withheld } from '../../vendors/declared-http/declared-request.ts';

export const awsSecretSettings = z.strictObject({
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region, like eu-central-1'),
});
export type AwsSecretSettings = z.infer<typeof awsSecretSettings>;

type Entry = StoreEntry<AwsSecretSettings>;
const NAME = /^[A-Za-z0-9/_+=.@:-]{1,2048}$/;

/**
 * Copies in AWS Secrets Manager, over the official client. The service has no check-and-set: who writes to the same secret
 * in the same moment may be overwritten, though not lost, as the service keeps the version before (AWSPREVIOUS). Written
 * from its documentation, not run against AWS.
 */
@Injectable()
export class AwsSecretConnector implements Connector<AwsSecretSettings> {
  readonly key = 'aws-secret';
  readonly title = 'Copies in AWS Secrets Manager';
  readonly settings = awsSecretSettings;
  readonly capabilities: readonly Capability[] = [];

  constructor(private readonly outbound: Outbound) {}

  revocability(): Revocability {
    return 'manual';
  }

  abilities(): Abilities {
    return { revoke: 'no', probe: 'no', ownAuthentication: false, endSessions: false, issue: 'no' };
  }

  entryProblem(entry: Pick<Entry, 'settings' | 'entry' | 'field'>): EntryProblem | null {
    return entryProblem(entry);
  }

  async readEntry(entry: Entry, call: Call): Promise<EntryReading> {
    const bad = problemOf(entry);
    if (bad !== null) return { outcome: 'unknown', why: bad, exchange: notSent(call, bad) };
    const list = await this.#ask(entry, call, async (config) => {
      const { SecretsManagerClient, ListSecretVersionIdsCommand } =
        await import('@aws-sdk/client-secrets-manager');
      const input = { SecretId: entry.entry, IncludeDeprecated: true, MaxResults: 100 };
      return new SecretsManagerClient(config).send(new ListSecretVersionIdsCommand(input));
    });
    if (list.kind === 'error' && list.code === 'ResourceNotFoundException')
      return { outcome: 'read', held: [], unread: 0, exchange: withheld(list.exchange) };
    if (list.kind !== 'answer') return { outcome: 'unknown', ...whyOf(list) };
    const versions = list.value.Versions ?? [];
    const held: HeldValue[] = [];
    let unread = list.value.NextToken === undefined ? 0 : 1;
    for (const { VersionId: id, VersionStages: stages = [] } of versions) {
      const heard = held.length === MOST_VERSIONS ? null : await this.#get(entry, id, call);
      if (heard?.kind !== 'answer') {
        unread++;
        continue;
      }
      const text = valueIn(heard.value.SecretString, entry.field);
      held.push({
        name: `version ${(id ?? '').slice(0, 8)}`,
        current: stages.includes('AWSCURRENT'),
        value: text === null ? null : Secret.of(text),
      });
    }
    return { outcome: 'read', held, unread, exchange: withheld(list.exchange) };
  }

  async writeEntry(entry: Entry, value: Secret, call: Call): Promise<EntryWritten> {
    const bad = problemOf(entry);
    if (bad !== null) return { outcome: 'rejected', why: bad, exchange: notSent(call, bad) };
    const before = await this.#get(entry, undefined, call);
    if (before.kind !== 'answer') return notWritten(before);
    const exchange = withheld(before.exchange);
    const said = before.value.SecretString;
    if (value.use((text) => valueIn(said, entry.field) === text))
      return { outcome: 'held', name: named(before.value.VersionId), exchange };
    const document = value.use((text) => withValue(said, entry.field, text));
    if (document === null)
      return { outcome: 'rejected', why: 'what it keeps there is no JSON object with fields', exchange };
    // The same content under the same step is the same act to the service.
    const token = createHash('sha256').update(`${call.idempotencyKey}:${document}`, 'utf8').digest('hex');
    const after = await this.#ask(
      entry,
      call,
      async (config) => {
        const { SecretsManagerClient, PutSecretValueCommand } =
          await import('@aws-sdk/client-secrets-manager');
        const input = { SecretId: entry.entry, SecretString: document, ClientRequestToken: token };
        return new SecretsManagerClient(config).send(new PutSecretValueCommand(input));
      },
      [value],
    );
    if (after.kind !== 'answer') return notWritten(after);
    return { outcome: 'written', name: named(after.value.VersionId), exchange: withheld(after.exchange) };
  }

  #get(entry: Entry, version: string | undefined, call: Call) {
    return this.#ask(entry, call, async (config) => {
      const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
      const input = { SecretId: entry.entry, ...(version === undefined ? {} : { VersionId: version }) };
      return new SecretsManagerClient(config).send(new GetSecretValueCommand(input));
    });
  }

  #ask<T>(
    { settings, baseUrl, auth }: Entry,
    call: Call,
    send: (config: AwsClientConfig) => Promise<T>,
    secrets: readonly Secret[] = [],
  ): Promise<AwsHeard<T>> {
    const access = {
      accessKeyId: auth.access_key_id!,
      secretAccessKey: auth.secret_access_key!,
      region: settings.region,
      endpoint: baseUrl,
    };
    return askAws(this.outbound, access, call, send, { hidden: true, secrets });
  }
}

function problemOf({ auth, ...of }: Entry): string | null {
  const problem = entryProblem(of);
  if (problem) return problem.why;
  return auth.access_key_id && auth.secret_access_key ? null : 'our own access key is not at hand';
}

function entryProblem({ entry, field }: Pick<Entry, 'entry' | 'field'>): EntryProblem | null {
  if (!NAME.test(entry))
    return {
      about: 'entry',
      why: 'the entry is no name of a secret',
      mend: 'Give the name or the ARN of the secret, like apps/shop/stripe.',
    };
  if (field !== null && field.length > 200)
    return {
      about: 'field',
      why: 'the field has too long a name',
      mend: 'Give the key of the JSON in the secret, or leave it out.',
    };
  return null;
}

function fieldsOf(text: string | undefined): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(text ?? '');
    return json !== null && typeof json === 'object' && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function valueIn(text: string | undefined, field: string | null): string | null {
  if (field === null) return text ?? null;
  const found = fieldsOf(text)?.[field];
  return typeof found === 'string' ? found : null;
}

/** The whole document with the value in it; null: there is no place for it. */
function withValue(text: string | undefined, field: string | null, value: string): string | null {
  if (field === null) return value;
  const fields = fieldsOf(text);
  return fields && JSON.stringify({ ...fields, [field]: value });
}

function named(version: string | undefined): string {
  return `version ${(version ?? '').slice(0, 8)}`;
}

function whyOf(heard: Exclude<AwsHeard<unknown>, { kind: 'answer' }>): { why: string; exchange: Exchange } {
  const exchange = withheld(heard.exchange);
  if (heard.kind === 'failure') return { why: heard.why, exchange };
  return {
    why: `the service answered ${heard.status}${heard.code === '' ? '' : ` (${heard.code})`}`,
    exchange,
  };
}

/** A try that brought nothing: whoever tries again reads first. */
function notWritten(heard: Exclude<AwsHeard<unknown>, { kind: 'answer' }>): EntryWritten {
  const told = whyOf(heard);
  if (heard.kind === 'failure') return { outcome: 'retry', ...told };
  const after = heard.retryAfter === undefined ? {} : { after: heard.retryAfter };
  const busy = heard.status >= 500 || heard.status === 429 || heard.code.startsWith('Throttling');
  return busy ? { outcome: 'retry', ...told, ...after } : { outcome: 'rejected', ...told };
}
