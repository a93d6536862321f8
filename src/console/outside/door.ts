import type { FastifyReply, FastifyRequest } from 'fastify';
import type { VNode } from 'preact';
import { document } from '../shared/layout.tsx';

/** Where the token of a link stays while its page is open: bound to the page's own path, so that it goes nowhere else. */
export interface Door {
  cookie: string;
  path: string;
}

/** Seconds that a page may stay open before the link has to be opened again. */
const OPEN_FOR = 3600;

/** What is behind a link is one reader's alone, and its address goes to nobody. */
const PRIVATE = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };

/** Takes the token out of the address at once (ASVS 14.2.1): it would stay in histories and logs. */
export function openDoor(reply: FastifyReply, request: FastifyRequest, to: Door, token: string): void {
  void reply
    .headers(PRIVATE)
    .setCookie(to.cookie, token, {
      httpOnly: true,
      sameSite: 'lax',
      path: to.path,
      maxAge: OPEN_FOR,
      secure: request.protocol === 'https',
    })
    .redirect(to.path, 303);
}

/** After a form was taken. */
export function goOn(reply: FastifyReply, path: string): void {
  void reply.headers(PRIVATE).redirect(path, 303);
}

export function answer(reply: FastifyReply, status: number, view: VNode): void {
  void reply
    .code(status)
    .headers(PRIVATE)
    .type('text/html; charset=utf-8')
    .send(document(view, { method: reply.request.method, status }));
}
