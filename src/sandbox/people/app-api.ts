import { request } from 'undici';
import type { Link } from './html.ts';

/**
 * Everything that the people of the outside world know of the product: its public REST API and what its mails and pages
 * look like to a reader. A path or shape that changes there changes here and nowhere else.
 */

/** A step that waits for a person, as far as a person needs to understand it. */
export interface WaitingStep {
  id: string;
  /** The action that parked it. */
  action: string;
  title: string;
  /** The step may not go on before somebody says so. */
  asksApproval: boolean;
  /** All of it as text, to look for names in. */
  text: string;
  /** What it is about, in words. */
  item: string | null;
  /** What it says of the thing that it is about. */
  facts: Readonly<Record<string, unknown>>;
}

/** What somebody did at a supplier, to be recorded. */
export interface Replacement {
  supplierId: string;
  /** Lower-case hex SHA-256 of the value: enough to recognise it when it leaks. */
  sha256: string;
  issuedAt: string;
  expiresAt: string | null;
  location: { kind: string; reference: string };
}

export const STEPS_WAITING_FOR_ME = '/api/v1/steps?state=parked&mine=true&limit=200';
const settlePath = (id: string): string => `/api/v1/steps/${encodeURIComponent(id)}/settle`;

const STATEMENTS = '/api/v1/statements';
const approvePath = (id: string): string => `/api/v1/steps/${encodeURIComponent(id)}/approve`;

export const isApproval = (step: WaitingStep): boolean => step.asksApproval || /approv/i.test(step.action);
/** A copy in a place of one of these kinds is to be removed. */
export const isCopyAt = (step: WaitingStep, kinds: readonly string[]): boolean =>
  /location/i.test(step.action) &&
  typeof step.facts['kind'] === 'string' &&
  kinds.includes(step.facts['kind']);
export const isReplacement = (step: WaitingStep): boolean =>
  /manual/i.test(step.action) && /replac/i.test(`${step.title} ${step.text}`);

/** How likely a link is the one to follow in order to acknowledge; 0 for one that is not. */
export function acknowledgementScore(link: Link): number {
  const path = new URL(link.href).pathname;
  if (/acknowledg/i.test(link.text)) return 3;
  if (/\/(outside|acknowledge(ment)?s?|ack|n|a|l)\//i.test(path)) return 2;
  return /unsubscribe|preferences|privacy|imprint/i.test(`${path} ${link.text}`) || path === '/' ? 0 : 1;
}

/** The code that a page may ask for beside the name, as a reader finds it in the mail. */
export const codeIn = (text: string): string | null =>
  /\bcode\b[^0-9A-Za-z]{1,20}(?:is[^0-9A-Za-z]{1,5})?([0-9]{4,8}|[A-Z0-9]{4}-[A-Z0-9]{4})\b/i.exec(
    text,
  )?.[1] ?? null;

/** Whether a form is there to acknowledge, to judge by what its fields and buttons say. */
export const acknowledges = (says: string): boolean => /acknowledg|confirm|received/i.test(says);

/** The API refused; trying the same again will not help. */
export class AppRefused extends Error {
  constructor(
    readonly status: number,
    what: string,
  ) {
    super(`${what}: ${status}`);
  }
}

/** The product's public API, with one person's bearer token. */
export class AppApi {
  constructor(
    private readonly baseUrl: string,
    private readonly token: string,
  ) {}

  async waitingForMe(): Promise<WaitingStep[]> {
    const answer = await this.call('GET', STEPS_WAITING_FOR_ME);
    return rowsOf(answer).flatMap((row) => {
      const id = row['id'];
      if (typeof id !== 'string') return [];
      const action = [row['uses'], row['action'], row['kind']].find((v) => typeof v === 'string');
      return [
        {
          id,
          action: typeof action === 'string' ? action : '',
          asksApproval: typeof row['approval'] === 'object' && row['approval'] !== null,
          title: typeof row['title'] === 'string' ? row['title'] : '',
          text: JSON.stringify(row),
          item: labelOf(row['item']),
          facts: factsOf(row['item']),
        },
      ];
    });
  }

  async approve(step: WaitingStep, note: string): Promise<void> {
    await this.call('POST', approvePath(step.id), { decision: 'approve', reason: note });
  }

  async recordReplacement(step: WaitingStep, replacement: Replacement, note: string): Promise<void> {
    await this.call('POST', settlePath(step.id), { answer: 'done', output: { ...replacement }, note });
  }

  /** Says, with a name, that a copy is gone. */
  async signCopyGone(step: WaitingStep, signsFor: string, text: string): Promise<void> {
    const { locationId, versionId } = step.facts;
    await this.call(
      'POST',
      STATEMENTS,
      { kind: 'copy_gone', subjectKind: 'location', subjectId: locationId, versionId, signsFor, text },
      `copy-gone-${step.id}`,
    );
  }

  private async call(method: 'GET' | 'POST', path: string, body?: object, key = path): Promise<unknown> {
    const answer = await request(new URL(path, this.baseUrl), {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        accept: 'application/json',
        // The same deed twice is one deed.
        ...(body ? { 'content-type': 'application/json', 'idempotency-key': key } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await answer.body.text();
    // Whoever is told when to come back comes back.
    const later = answer.statusCode >= 400 && answer.headers['retry-after'] !== undefined;
    if (answer.statusCode >= 500 || later) {
      throw new Error(`${method} ${path}: ${answer.statusCode}`);
    }
    if (answer.statusCode >= 400)
      throw new AppRefused(answer.statusCode, `${method} ${path} ${text.slice(0, 300)}`);
    return text === '' ? {} : (JSON.parse(text) as unknown);
  }
}

const labelOf = (item: unknown): string | null => (item as { label?: string } | null)?.label ?? null;
const factsOf = (item: unknown): Readonly<Record<string, unknown>> =>
  ((item as { facts?: Record<string, unknown> } | null)?.facts ?? {}) as Readonly<Record<string, unknown>>;

function rowsOf(answer: unknown): Record<string, unknown>[] {
  if (Array.isArray(answer)) return answer as Record<string, unknown>[];
  if (answer === null || typeof answer !== 'object') return [];
  const list = Object.values(answer).find((value) => Array.isArray(value));
  return (list ?? []) as Record<string, unknown>[];
}
