import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';

/** The product's public API refused. */
export class ProductRefused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    what: string,
    detail: string,
  ) {
    super(`${what}: ${status} ${detail}`);
  }
}

/** Nobody answers: the application has ended, or is at its start. */
export class ProductAway extends Error {}

const CONNECTION_TRIES = 5;
const BUSY_TRIES = 30;

interface Problem {
  code?: string;
  detail?: string;
  title?: string;
  errors?: { field: string; problem: string; mend: string; line?: number }[];
}

/** The product's public REST API with one bearer token. */
export class Product {
  constructor(
    readonly url: string,
    private readonly token: string,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path);
  }
  post<T>(path: string, body: unknown, more: { key?: string } = {}): Promise<T> {
    return this.call<T>('POST', path, body, more.key);
  }
  put<T>(path: string, body: unknown): Promise<T> {
    return this.call<T>('PUT', path, body);
  }

  /** @returns every row of a list, page by page; the list stands in the member of that name */
  async all<T>(path: string, member: string): Promise<T[]> {
    const rows: T[] = [];
    let next: string | null = null;
    do {
      const url: string =
        next === null ? path : `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(next)}`;
      const page: Record<string, unknown> = await this.get(url);
      rows.push(...((page[member] ?? []) as T[]));
      next = (page['next'] as string | null | undefined) ?? null;
    } while (next !== null);
    return rows;
  }

  private async call<T>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body?: unknown,
    key?: string,
  ): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      let status: number;
      let text: string;
      let after: string | undefined;
      try {
        const answer = await request(new URL(path, this.url), {
          method,
          headers: {
            authorization: `Bearer ${this.token}`,
            accept: 'application/json',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(key === undefined ? {} : { 'idempotency-key': key }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(30_000),
        });
        status = answer.statusCode;
        text = await answer.body.text();
        after = answer.headers['retry-after']?.toString();
      } catch (error) {
        // A kept connection may have been closed just now; a process that has ended stays silent.
        if (tries >= CONNECTION_TRIES)
          throw new ProductAway(`${method} ${path}: ${(error as Error).message}`);
        await delay(300);
        continue;
      }
      // Its database may be away for a moment, and comes back by itself.
      if ((status === 429 || status >= 500) && tries < BUSY_TRIES) {
        await delay(Math.min(Number(after ?? 1) || 1, 5) * 1_000);
        continue;
      }
      const answer = parsed(text);
      if (status < 400) return answer as T;
      const problem = (answer ?? {}) as Problem;
      const fields = (problem.errors ?? [])
        .slice(0, 5)
        .map(
          (e) => `\n  ${e.line === undefined ? '' : `line ${e.line}, `}${e.field}: ${e.problem}. ${e.mend}`,
        );
      throw new ProductRefused(
        status,
        problem.code ?? '',
        `${method} ${path}`,
        `${problem.detail ?? problem.title ?? text.slice(0, 300)}${fields.join('')}`,
      );
    }
  }
}

function parsed(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
