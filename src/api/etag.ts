import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refused, refusal } from '../kernel/errors.ts';

/** Puts the row's version on an answer, so that the next edit can name it. */
export function versioned<T extends { rowVersion: number }>(reply: FastifyReply, view: T): T {
  void reply.header('etag', `"${view.rowVersion}"`);
  return view;
}

/**
 * The version that the caller last saw, from `If-Match`. Missing: 428 (RFC 6585), so that nobody overwrites blindly. The
 * service compares, and refuses a stale one (`precondition`).
 */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): number => {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['if-match'];
  if (header === undefined) {
    const field = {
      field: 'if-match',
      problem: 'missing',
      mend: 'Send the ETag of the version that you read.',
    };
    throw new Refused(
      refusal('precondition', 'precondition-required', 'An edit must say which version it changes.', {
        fields: [field],
      }),
    );
  }
  const version = /^"(\d{1,9})"$/.exec(header)?.[1];
  if (version === undefined)
    throw new Refused(refusal('precondition', 'stale-version', 'If-Match names no version that ever was.'));
  return Number(version);
});
