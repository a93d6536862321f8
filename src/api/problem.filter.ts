import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refusal } from '../kernel/errors.ts';
import type { RouteConfig } from '../domain/access/route.ts';
import type { Log } from '../platform/log/log.ts';
import { answerTo, refusalOf, type Problem } from './problem.ts';

/** Draws a problem as a page, for people. Given by whoever builds the application, as faces do not know each other. */
export type ProblemPage = (problem: Problem, request: FastifyRequest) => string;

const BUG = refusal(
  'unavailable',
  'internal-error',
  'Something went wrong here. The correlation id finds it in the log.',
);

/** Whatever is thrown on the way to an answer ends here: refusals in full, anything else opaque. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    private readonly page?: ProblemPage,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.sent) return;
    const correlationId = request.correlationId ?? '';
    const refused = refusalOf(thrown);
    const { status, headers, problem } = answerTo(refused ?? BUG, correlationId);
    if (!refused) {
      problem.status = 500;
      problem.title = 'Internal error';
      this.log.error(
        { err: thrown, method: request.method, route: request.routeOptions?.url },
        'a request ended in an unknown error',
      );
    }
    const console =
      (request.routeOptions?.config as RouteConfig | undefined)?.countersign?.face === 'console';
    void reply.code(refused ? status : 500).headers(headers);
    if (console && this.page) void reply.type('text/html; charset=utf-8').send(this.page(problem, request));
    else void reply.send(problem);
  }
}
