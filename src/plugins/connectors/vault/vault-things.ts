import { z } from 'zod';
import type { Verdict } from '../../../domain/revocation/connector.ts';
import type { AnswerRow } from '../../../platform/http/answer-table.rules.ts';
import type { DeclaredRequest } from '../../vendors/declared-http/declared-request.ts';
import type { REVOKE_MEANINGS } from '../../vendors/declared-http/supplier-answers.ts';
import {
  KV_PATH,
  mountSchema,
  namespaceSchema,
  REFUSES_US,
  vaultRequest,
} from '../../vendors/vault/vault-requests.ts';

export const vaultSettings = z.discriminatedUnion('what', [
  /** A dynamic credential, by its lease. The supplier's id is the lease id. */
  z.strictObject({ what: z.literal('lease'), namespace: namespaceSchema.optional() }),
  /** A token, by its accessor, so that its value is needed nowhere. The supplier's id is the accessor. */
  z.strictObject({ what: z.literal('token'), namespace: namespaceSchema.optional() }),
  /**
   * A copy of a value that some other supplier issued, in a KV version 2 engine. The supplier's id is the path and the
   * version: `apps/shop/stripe@3`. Destroying it keeps readers from it and ends nothing at the issuer.
   */
  z.strictObject({
    what: z.literal('kv_copy'),
    mount: mountSchema.default('secret'),
    namespace: namespaceSchema.optional(),
  }),
]);

export type VaultSettings = z.infer<typeof vaultSettings>;

type Revoke = DeclaredRequest<(typeof REVOKE_MEANINGS)[number]>;
type Probe = DeclaredRequest<Verdict>;

export interface VaultThing {
  revoke: Revoke;
  probe: Probe;
}

/** A mount, something below it, and the lease's own name. */
const LEASE = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._-]{1,200}(?:\/[A-Za-z0-9._-]{1,200}){2,20}$/;
const ACCESSOR = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,200}$/;
const COPY = /^(.+)@([1-9]\d{0,8})$/;

const done = [{ status: [200, 204], means: 'accepted' as const, why: 'the server says that it did it' }];

/** The server may wrap its sentence. */
const saying = (sentence: string) => [sentence, `1 error occurred:\n\t* ${sentence}\n\n`];
const errorIs = (sentence: string) => [{ pointer: '/errors/0', in: saying(sentence) }];

const REFUSES_THE_LOOK: AnswerRow<Verdict> = {
  status: 403,
  means: 'indeterminate',
  why: 'our own token is refused, or its policy does not allow the look',
};

/** @returns null when the id is not one that may be asked about: nothing is sent then. */
export function vaultThing(settings: VaultSettings, supplierId: string): VaultThing | null {
  const { namespace } = settings;
  if (settings.what === 'lease') {
    return LEASE.test(supplierId) ? leaseThing(namespace) : null;
  }
  if (settings.what === 'token') return ACCESSOR.test(supplierId) ? tokenThing(namespace) : null;
  const [, path = '', version = ''] = COPY.exec(supplierId) ?? [];
  return KV_PATH.test(path) ? copyThing(settings.mount, path, Number(version), namespace) : null;
}

/** `sync`, or the server only queues the revocation and says yes. `revoke-force` is never used: it forgets leases whose credentials live on. */
function leaseThing(namespace?: string): VaultThing {
  const lease = { lease_id: '{supplierId}' };
  return {
    revoke: {
      request: vaultRequest('PUT', 'sys/leases/revoke', namespace, { ...lease, sync: true }),
      answers: [
        ...done,
        { status: 400, when: errorIs('invalid lease'), means: 'gone', why: 'the server has no such lease' },
        { status: 400, means: 'rejected', why: 'the server refuses the request' },
        { status: 404, means: 'rejected', why: 'the server knows no such path, or hides it from us' },
        ...REFUSES_US,
      ],
    },
    probe: {
      request: vaultRequest('PUT', 'sys/leases/lookup', namespace, lease),
      answers: [
        {
          status: 200,
          when: [{ pointer: '/data/id', sameAs: 'supplierId' }],
          means: 'live',
          why: 'the lease is there',
        },
        {
          status: 400,
          when: errorIs('invalid lease'),
          means: 'dead',
          why: 'the server has no such lease any more; it forgets one only when its credential is revoked, unless somebody forces it',
        },
        REFUSES_THE_LOOK,
      ],
    },
  };
}

function tokenThing(namespace?: string): VaultThing {
  const accessor = { accessor: '{supplierId}' };
  return {
    revoke: {
      request: vaultRequest('POST', 'auth/token/revoke-accessor', namespace, accessor),
      answers: [
        ...done,
        {
          status: [400, 403, 404],
          when: errorIs('invalid accessor'),
          means: 'gone',
          why: 'the server has no such accessor',
        },
        { status: 400, means: 'rejected', why: 'the server refuses the request' },
        { status: 404, means: 'rejected', why: 'the server knows no such path, or hides it from us' },
        ...REFUSES_US,
      ],
    },
    probe: {
      request: vaultRequest('POST', 'auth/token/lookup-accessor', namespace, accessor),
      answers: [
        {
          status: 200,
          when: [{ pointer: '/data/accessor', sameAs: 'supplierId' }],
          means: 'live',
          why: 'the token is there',
        },
        {
          status: [400, 403, 404],
          when: errorIs('invalid accessor'),
          means: 'dead',
          why: 'the server has no token of this accessor any more',
        },
        {
          status: [400, 403, 404],
          when: errorIs('bad token'),
          means: 'dead',
          why: 'the server still has the accessor and no token behind it',
        },
        REFUSES_THE_LOOK,
      ],
    },
  };
}

/** Never `live` and never `dead`: what a store says of its copy is no word about the credential. */
function copyThing(mount: string, path: string, version: number, namespace?: string): VaultThing {
  const of = `/data/versions/${version}`;
  const alone = 'which says nothing of the credential at its issuer';
  return {
    revoke: {
      request: vaultRequest('PUT', `${mount}/destroy/${path}`, namespace, { versions: [version] }),
      answers: [
        ...done,
        { status: 400, means: 'rejected', why: 'the server refuses the request' },
        { status: 404, means: 'rejected', why: 'the server knows no such path, or hides it from us' },
        ...REFUSES_US,
      ],
    },
    probe: {
      request: vaultRequest('GET', `${mount}/metadata/${path}`, namespace),
      answers: [
        {
          status: 200,
          when: [{ pointer: `${of}/destroyed`, equals: true }],
          means: 'indeterminate',
          why: `this copy is destroyed for good, ${alone}`,
        },
        {
          status: 200,
          when: [
            { pointer: `${of}/destroyed`, equals: false },
            { pointer: `${of}/deletion_time`, equals: '' },
          ],
          means: 'indeterminate',
          why: `this copy can be read, ${alone}`,
        },
        {
          status: 200,
          when: [{ pointer: `${of}/destroyed`, equals: false }],
          means: 'indeterminate',
          why: `this copy is deleted and can be brought back, ${alone}`,
        },
        REFUSES_THE_LOOK,
      ],
    },
  };
}
