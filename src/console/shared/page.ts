import {
  applyDecorators,
  Controller,
  Inject,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { VNode } from 'preact';
import { map, type Observable } from 'rxjs';
import type { Principal } from '../../kernel/principal.ts';
import { may, type Permission } from '../../domain/access/permissions.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Flash, Frame } from './frame.ts';
import { document } from './layout.tsx';

declare module 'fastify' {
  interface Session {
    /** The name of the account that signed in, for the head of every page. */
    userName?: string;
    /** What the last form did; shown once. */
    flash?: Flash;
  }
}

/** An area of the console: what the navigation shows and which pages stand in it. */
export interface Area {
  title: string;
  /** Its first page; absent for pages that no navigation leads to. */
  path?: string;
  /** Needed for the area to be shown; each page declares its own. */
  permission?: Permission;
  pages: readonly (new (...dependencies: never[]) => object)[];
}

/** What a handler of the console answers: a page, where to go next, or the HTML of a message as it is. */
export type Answer =
  | { view: (frame: Frame) => VNode; status?: number }
  | { to: string; flash?: Flash | undefined }
  | { letter: string };

export function shows(view: (frame: Frame) => VNode, status = 200): Answer {
  return { view, status };
}

/** After a form: the browser loads the next page itself, so that reloading repeats nothing. */
export function goes(to: string, flash?: Flash): Answer {
  return { to, flash };
}

/** A message as its reader's mail program gets it: a document of its own that reaches neither the console nor the net, though a page of the console may frame it. */
export function letter(html: string): Answer {
  return { letter: html };
}

/** Inline styles are what mail has; nothing is fetched, run, sent or opened, and its origin is nobody's. */
const LETTER_POLICY =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

export const AREAS = Symbol('areas of the console');

/** Draws what handlers answer. */
@Injectable()
export class ConsoleAnswers implements NestInterceptor<Answer, string> {
  constructor(
    @Inject(AREAS) private readonly areas: readonly Area[],
    private readonly clock: Clock,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler<Answer>): Observable<string> {
    const http = context.switchToHttp();
    const [request, reply] = [http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>()];
    return next.handle().pipe(map((answer) => this.#draw(answer, request, reply)));
  }

  #draw(answer: Answer, request: FastifyRequest, reply: FastifyReply): string {
    void reply.header('cache-control', 'no-store');
    if ('to' in answer) {
      if (answer.flash) request.session.flash = answer.flash;
      void reply.code(303).header('location', answer.to);
      return '';
    }
    if ('letter' in answer) {
      void reply.type('text/html; charset=utf-8').header('content-security-policy', LETTER_POLICY);
      // Its origin is nobody's: a browser that is asked for an agent of its own says that it cannot.
      void reply.removeHeader('origin-agent-cluster');
      return answer.letter;
    }
    const status = answer.status ?? 200;
    void reply.code(status).type('text/html; charset=utf-8');
    return document(answer.view(this.frameOf(request, reply)), { method: request.method, status });
  }

  /** Reading takes the flash away: it is shown once. */
  frameOf(request: FastifyRequest, reply: FastifyReply): Frame {
    const { principal, session } = request;
    const { flash, userName } = session;
    if (flash) session.flash = undefined;
    return {
      csrf: reply.generateCsrf(),
      areas: principal ? areasFor(principal, this.areas) : [],
      path: request.url.split('?', 1)[0] ?? '/',
      now: this.clock.now(),
      outside: principal !== undefined && principal.partyId !== null,
      may: (permission) => principal !== undefined && may(principal, permission),
      ...(principal ? { by: principal } : {}),
      ...(principal && userName ? { userName } : {}),
      ...(flash ? { flash } : {}),
    };
  }
}

function areasFor(principal: Principal, areas: readonly Area[]): Frame['areas'] {
  return areas.flatMap(({ title, path, permission }) =>
    path !== undefined && permission !== undefined && may(principal, permission) ? [{ title, path }] : [],
  );
}

/** A class whose handlers are pages of the console. */
export function ConsolePage(): ClassDecorator {
  return applyDecorators(Controller(), UseInterceptors(ConsoleAnswers), ApiExcludeController());
}
