import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refused, refusal } from '../kernel/errors.ts';
import { readStrictJson } from '../kernel/strict-json.ts';
import { multipart } from './multipart.ts';
import { readUpTo } from './read-up-to.ts';
import type { BodyKind, RouteConfig } from '../domain/access/route.ts';

/**
 * One reader for every body, chosen by what the route declares and never by what the client claims. The size is judged
 * before a byte is read, and again while reading.
 */
export function readBodiesAsDeclared(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', async (request: FastifyRequest, payload: NodeJS.ReadableStream) => {
    const declared = (request.routeOptions.config as RouteConfig).countersign;
    const kind: BodyKind =
      declared?.body ?? (declared === undefined || declared.face === 'api' ? 'json' : 'form');
    const limit = request.routeOptions.bodyLimit ?? 0;
    if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
    if (kind === 'stream') return payload;
    if (kind === 'upload') return multipart(await readAll(payload, limit), request.headers['content-type']);
    if (kind !== 'raw') refuseMediaType(request.headers['content-type'], kind);
    const bytes = await readAll(payload, limit);
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

async function readAll(payload: NodeJS.ReadableStream, limit: number): Promise<Buffer> {
  const bytes = await readUpTo(payload as AsyncIterable<Buffer>, limit);
  if (bytes === null) throw tooLarge(limit);
  return bytes;
}

const MEDIA: Readonly<Record<'json' | 'form', RegExp>> = {
  json: /^application\/(?:json|[a-z0-9.+-]+\+json)$/,
  form: /^application\/x-www-form-urlencoded$/,
};

/** JSON has one encoding (RFC 8259 section 8.1); a body that claims another would be read otherwise elsewhere. */
function refuseMediaType(header: string | undefined, kind: 'json' | 'form'): void {
  const [type = '', ...parameters] = (header ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  const wanted = kind === 'json' ? 'application/json' : 'application/x-www-form-urlencoded';
  if (!MEDIA[kind].test(type) || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')) {
    throw new Refused(
      refusal('invalid', 'unsupported-media-type', `The address takes ${wanted} in UTF-8.`, {
        fields: [
          {
            field: 'content-type',
            problem: 'another type or encoding',
            mend: `Send content-type: ${wanted}`,
          },
        ],
      }),
    );
  }
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
