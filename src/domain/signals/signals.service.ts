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

  async publish(db: Db, signal: Signal): Promise<void> {
    const [row] = await db.query<{ written: number }[]>(
      `SELECT cs_signal_put($1, $2, $3, $4, $5, $6::uuid[], $7, $8::jsonb) AS written`,
      [
        signal.type,
        iso(signal.at),
        iso(this.clock.now()),
        newId(),
        signal.once ?? null,
        signal.integrationIds ?? [],
        signal.credentialId ?? null,
        JSON.stringify(signal.facts),
      ],
    );
    if (row && row.written > 0) await wakeSender(db, this.outbox);
  }
}

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
