import { expect, test } from '@jest/globals';
import type { ArgumentMetadata } from '@nestjs/common';
import { z } from 'zod';
import type { Refused } from '../kernel/errors.ts';
import { ValidationPipe } from './validation.pipe.ts';

const schema = z.strictObject({
  faults: z.array(z.string(), 'must be a list').max(5, 'must have at most 5 items'),
  reason: z.string('must be text').min(1, 'must not be empty'),
});
const problemsIn = (body: unknown) =>
  new ValidationPipe().transform(body, { type: 'body', schema } as unknown as ArgumentMetadata).then(
    () => [],
    (thrown: unknown) =>
      (thrown as Refused).refusal.fields?.map(({ field, problem }) => `${field} ${problem}`) ?? [],
  );

test('a field of another type is told once, with what it is to be', async () => {
  expect(await problemsIn({ faults: 'response-lost', reason: '' })).toEqual([
    '/faults must be a list',
    '/reason must not be empty',
  ]);
  expect(await problemsIn({ faults: ['a', 'b', 'c', 'd', 'e', 'f'], reason: 'x' })).toHaveLength(1);
  expect(await problemsIn({ faults: [], reason: 'x' })).toEqual([]);
});
