import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { system } from '../../kernel/principal.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import type {
  Call,
  Connector,
  Exchange,
  IssueAnswer,
  ListAnswer,
  ProbeAnswer,
  RevokeAnswer,
  SessionsAnswer,
  UsageAnswer,
  EntryReading,
  EntryWritten,
} from './connector.ts';
import { arrivedBy, spacingOf, waitOf, windowOf, type Departure } from './pace.rules.ts';

/**
 * Keeps each supplier's limit of requests a second, over all processes: a request books its turn in the database and
 * leaves when it comes. The engine's lanes count steps, of which one may need several requests, and know nothing of looks
 * that are taken outside of any run.
 */
@Injectable()
export class Pace {
  readonly #gates = new Map<Id, Gate>();
  readonly #by = system('engine', 'pace');

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** The connector as this connection may use it: each request waits for its turn. */
  keep(connector: Connector, connection: { id: Id; perSecond: number | null }): Connector {
    const { id, perSecond } = connection;
    if (perSecond === null || perSecond <= 0) return connector;
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
    const inTurn = async <T>(call: Call, ask: () => Promise<T>, otherwise: () => T): Promise<T> => {
      const end = await this.#turn(id, perSecond, call.signal);
      if (!end) return otherwise();
      try {
        return await ask();
      } finally {
        end();
      }
    };
    const unasked = () => ({ outcome: 'retry' as const, why, exchange: unsent() });
    const unseen = () => ({ verdict: 'indeterminate' as const, why, exchange: null });
    const unread = () => ({ outcome: 'unknown' as const, why, exchange: unsent() });
    const unlooked = () => ({ outcome: 'unknown' as const, why, exchange: null });
    return {
      key: connector.key,
      title: connector.title,
      settings: connector.settings,
      capabilities: connector.capabilities,
      revocability: (settings, kind) => connector.revocability(settings, kind),
      abilities: (settings, kind) => connector.abilities(settings, kind),
      ...(connector.readings && { readings: (settings) => connector.readings!(settings) }),
      ...(connector.revoke && {
        revoke: (target, call) => inTurn<RevokeAnswer>(call, () => connector.revoke!(target, call), unasked),
      }),
      ...(connector.probe && {
        probe: (target, call) => inTurn<ProbeAnswer>(call, () => connector.probe!(target, call), unseen),
      }),
      ...(connector.checkOwnAuthentication && {
        checkOwnAuthentication: (target, call) =>
          inTurn<ProbeAnswer>(call, () => connector.checkOwnAuthentication!(target, call), unseen),
      }),
      ...(connector.endSessions && {
        endSessions: (target, call) =>
          inTurn<SessionsAnswer>(call, () => connector.endSessions!(target, call), unasked),
      }),
      ...(connector.issue && {
        issue: (target, request, call) =>
          inTurn<IssueAnswer>(call, () => connector.issue!(target, request, call), unasked),
      }),
      ...(connector.listIssued && {
        listIssued: (target, call) =>
          inTurn<ListAnswer>(call, () => connector.listIssued!(target, call), unlooked),
      }),
      ...(connector.listUsage && {
        listUsage: (target, call) =>
          inTurn<UsageAnswer>(call, () => connector.listUsage!(target, call), unlooked),
      }),
      ...(connector.entryProblem && { entryProblem: (entry) => connector.entryProblem!(entry) }),
      ...(connector.readEntry && {
        readEntry: (entry, call) =>
          inTurn<EntryReading>(call, () => connector.readEntry!(entry, call), unread),
      }),
      ...(connector.writeEntry && {
        writeEntry: (entry, value, call) =>
          inTurn<EntryWritten>(call, () => connector.writeEntry!(entry, value, call), unasked),
      }),
      ...(connector.clearAway && {
        clearAway: (target, call) =>
          inTurn<RevokeAnswer>(call, () => connector.clearAway!(target, call), unasked),
      }),
    };
  }

  /** @returns null when the call was cut short before its turn came; else what is to be called when the answer is there */
  async #turn(id: Id, perSecond: number, signal: AbortSignal): Promise<(() => void) | null> {
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
      const gate = this.#gates.get(id) ?? new Gate();
      this.#gates.set(id, gate);
      return await gate.pass(perSecond, signal);
    } catch {
      return null;
    }
  }
}

/** What this process sent to one supplier account within the last second or so. */
class Gate {
  #recent: Departure[] = [];

  /** Waits until one more may leave, and lets it. @returns what is to be called when its answer is there */
  async pass(perSecond: number, signal: AbortSignal): Promise<() => void> {
    for (;;) {
      const now = performance.now();
      const window = windowOf(perSecond);
      this.#recent = this.#recent.filter((one) => arrivedBy(one) + window > now);
      const wait = waitOf(this.#recent, perSecond, now);
      if (wait > 0) {
        await pause(Math.ceil(wait), undefined, { signal });
        continue;
      }
      // In the same turn as the look that allowed it, so that nobody else takes the place.
      const one: Departure = { left: now, ended: null };
      this.#recent.push(one);
      return () => {
        one.ended = performance.now();
      };
    }
  }
}
