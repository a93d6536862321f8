import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refusal } from '../kernel/errors.ts';
import type { RouteConfig } from '../domain/access/route.ts';
import type { Log } from '../platform/log/log.ts';
import { answerTo, refusalOf, refusalOfParty, type Problem } from './problem.ts';

/** A problem for people: a page, or where to go instead. Given by whoever builds the application, as faces do not know each other. */
export type ProblemPage = (
  problem: Problem,
  request: FastifyRequest,
) => { html: string } | { seeOther: string };

const BUG = refusal(
  'unavailable',
  'internal-error',
  'Something went wrong here. The correlation id finds it in the log.',
);

const OTHER_METHOD = refusal(
  'invalid',
  'method-not-allowed',
  'The address does not take this method; the header Allow says which it takes.',
);

/** Whatever is thrown on the way to an answer ends here: refusals in full, anything else opaque. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    private readonly page?: ProblemPage,
    private readonly methodsAt: (path: string) => string[] = () => [],
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.sent) return;
    const correlationId = request.correlationId ?? '';
    const allowed = request.is404 ? this.#allowed(request) : [];
    const refused =
      allowed.length > 0
        ? OTHER_METHOD
        : (refusalOf(thrown) ?? refusalOfParty(thrown, request.principal?.partyId));
    const { status, headers, problem } = answerTo(refused ?? BUG, correlationId);
    // RFC 9110, section 15.5.6
    if (allowed.length > 0) headers['allow'] = allowed.join(', ');
    if (!refused) {
      problem.status = 500;
      problem.title = 'Internal error';
      this.log.error(
        { err: thrown, method: request.method, route: request.routeOptions?.url },
        'a request ended in an unknown error',
      );
    }
    void reply.code(refused ? status : 500).headers(headers);
    const page = isForPeople(request) ? this.page?.(problem, request) : undefined;
    if (!page) void reply.send(problem);
    else if ('seeOther' in page) void reply.redirect(page.seeOther, 303);
    else void reply.type('text/html; charset=utf-8').send(page.html);
  }

  /** What the address takes in place of this method. */
  #allowed(request: FastifyRequest): string[] {
    if (request.method === 'OPTIONS') return [];
    return this.methodsAt(request.url.split('?', 1)[0] ?? '');
  }
}

/** A page of ours was asked for, or an address that nobody has by somebody who reads pages. */
function isForPeople(request: FastifyRequest): boolean {
  const { accept } = request.headers;
  if (accept?.includes('text/event-stream')) return false;
  const face = (request.routeOptions?.config as RouteConfig | undefined)?.countersign?.face;
  return face === undefined ? accept?.includes('text/html') === true : face !== 'api';
}
