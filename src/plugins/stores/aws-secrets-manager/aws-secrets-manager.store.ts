import type { Outbound } from '../../../platform/http/outbound.ts';
import {
  OutsideProblem,
  type OutsideCall,
  type OutsideStore,
  type StoreCapabilities,
  type StoreEntry,
} from '../../../platform/vault/store.ts';
import { askAws, type AwsAccess, type AwsClientConfig, type AwsHeard } from '../../vendors/aws/aws.ts';
import { documentOf, entryOf } from '../../vendors/stored-entry/entry-document.ts';

export interface AwsSecretsPlace extends AwsAccess {
  /** Of the names: `<prefix>/<id>`. */
  prefix: string;
}

/** AWS Secrets Manager, over the official client. Written from its documentation, not run against AWS. */
export class AwsSecretsStore implements OutsideStore {
  readonly key = 'aws-secrets-manager';
  readonly title = 'AWS Secrets Manager';
  /** 65,536 bytes of document, of which base64 takes a third. */
  readonly longest = 48_000;
  readonly capabilities: StoreCapabilities = {
    writable: true,
    versioning: {
      has: true,
      how: 'each write is a version; Countersign writes each secret once, under a name of its own',
    },
    retrievalAudit: { has: true, how: 'CloudTrail records each read' },
    granularPolicy: { has: true, how: 'IAM and resource policies by name' },
    rotationHooks: {
      has: true,
      how: 'a rotation function can be attached to a secret; Countersign attaches none',
    },
  };

  constructor(
    private readonly outbound: Outbound,
    private readonly place: AwsSecretsPlace,
  ) {}

  async keep(id: string, entry: StoreEntry, call: OutsideCall): Promise<void> {
    const text = JSON.stringify(documentOf(entry));
    const heard = await this.#ask(call, async (config) => {
      const { SecretsManagerClient, CreateSecretCommand } = await import('@aws-sdk/client-secrets-manager');
      // The token makes a second try with the same content the same act.
      const input = { Name: this.#name(id), SecretString: text, ClientRequestToken: id };
      return new SecretsManagerClient(config).send(new CreateSecretCommand(input));
    });
    if (heard.kind === 'answer') return;
    if (heard.kind === 'error' && heard.code === 'ResourceExistsException') {
      // An earlier try whose answer was lost; anything else under our name is not ours.
      const there = documentOf(await this.fetch(id, call));
      if (JSON.stringify(there) === text) return;
      throw new OutsideProblem('something else is kept under the name already');
    }
    throw problemOf(heard);
  }

  async fetch(id: string, call: OutsideCall): Promise<StoreEntry> {
    const send = async (config: AwsClientConfig) => {
      const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
      return new SecretsManagerClient(config).send(new GetSecretValueCommand({ SecretId: this.#name(id) }));
    };
    const heard = await this.#ask(call, send);
    if (heard.kind !== 'answer') throw problemOf(heard);
    let document: unknown = null;
    try {
      document = JSON.parse(heard.value.SecretString ?? '');
    } catch {
      // Said by `entryOf`, without what the parser quotes.
    }
    return entryOf(document);
  }

  async remove(id: string, call: OutsideCall): Promise<void> {
    const heard = await this.#ask(call, async (config) => {
      const { SecretsManagerClient, DeleteSecretCommand } = await import('@aws-sdk/client-secrets-manager');
      const input = { SecretId: this.#name(id), ForceDeleteWithoutRecovery: true };
      return new SecretsManagerClient(config).send(new DeleteSecretCommand(input));
    });
    if (heard.kind === 'answer') return;
    if (heard.kind === 'error' && heard.code === 'ResourceNotFoundException') return;
    throw problemOf(heard);
  }

  #name(id: string): string {
    return `${this.place.prefix}/${id}`;
  }

  #ask<T>(call: OutsideCall, send: (config: AwsClientConfig) => Promise<T>): Promise<AwsHeard<T>> {
    return askAws(this.outbound, this.place, call, send, { hidden: true });
  }
}

function problemOf(heard: Exclude<AwsHeard<unknown>, { kind: 'answer' }>): OutsideProblem {
  if (heard.kind === 'failure') return new OutsideProblem(heard.why);
  const named = heard.code === '' ? '' : ` (${heard.code})`;
  return new OutsideProblem(`the service answered ${heard.status}${named}`);
}
