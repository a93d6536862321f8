import { z } from 'zod';

type Issue = z.core.$ZodRawIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  date: 'a date',
  null: 'null',
};
const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'an id (a UUID)',
  email: 'a mail address',
  url: 'an address such as https://example.com/path',
  datetime: 'an instant such as 2026-11-22T08:00:00Z',
  date: 'a date such as 2026-11-22',
  time: 'a time such as 08:00:00',
};
const MOST_NAMED = 15;

/**
 * What is wrong with a value, in words that go on after the name of its field: "must have at most 200 characters". For every
 * schema that says nothing better itself; without it people read the library's own sentences.
 */
export function plainProblem(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `must be ${KINDS[issue.expected] ?? 'of another type'}`;
    case 'too_big':
      return `must ${amount(issue.origin, 'at most', issue.maximum, issue.inclusive === false)}`;
    case 'too_small':
      if (Number(issue.minimum) === 1 && ['string', 'array', 'set', 'map'].includes(issue.origin))
        return 'must not be empty';
      return `must ${amount(issue.origin, 'at least', issue.minimum, issue.inclusive === false)}`;
    case 'invalid_format':
      return FORMATS[issue.format] ? `must be ${FORMATS[issue.format]}` : 'is not written as it must be';
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_value': {
      const values = issue.values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
      if (values.length === 1) return `must be ${values[0]}`;
      return values.length > MOST_NAMED
        ? `must be one of ${values.length} words: ${values.slice(0, MOST_NAMED).join(', ')}, …`
        : `must be one of: ${values.join(', ')}`;
    }
    case 'unrecognized_keys':
      return issue.keys.length === 1
        ? `has no field ${named(issue.keys[0]!)}`
        : `has no fields ${issue.keys.slice(0, MOST_NAMED).map(named).join(', ')}`;
    case 'invalid_key':
      return 'has a field of a name that it may not have';
    case 'invalid_element':
      return 'holds an entry that does not belong there';
    case 'invalid_union':
      return 'is of none of the forms that it may have';
    default:
      return 'is not as it must be';
  }
}

function amount(origin: string, most: string, limit: number | bigint, exclusive: boolean): string {
  switch (origin) {
    case 'string':
      return `have ${most} ${limit} characters`;
    case 'array':
    case 'set':
    case 'map':
      return `have ${most} ${limit} entries`;
    default:
      return exclusive ? `be ${most === 'at most' ? 'less' : 'more'} than ${limit}` : `be ${most} ${limit}`;
  }
}

function named(key: string): string {
  return `"${key.slice(0, 50)}"`;
}

/** Every schema of this process says it so. */
export function speakPlainly(): void {
  z.config({ localeError: (issue) => plainProblem(issue) });
}
