import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  fillRequest,
  namesIn,
  type RequestTemplate,
} from '../../src/platform/http/request-template.rules.ts';
import { rowFor, type AnswerRow, type Condition } from '../../src/platform/http/answer-table.rules.ts';
import type { DeclarativeHttpSettings } from '../../src/plugins/connectors/declarative-http/declarative-http.settings.ts';
import type { Asked, Dialect, Issued, Reply, ScriptedSupplier } from './scripted-supplier.ts';

/**
 * A supplier that speaks as a preset says, so that a new preset is tried by existing. It reads the requests that the
 * connector really sends against the preset's templates, and answers with bodies made to fit one row each; a row that an
 * earlier one hides is an error. It cannot tell whether the preset is right about the supplier: the hand-written dialects
 * of `scripted-supplier.ts` and the supplier's own description do that.
 */
const BASE = 'http://supplier.invalid';
const TOKEN = 'access-token-of-our-own-0123456789';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

type Part =
  'login' | 'probe' | 'ownAuthentication' | 'revoke' | 'endSessions' | 'issue' | 'listIssued' | 'listUsage';
const KINDS: Record<Part, Asked['kind']> = {
  login: 'other',
  probe: 'probe',
  ownAuthentication: 'own',
  revoke: 'revoke',
  endSessions: 'sessions',
  issue: 'issue',
  listIssued: 'list',
  listUsage: 'usage',
};
interface Declared {
  request: RequestTemplate;
  answers: AnswerRow[];
}
interface Wire {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  form: URLSearchParams;
  json: unknown;
  body: string;
  search: string;
}

export class PresetSupplier implements Dialect {
  readonly admin: Record<string, string>;
  readonly #known: { id: string; value: string }[] = [];
  readonly #google: boolean;
  /** Another id than the one that was asked about, in every answer that names one. */
  namesOthers = false;
  /** Which of two parts that ask the very same is meant. */
  first: Part = 'login';

  constructor(
    readonly settings: DeclarativeHttpSettings,
    auth: Readonly<Record<string, string>>,
  ) {
    this.#google = Object.values(settings.assertions ?? {}).some((one) => one.format === 'google');
    this.admin = Object.fromEntries(
      Object.keys(auth).map((name) => [
        name,
        name === 'service_account' ? keyFile('own') : name === 'private_key' ? PEM : `our-${name}-0123456789`,
      ]),
    );
  }

  idOf(name: string, n: number): string {
    return `id-${name}-${n}`;
  }

  secretOf(name: string, n: number): string {
    const id = this.idOf(name, n);
    const value = this.#google ? keyFile(id) : `val-${name}-${'0123456789abcdef'.repeat(2)}${n}`;
    this.#known.push({ id, value });
    return value;
  }

  answer(request: Wire, supplier: ScriptedSupplier) {
    for (const part of [this.first, ...(Object.keys(KINDS) as Part[])]) {
      const declared = this.#declared(part);
      if (!declared || !routed(declared.request, request)) continue;
      for (const about of [...this.#known, { id: idIn(declared.request, request), value: '-' }]) {
        if (this.#matches(declared.request, request, about))
          return this.#says(
            part,
            declared,
            supplier.issued.find((one) => one.id === about.id) ?? null,
            supplier,
          );
      }
    }
    for (const part of Object.keys(KINDS) as Part[]) {
      const declared = this.#declared(part);
      if (!declared || !routed(declared.request, request)) continue;
      const ours = [...namesIn(declared.request)].some(
        (name) => name.startsWith('auth.') || name === 'token',
      );
      const issued = null;
      const kind = KINDS[part];
      if (!ours)
        return {
          kind,
          issued,
          reply: this.#reply(part, declared, ['dead', 'gone', 'rejected', 'unknown'], null),
        };
      const refusal = declared.answers.find(
        (row) => row.ownAuthentication || (part === 'login' && row.means === 'refused'),
      );
      const reply = refusal
        ? this.#body(declared, refusal, null, part)
        : { status: 401, body: { error: 'stranger' } };
      return { kind, issued, reply };
    }
    return null;
  }

  #declared(part: Part): Declared | null {
    const declared = this.settings[part];
    return typeof declared === 'object' && 'request' in declared ? (declared as Declared) : null;
  }

  /** Whether the request is the template, filled with this credential and with our own authentication. */
  #matches(template: RequestTemplate, actual: Wire, about: { id: string; value: string }): boolean {
    const jwt = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(`${actual.headers.authorization ?? ''} ${actual.body}`)?.[0];
    const label = /"?(drill-[\w-]+)/.exec(decodeURIComponent(actual.body.replaceAll('+', ' ')))?.[1];
    const filled = fillRequest(pruned(template, actual), BASE, (name) => {
      if (name === 'value') return about.value;
      if (name === 'supplierId') return about.id;
      if (name === 'kind') return 'key';
      if (name === 'token') return TOKEN;
      if (name === 'label') return label;
      if (name === 'idempotencyKey') return 'step:1';
      if (name.startsWith('auth.')) return this.admin[name.slice(5)];
      if (!name.startsWith('jwt.') || jwt === undefined) return undefined;
      const assertion = this.settings.assertions?.[name.slice(4)];
      return assertion && signedBy(jwt, assertion.key === '{value}' ? about.id : 'own', this.admin['app_id'])
        ? jwt
        : undefined;
    });
    if (!filled.ok) return false;
    const url = new URL(filled.value.url);
    if (url.pathname !== actual.path || url.search !== actual.search) return false;
    for (const [name, value] of Object.entries(filled.value.headers))
      if (actual.headers[name] !== value) return false;
    return (filled.value.body ?? '') === actual.body;
  }

  #says(part: Part, declared: Declared, issued: Issued | null, supplier: ScriptedSupplier) {
    const kind = KINDS[part];
    const live = issued?.live === true;
    switch (part) {
      case 'login':
        return { kind, issued: null, reply: this.#reply(part, declared, ['granted'], null) };
      case 'ownAuthentication':
        return { kind, issued: null, reply: this.#reply(part, declared, ['live'], null) };
      case 'probe':
        return { kind, issued, reply: this.#reply(part, declared, live ? ['live'] : ['dead'], issued) };
      case 'revoke': {
        const reply = this.#reply(part, declared, live ? ['accepted'] : ['gone', 'accepted'], issued);
        return { kind, issued, reply, ...(live ? { revokes: issued } : {}) };
      }
      case 'endSessions':
        return { kind, issued, reply: this.#reply(part, declared, ['ended'], issued) };
      case 'issue': {
        const made = supplier.issue('made');
        return { kind, issued: made, reply: this.#reply(part, declared, ['issued'], made) };
      }
      case 'listIssued':
        return { kind, issued, reply: this.#list(declared, supplier) };
      case 'listUsage':
        return { kind, issued, reply: this.#reply(part, declared, ['stated'], issued) };
    }
  }

  #reply(part: Part, declared: Declared, wanted: readonly string[], issued: Issued | null): Reply {
    const row = wanted.flatMap((means) => declared.answers.filter((one) => one.means === means))[0];
    return row ? this.#body(declared, row, issued, part) : { status: 401, body: { error: 'refused' } };
  }

  /** A body that fits this row and none before it. */
  #body(declared: Declared, row: AnswerRow, issued: Issued | null, part: Part): Reply {
    const valueOf = (name: string) =>
      name === 'supplierId' ? (issued?.id ?? 'nobody') : this.admin[name.replace('auth.', '')];
    let body: unknown = {};
    for (const condition of row.when ?? []) body = set(body, condition, valueOf);
    const others = this.namesOthers;
    if (others)
      for (const condition of row.when ?? [])
        if ('sameAs' in condition) body = put(body, condition.pointer, 'somebody-elses');
    if (part === 'login') body = put(body, this.settings.login!.token.pointer, TOKEN);
    if (part === 'issue' && row.means === 'issued') body = this.#made(body, issued!);
    if (part === 'listUsage') body = put(body, this.settings.listUsage!.lastUsedAt, '2026-11-20T10:00:00Z');
    const status = [row.status].flat()[0] as number;
    const found = rowFor(declared.answers, { status, body: Buffer.from(JSON.stringify(body)) }, valueOf);
    if (found !== row && !others) throw new Error(`an earlier row hides: ${JSON.stringify(row)}`);
    return { status, body };
  }

  #made(body: unknown, made: Issued): unknown {
    const { value, id, expiresAt } = this.settings.issue!;
    let out = body;
    if (value !== 'body')
      out = put(out, value.pointer, value.encoding ? Buffer.from(made.value).toString('base64') : made.value);
    if (id && id !== 'same') out = put(out, id.pointer, `${id.after ? `keys${id.after}` : ''}${made.id}`);
    return expiresAt === undefined ? out : put(out, expiresAt, '2027-01-01T00:00:00Z');
  }

  #list(declared: Declared, supplier: ScriptedSupplier): Reply {
    const { versions, id, label, createdAt } = this.settings.listIssued!;
    const all = supplier.issued.map((one) => {
      let entry = put({}, id.pointer, `${id.after ? `keys${id.after}` : ''}${one.id}`);
      if (label !== undefined) entry = put(entry, label, one.name);
      if (createdAt !== undefined) entry = put(entry, createdAt, '2026-11-20T10:00:00Z');
      // Some suppliers hand out values here, which nobody asked for.
      return { ...(entry as object), client_secret: one.value };
    });
    const status = [declared.answers[0]!.status].flat()[0] as number;
    return { status, body: put({}, versions, all) };
  }
}

function keyFile(id: string): string {
  return JSON.stringify({ private_key: PEM, private_key_id: id, client_email: `${id}@p.iam.example` });
}

function signedBy(jwt: string, kid: string, issuer: string | undefined): boolean {
  const [head = '', claims = '', signature = ''] = jwt.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid?: string };
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as {
    iss: string;
    exp: number;
    iat: number;
  };
  const now = Date.now() / 1000;
  const named =
    header.kid === undefined ? said.iss === issuer : header.kid === kid && said.iss.startsWith(kid);
  return (
    named &&
    said.iat <= now &&
    said.exp > now &&
    said.exp - said.iat <= 600 &&
    verify(
      'RSA-SHA256',
      Buffer.from(`${head}.${claims}`),
      createPublicKey(createPrivateKey(PEM)),
      Buffer.from(signature, 'base64url'),
    )
  );
}

/** Method and path alone. */
function routed(template: RequestTemplate, { method, path }: Wire): boolean {
  return template.method === method && pathOf(template).test(path);
}

function pathOf(template: RequestTemplate): RegExp {
  const plain = template.path.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${plain.replace('{supplierId}', '(?<id>[^/]+?)').replace(/\{[^}]+\}/g, '[^/]+')}$`);
}

function idIn(template: RequestTemplate, { path, json }: Wire): string {
  const inPath = pathOf(template).exec(path)?.groups?.['id'];
  const inBody = JSON.stringify(json ?? '').match(/id-[\w-]+/)?.[0];
  return inPath === undefined ? (inBody ?? 'nobody') : decodeURIComponent(inPath);
}

/** What the maker of a version left out is not in the request, so not in the template either. */
function pruned(template: RequestTemplate, actual: Wire): RequestTemplate {
  const text = JSON.stringify(template.body ?? null);
  if (!/\{expires(At|On)\}/.test(text) || /\d{4}-\d\d-\d\d/.test(actual.body)) {
    const on = /\d{4}-\d\d-\d\d/.exec(actual.body)?.[0];
    const at = /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(actual.body)?.[0];
    return JSON.parse(
      JSON.stringify(template)
        .replaceAll('{expiresOn}', on ?? '')
        .replaceAll('{expiresAt}', at ?? ''),
    ) as RequestTemplate;
  }
  const without = text.replace(/,?"\w+":"\{expires(?:At|On)\}"/g, '');
  return { ...template, body: JSON.parse(without) as NonNullable<RequestTemplate['body']> };
}

const SAMPLES = { string: 'text', number: 1, boolean: true, object: { a: 1 }, array: [], null: null };

function set(body: unknown, condition: Condition, valueOf: (name: string) => string | undefined): unknown {
  if ('element' in condition) throw new Error('no declared preset speaks XML');
  const { pointer } = condition;
  if ('equals' in condition) return put(body, pointer, condition.equals);
  if ('in' in condition) return put(body, pointer, condition.in[0]);
  if ('type' in condition) return put(body, pointer, SAMPLES[condition.type]);
  if ('contains' in condition) return put(body, pointer, `so: ${condition.contains}.`);
  if ('sameAs' in condition) return put(body, pointer, valueOf(condition.sameAs));
  return condition.exists ? put(body, pointer, 'there') : body;
}

export function put(body: unknown, pointer: string, value: unknown): unknown {
  if (pointer === '') return value;
  const [name = '', ...rest] = pointer.slice(1).split('/');
  const held = (body ?? {}) as Record<string, unknown>;
  return { ...held, [name]: put(held[name], rest.length === 0 ? '' : `/${rest.join('/')}`, value) };
}
