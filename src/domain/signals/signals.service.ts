import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import type { SignalType } from './signal.rules.ts';
import { wakeSender } from './wake-sender.ts';

/** Something that happened, for those who subscribed to it. */
export interface Signal {
  type: SignalType;
  at: Millis;
  /** Beside the integration and the credential, which are added: ids, numbers and states. No secret, no personal data. */
  facts: Record<string, unknown>;
  /** Whose parties hear of it. Absent: the integrations that use the credential. */
  integrationIds?: readonly Id[];
  /** Each integration hears of it under its own label. */
  credentialId?: Id;
  /** What makes two of them the same one, however often the work that tells it is repeated. */
  once?: string;
}

/**
 * Tells subscribers what happened: written in the transaction that makes it so, sent after it. Each party hears of its
 * own integrations only.
 */
@Injectable()
export class SignalsService {
  constructor(
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** One or many, in one statement; what several publish in a shared transaction goes in together, too. */
  async publish(db: Db, signals: Signal | readonly Signal[]): Promise<void> {
    const now = iso(this.clock.now());
    const rows = [signals].flat().map((signal) => ({
      type: signal.type,
      occurred: iso(signal.at),
      now,
      trail: newId(),
      once: signal.once ?? null,
      integrations: signal.integrationIds ?? [],
      credential: signal.credentialId ?? null,
      facts: signal.facts,
    }));
    if (rows.length === 0) return;
    if (await putSignals(db, rows)) await wakeSender(db, this.outbox);
  }
}

interface SignalInput {
  type: SignalType;
  occurred: string;
  now: string;
  trail: Id;
  once: string | null;
  integrations: readonly Id[];
  credential: Id | null;
  facts: Record<string, unknown>;
}

/** Whether anybody is told of any of them. */
const putSignals = inOne(async (db: Db, all: readonly (readonly SignalInput[])[]): Promise<boolean[]> => {
  const [row] = await db.query<{ written: number }[]>(
    `SELECT coalesce(sum(cs_signal_put(s.type, s.occurred, s.now, s.trail, s.once, s.integrations, s.credential, s.facts)), 0)::int AS written
       FROM jsonb_to_recordset($1::jsonb) AS s(type text, occurred timestamptz, now timestamptz, trail uuid, once text,
            integrations uuid[], credential uuid, facts jsonb)`,
    [JSON.stringify(all.flat())],
  );
  // One wake-up does for all.
  return all.map((_, at) => at === 0 && row!.written > 0);
});

/** Whether anybody subscribed to one of these at all: asked before work that only leads to telling. */
export const signalIsWanted = inOne(
  async (db: Db, asked: readonly (readonly SignalType[])[]): Promise<boolean[]> => {
    const kinds = [...new Set(asked.map((types) => types.join()))];
    const rows = await db.query<{ types: string; wanted: boolean }[]>(
      `SELECT t.types, cs_signal_wanted(string_to_array(t.types, ',')) AS wanted FROM unnest($1::text[]) AS t(types)`,
      [kinds],
    );
    const wanted = new Set(rows.flatMap((row) => (row.wanted ? [row.types] : [])));
    return asked.map((types) => wanted.has(types.join()));
  },
);
