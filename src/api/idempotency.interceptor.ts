import { createHash } from 'node:crypto';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { Refused, refusal } from '../kernel/errors.ts';
import { system, type Principal } from '../kernel/principal.ts';
import { ELAPSED_DAY, SECOND } from '../kernel/time.ts';
import { declarationOf } from '../domain/access/route.ts';
import type { Clock } from '../platform/clock/clock.ts';
import { withEachTransaction, type Transactions } from '../platform/database/transactions.ts';

/** Milliseconds for which an answer is kept for repeats. */
const KEPT = ELAPSED_DAY;
/** Milliseconds after which a try that is no longer prolonged counts as died with its process. */
const HELD = 10 * SECOND;
const PROLONGED_EVERY = 2.5 * SECOND;
const KEY = /^[\x21-\x7e]{1,200}$/;

/**
 * `Idempotency-Key` on POSTs that create (draft-ietf-httpapi-idempotency-key-header): the same caller, key and request
 * get the first answer again. A refused try keeps nothing, so that it can be mended and sent anew. Of a try that died with
 * its process the repeat runs anew if nothing was stored, and is told so if something was.
 */
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const kind = declarationOf(context.getHandler())?.idempotent;
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const key = request.headers['idempotency-key'];
    if (!kind || key === undefined || !request.principal) return next.handle();
    return from(
      this.#once(
        kind,
        String(key),
        request,
        http.getResponse<FastifyReply>(),
        request.principal,
        next,
        createdStatus(context),
      ),
    );
  }

  async #once(
    kind: 'replay' | 'once',
    key: string,
    request: FastifyRequest,
    reply: FastifyReply,
    principal: Principal,
    next: CallHandler,
    created: number,
  ): Promise<unknown> {
    if (!KEY.test(key)) {
      const field = {
        field: 'idempotency-key',
        problem: 'not 1 to 200 visible ASCII characters',
        mend: 'Send a UUID.',
      };
      throw new Refused(
        refusal('invalid', 'idempotency-key', 'The Idempotency-Key is not usable.', { fields: [field] }),
      );
    }
    const by = system('idempotency', principal.correlationId);
    const who = `${principal.kind}:${principal.id}`;
    const body = Buffer.isBuffer(request.body) ? request.body : JSON.stringify(request.body ?? null);
    const hash = createHash('sha256').update(`${request.method} ${request.url}\n`).update(body).digest('hex');
    const now = this.clock.now();

    const known = await this.transactions.run(by, async (db) => {
      const mine = await db.query<unknown[]>(
        `INSERT INTO idempotency_key AS k (principal, key, request_hash, created_at, expires_at, held_until)
         VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 millisecond')
         ON CONFLICT (principal, key) DO UPDATE SET request_hash = excluded.request_hash, status = NULL, headers = NULL, body = NULL,
                                                    created_at = excluded.created_at, expires_at = excluded.expires_at,
                                                    held_until = excluded.held_until, stored = false
           WHERE k.expires_at <= excluded.created_at
              OR (k.status IS NULL AND NOT k.stored AND k.request_hash = excluded.request_hash
                  AND coalesce(k.held_until, '-infinity') < clock_timestamp())
         RETURNING key`,
        [who, key, hash, new Date(now), new Date(now + KEPT), HELD],
      );
      if (mine.length > 0) return undefined;
      const [row] = await db.query<KnownTry[]>(
        `SELECT request_hash AS hash, status, headers, body, stored AND coalesce(held_until, '-infinity') < clock_timestamp() AS lost
           FROM idempotency_key WHERE principal = $1 AND key = $2`,
        [who, key],
      );
      return row;
    });
    if (known) return replay(known, hash, reply);

    const prolong = setInterval(() => {
      this.transactions
        .run(by, (db) =>
          db.query(
            `UPDATE idempotency_key SET held_until = clock_timestamp() + $3 * interval '1 millisecond'
              WHERE principal = $1 AND key = $2 AND status IS NULL`,
            [who, key, HELD],
          ),
        )
        // The database is away: the request itself will say so.
        .catch(() => undefined);
    }, PROLONGED_EVERY).unref();
    let value: unknown;
    try {
      value = await withEachTransaction(
        (db) => db.query('SELECT cs_request_stored($1, $2)', [who, key]),
        () => lastValueFrom(next.handle(), { defaultValue: undefined }),
      );
    } catch (thrown) {
      await this.transactions.run(by, (db) =>
        db.query('DELETE FROM idempotency_key WHERE principal = $1 AND key = $2 AND status IS NULL', [
          who,
          key,
        ]),
      );
      throw thrown;
    } finally {
      clearInterval(prolong);
    }
    const headers = Object.fromEntries(
      ['location', 'etag'].flatMap((name) =>
        reply.hasHeader(name) ? [[name, String(reply.getHeader(name))]] : [],
      ),
    );
    const kept = kind === 'replay' ? (value === undefined ? '' : JSON.stringify(value)) : null;
    await this.transactions.run(by, (db) =>
      db.query(
        'UPDATE idempotency_key SET status = $3, headers = $4, body = $5 WHERE principal = $1 AND key = $2',
        [who, key, reply.statusCode === 200 ? created : reply.statusCode, JSON.stringify(headers), kept],
      ),
    );
    return value;
  }
}

interface KnownTry {
  hash: string;
  status: number | null;
  headers: Record<string, string> | null;
  body: string | null;
  /** It stored something, and died before it answered. */
  lost: boolean;
}

function replay(known: KnownTry, hash: string, reply: FastifyReply): unknown {
  if (known.hash !== hash) {
    const field = {
      field: 'idempotency-key',
      problem: 'was used for another request',
      mend: 'Use a new key for a new request.',
    };
    throw new Refused(
      refusal('conflict', 'idempotency-key-reused', 'This Idempotency-Key belongs to another request.', {
        fields: [field],
      }),
    );
  }
  if (known.status === null && known.lost) {
    throw new Refused(
      refusal(
        'conflict',
        'answer-lost',
        'The first request with this Idempotency-Key was stored, and its answer was lost. Look at what exists, or use a new key.',
      ),
    );
  }
  if (known.status === null) {
    throw new Refused(
      refusal('conflict', 'in-progress', 'The first request with this Idempotency-Key is still running.', {
        retryAfter: 1000,
      }),
    );
  }
  if (known.body === null) {
    throw new Refused(
      refusal(
        'conflict',
        'answered-once',
        'This was done already, and what it answered is shown once only. Look at what exists, or use a new key.',
      ),
    );
  }
  void reply.status(known.status).headers({ ...known.headers, 'idempotency-replayed': 'true' });
  return known.body === '' ? undefined : (JSON.parse(known.body) as unknown);
}

/** What Nest answers for the handler: its `@HttpCode`, else 201 for a POST. */
function createdStatus(context: ExecutionContext): number {
  return (Reflect.getMetadata('__httpCode__', context.getHandler()) as number | undefined) ?? 201;
}
