import type { Millis } from '../../kernel/time.ts';

/** How many rows a list shows at once. */
export const PAGE_SIZE = 50;

/**
 * Where a page of a list begins: the sort key and id of the last row before it. Opaque to readers, worthless to forgers:
 * it filters rows that its reader may see anyway.
 */
export interface Cursor {
  key: string;
  id: string;
}

export function cursorText({ key, id }: Cursor): string {
  return Buffer.from(JSON.stringify([key, id])).toString('base64url');
}

/** @returns undefined for a text that is none: the list then begins at its beginning. */
export function readCursor(text: string | undefined): Cursor | undefined {
  if (text === undefined || text.length > 2000) return undefined;
  try {
    const read: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!Array.isArray(read) || read.length !== 2) return undefined;
    const [key, id] = read as unknown[];
    return typeof key === 'string' && !key.includes('\u0000') && typeof id === 'string' && UUID.test(id)
      ? { key, id }
      : undefined;
  } catch {
    return undefined;
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** For lists by time, newest first. */
export function readTimeCursor(text: string | undefined): { at: Date; id: string } | undefined {
  const cursor = readCursor(text);
  const at = Number(cursor?.key);
  return cursor && Number.isFinite(at) && Math.abs(at) < 8e15
    ? { at: new Date(at), id: cursor.id }
    : undefined;
}

export function timeCursor(at: Millis, id: string): string {
  return cursorText({ key: String(at), id });
}

/** One page of a list that was asked for one row more than it shows. */
export interface Listed<T> {
  rows: T[];
  /** Where the next page begins; absent on the last. */
  next?: string;
}

export function listed<T>(rows: T[], cursorOf: (row: T) => string, size = PAGE_SIZE): Listed<T> {
  const last = rows[size - 1];
  return rows.length > size && last ? { rows: rows.slice(0, size), next: cursorOf(last) } : { rows };
}

/** "Further" at the foot of a list, keeping what was searched for. */
export function Pager({
  path,
  query,
  next,
  first,
}: {
  path: string;
  query: Readonly<Record<string, string | undefined>>;
  next?: string | undefined;
  /** Whether this is the first page. */
  first: boolean;
}) {
  if (next === undefined && first) return null;
  return (
    <nav class="pager" aria-label="Pages of the list">
      {!first && (
        <a class="button plain small" href={addressOf(path, { ...query, after: undefined })}>
          To the beginning
        </a>
      )}
      {next !== undefined && (
        <a class="button plain small" rel="next" href={addressOf(path, { ...query, after: next })}>
          Further
        </a>
      )}
    </nav>
  );
}

/** An address with those parameters that say something. */
export function addressOf(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) parameters.set(name, value);
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}
