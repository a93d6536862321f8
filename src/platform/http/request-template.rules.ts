import { z } from 'zod';
import { err, ok, type Result } from '../../kernel/result.ts';

/**
 * An HTTP request with holes, as configuration writes it. `{name}` stands for a value; nothing else is interpreted.
 *
 * The path begins at the base URL. A value fills at most its own segment: it is encoded, may not be empty or a dot
 * segment and may not hold a slash, and the finished URL must have the template's shape.
 */
export const requestTemplateSchema = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD']),
  path: z
    .string()
    .regex(/^\/[^?#\s\\]*$/, 'must begin with / and hold no query, fragment, space or backslash'),
  query: z.record(z.string().min(1), z.string()).optional(),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/, 'must be a header name'), z.string()).optional(),
  auth: z
    .discriminatedUnion('style', [
      z.strictObject({ style: z.literal('none') }),
      z.strictObject({ style: z.literal('bearer'), token: z.string() }),
      z.strictObject({ style: z.literal('basic'), username: z.string(), password: z.string() }),
      z.strictObject({
        style: z.literal('header'),
        name: z.string().regex(/^[A-Za-z0-9-]+$/),
        value: z.string(),
      }),
    ])
    .default({ style: 'none' }),
  /** `form` as RFC 1866 forms; `json` any document, whose texts may hold holes. */
  body: z
    .union([z.strictObject({ form: z.record(z.string(), z.string()) }), z.strictObject({ json: z.json() })])
    .optional(),
});

export type RequestTemplate = z.infer<typeof requestTemplateSchema>;

/** A finished request, without limits and signal. */
export interface FilledRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
}

/** One hole's value, or undefined when there is none. Names: `value`, `supplierId`, `auth.client_id`. */
export type ValueOf = (name: string) => string | undefined;

const HOLE = /\{([A-Za-z][A-Za-z0-9_.]*)\}/g;

/** A template never changes, and is filled for each request. */
const known = new WeakMap<RequestTemplate, ReadonlySet<string>>();

/** Every name that a template refers to. */
export function namesIn(template: RequestTemplate): ReadonlySet<string> {
  let names = known.get(template);
  if (names === undefined) {
    names = new Set([...JSON.stringify(template).matchAll(HOLE)].map((match) => match[1] as string));
    known.set(template, names);
  }
  return names;
}

/** @returns the request, or one sentence that says what is missing or not allowed; never a value. */
export function fillRequest(
  template: RequestTemplate,
  baseUrl: string,
  valueOf: ValueOf,
): Result<FilledRequest, string> {
  const missing = [...namesIn(template)].filter((name) => valueOf(name) === undefined);
  if (missing.length > 0) return err(`no value for ${missing.map((name) => `{${name}}`).join(', ')}`);
  const fill = (text: string) => text.replace(HOLE, (_hole, name: string) => valueOf(name) ?? '');
  const url = filledUrl(template, baseUrl, valueOf);
  if (!url.ok) return url;

  const headers: Record<string, string> = { accept: 'application/json' };
  for (const [name, value] of Object.entries(template.headers ?? {}))
    headers[name.toLowerCase()] = fill(value);
  const auth = template.auth;
  if (auth.style === 'bearer') headers.authorization = `Bearer ${fill(auth.token)}`;
  else if (auth.style === 'basic')
    headers.authorization = basicAuth(fill(auth.username), fill(auth.password));
  else if (auth.style === 'header') headers[auth.name.toLowerCase()] = fill(auth.value);

  let body: string | undefined;
  if (template.body && 'form' in template.body) {
    body = new URLSearchParams(
      Object.entries(template.body.form).map(([name, value]): [string, string] => [name, fill(value)]),
    ).toString();
    headers['content-type'] ??= 'application/x-www-form-urlencoded';
  } else if (template.body) {
    body = JSON.stringify(filledJson(template.body.json, fill));
    headers['content-type'] ??= 'application/json';
  }
  return ok({ method: template.method, url: url.value, headers, ...(body === undefined ? {} : { body }) });
}

/** `Basic` with the raw values, as API suppliers want it. */
export function basicAuth(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

/** `Basic` as RFC 6749 section 2.3.1 wants it of OAuth clients: both parts form-encoded first. */
export function oauthBasicAuth(clientId: string, clientSecret: string): string {
  return basicAuth(formEncoded(clientId), formEncoded(clientSecret));
}

function formEncoded(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2);
}

function filledUrl(template: RequestTemplate, baseUrl: string, valueOf: ValueOf): Result<string, string> {
  if (!URL.canParse(baseUrl)) return err('the base URL is malformed');
  const base = new URL(baseUrl);
  if (base.search !== '' || base.hash !== '') return err('the base URL has a query or a fragment');
  const prefix = base.pathname.replace(/\/+$/, '');
  const segments: string[] = [];
  for (const segment of template.path.split('/').slice(1)) {
    const filled = filledSegment(segment, valueOf);
    if (!filled.ok) return filled;
    segments.push(filled.value);
  }
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(template.query ?? {})) {
    query.set(
      name,
      value.replace(HOLE, (_hole, hole: string) => valueOf(hole) ?? ''),
    );
  }
  const search = query.toString();
  const path = `${prefix}/${segments.join('/')}`;
  const written = `${base.origin}${path}${search === '' ? '' : `?${search}`}`;
  // A parser may see another path than we wrote (dot segments, backslashes): then it is not the template's request.
  if (!URL.canParse(written)) return err('the finished URL is malformed');
  const url = new URL(written);
  if (url.origin !== base.origin || url.pathname !== path || url.hash !== '' || url.username !== '') {
    return err("the finished URL does not have the template's shape");
  }
  return ok(url.href);
}

const DOTS = /^(\.|%2e)(\.|%2e)?$/i;

function filledSegment(segment: string, valueOf: ValueOf): Result<string, string> {
  let problem: string | null = null;
  const filled = segment.replace(HOLE, (_hole, name: string) => {
    const value = (valueOf(name) ?? '').toWellFormed();
    if (value === '') problem = `{${name}} is empty`;
    // Some servers decode %2F and %5C before they route.
    else if (/[/\\\u0000-\u001f\u007f]/.test(value))
      problem = `{${name}} holds a slash or a control character`;
    return encodeURIComponent(value);
  });
  if (problem !== null) return err(problem);
  // Unreserved marks aside, what stands literally in a template is a path already.
  if (segment !== '' && DOTS.test(filled)) return err('a path segment would be a dot segment');
  return ok(filled);
}

type Json = z.infer<ReturnType<typeof z.json>>;

function filledJson(value: Json, fill: (text: string) => string): Json {
  if (typeof value === 'string') return fill(value);
  if (Array.isArray(value)) return value.map((item) => filledJson(item, fill));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filledJson(item, fill)]));
  }
  return value;
}
