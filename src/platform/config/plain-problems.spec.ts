import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { plainProblem } from './plain-problems.ts';

const said = (schema: z.ZodType, value: unknown) =>
  schema
    .safeParse(value, { error: (issue) => plainProblem(issue) })
    .error?.issues.map(({ message }) => message);

test.each<[string, z.ZodType, unknown]>([
  ['must have at most 3 characters', z.string().max(3), 'four'],
  ['must have at least 3 characters', z.string().min(3), 'aa'],
  ['must not be empty', z.string().min(1), ''],
  ['must not be empty', z.array(z.string()).min(1), []],
  ['must have at most 1 entries', z.array(z.string()).max(1), ['a', 'b']],
  ['must be at most 4', z.number().max(4), 5],
  ['must be more than 0', z.number().positive(), 0],
  ['must be a whole number', z.int(), 1.5],
  ['must be text', z.string(), 4],
  ['is missing', z.string(), undefined],
  ['must be true or false', z.boolean(), 'yes'],
  ['must be one of: a, b', z.enum(['a', 'b']), 'c'],
  ['must be contact', z.literal('contact'), 'c'],
  ['must be an id (a UUID)', z.uuid(), 'x'],
  ['must be an instant such as 2026-11-22T08:00:00Z', z.iso.datetime(), 'now'],
  ['has no field "z"', z.strictObject({}), { z: 1 }],
  ['is not written as it must be', z.string().regex(/^a$/), 'b'],
  ['is of none of the forms that it may have', z.union([z.string(), z.number()]), true],
])('"%s"', (words, schema, value) => {
  expect(said(schema, value)).toEqual([words]);
});
