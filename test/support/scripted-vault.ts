import type { IncomingMessage } from 'node:http';
import type { Asked, Dialect, Issued, Reply } from './scripted-supplier.ts';

/** Vault and OpenBao as their documentation describes them, scripted: neither product is run here. */

export const OUR_TOKEN = 'hvs.our-own-token-0123456789';

type Answer = { kind: Asked['kind']; issued: Issued | null; reply: Reply; revokes?: Issued };

const refusal: Reply = { status: 403, body: { errors: ['permission denied'] } };
const done: Reply = { status: 204 };
const isUs = (headers: IncomingMessage['headers']) => headers['x-vault-token'] === OUR_TOKEN;
const textOf = (json: unknown, name: string) => (json as Record<string, string | undefined> | null)?.[name];

function own(path: string, headers: IncomingMessage['headers']): Answer | null {
  if (path !== '/v1/auth/token/lookup-self') return null;
  const reply = isUs(headers)
    ? { status: 200, body: { data: { accessor: 'ours', id: OUR_TOKEN } } }
    : refusal;
  return { kind: 'own', issued: null, reply };
}

export const vaultLease: Dialect = {
  admin: { token: OUR_TOKEN },
  idOf: (name, n) => `database/creds/readonly/${name}${n}`,
  answer({ method, path, headers, json }, supplier) {
    const about = own(path, headers);
    if (about) return about;
    const kind = path === '/v1/sys/leases/revoke' ? 'revoke' : 'probe';
    if (method !== 'PUT' || (kind === 'probe' && path !== '/v1/sys/leases/lookup')) return null;
    const issued = supplier.byId(textOf(json, 'lease_id'));
    if (!isUs(headers)) return { kind, issued, reply: refusal };
    if (kind === 'probe') {
      const there = { status: 200, body: { data: { id: issued?.id, ttl: 100, renewable: true } } };
      const none = { status: 400, body: { errors: ['invalid lease'] } };
      return { kind, issued, reply: issued?.live ? there : none };
    }
    // Without `sync` the revocation is queued: the answer is the same, and nothing has happened yet.
    const sync = (json as { sync?: boolean }).sync === true;
    return { kind, issued, reply: done, ...(issued && sync ? { revokes: issued } : {}) };
  },
};

export const vaultToken: Dialect = {
  admin: { token: OUR_TOKEN },
  answer({ method, path, headers, json }, supplier) {
    const about = own(path, headers);
    if (about) return about;
    const kind = path === '/v1/auth/token/revoke-accessor' ? 'revoke' : 'probe';
    if (method !== 'POST' || (kind === 'probe' && path !== '/v1/auth/token/lookup-accessor')) return null;
    const issued = supplier.byId(textOf(json, 'accessor'));
    if (!isUs(headers)) return { kind, issued, reply: refusal };
    if (!issued?.live) {
      const errors = ['1 error occurred:\n\t* invalid accessor\n\n'];
      return { kind, issued, reply: { status: 403, body: { errors } } };
    }
    return kind === 'revoke'
      ? { kind, issued, reply: done, revokes: issued }
      : { kind, issued, reply: { status: 200, body: { data: { accessor: issued.id, id: '' } } } };
  },
};

interface KvVersion {
  data: unknown;
  deletedAt: string;
  destroyed: boolean;
}

/** A KV version 2 engine at `secret/`, with its own record of what it was given. */
export class ScriptedKv implements Dialect {
  readonly admin = { token: OUR_TOKEN };
  readonly paths = new Map<string, KvVersion[]>();
  /** Our own token, where it ends; `ends` in milliseconds of the clock that is given with it. */
  token: { now(): number; ends: number; lasts: number; most: number; renewable: boolean } | null = null;
  renewals = 0;

  /** Somebody else, who writes just before our own write arrives. */
  meanwhile: ((versions: KvVersion[]) => void) | null = null;

  #ownToken({ path, method, headers }: Parameters<Dialect['answer']>[0]): Answer | null {
    const { token } = this;
    const renews = path === '/v1/auth/token/renew-self' && method === 'POST';
    if (!token || (!renews && path !== '/v1/auth/token/lookup-self')) return null;
    const says = (reply: Reply): Answer => ({ kind: 'own', issued: null, reply });
    const now = token.now();
    if (!isUs(headers) || now >= token.ends) return says(refusal);
    if (renews) {
      this.renewals++;
      if (!token.renewable) return says({ status: 400, body: { errors: ['lease is not renewable'] } });
      token.ends = Math.min(now + token.lasts, token.most);
    }
    const ttl = Math.floor((token.ends - now) / 1000);
    const { renewable } = token;
    return says({
      status: 200,
      body: renews
        ? { auth: { client_token: OUR_TOKEN, lease_duration: ttl, renewable } }
        : { data: { accessor: 'ours', id: OUR_TOKEN, ttl, creation_ttl: token.lasts / 1000, renewable } },
    });
  }

  answer(request: Parameters<Dialect['answer']>[0]): Answer | null {
    const about = this.#ownToken(request) ?? own(request.path, request.headers);
    if (about) return about;
    const [, part, path] = /^\/v1\/secret\/(data|metadata|destroy)\/(.+)$/.exec(request.path) ?? [];
    if (!part || !path) return null;
    const kind = part === 'metadata' ? 'probe' : part === 'destroy' ? 'revoke' : 'other';
    const says = (reply: Reply): Answer => ({ kind, issued: null, reply });
    if (!isUs(request.headers)) return says(refusal);
    const versions = this.paths.get(path) ?? [];
    const notFound: Reply = { status: 404, body: { errors: [] } };
    if (part === 'data' && request.method === 'POST') {
      this.meanwhile?.(versions);
      this.meanwhile = null;
      const { data, options } = request.json as { data: unknown; options?: { cas?: number } };
      if (options?.cas !== undefined && options.cas !== versions.length) {
        const errors = ['check-and-set parameter did not match the current version'];
        return says({ status: 400, body: { errors } });
      }
      versions.push({ data, deletedAt: '', destroyed: false });
      this.paths.set(path, versions);
      return says({ status: 200, body: { data: { version: versions.length, destroyed: false } } });
    }
    if (part === 'data') {
      const asked = new URLSearchParams(request.search).get('version');
      const last = asked === null ? versions.at(-1) : versions[Number(asked) - 1];
      if (!last || last.destroyed || last.deletedAt !== '')
        return says(
          last
            ? { status: 404, body: { data: { data: null, metadata: { version: versions.length } } } }
            : notFound,
        );
      return says({
        status: 200,
        body: {
          data: { data: last.data, metadata: { version: asked === null ? versions.length : Number(asked) } },
        },
      });
    }
    if (part === 'destroy') {
      for (const version of (request.json as { versions: number[] }).versions) {
        const one = versions[version - 1];
        if (one) Object.assign(one, { destroyed: true, data: null });
      }
      return says(done);
    }
    if (versions.length === 0) return says(request.method === 'DELETE' ? done : notFound);
    if (request.method === 'DELETE') {
      this.paths.delete(path);
      return says(done);
    }
    const told = versions.map((one, i) => [
      String(i + 1),
      { deletion_time: one.deletedAt, destroyed: one.destroyed },
    ]);
    return says({ status: 200, body: { data: { versions: Object.fromEntries(told) as unknown } } });
  }
}
