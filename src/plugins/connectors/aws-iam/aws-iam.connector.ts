import { Injectable } from '@nestjs/common';
import type {
  Abilities,
  Call,
  Capability,
  Connector,
  Exchange,
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
import { Secret } from '../../../kernel/secret.ts';
import { HOUR } from '../../../kernel/time.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import { restingOn } from '../../vendors/declared-http/supplier-answers.ts';
import { askAws, type AwsAccess, type AwsClientConfig, type AwsHeard } from '../../vendors/aws/aws.ts';
import {
  ACCESS_KEY_ID,
  asIdentityAnswer,
  IDENTITY_ANSWERS,
  awsIamSettings,
  refusedBy,
  REVOKE_ANSWERS,
  regionOf,
  stsOf,
  type AwsIamSettings,
  type Refused,
} from './aws-iam.rules.ts';

type Asked = Target<AwsIamSettings>;

/** Whose key it is, and when it was last used. */
interface KeyFacts {
  user: string;
  usedAt: Date | undefined;
  where: string | null;
  exchange: Exchange;
}

/**
 * Access keys of IAM users. Revoking deactivates, which can be undone; a dead key is deleted afterwards. The supplier's id
 * of a version is the access key id, its value the secret access key. Not run against AWS.
 */
@Injectable()
export class AwsIamConnector implements Connector<AwsIamSettings> {
  readonly key = 'aws-iam';
  readonly title = 'AWS IAM access key';
  readonly settings = awsIamSettings;
  readonly capabilities: readonly Capability[] = ['issue', 'revoke', 'probe', 'endSessions', 'listUsage'];

  constructor(private readonly outbound: Outbound) {}

  revocability(): Revocability {
    return 'instant';
  }

  abilities(): Abilities {
    return {
      revoke: 'id',
      probe: 'value',
      ownAuthentication: true,
      endSessions: true,
      clearAway: true,
      issue: 'adds',
    };
  }

  readings(): Reading[] {
    return [
      { part: 'revoke', asks: 'POST / UpdateAccessKey', rows: restingOn('revoke', REVOKE_ANSWERS) },
      { part: 'probe', asks: 'POST / GetCallerIdentity', rows: IDENTITY_ANSWERS },
    ];
  }

  async revoke(target: Asked, call: Call): Promise<RevokeAnswer> {
    const facts = await this.#facts(target, call);
    if ('outcome' in facts) return facts;
    const heard = await this.#iam(target, call, async (config) => {
      const { IAMClient, UpdateAccessKeyCommand } = await import('@aws-sdk/client-iam');
      const input = {
        UserName: facts.user,
        AccessKeyId: target.supplierId ?? '',
        Status: 'Inactive' as const,
      };
      return new IAMClient(config).send(new UpdateAccessKeyCommand(input));
    });
    return accepted(heard, 'UpdateAccessKeyResponse');
  }

  async clearAway(target: Asked, call: Call): Promise<RevokeAnswer> {
    const facts = await this.#facts(target, call);
    if ('outcome' in facts) return facts;
    const listed = await this.#keysOf(facts.user, target, call);
    if (listed.kind !== 'answer') return refusedBy(listed);
    const key = listed.value.AccessKeyMetadata?.find((one) => one.AccessKeyId === target.supplierId);
    if (!key) return { outcome: 'gone', exchange: listed.exchange };
    if (key.Status !== 'Inactive') {
      const why = 'the key is active again: it is not deleted, and to be revoked and proven dead once more';
      return { outcome: 'rejected', why, exchange: listed.exchange };
    }
    const heard = await this.#iam(target, call, async (config) => {
      const { IAMClient, DeleteAccessKeyCommand } = await import('@aws-sdk/client-iam');
      const input = { UserName: facts.user, AccessKeyId: target.supplierId ?? '' };
      return new IAMClient(config).send(new DeleteAccessKeyCommand(input));
    });
    return accepted(heard, 'DeleteAccessKeyResponse');
  }

  async probe(target: Asked, call: Call): Promise<ProbeAnswer> {
    const { supplierId, value } = target;
    if (!ACCESS_KEY_ID.test(supplierId ?? '') || supplierId === null || !value) {
      const why = 'not asked: it takes a user’s access key id (AKIA…) and its secret';
      return { verdict: 'indeterminate', why, exchange: null };
    }
    const key = { accessKeyId: Secret.of(supplierId), secretAccessKey: value };
    const first = await this.#identity(target, key, call);
    // Said of good keys, too, while a change is on its way through the service.
    const again = first.kind === 'error' && first.code === 'SignatureDoesNotMatch';
    return asIdentityAnswer(again ? await this.#identity(target, key, call) : first);
  }

  async checkOwnAuthentication(target: Asked, call: Call): Promise<ProbeAnswer> {
    const key = ourKey(target);
    if (!key) return { verdict: 'indeterminate', why: 'not asked: our own key is missing', exchange: null };
    return asIdentityAnswer(await this.#identity(target, key, call));
  }

  endSessions(target: Asked, call: Call): Promise<SessionsAnswer> {
    const hours = target.settings.sessionHours;
    return Promise.resolve({
      outcome: 'residual',
      until: call.now() + hours * HOUR,
      why: `temporary credentials (ASIA…) that the key made are untouched and live for up to ${hours} hours; a policy that denies tokens issued before now (aws:TokenIssueTime) stops them`,
    });
  }

  async issue(target: Asked, _request: IssueRequest, call: Call): Promise<IssueAnswer> {
    const facts = await this.#facts(target, call);
    if ('outcome' in facts) return notIssued(facts);
    const send = async (config: AwsClientConfig) => {
      const { IAMClient, CreateAccessKeyCommand } = await import('@aws-sdk/client-iam');
      return new IAMClient(config).send(new CreateAccessKeyCommand({ UserName: facts.user }));
    };
    const heard = await this.#iam(target, call, send, true);
    if (heard.kind !== 'answer') return notIssued(refusedBy(heard));
    const { exchange } = heard;
    const made = heard.value.AccessKey;
    if (!made?.AccessKeyId || !made.SecretAccessKey || made.UserName !== facts.user)
      return { outcome: 'unknown', why: 'IAM answered 200 and told no key of this user', exchange };
    const value = Secret.of(made.SecretAccessKey);
    return { outcome: 'issued', issued: { supplierId: made.AccessKeyId, value, expiresAt: null }, exchange };
  }

  async listIssued(target: Asked, call: Call): Promise<ListAnswer> {
    const facts = await this.#facts(target, call);
    if ('outcome' in facts) return untold(facts);
    const heard = await this.#keysOf(facts.user, target, call);
    if (heard.kind !== 'answer') return untold(refusedBy(heard));
    const { exchange, value } = heard;
    if (!Array.isArray(value.AccessKeyMetadata) || value.IsTruncated === true)
      return { outcome: 'unknown', why: 'IAM did not tell every key of the user', exchange };
    const versions = value.AccessKeyMetadata.flatMap((one) =>
      one.AccessKeyId === undefined
        ? []
        : [
            {
              supplierId: one.AccessKeyId,
              label: null,
              createdAt: one.CreateDate?.getTime() ?? null,
              expiresAt: null,
              lastUsedAt: null,
            },
          ],
    );
    return { outcome: 'listed', versions, exchange };
  }

  async listUsage(target: Asked, call: Call): Promise<UsageAnswer> {
    const facts = await this.#facts(target, call);
    if ('outcome' in facts) return untold(facts);
    const { usedAt, where, exchange } = facts;
    return { outcome: 'stated', lastUsedAt: usedAt?.getTime() ?? null, where, exchange };
  }

  /** The user whose key it is: everything about a key names both, and only this call finds one by the other. */
  async #facts(target: Asked, call: Call): Promise<KeyFacts | Refused> {
    const id = target.supplierId ?? '';
    if (!ACCESS_KEY_ID.test(id)) {
      const why = id.startsWith('ASIA')
        ? 'not asked: temporary credentials (ASIA…) cannot be deactivated; they expire'
        : 'not asked: the supplier’s id is no access key id of a user (AKIA…)';
      return { outcome: 'rejected', why, exchange: nothingSent(target, call) };
    }
    const heard = await this.#iam(target, call, async (config) => {
      const { IAMClient, GetAccessKeyLastUsedCommand } = await import('@aws-sdk/client-iam');
      return new IAMClient(config).send(new GetAccessKeyLastUsedCommand({ AccessKeyId: id }));
    });
    if (heard.kind !== 'answer') return refusedBy(heard);
    const { UserName: user, AccessKeyLastUsed: used } = heard.value;
    const { exchange } = heard;
    if (!user) return { outcome: 'unknown', why: 'IAM answered 200 and named no user for the key', exchange };
    const usedAt = used?.LastUsedDate;
    const where = usedAt && used.ServiceName ? `${used.ServiceName} in ${used.Region ?? 'no region'}` : null;
    return { user, usedAt, where, exchange };
  }

  #keysOf(user: string, target: Asked, call: Call) {
    return this.#iam(target, call, async (config) => {
      const { IAMClient, ListAccessKeysCommand } = await import('@aws-sdk/client-iam');
      return new IAMClient(config).send(new ListAccessKeysCommand({ UserName: user }));
    });
  }

  #iam<T>(
    target: Asked,
    call: Call,
    send: (config: AwsClientConfig) => Promise<T>,
    hidden = false,
  ): Promise<AwsHeard<T>> {
    const key = ourKey(target);
    const where = { region: regionOf(target.settings), endpoint: target.baseUrl };
    const access: AwsAccess | null = key && { ...key, ...where };
    if (!access) {
      const why = 'our own key is missing';
      return Promise.resolve({ kind: 'failure', why, sent: false, exchange: nothingSent(target, call) });
    }
    return askAws(this.outbound, access, call, send, { secrets: secretsOf(target), hidden });
  }

  #identity(target: Asked, key: Pick<AwsAccess, 'accessKeyId' | 'secretAccessKey'>, call: Call) {
    const endpoint = stsOf(target.settings, target.baseUrl);
    const access = { ...key, region: regionOf(target.settings), endpoint };
    const send = async (config: AwsClientConfig) => {
      const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
      return new STSClient(config).send(new GetCallerIdentityCommand({}));
    };
    return askAws(this.outbound, access, call, send, { secrets: secretsOf(target) });
  }
}

function ourKey(target: Asked): Pick<AwsAccess, 'accessKeyId' | 'secretAccessKey'> | null {
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } = target.auth;
  return accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : null;
}

function secretsOf(target: Asked): Secret[] {
  const { secret_access_key: own } = target.auth;
  return [...(own ? [own] : []), ...(target.value ? [target.value] : [])];
}

/** IAM's yes is an empty answer of the right name; another page with status 200 is none. */
function accepted(heard: AwsHeard<unknown>, name: string): RevokeAnswer {
  if (heard.kind !== 'answer') return refusedBy(heard);
  const { exchange } = heard;
  if (heard.body.includes(`<${name}`)) return { outcome: 'accepted', exchange };
  return { outcome: 'unknown', why: 'IAM answered 200 with something else', exchange };
}

function notIssued(refused: Refused): IssueAnswer {
  if (refused.outcome !== 'gone') return refused;
  return {
    outcome: 'rejected',
    why: 'IAM knows no such key, and so no user to make one for',
    exchange: refused.exchange,
  };
}

function untold(refused: Refused): { outcome: 'unknown'; why: string; exchange: Exchange } {
  const why = refused.outcome === 'gone' ? 'IAM knows no such key' : refused.why;
  return { outcome: 'unknown', why, exchange: refused.exchange };
}

function nothingSent(target: Asked, call: Call): Exchange {
  const at = call.now();
  const nothing = { status: null, extract: '', startedAt: at, endedAt: at, failure: 'protocol' as const };
  return { method: 'POST', url: target.baseUrl, ...nothing };
}
