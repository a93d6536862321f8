import {
  type Call,
  MOST_VERSIONS,
  type EntryProblem,
  type EntryReading,
  type EntryWritten,
  type HeldValue,
  type StoreEntry,
} from '../../../domain/revocation/connector.ts';
import { Secret } from '../../../kernel/secret.ts';
import type { Outbound, OutboundAnswer } from '../../../platform/http/outbound.ts';
import { notSent, withheld } from '../../vendors/declared-http/declared-request.ts';
import { parsed } from '../../vendors/declared-http/issued-answers.ts';
import { shownOf } from '../../../platform/http/client-certificate.ts';
import { askVault } from '../../vendors/vault/vault-client.ts';
import { KV_PATH } from '../../vendors/vault/vault-requests.ts';
import type { VaultSettings } from './vault-things.ts';

/**
 * Entries of a KV version 2 engine (openbao/openbao, website/content/api-docs/secret/kv/kv-v2): `data/<path>` reads and
 * writes, with `options.cas` the number of the newest version that must not have changed meanwhile; `metadata/<path>`
 * lists the versions. Written from the documentation, not run against either product.
 */

export const FIELD = /^[A-Za-z0-9._-]{1,200}$/;
type Entry = StoreEntry<VaultSettings>;

interface Kv {
  data?: {
    data?: Record<string, unknown> | null;
    metadata?: { version?: number };
    version?: number;
    versions?: Record<string, { destroyed?: boolean; deletion_time?: string }>;
  };
  errors?: string[];
}

export async function readKvEntry(outbound: Outbound, entry: Entry, call: Call): Promise<EntryReading> {
  const client = clientOf(outbound, entry, call);
  if ('why' in client) return { outcome: 'unknown', why: client.why, exchange: notSent(call, client.why) };
  const list = await client.ask('GET', 'metadata');
  const exchange = withheld(list.record);
  if (!list.ok) return { outcome: 'unknown', why: list.why, exchange };
  if (list.status === 404) return { outcome: 'read', held: [], unread: 0, exchange };
  const versions = list.status === 200 ? (parsed(list.body) as Kv | undefined)?.data?.versions : undefined;
  if (!versions) return { outcome: 'unknown', why: meaning(list.status), exchange };
  const there = Object.entries(versions)
    .filter(([, one]) => one.destroyed !== true)
    .map(([number, one]) => ({ number: Number(number), deleted: (one.deletion_time ?? '') !== '' }))
    .sort((a, b) => b.number - a.number);
  const newest = Math.max(0, ...Object.keys(versions).map(Number));
  const held: HeldValue[] = [];
  // What is deleted and not destroyed can be brought back, and cannot be read until then.
  let unread = there.filter(({ deleted }) => deleted).length;
  for (const { number } of there.filter(({ deleted }) => !deleted)) {
    if (held.length === MOST_VERSIONS) {
      unread++;
      continue;
    }
    const one = await client.ask('GET', 'data', `?version=${number}`);
    if (!one.ok || one.status !== 200) {
      unread++;
      continue;
    }
    const value = (parsed(one.body) as Kv | undefined)?.data?.data?.[client.field];
    held.push({
      name: `version ${number}`,
      current: number === newest,
      value: typeof value === 'string' ? Secret.of(value) : null,
    });
  }
  return { outcome: 'read', held, unread, exchange };
}

export async function writeKvEntry(
  outbound: Outbound,
  entry: Entry,
  value: Secret,
  call: Call,
): Promise<EntryWritten> {
  const client = clientOf(outbound, entry, call);
  if ('why' in client) return { outcome: 'rejected', why: client.why, exchange: notSent(call, client.why) };
  const before = await client.ask('GET', 'data');
  if (!before.ok) return { outcome: 'retry', why: before.why, exchange: withheld(before.record) };
  // 404 with metadata: the newest version is deleted; without: there is none.
  if (before.status !== 200 && before.status !== 404) return refused(before);
  const read = (parsed(before.body) as Kv | undefined)?.data;
  const version = read?.metadata?.version ?? 0;
  const fields = read?.data ?? {};
  if (value.use((text) => fields[client.field] === text))
    return { outcome: 'held', name: `version ${version}`, exchange: withheld(before.record) };
  const json = value.use((text) => ({
    options: { cas: version },
    data: { ...fields, [client.field]: text },
  }));
  const after = await client.ask('POST', 'data', '', json, [value]);
  const exchange = withheld(after.record);
  if (!after.ok) return { outcome: 'retry', why: `perhaps written: ${after.why}`, exchange };
  if (after.status === 200) {
    const written = (parsed(after.body) as Kv | undefined)?.data?.version ?? version + 1;
    return { outcome: 'written', name: `version ${written}`, exchange };
  }
  const errors = (parsed(after.body) as Kv | undefined)?.errors ?? [];
  if (after.status === 400 && errors.some((error) => error.includes('check-and-set')))
    return { outcome: 'retry', why: 'somebody else wrote to the entry at the same time', exchange };
  return refused(after);
}

interface Client {
  field: string;
  ask(
    method: 'GET' | 'POST',
    part: 'data' | 'metadata',
    query?: string,
    json?: unknown,
    secrets?: readonly Secret[],
  ): Promise<OutboundAnswer>;
}

/** @returns why nothing may be asked about the entry, or who asks */
function clientOf(
  outbound: Outbound,
  { settings, baseUrl, auth, entry, field }: Entry,
  call: Call,
): Client | { why: string } {
  const problem = kvEntryProblem({ settings, entry, field });
  if (problem || field === null || settings.what !== 'kv_copy')
    return { why: problem?.why ?? 'the entry names no field' };
  const { token } = auth;
  if (!token) return { why: 'our own token is not at hand' };
  const { mount, namespace } = settings;
  return {
    field,
    ask: (method, part, query = '', json, secrets = []) =>
      askVault(
        outbound,
        { url: baseUrl, token, namespace, shown: shownOf(auth) },
        { method, path: `${mount}/${part}/${entry}${query}`, json, signal: call.signal, secrets },
      ),
  };
}

export function kvEntryProblem({
  settings,
  entry,
  field,
}: Pick<Entry, 'settings' | 'entry' | 'field'>): EntryProblem | null {
  if (settings.what !== 'kv_copy')
    return {
      about: 'connectionId',
      why: 'its preset is not one of copies in a KV engine',
      mend: 'Choose a connection of the preset vault-kv-copy.',
    };
  if (!KV_PATH.test(entry))
    return {
      about: 'entry',
      why: 'the entry is no path of a KV engine',
      mend: 'Write it without the mount and without "data/", like apps/shop/stripe.',
    };
  if (field === null || !FIELD.test(field))
    return {
      about: 'field',
      why: 'the entry names no field: a KV entry has several',
      mend: 'Give the name of the field that holds the value, of letters, digits, dots, dashes and underscores.',
    };
  return null;
}

function refused(answer: Extract<OutboundAnswer, { ok: true }>): EntryWritten {
  const exchange = withheld(answer.record);
  const why = meaning(answer.status);
  return answer.status === 429 || answer.status >= 500
    ? { outcome: 'retry', why, exchange }
    : { outcome: 'rejected', why, exchange };
}

function meaning(status: number): string {
  if (status === 403) return 'our own token is refused, or its policy does not allow this';
  if (status === 503) return 'the server is sealed or in maintenance';
  return `the server answered ${status}`;
}
