import type { z } from 'zod';
import type { FieldProblem } from '../../kernel/errors.ts';
import { COLLECTIONS, isKind, kindSchemas, KINDS, type Kind, type PortfolioRow } from './portfolio.schema.ts';

/** One row as a reader found it: not checked for anything but its file's own grammar. */
export interface RawRow {
  /** Of the file, counted from 1. */
  line: number;
  /** Undefined where the file does not say. */
  kind: string | undefined;
  value: unknown;
  /** What the reader itself found wrong with the row. */
  problems?: FieldProblem[];
}

/** One row fit to be staged. */
export interface CheckedRow<K extends Kind = Kind> {
  line: number;
  kind: K;
  /** What makes it this row and no other, within its kind. */
  key: string;
  value: PortfolioRow<K>;
}

/** A row that cannot be taken, with every reason. */
export interface BadRow {
  line: number;
  kind: string;
  /** Known even though the row is bad, so that rows which refer to it are not blamed. */
  key: string | null;
  problems: FieldProblem[];
}

/** Members that would carry a secret; none is ever read. */
const SECRET_NAME =
  /^(value|values|secret|secrets|password|passphrase|token|credential_?value|private_?key|api_?key|client_?secret|auth|authorization|access_?token|refresh_?token)$/i;
const SECRET_MEND =
  "Remove it. Give the SHA-256 of the value as sha256; a connection's secrets go to PUT /api/v1/connections/{id}/secrets.";

/** Judges one row by the schema of its kind. Never repeats what a field holds. */
export function checkRow(raw: RawRow): { ok: true; row: CheckedRow } | { ok: false; bad: BadRow } {
  const refuse = (problems: FieldProblem[], kind = raw.kind ?? '', key: string | null = null) => ({
    ok: false as const,
    bad: { line: raw.line, kind: printable(kind), key, problems },
  });
  if (raw.problems && raw.problems.length > 0) return refuse(raw.problems);
  if (raw.kind === undefined || !isKind(raw.kind)) {
    return refuse([
      {
        field: 'kind',
        problem:
          raw.kind === undefined
            ? 'the row does not say of which kind it is'
            : `no kind is called "${printable(raw.kind)}"`,
        mend: `Say one of: ${KINDS.join(', ')}.`,
      },
    ]);
  }
  const kind: Kind = raw.kind;
  if (typeof raw.value !== 'object' || raw.value === null || Array.isArray(raw.value)) {
    return refuse(
      [{ field: '', problem: 'a row must be an object of fields', mend: 'Write {"key": "…", …}.' }],
      kind,
    );
  }
  const key = keyOf(kind, raw.value as Record<string, unknown>);
  const secrets = secretMembers(raw.value, kind);
  if (secrets.length > 0) {
    return refuse(
      secrets.map((field) => ({ field, problem: 'a secret never goes into a portfolio', mend: SECRET_MEND })),
      kind,
      key,
    );
  }
  const parsed = kindSchemas[kind].safeParse(raw.value);
  if (!parsed.success) return refuse(problemsOf(parsed.error.issues, raw.value), kind, key);
  return { ok: true, row: { line: raw.line, kind, key: keyOf(kind, parsed.data) ?? '', value: parsed.data } };
}

function keyOf(kind: Kind, value: Record<string, unknown>): string | null {
  const text = (field: string) => (typeof value[field] === 'string' ? value[field] : '');
  switch (kind) {
    case 'credentialVersion':
      return text('credential') === '' ? null : versionKey(text('credential'), Number(value['number'] ?? 1));
    case 'matrixRow':
      return `${text('integration')}#${text('duty')}#${text('part')}#${text('credential')}`;
    case 'edge':
      return `${text('credential')}#${text('location')}#${text('system')}#${text('basis') || 'entitled'}`;
    default: {
      const key = text('key');
      return key === '' || key.length > 200 || !key.isWellFormed() || key.includes('\u0000') ? null : key;
    }
  }
}

/** How versions are told apart within a file: a version has no key of its own. */
export function versionKey(credential: string, number: number): string {
  return `${credential}#${number}`;
}

/** JSON pointers of members named like secrets. A preset names places for secrets and holds none, so it is left alone. */
function secretMembers(value: unknown, kind: Kind, pointer = '', depth = 0): string[] {
  if (typeof value !== 'object' || value === null || depth > 8 || kind === 'connectorPreset') return [];
  if (Array.isArray(value))
    return value.flatMap((item, at) => secretMembers(item, kind, `${pointer}/${at}`, depth + 1));
  return Object.entries(value).flatMap(([name, member]) => {
    const here = `${pointer}/${name.slice(0, 100)}`;
    return SECRET_NAME.test(name) ? [here] : secretMembers(member, kind, here, depth + 1);
  });
}

function problemsOf(issues: readonly z.core.$ZodIssue[], value: unknown): FieldProblem[] {
  return issues.slice(0, 20).flatMap((issue) => problemOf(issue, value));
}

function problemOf(issue: z.core.$ZodIssue, value: unknown): FieldProblem[] {
  const field = issue.path.map((part) => `/${printable(String(part))}`).join('');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => ({
      field: `${field}/${printable(name)}`,
      problem: 'no such field',
      mend: 'Remove it, or see /api/schemas/portfolio.json for the fields of this kind.',
    }));
  }
  if (issue.code === 'invalid_union') {
    // The short form is text, the long one an object: complain about the one that was meant.
    const given = issue.path.reduce<unknown>(
      (at, part) => (at as Record<PropertyKey, unknown> | undefined)?.[part],
      value,
    );
    const meant = typeof given === 'string' ? issue.errors[0] : issue.errors.at(-1);
    return (meant ?? []).flatMap((inner) =>
      problemOf({ ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue, value),
    );
  }
  if (
    issue.code === 'invalid_type' &&
    issue.input === undefined &&
    /required|received undefined/.test(issue.message)
  ) {
    return [{ field, problem: 'is missing', mend: `Add ${field.slice(1)}.` }];
  }
  const present = issue.path.reduce<unknown>(
    (at, part) => (at as Record<PropertyKey, unknown> | undefined)?.[part],
    value,
  );
  if (present === undefined) return [{ field, problem: 'is missing', mend: `Add it: it ${issue.message}.` }];
  if (typeof present === 'number' && /must be text/.test(issue.message)) {
    return [{ field, problem: 'must be text, and is a number', mend: 'Put it in quotation marks.' }];
  }
  return [
    {
      field,
      problem: issue.message,
      mend: `Change it so that it ${issue.message.replace(/^must /, 'will ')}.`,
    },
  ];
}

/** Names from a file, fit to be shown and stored. */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 100);
}

/** The rows of a document: an object with a list for each kind. @param lineOf the line where an item of a list begins */
export function rowsOfDocument(
  document: unknown,
  lineOf: (collection: string, at: number) => number,
): { source: string | null; rows: RawRow[]; problems: (FieldProblem & { line: number })[] } {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return {
      source: null,
      rows: [],
      problems: [
        {
          line: 1,
          field: '',
          problem: 'a portfolio must be an object with a list for each kind',
          mend: `Write {"parties": […], "integrations": […]}; lists: ${Object.keys(COLLECTIONS).join(', ')}.`,
        },
      ],
    };
  }
  const rows: RawRow[] = [];
  const problems: (FieldProblem & { line: number })[] = [];
  let source: string | null = null;
  for (const [name, content] of Object.entries(document)) {
    const kind = Object.hasOwn(COLLECTIONS, name) ? COLLECTIONS[name] : undefined;
    if (name === 'countersign' || name === '$schema') {
      if (name === 'countersign' && content !== 1)
        problems.push({
          line: 1,
          field: '/countersign',
          problem: 'an unknown version of the format',
          mend: 'Write 1.',
        });
    } else if (name === 'source') {
      if (typeof content === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(content)) source = content;
      else
        problems.push({
          line: 1,
          field: '/source',
          problem: 'must be a short name',
          mend: 'Use letters, digits, dots and hyphens.',
        });
    } else if (kind === undefined) {
      problems.push({
        line: lineOf(name, 0),
        field: `/${printable(name)}`,
        problem: 'no list has this name',
        mend: `Lists: ${Object.keys(COLLECTIONS).join(', ')}.`,
      });
    } else if (!Array.isArray(content)) {
      problems.push({
        line: lineOf(name, 0),
        field: `/${name}`,
        problem: 'must be a list',
        mend: 'Write […].',
      });
    } else {
      for (const [at, value] of content.entries()) rows.push({ line: lineOf(name, at), kind, value });
    }
  }
  // In the order of the file, which is the order of its lines.
  return { source, rows, problems };
}
