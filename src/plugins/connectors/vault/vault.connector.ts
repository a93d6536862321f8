import { Injectable } from '@nestjs/common';
import type {
  Abilities,
  Call,
  Capability,
  Connector,
  ProbeAnswer,
  Reading,
  Revocability,
  RevokeAnswer,
  SessionsAnswer,
  Target,
  EntryProblem,
  OwnAuthentication,
  EntryReading,
  EntryWritten,
  StoreEntry,
} from '../../../domain/revocation/connector.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import { ask, notSent } from '../../vendors/declared-http/declared-request.ts';
import { asProbeAnswer, asRevokeAnswer, restingOn } from '../../vendors/declared-http/supplier-answers.ts';
import { OWN_TOKEN_ANSWERS, ownTokenRequest } from '../../vendors/vault/vault-requests.ts';
import { lookupOwnToken, renewOwnToken } from '../../vendors/vault/own-token.ts';
import type { VaultAccess } from '../../vendors/vault/vault-client.ts';
import { OutsideProblem, type StoreAccess } from '../../../platform/vault/store.ts';
import { kvEntryProblem, readKvEntry, writeKvEntry } from './kv-entry.ts';
import { vaultSettings, vaultThing, type VaultSettings } from './vault-things.ts';

/**
 * What Vault or OpenBao issued (leases, tokens), and the copies that it keeps for others. Written from the documentation,
 * not run against either product.
 */
@Injectable()
export class VaultConnector implements Connector<VaultSettings> {
  readonly key = 'vault';
  readonly title = 'Vault or OpenBao';
  readonly settings = vaultSettings;
  readonly capabilities: readonly Capability[] = ['revoke', 'probe', 'endSessions'];
  readonly mutualTls = true;

  constructor(private readonly outbound: Outbound) {}

  revocability(): Revocability {
    return 'instant';
  }

  abilities(): Abilities {
    return { revoke: 'id', probe: 'id', ownAuthentication: true, endSessions: true, issue: 'no' };
  }

  readings(settings: VaultSettings): Reading[] {
    const { revoke, probe } = vaultThing(settings, EXAMPLE_IDS[settings.what])!;
    const asks = ({ request }: { request: { method: string; path: string } }) =>
      `${request.method} ${request.path}`;
    return [
      { part: 'revoke', asks: asks(revoke), rows: restingOn('revoke', revoke.answers) },
      { part: 'probe', asks: asks(probe), rows: restingOn('look', probe.answers) },
      {
        part: 'ownAuthentication',
        asks: 'GET /v1/auth/token/lookup-self',
        rows: restingOn('own', OWN_TOKEN_ANSWERS),
      },
    ];
  }

  async revoke(target: Target<VaultSettings>, call: Call): Promise<RevokeAnswer> {
    const thing = vaultThing(target.settings, target.supplierId ?? '');
    if (!thing)
      return {
        outcome: 'rejected',
        why: `not asked: ${badId(target.settings)}`,
        exchange: notSent(call, ''),
      };
    return asRevokeAnswer(await ask(this.outbound, thing.revoke, target, call));
  }

  async probe(target: Target<VaultSettings>, call: Call): Promise<ProbeAnswer> {
    const thing = vaultThing(target.settings, target.supplierId ?? '');
    if (!thing)
      return { verdict: 'indeterminate', why: `not asked: ${badId(target.settings)}`, exchange: null };
    return asProbeAnswer(await ask(this.outbound, thing.probe, target, call));
  }

  async checkOwnAuthentication(target: Target<VaultSettings>, call: Call): Promise<ProbeAnswer> {
    const request = ownTokenRequest(target.settings.namespace);
    return asProbeAnswer(await ask(this.outbound, { request, answers: OWN_TOKEN_ANSWERS }, target, call));
  }

  ownAccess(at: OwnAuthentication<VaultSettings>, call: Call): Promise<StoreAccess> {
    return lookupOwnToken(this.outbound, placeOf(at), call);
  }

  renewOwnAccess(at: OwnAuthentication<VaultSettings>, call: Call): Promise<StoreAccess> {
    return renewOwnToken(this.outbound, placeOf(at), call);
  }

  entryProblem(entry: Pick<StoreEntry<VaultSettings>, 'settings' | 'entry' | 'field'>): EntryProblem | null {
    return kvEntryProblem(entry);
  }

  readEntry(entry: StoreEntry<VaultSettings>, call: Call): Promise<EntryReading> {
    return readKvEntry(this.outbound, entry, call);
  }

  writeEntry(entry: StoreEntry<VaultSettings>, value: Secret, call: Call): Promise<EntryWritten> {
    return writeKvEntry(this.outbound, entry, value, call);
  }

  endSessions(target: Target<VaultSettings>): Promise<SessionsAnswer> {
    return Promise.resolve(SESSIONS[target.settings.what]);
  }
}

/** An id of each kind's form: what is asked and what the answers mean does not depend on which. */
const EXAMPLE_IDS: Record<VaultSettings['what'], string> = {
  lease: 'database/creds/role-1',
  token: 'accessor',
  kv_copy: 'path@1',
};

const SESSIONS: Record<VaultSettings['what'], SessionsAnswer> = {
  lease: {
    outcome: 'unknown',
    why: 'connections that were opened with the credential stay open where its backend does not close them',
  },
  token: {
    outcome: 'unknown',
    why: 'its children and its leases are to be revoked with it; whether each was is not told here',
  },
  kv_copy: { outcome: 'unknown', why: 'whoever read the copy before may still hold the value' },
};

function badId(settings: VaultSettings): string {
  if (settings.what === 'lease') return 'the supplier’s id is no lease id';
  if (settings.what === 'token') return 'the supplier’s id is no accessor';
  return 'the supplier’s id is no path with a version behind it (apps/shop/stripe@3)';
}

function placeOf({ settings, baseUrl, auth }: OwnAuthentication<VaultSettings>): VaultAccess {
  if (!auth['token']) throw new OutsideProblem('our own token is not at hand');
  return { url: baseUrl, token: auth['token'], namespace: settings.namespace };
}
