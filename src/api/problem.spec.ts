import { describe, expect, test } from '@jest/globals';
import { NotFoundException } from '@nestjs/common';
import { Refused, refusal, type RefusalKind } from '../kernel/errors.ts';
import { answerTo, refusalOf } from './problem.ts';

describe('a refusal on its way out', () => {
  test.each<[RefusalKind, string, number]>([
    ['invalid', 'x', 400],
    ['unauthenticated', 'x', 401],
    ['forbidden', 'x', 403],
    ['not_found', 'x', 404],
    ['conflict', 'x', 409],
    ['precondition', 'stale-version', 412],
    ['precondition', 'precondition-required', 428],
    ['too_large', 'x', 413],
    ['invalid', 'unsupported-media-type', 415],
    ['conflict', 'idempotency-key-reused', 422],
    ['too_many', 'x', 429],
    ['unavailable', 'x', 503],
  ])('%s (%s) is a %i', (kind, code, status) => {
    const answer = answerTo(refusal(kind, code, 'why'), 'c-1');
    expect(answer).toMatchObject({
      status,
      problem: { status, code, detail: 'why', type: `urn:countersign:problem:${code}`, correlationId: 'c-1' },
    });
  });

  test('says in its title whether a version is missing or is not the stored one', () => {
    const title = (code: string) => answerTo(refusal('precondition', code, 'why'), 'c-1').problem.title;
    expect(title('precondition-required')).toBe('Precondition required');
    expect(title('stale-version')).toBe('Precondition failed');
  });

  test('says when to come back, in whole seconds and at least one', () => {
    expect(answerTo(refusal('too_many', 'x', 'y', { retryAfter: 200 }), 'c').headers['retry-after']).toBe(
      '1',
    );
    expect(answerTo(refusal('too_many', 'x', 'y', { retryAfter: 29_001 }), 'c').headers['retry-after']).toBe(
      '30',
    );
  });

  test('names a hundred errors and counts the rest', () => {
    const fields = Array.from({ length: 250 }, (_, n) => ({ field: `/${n}`, problem: 'bad', mend: 'mend' }));
    const { problem } = answerTo(refusal('invalid', 'x', 'y', { fields }), 'c');
    expect([problem.errors?.length, problem.errorsLeftOut]).toEqual([100, 150]);
  });
});

describe('what was thrown', () => {
  test('is a refusal, a refusal of the framework, or none of a client’s business', () => {
    const own = refusal('conflict', 'x', 'y');
    expect(refusalOf(new Refused(own))).toBe(own);
    expect(refusalOf(new NotFoundException('Cannot GET /secret'))).toMatchObject({ code: 'not-found' });
    expect(refusalOf(Object.assign(new Error('FST'), { statusCode: 414 }))).toMatchObject({
      code: 'address-too-long',
    });
    expect(refusalOf(Object.assign(new Error('odd'), { statusCode: 418 }))).toMatchObject({
      code: 'bad-request',
      message: expect.not.stringContaining('odd'),
    });
    expect(refusalOf(new Error('a bug'))).toBeUndefined();
    expect(refusalOf(Object.assign(new Error('upstream'), { statusCode: 500 }))).toBeUndefined();
    expect(refusalOf(null)).toBeUndefined();
  });
});
