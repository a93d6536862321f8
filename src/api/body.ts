import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Millis } from '../kernel/time.ts';
import { readStrictJson } from '../kernel/strict-json.ts';
import { multipart } from './multipart.ts';
import { readUpTo } from './read-up-to.ts';
import type { BodyKind, RouteConfig } from '../domain/access/route.ts';

/**
 * One reader for every body, chosen by what the route declares and never by what the client claims. The size is judged
 * before a byte is read, and again while reading.
 *
 * @param within how long a body may take to arrive
 */
export function readBodiesAsDeclared(fastify: FastifyInstance, within: Millis): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', async (request: FastifyRequest, payload: NodeJS.ReadableStream) => {
    const declared = (request.routeOptions.config as RouteConfig).countersign;
    const kind: BodyKind =
      declared?.body ?? (declared === undefined || declared.face === 'api' ? 'json' : 'form');
    const limit = request.routeOptions.bodyLimit ?? 0;
    if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
    if (kind === 'stream') return payload;
    if (kind === 'upload')
      return multipart(await readAll(payload, limit, within), request.headers['content-type']);
    const contentType = request.headers['content-type'];
    if (kind === 'raw') refuseOtherEncoding(contentType);
    else refuseMediaType(contentType, kind);
    const bytes = await readAll(payload, limit, within);
    if (kind === 'raw') return bytes;
    if (bytes.length === 0) return undefined;
    return kind === 'json' ? json(bytes) : form(bytes);
  });
}

function tooLarge(limit: number): Refused {
  return new Refused(
    refusal('too_large', 'too-large', `The body is larger than the ${limit} bytes that this address takes.`),
  );
}

async function readAll(payload: NodeJS.ReadableStream, limit: number, within: Millis): Promise<Buffer> {
  const bytes = await readUpTo(payload as AsyncIterable<Buffer>, limit, within);
  if (bytes === null) throw tooLarge(limit);
  return bytes;
}

const MEDIA: Readonly<Record<'json' | 'form', RegExp>> = {
  json: /^application\/(?:json|[a-z0-9.+-]+\+json)$/,
  form: /^application\/x-www-form-urlencoded$/,
};

/** JSON has one encoding (RFC 8259 section 8.1); a body that claims another would be read otherwise elsewhere. */
function refuseMediaType(header: string | undefined, kind: 'json' | 'form'): void {
  const type = (header ?? '').split(';')[0]!.trim().toLowerCase();
  const wanted = kind === 'json' ? 'application/json' : 'application/x-www-form-urlencoded';
  if (!MEDIA[kind].test(type) || otherEncoding(header))
    throw new Refused(unsupported(`The address takes ${wanted} in UTF-8.`, `Send content-type: ${wanted}`));
}

/** Of bodies that are read as bytes: what claims another encoding than UTF-8 is text that would be read as something else. */
export function refuseOtherEncoding(header: string | undefined): void {
  if (otherEncoding(header))
    throw new Refused(
      unsupported('The address takes text in UTF-8.', 'Send it in UTF-8, and say so or nothing.'),
    );
}

function otherEncoding(header: string | undefined): boolean {
  return (header ?? '')
    .split(';')
    .slice(1)
    .map((parameter) => /^\s*charset\*?\s*=\s*"?([^"]*?)"?\s*$/i.exec(parameter)?.[1])
    .some((charset) => charset !== undefined && !/^utf-?8$/i.test(charset));
}

function unsupported(message: string, mend: string) {
  return refusal('invalid', 'unsupported-media-type', message, {
    fields: [{ field: 'content-type', problem: 'another type or encoding', mend }],
  });
}

function json(bytes: Buffer): unknown {
  const read = readStrictJson(bytes);
  if (read.ok) return read.value;
  const { pointer, problem, mend } = read.error;
  throw new Refused(
    refusal('invalid', `json-${read.error.code}`, `The body is refused: ${problem}.`, {
      fields: [{ field: pointer || '/', problem, mend }],
    }),
  );
}

/** A field that comes twice becomes a list. */
function form(bytes: Buffer): Record<string, string | string[]> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refused(refusal('invalid', 'form-encoding', 'The form is not well-formed UTF-8.'));
  }
  const fields: Record<string, string | string[]> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    if (name === '__proto__' || value.includes('\u0000') || name.includes('\u0000')) {
      throw new Refused(
        refusal('invalid', 'form-field', 'The form holds a field or character that is never taken.'),
      );
    }
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
    fields[name] = known === undefined ? value : [known, value].flat();
  }
  return fields;
}
