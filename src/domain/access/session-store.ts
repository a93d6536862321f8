import { callbackify } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { Session } from 'fastify';
import { isId } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { HOUR, MINUTE } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { hashOf } from './hash-of.ts';

const BY = system('sessions', 'sessions');

/** Milliseconds without a request after which a session ends. */
export const SESSION_IDLE = 8 * HOUR;
/** A visitor who has not signed in keeps a session only for the form that is open. */
const VISITOR_IDLE = HOUR;

type Stored = { userId?: unknown; cookie?: unknown } & Record<string, unknown>;

/** Sessions in our own table, by the hash of their id: revocable at once, and a copy of the table opens none. */
@Injectable()
export class SessionStore {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** The session plug-in speaks in callbacks. */
  get(sid: string, done: (error: unknown, session?: Session | null) => void): void {
    callbackify(() => this.#get(sid))(done);
  }

  set(sid: string, session: Session, done: (error?: unknown) => void): void {
    callbackify(() => this.#set(sid, session))(done);
  }

  destroy(sid: string, done: (error?: unknown) => void): void {
    callbackify(() => this.#destroy(sid))(done);
  }

  async #get(sid: string): Promise<Session | null> {
    const [row] = await this.transactions.run(BY, (db) =>
      db.query<{ data: Session }[]>('SELECT data FROM session WHERE sid_hash = $1 AND expires_at > $2', [
        hashOf(sid),
        this.clock.date(),
      ]),
    );
    return row?.data ?? null;
  }

  async #set(sid: string, session: Session): Promise<void> {
    const data = session as unknown as Stored;
    const userId = isId(data.userId) ? data.userId : null;
    const now = this.clock.now();
    await this.transactions.run(BY, (db) =>
      db.query(
        `INSERT INTO session AS s (sid_hash, user_id, data, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (sid_hash) DO UPDATE SET user_id = excluded.user_id, data = excluded.data, expires_at = excluded.expires_at`,
        [
          hashOf(sid),
          userId,
          JSON.stringify(data),
          new Date(now),
          new Date(now + (userId ? SESSION_IDLE : VISITOR_IDLE)),
        ],
      ),
    );
  }

  async #destroy(sid: string): Promise<void> {
    await this.transactions.run(BY, (db) =>
      db.query('DELETE FROM session WHERE sid_hash = $1', [hashOf(sid)]),
    );
  }
}

/** What is over is removed: sessions, throttles, answers kept for repeats. */
@Sweep({ name: 'access.expired', every: 10 * MINUTE })
export class ExpiredSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    await this.transactions.run(by, async (db) => {
      const now = this.clock.date();
      await db.query('DELETE FROM session WHERE expires_at <= $1', [now]);
      await db.query('DELETE FROM idempotency_key WHERE expires_at <= $1', [now]);
      await db.query(`DELETE FROM login_throttle WHERE last_at < $1::timestamptz - interval '2 days'`, [now]);
    });
  }
}
