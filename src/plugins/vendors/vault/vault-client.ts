import type { Secret } from '../../../kernel/secret.ts';
import { SECOND } from '../../../kernel/time.ts';
import type { Outbound, OutboundAnswer } from '../../../platform/http/outbound.ts';
import type { Shown } from '../../../platform/http/secure-over.ts';

export interface VaultAccess {
  /** The server, without a path. */
  url: string;
  token: Secret;
  namespace?: string | undefined;
  /** Where the server, or a proxy before it, wants mutual TLS or has a private authority. */
  shown?: Shown | undefined;
}

/** One request to Vault or OpenBao over the guarded way out. Never throws for what the server does. */
export function askVault(
  outbound: Outbound,
  access: VaultAccess,
  request: { method: string; path: string; json?: unknown; signal: AbortSignal; secrets?: readonly Secret[] },
): Promise<OutboundAnswer> {
  const { url, token, namespace, shown } = access;
  return outbound.request({
    method: request.method,
    url: `${url.replace(/\/+$/, '')}/v1/${request.path}`,
    headers: {
      accept: 'application/json',
      'x-vault-request': 'true',
      'x-vault-token': token.use((value) => value),
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(request.json === undefined ? {} : { body: JSON.stringify(request.json) }),
    timeout: 15 * SECOND,
    maxBytes: 1024 * 1024,
    signal: request.signal,
    shown,
    secrets: [token, ...(request.secrets ?? [])],
  });
}
