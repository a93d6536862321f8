import { z } from 'zod';
import { Refuse } from '../ground/server.ts';
import type { Answer, Asked, Place } from '../ground/server.ts';
import type { Sealing } from '../ground/sealing.ts';
import { AlertBook } from './alert-book.ts';
import type { Alert } from './alert-book.ts';
import { alertBody, locationBody } from './payloads.ts';
import { deliverySchema } from './schema.ts';
import { Webhooks } from './webhooks.ts';

const ALERTS = '/repos/:owner/:repo/secret-scanning/alerts';
const DOCS = 'https://docs.github.com/rest/secret-scanning/secret-scanning';

const patchSchema = z
  .object({
    state: z.enum(['open', 'resolved']).optional(),
    resolution: z.enum(['false_positive', 'wont_fix', 'revoked', 'used_in_tests']).nullish(),
    resolution_comment: z.string().max(280).nullish(),
    validity: z.enum(['active', 'inactive']).nullish(),
  })
  .refine((patch) => patch.state !== undefined || patch.validity !== undefined, 'nothing to change')
  .refine((patch) => patch.state !== 'resolved' || patch.resolution, 'a resolved alert needs a resolution');

/** A code host with secret scanning: alerts over REST, and webhooks when it is told to send them. */
export class Github {
  readonly key = 'github';
  webhooks: Webhooks;

  private constructor(readonly book: AlertBook) {}

  static async open(dir: string, sealing: Sealing): Promise<Github> {
    return new Github(await AlertBook.open(dir, sealing));
  }

  close(): Promise<void> {
    return this.book.close();
  }

  place(origin: string): Place {
    this.webhooks = new Webhooks(this.book, origin);
    const guarded = (handle: (asked: Asked) => Answer | Promise<Answer>) => (asked: Asked) => {
      if (!this.book.knowsToken(asked.bearer())) {
        throw new Refuse(401, { message: 'Bad credentials', documentation_url: DOCS, status: '401' });
      }
      return handle(asked);
    };
    return {
      key: this.key,
      record: { log: this.book.log, journal: this.book.journal },
      notFound: { status: 404, body: notFound },
      routes: [
        {
          method: 'GET',
          path: ALERTS,
          kind: 'read',
          handle: guarded((asked) => this.list(asked, origin)),
        },
        {
          method: 'GET',
          path: `${ALERTS}/:number`,
          kind: 'read',
          handle: guarded((asked) => ({ status: 200, body: this.show(origin, this.asked(asked), asked) })),
        },
        {
          method: 'GET',
          path: `${ALERTS}/:number/locations`,
          kind: 'read',
          handle: guarded((asked) => {
            const alert = this.asked(asked);
            return { status: 200, body: alert.locations.map((_, i) => locationBody(origin, alert, i)) };
          }),
        },
        {
          method: 'PATCH',
          path: `${ALERTS}/:number`,
          kind: 'other',
          handle: guarded((asked) => this.patch(asked, origin)),
        },
        {
          method: 'GET',
          path: '/rate_limit',
          kind: 'read',
          handle: guarded(() => ({
            status: 200,
            body: { resources: {}, rate: { limit: 5000, remaining: 4999 } },
          })),
        },
      ],
    };
  }

  private asked(asked: Asked): Alert {
    const { owner = '', repo = '', number = '' } = asked.params;
    const alert = /^\d{1,9}$/.test(number) ? this.book.alert(owner, repo, Number(number)) : null;
    if (!alert) throw new Refuse(404, notFound);
    return alert;
  }

  private show(origin: string, alert: Alert, asked: Asked): object {
    const body = alertBody(origin, alert, this.book.secretOf(alert));
    return asked.url.searchParams.get('hide_secret') === 'true' ? { ...body, secret: null } : body;
  }

  private list(asked: Asked, origin: string): Answer {
    const { owner = '', repo = '' } = asked.params;
    const state = asked.url.searchParams.get('state');
    const size = Math.min(Math.max(Number(asked.url.searchParams.get('per_page')) || 30, 1), 100);
    const page = Math.max(Number(asked.url.searchParams.get('page')) || 1, 1);
    const alerts = this.book.list(owner, repo).filter((alert) => state === null || alert.state === state);
    const shown = alerts.slice((page - 1) * size, page * size);
    return { status: 200, body: shown.map((alert) => this.show(origin, alert, asked)) };
  }

  private async patch(asked: Asked, origin: string): Promise<Answer> {
    const alert = this.asked(asked);
    const patch = patchSchema.safeParse(asked.json());
    if (!patch.success) {
      throw new Refuse(422, {
        message: 'Validation Failed',
        errors: patch.error.issues.map((i) => i.message),
      });
    }
    const { state, resolution, resolution_comment: comment, validity } = patch.data;
    const next: Alert = { ...alert };
    if (validity !== undefined) next.validity = validity ?? 'unknown';
    if (state !== undefined) {
      next.state = state;
      next.resolution = state === 'resolved' ? (resolution ?? null) : null;
      next.resolutionComment = comment ?? null;
      next.resolvedAt = state === 'resolved' ? Date.now() : null;
    }
    await this.book.update(next);
    if (state === 'resolved' && this.book.hook()?.announceResolutions) {
      const { owner, repo, number } = next;
      const order = deliverySchema.parse({ owner, repo, number, action: 'resolved' });
      void this.webhooks.send(order).catch((error: Error) => console.error(`github: ${error.message}`));
    }
    const changed = this.book.alert(next.owner, next.repo, next.number) ?? next;
    return { status: 200, body: this.show(origin, changed, asked) };
  }
}

const notFound = { message: 'Not Found', documentation_url: DOCS, status: '404' };
