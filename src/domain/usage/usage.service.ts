import { createHash, createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { ELAPSED_DAY, MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { valuesAmong } from '../credentials/known-values.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { ReadEvents } from './read-events.ts';
import { nameOf, resolveNames, type Named, type NamedVersion } from './resolve-credentials.ts';
import { Alarms } from './usage-alarms.ts';
import { holdsValue, versionAt } from './usage.rules.ts';
import {
  MOST_EVENTS,
  usageEventSchema,
  type UsageEventInput,
  type UsageFeedInput,
  type UsageReceipt,
} from './usage.schema.ts';
import { hearFeed, insertUses, noteSeen, type UseRow } from './write-usage.ts';
import { KEEP_EVENTS } from './retention.rules.ts';

/** How far ahead of ours the clock of a feed may be. */
const AHEAD = 5 * MINUTE;

type RefusedEvent = UsageReceipt['refused'][number];
type Candidate = { index: number; event: UsageEventInput };

/** Takes reports of use in: validated one by one, written together. */
@Injectable()
export class UsageService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly keys: Keys,
    private readonly ledger: LedgerService,
    private readonly alarms: Alarms,
  ) {}

  /**
   * One batch of one feed. What is refused is named by its place with how to mend it; the rest is taken. A batch that was
   * taken before changes nothing.
   */
  async receive(
    read: ReadEvents,
    feed: string | null,
    by: Principal,
  ): Promise<Result<UsageReceipt, Refusal>> {
    if (read.items.length + read.refused.length > MOST_EVENTS) {
      return err(
        refusal(
          'too_large',
          'too-many-events',
          `One request takes at most ${MOST_EVENTS} events: send them in parts.`,
        ),
      );
    }
    const now = this.clock.now();
    const refused = [...read.refused];
    const notes: UsageReceipt['notes'] = [];
    const events: Candidate[] = [];
    for (const { index, item } of read.items) {
      const judged = judge(item, now);
      if ('event' in judged) events.push({ index, event: judged.event });
      else refused.push({ index, ...judged });
    }
    const peppers = this.keys.peppers();
    // Of the newest key alone: a pseudonym tells equal from equal, and nothing needs to be found by it.
    const pseudonym = (address: string) =>
      peppers[0]!.key.useBytes((key) =>
        createHmac('sha256', key).update(`usage address ${address}`).digest().subarray(0, 16),
      );
    // Uses belong to the operator; a party reports what its own integrations use and reads none of it.
    const receipt = await this.transactions.run(system('usage', by.correlationId), async (db) => {
      const named = await resolveNames(
        db,
        events.map(({ event }) => event),
        peppers,
        by.partyId,
      );
      const values = await valuesAmong(
        db,
        events.flatMap(({ event }) => writtenOf(event)),
        peppers,
      );
      const rows: (UseRow & { endedAt: Millis | null })[] = [];
      for (const { index, event } of events) {
        const held = WRITTEN.find((field) => values.has(event[field] ?? ''));
        if (held) {
          refused.push({ index, field: `/${held}`, ...HOLDS_VALUE });
          continue;
        }
        const version = meant(named, event);
        if ('problem' in version) refused.push({ index, ...version });
        else {
          const row = rowOf(event, version, named, pseudonym);
          if (event.location !== undefined && row.locationId === null) notes.push({ index, ...NO_LOCATION });
          rows.push(row);
        }
      }
      // The same name twice in one batch is one event: the first.
      const once = [...new Map(rows.toReversed().map((row) => [row.eventId, row])).values()].toReversed();
      const ahead = Math.max(0, ...once.map(({ at }) => at - now));
      const feedId = await hearFeed(db, {
        key: feed ?? by.id,
        partyId: by.partyId,
        reportedBy: by.id,
        ahead,
        now,
      });
      const fresh = (await insertUses(db, once, { feedId, reportedBy: by.id, now })) as typeof rows;
      await noteSeen(db, fresh, feedId);
      await this.alarms.look(db, fresh, now);
      if (fresh.length > 0) {
        const digest = createHash('sha256');
        for (const { eventId } of fresh) digest.update(`${String(eventId.length)}:${eventId}`);
        await this.ledger.append(db, {
          kind: 'usage.reported',
          subject: { kind: 'usage_feed', id: feedId },
          by,
          at: now,
          facts: { events: fresh.length, eventIdsSha256: digest.digest('hex') },
        });
      }
      return { accepted: fresh.length, known: rows.length - fresh.length };
    });
    return ok({ ...receipt, refused: refused.toSorted((a, b) => a.index - b.index), notes });
  }

  /** What is known of the clock of a feed that was heard of, and how long it may be silent. */
  async describeFeed(key: string, input: UsageFeedInput, by: Principal): Promise<Result<void, Refusal>> {
    const now = this.clock.now();
    return this.transactions.run(system('usage', by.correlationId), async (db) => {
      // A feed begins to be when it reports: else a slip of the pen would be a feed, and one that was just heard of.
      const [feed] = await rowsOf<{ id: Id }>(
        db,
        `UPDATE usage_feed SET clock = $3, quiet_after_minutes = $4
          WHERE key = $1 AND party_id IS NOT DISTINCT FROM $2 RETURNING id`,
        [key, by.partyId, input.clock, input.quietAfterMinutes],
      );
      if (!feed) {
        return err(
          refusal(
            'not_found',
            'no-feed',
            'No feed has reported under this key. Let it report first: an empty array is enough.',
          ),
        );
      }
      await this.ledger.append(db, {
        kind: 'usage.feed-described',
        subject: { kind: 'usage_feed', id: feed.id },
        by,
        at: now,
        facts: { key, clock: input.clock, quietAfterMinutes: input.quietAfterMinutes },
      });
      return ok(undefined);
    });
  }

  /** Says who uses a credential as they should; the list replaces the one before. */
  async declareActors(
    credentialId: Id,
    actors: readonly string[],
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => {
      const integrationId = await homeOf(db, credentialId);
      if (integrationId === undefined)
        return err(refusal('not_found', 'no-credential', 'There is no such credential.'));
      const values = await valuesAmong(db, actors, this.keys.peppers());
      const held = actors.findIndex((actor) => values.has(actor) || holdsValue(actor));
      if (held !== -1) {
        const { code, problem } = HOLDS_VALUE;
        return err(
          refusal('invalid', code, 'An actor is a name, never a value.', {
            fields: [{ field: `/actors/${held}`, problem, mend: 'Say how the feed names who uses it.' }],
          }),
        );
      }
      await db.query(`DELETE FROM known_actor WHERE credential_id = $1 AND actor <> ALL($2::text[])`, [
        credentialId,
        actors,
      ]);
      await db.query(
        `INSERT INTO known_actor (credential_id, integration_id, actor, declared_by, declared_at)
         SELECT $1, $2, a, $4, $5 FROM unnest($3::text[]) AS a ON CONFLICT (credential_id, actor) DO NOTHING`,
        [credentialId, integrationId, [...new Set(actors)], by.id, new Date(now)],
      );
      await this.ledger.append(db, {
        kind: 'usage.actors-declared',
        subject: { kind: 'credential', id: credentialId },
        by,
        at: now,
        facts: { actors: new Set(actors).size },
        committed: { actors: [...new Set(actors)].join('\n').slice(0, 10_000) },
      });
      return ok(undefined);
    });
  }
}

async function homeOf(db: Db, credentialId: Id): Promise<Id | undefined> {
  const [row] = await rowsOf<{ integration_id: Id }>(
    db,
    `SELECT integration_id FROM credential WHERE id = $1 FOR NO KEY UPDATE`,
    [credentialId],
  );
  return row?.integration_id;
}

const HOLDS_VALUE = {
  code: 'holds-a-value',
  problem: 'seems to hold a secret',
  mend: 'Never send a value: send the SHA-256 of it as sha256, and what else names the credential or the actor.',
};

/** The use is taken all the same: that it happened counts more than where. */
const NO_LOCATION = {
  field: '/location',
  code: 'unknown-location',
  problem: 'names no location of this credential: the use is kept as one from no location on record',
  mend: 'Record the copy under this external key, or send the key that it has.',
};

/** What of an event is written down as it came. */
const WRITTEN = ['eventId', 'actor', 'location', 'environment'] as const;

function writtenOf(event: UsageEventInput): string[] {
  return WRITTEN.flatMap((field) => event[field] ?? []);
}

/** What an event says, or why it is refused. Nothing of it is repeated: it may hold what it must not. */
function judge(item: unknown, now: Millis): { event: UsageEventInput } | Omit<RefusedEvent, 'index'> {
  const read = usageEventSchema.safeParse(item);
  if (!read.success) {
    const issue = read.error.issues[0]!;
    return issue.code === 'unrecognized_keys'
      ? {
          field: '/',
          code: 'unknown-member',
          problem: 'has a member that events do not have',
          mend: 'Leave it out, above all if it is a value: name the credential by its reference or the SHA-256 of its value.',
        }
      : {
          field: `/${issue.path.join('/')}`,
          code: 'invalid',
          problem: issue.message,
          mend: 'Send the event as the schema UsageEvent says.',
        };
  }
  const event = read.data;
  for (const [field, text] of Object.entries(event)) {
    if (typeof text === 'string' && holdsValue(text)) {
      return { field: `/${field}`, ...HOLDS_VALUE };
    }
  }
  const at = Date.parse(event.at);
  if (at > now + AHEAD) {
    return { field: '/at', code: 'future', problem: 'is in the future', mend: 'Mend the clock of the feed.' };
  }
  if (at < now - KEEP_EVENTS) {
    const days = KEEP_EVENTS / ELAPSED_DAY;
    return {
      field: '/at',
      code: 'too-old',
      problem: `is older than ${days} days`,
      mend: 'Uses are kept for no longer.',
    };
  }
  return { event };
}

/** The version that an event is about. Somebody else's is as unknown as one that there is not. */
function meant(named: Named, event: UsageEventInput): NamedVersion | Omit<RefusedEvent, 'index'> {
  const versions = named.versions.get(nameOf(event)) ?? [];
  const field = `/${nameOf(event).split(':', 1)[0]}`;
  if (new Set(versions.map(({ credentialId }) => credentialId)).size > 1) {
    return {
      field,
      code: 'ambiguous',
      problem: 'names several credentials',
      mend: 'Name it by its reference.',
    };
  }
  return (
    versionAt(versions, Date.parse(event.at), event.version) ?? {
      field: versions.length > 0 ? '/version' : field,
      code: 'unknown-credential',
      problem: 'names no credential that is known here',
      mend: 'Register the credential and its version first, then send the event again under the same eventId.',
    }
  );
}

function rowOf(
  event: UsageEventInput,
  version: NamedVersion,
  named: Named,
  pseudonym: (address: string) => Buffer,
): UseRow & { endedAt: Millis | null } {
  const locationId =
    event.location === undefined
      ? null
      : (named.locations.get(`${version.credentialId} ${event.location}`) ?? null);
  return {
    id: newId(),
    eventId: event.eventId,
    versionId: version.versionId,
    credentialId: version.credentialId,
    integrationId: version.integrationId,
    locationId,
    locationKey: locationId === null ? (event.location ?? null) : null,
    at: Date.parse(event.at),
    outcome: event.outcome,
    actor: event.actor ?? null,
    environment: event.environment ?? null,
    address: event.sourceAddress === undefined ? null : pseudonym(event.sourceAddress),
    endedAt: version.endedAt,
  };
}
