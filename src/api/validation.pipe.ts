import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { Refused, refusal, type FieldProblem } from '../kernel/errors.ts';

type Issue = {
  message: string;
  path?: readonly (PropertyKey | { key: PropertyKey })[];
  code?: string;
  expected?: string;
  keys?: string[];
  /** Of a refinement: what to do about it, in `mend`. */
  params?: Record<string, unknown>;
};

/** Checks body, query and path against the schemas that the handler binds; every problem with its field and its mend. */
export class ValidationPipe implements PipeTransform {
  async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { schema, type, data } = metadata;
    if (!schema || type === 'custom') return value;
    const result = await schema['~standard'].validate(type === 'body' ? value : plain(value));
    if (!result.issues) return result.value;
    // A path that names nothing of the right form names nothing at all.
    if (type === 'param')
      throw new Refused(
        refusal('not_found', 'not-found', 'There is nothing here, or nothing that you may see.'),
      );
    const issues = withoutEchoes(result.issues as readonly Issue[]);
    const fields = issues.slice(0, MOST_JUDGED).map((issue) => problemOf(issue, type, data));
    // The rest is counted, not written out.
    fields.length = issues.length;
    throw new Refused(
      refusal(
        'invalid',
        'invalid-input',
        type === 'query'
          ? 'The parameters of the request are not as they must be.'
          : 'The body of the request is not as it must be.',
        { fields },
      ),
    );
  }
}

const MOST_JUDGED = 100;

/** Query and path objects of the router have no prototype, which schemas of records refuse. */
function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null
    ? { ...value }
    : value;
}

function problemOf(issue: Issue, type: string, data: string | undefined): FieldProblem {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  const field =
    type === 'query'
      ? [data, ...path].filter(Boolean).join('.') || 'query'
      : `/${path.map(escape).join('/')}`;
  return { field, problem: issue.message, mend: mendOf(issue) };
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function escape(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 100);
}

function mendOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `Send ${TYPES[issue.expected ?? ''] ?? 'a value of another type'}.`;
    case 'unrecognized_keys':
      return `Leave out ${(issue.keys ?? [])
        .slice(0, 5)
        .map((key) => key.slice(0, 50))
        .join(', ')}.`;
    case 'too_small':
      return 'Send a larger or longer value.';
    case 'too_big':
      return 'Send a smaller or shorter value.';
    case 'invalid_value':
      return 'Send one of the allowed values.';
    default:
      return typeof issue.params?.['mend'] === 'string' ? issue.params['mend'] : 'Send a value that fits.';
  }
}

/** What is of another type has no length, though a text has one: further issues of the same field say nothing. */
function withoutEchoes(issues: readonly Issue[]): Issue[] {
  const wrong = new Set<string>();
  return issues.filter((issue) => {
    const field = JSON.stringify(
      (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)),
    );
    if (wrong.has(field)) return false;
    if (issue.code === 'invalid_type') wrong.add(field);
    return true;
  });
}
