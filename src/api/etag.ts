import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refused, refusal } from '../kernel/errors.ts';
import type { WantedVersion } from '../kernel/row-version.ts';

/** Puts the row's version on an answer, so that the next edit can name it. */
export function versioned<T extends { rowVersion: number }>(reply: FastifyReply, view: T): T {
  void reply.header('etag', `"${view.rowVersion}"`);
  return view;
}

/**
 * The version that the caller last saw, from `If-Match`. Missing: 428 (RFC 6585), so that nobody overwrites blindly. The
 * service compares, and refuses a stale one (`precondition`).
 */
export const IfMatchAny = createParamDecorator(
  (_: unknown, context: ExecutionContext): WantedVersion => wantedOf(context),
  [said('The ETag of the version that the edit changes; a list of them, or * for whatever stands there')],
);

/**
 * The same for drafts. What is frozen to be signed must be what its proposer read, and a stale edit is told what changed
 * since then: a list or a star names no such version.
 */
export const IfMatch = createParamDecorator(
  (_: unknown, context: ExecutionContext): number => {
    const wanted = wantedOf(context);
    if (typeof wanted === 'number') return wanted;
    throw new Refused(
      refusal('precondition', 'stale-version', 'If-Match must name one version here, as its ETag gave it.'),
    );
  },
  [said('The ETag of the version that was read; "0" where there is none yet')],
);

/** Whoever takes the header says so in the description of the API. */
function said(description: string): ParameterDecorator {
  return (target, key) => {
    const method = key === undefined ? undefined : Object.getOwnPropertyDescriptor(target, key);
    if (method)
      ApiHeader({ name: 'If-Match', required: true, description, schema: { type: 'string' } })(
        target,
        key!,
        method,
      );
  };
}

function wantedOf(context: ExecutionContext): WantedVersion {
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
  return wantedBy(header);
}

/** An opaque tag, weak or not (RFC 9110, section 8.8.3). */
const TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;

/**
 * What an `If-Match` asks for (RFC 9110, section 13.1.1): `*` takes whatever stands there, a list any of its tags. The
 * comparison is strong, so that a weak tag matches nothing, and neither does a tag that we never gave.
 */
export function wantedBy(header: string): WantedVersion {
  if (header.trim() === '*') return 'any';
  const tags = header.split(',').map((part) => TAG.exec(part.trim()));
  const bad = tags.some((tag) => tag === null);
  const versions = bad
    ? []
    : tags.flatMap((tag) =>
        tag?.[1] === undefined && /^\d{1,9}$/.test(tag?.[2] ?? '') ? [Number(tag?.[2])] : [],
      );
  if (versions.length === 0)
    throw new Refused(refusal('precondition', 'stale-version', 'If-Match names no version that ever was.'));
  return versions.length === 1 ? versions[0]! : versions;
}
