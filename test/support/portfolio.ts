import { readFileSync } from 'node:fs';
import { Relay } from '../../src/platform/queue/relay.ts';
import type { ImportView, ProblemView } from '../../src/domain/portfolio/import.schema.ts';
import type { TestApp } from './app.ts';

export const MEDIA = {
  json: 'application/json',
  yaml: 'application/yaml',
  csv: 'text/csv',
  jsonl: 'application/jsonl',
} as const;

/** A file of `templates/portfolio/`. */
export function portfolioExample(name: string): Buffer {
  return readFileSync(new URL(`../../templates/portfolio/${name}`, import.meta.url));
}

export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  // oxlint-disable-next-line typescript/no-explicit-any -- what an answer holds is what the test is about
  body: any;
}

/** A caller of the API with one token. */
export function caller(world: TestApp, token: string) {
  return async (
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    url: string,
    o: { body?: unknown; type?: string; ifMatch?: number | '*' } = {},
  ): Promise<Answer> => {
    const raw = typeof o.body === 'string' || Buffer.isBuffer(o.body);
    const answer = await world.app.inject({
      method,
      url,
      headers: {
        authorization: `Bearer ${token}`,
        ...(o.body === undefined ? {} : { 'content-type': o.type ?? 'application/json' }),
        ...(o.ifMatch === undefined ? {} : { 'if-match': o.ifMatch === '*' ? '*' : `"${o.ifMatch}"` }),
      },
      ...(o.body === undefined
        ? {}
        : { payload: raw ? (o.body as string | Buffer) : JSON.stringify(o.body) }),
    });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: answer.body === '' ? undefined : answer.json(),
    };
  };
}

/** Sends a file to the public import and waits until its job has ended. */
export async function importFile(
  world: TestApp,
  token: string,
  body: string | Buffer,
  type: keyof typeof MEDIA,
  query = '',
): Promise<{ job: ImportView; problems: ProblemView[] }> {
  const call = caller(world, token);
  const accepted = await call('POST', `/api/v1/imports?${query}`, { body, type: MEDIA[type] });
  if (accepted.status !== 202) throw new Error(`the import was refused: ${JSON.stringify(accepted.body)}`);
  return importEnded(world, token, (accepted.body as ImportView).id);
}

/** Waits until the job of an accepted import has ended. */
export async function importEnded(
  world: TestApp,
  token: string,
  id: string,
): Promise<{ job: ImportView; problems: ProblemView[] }> {
  const call = caller(world, token);
  for (;;) {
    const job = (await call('GET', `/api/v1/imports/${id}`)).body as ImportView;
    if (job.endedAt)
      return {
        job,
        problems: (
          (await call('GET', `/api/v1/imports/${id}/problems?limit=1000`)).body as { problems: ProblemView[] }
        ).problems,
      };
    world.app.get(Relay).pass();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
