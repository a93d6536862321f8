import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { system } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import type { Call, Connector, Exchange } from './connector.ts';
import { earliestOf, spacingOf } from './pace.rules.ts';

/** Departures that are remembered of one connection: more than any limit a second. */
const REMEMBERED = 1000;

/**
 * Keeps each supplier's limit of requests a second, over all processes: a request books its turn in the database and
 * leaves when it comes. The engine's lanes count steps, of which one may need several requests, and know nothing of looks
 * that are taken outside of any run.
 */
@Injectable()
export class Pace {
  readonly #left = new Map<Id, Millis[]>();
  readonly #by = system('engine', 'pace');

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** The connector as this connection may use it: each request waits for its turn. */
  keep(connector: Connector, connection: { id: Id; perSecond: number | null }): Connector {
    const { id, perSecond } = connection;
    if (perSecond === null || perSecond <= 0) return connector;
    const turn = (call: Call) => this.#turn(id, perSecond, call.signal);
    const why = 'not asked: its turn at the supplier did not come in time';
    const unsent = (): Exchange => {
      const at = this.clock.now();
      return {
        method: '',
        url: '',
        status: null,
        extract: '',
        startedAt: at,
        endedAt: at,
        failure: 'aborted',
      };
    };
    return {
      key: connector.key,
      title: connector.title,
      settings: connector.settings,
      capabilities: connector.capabilities,
      revocability: (settings, kind) => connector.revocability(settings, kind),
      abilities: (settings) => connector.abilities(settings),
      ...(connector.revoke && {
        revoke: async (target, call) =>
          (await turn(call))
            ? connector.revoke!(target, call)
            : { outcome: 'retry', why, exchange: unsent() },
      }),
      ...(connector.probe && {
        probe: async (target, call) =>
          (await turn(call))
            ? connector.probe!(target, call)
            : { verdict: 'indeterminate', why, exchange: null },
      }),
      ...(connector.checkOwnAuthentication && {
        checkOwnAuthentication: async (target, call) =>
          (await turn(call))
            ? connector.checkOwnAuthentication!(target, call)
            : { verdict: 'indeterminate', why, exchange: null },
      }),
      ...(connector.endSessions && {
        endSessions: async (target, call) =>
          (await turn(call))
            ? connector.endSessions!(target, call)
            : { outcome: 'retry', why, exchange: unsent() },
      }),
    };
  }

  /** @returns false when the call was cut short before its turn came */
  async #turn(id: Id, perSecond: number, signal: AbortSignal): Promise<boolean> {
    const spacing = spacingOf(perSecond);
    const [slot] = await this.transactions.run(this.#by, (db) =>
      db.query<{ wait: number }[]>(
        `INSERT INTO connection_pace AS p (connection_id, next_at) VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond')
         ON CONFLICT (connection_id) DO UPDATE SET next_at = greatest(p.next_at, clock_timestamp()) + $2 * interval '1 millisecond'
         RETURNING (extract(epoch FROM next_at - clock_timestamp()) * 1000)::float8 - $2 AS wait`,
        [id, spacing],
      ),
    );
    try {
      await pause(Math.max(0, slot?.wait ?? 0), undefined, { signal });
      const left = this.#left.get(id) ?? [];
      this.#left.set(id, left);
      const now = performance.now();
      const at = earliestOf(left, perSecond, now);
      left.push(at);
      if (left.length > 2 * REMEMBERED) left.splice(0, REMEMBERED);
      if (at > now) await pause(at - now, undefined, { signal });
      return true;
    } catch {
      return false;
    }
  }
}
