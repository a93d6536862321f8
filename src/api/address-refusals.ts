import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refusal, type Refusal } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import { CORRELATION_ID } from '../platform/log/log.ts';
import { answerTo, refusalOf } from './problem.ts';

/** What is refused before there is a route: by the router, or by the reader of HTTP itself. */

const UNREADABLE_ADDRESS = refusal('invalid', 'bad-address', 'The address cannot be read.', {
  fields: [
    {
      field: 'path',
      problem: 'holds a percent sign that does not begin an octet of UTF-8',
      mend: 'Percent-encode the UTF-8 of each part (RFC 3986, section 2.1).',
    },
  ],
});

const NOT_HTTP = refusal('invalid', 'bad-request', 'This is no request that can be read (RFC 9112).');

const OF_PARSER: Readonly<Record<string, Refusal>> = {
  HPE_INVALID_METHOD: refusal('invalid', 'unknown-method', 'There is no such method.', {
    fields: [{ field: 'method', problem: 'unknown', mend: 'Use GET, POST, PUT, PATCH or DELETE.' }],
  }),
  HPE_HEADER_OVERFLOW: refusal('invalid', 'headers-too-large', 'The headers are larger than is taken here.'),
  ERR_HTTP_REQUEST_TIMEOUT: refusal('invalid', 'too-slow', 'The request took too long to arrive.'),
};

const PARSER_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Fastify's own refusals of an address, as problem documents. No hook has run: the headers are set here. */
export function refuseAddress(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const refused =
    (error as { code?: string }).code === 'FST_ERR_BAD_URL'
      ? UNREADABLE_ADDRESS
      : (refusalOf(error) ?? NOT_HTTP);
  const { status, headers, body } = documentOf(refused, request.raw);
  reply.hijack();
  reply.raw.writeHead(status, headers).end(request.raw.method === 'HEAD' ? undefined : body);
}

/** What Node could not read as HTTP; the connection ends with the answer. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const refused = OF_PARSER[error.code ?? ''] ?? NOT_HTTP;
  const { status, headers, body } = documentOf(refused, undefined, PARSER_STATUS[error.code ?? '']);
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}

function documentOf(
  refused: Refusal,
  request: IncomingMessage | undefined,
  as?: number,
): { status: number; headers: Record<string, string>; body: string } {
  const offered = request?.headers['x-correlation-id'];
  const correlationId = typeof offered === 'string' && CORRELATION_ID.test(offered) ? offered : newId();
  const { status, headers, problem } = answerTo(refused, correlationId);
  const body = JSON.stringify({ ...problem, status: as ?? status });
  return {
    status: as ?? status,
    headers: {
      ...headers,
      'content-length': String(Buffer.byteLength(body)),
      'x-content-type-options': 'nosniff',
      'x-correlation-id': correlationId,
    },
    body,
  };
}
