import { setImmediate as othersFirst } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { HOUR, MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { correlationId } from '../../platform/log/log.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { keyedSha256 } from '../credentials/fingerprint.rules.ts';
import { AlertsService, type AlertInput } from '../notices/alerts.service.ts';
import { AdmittedSources, type Admitted } from './admitted-sources.ts';
import { Deliveries, type Received, type Via } from './deliveries.service.ts';
import { STALE, UNPROVEN } from './delivery.rules.ts';
import { PublishedKeys } from './published-keys.service.ts';
import { Quota } from './quota.ts';
import { RefusedDeliveries } from './refused-deliveries.service.ts';
import { whyOf, type Knock, type Why } from './refused-delivery.rules.ts';
import type { JudgedReport, Proven, RawDelivery, ReadDelivery, Report, SourceAnswer } from './source.ts';

/** Bytes from which on a delivery waits for the large one before it. */
const LARGE = 1024 * 1024;

/** What became of a delivery, and how its protocol wants that to be said; undefined: as everything else is. */
export interface Outcome {
  result: Result<Received, Refusal>;
  answer?: SourceAnswer;
}

/**
 * The door for signed deliveries. In order: is there such a source with a key; is the body small enough; is it signed; is
 * there quota; can it be read; and then one transaction that knows whether it came before. No raw body is kept.
 */
@Injectable()
export class IntakeService {
  readonly #quota = new Quota();
  readonly #warned = new Map<string, Millis>();
  #turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly sources: AdmittedSources,
    private readonly published: PublishedKeys,
    private readonly deliveries: Deliveries,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly keys: Keys,
    private readonly alerts: AlertsService,
    private readonly refused: RefusedDeliveries,
  ) {}

  /**
   * Before a byte of the body is read. A source without a key is refused, never open; who is refused is not told which of
   * it was, and the log is.
   *
   * @param knock absent: nobody knocks, we are about to ask there
   */
  async admit(sourceKey: string, knock?: Knock): Promise<Result<Admitted, Refusal>> {
    const found = await this.#find(sourceKey);
    if (found.ok) return found;
    const { why, sourceId, known } = found.error;
    const askedFor = known ? sourceKey : nameless(sourceKey);
    if (knock) await this.refused.note({ sourceId, askedFor, via: 'push' }, why, UNPROVEN, knock);
    return err(UNPROVEN);
  }

  async #find(
    sourceKey: string,
  ): Promise<Result<Admitted, { why: Why; sourceId: Id | null; known: boolean }>> {
    if (!/^[a-z0-9-]{1,60}$/.test(sourceKey))
      return err({ why: 'unknown-source', sourceId: null, known: false });
    // Those who knock in one moment are looked up in one journey; each has a name of its own among them.
    const find = () =>
      this.transactions.together(this.#self(), `admit:${newId()}`, (db) =>
        this.sources.find(db, { key: sourceKey }),
      );
    let source = await find();
    if (source?.active && source.keys.length === 0 && source.publishedKeysUrl !== undefined) {
      if (await this.published.learn(source.id, this.#self())) source = await find();
    }
    if (!source) return err({ why: 'unknown-source', sourceId: null, known: false });
    if (source.keys.length === 0) return err({ why: 'no-key', sourceId: source.id, known: true });
    if (!source.active && !source.kind.saysWhenOff)
      return err({ why: 'switched-off', sourceId: source.id, known: true });
    return ok(source);
  }

  /** A body that nobody read to its end. */
  async tooLarge(source: Admitted, knock: Knock): Promise<Refusal> {
    const refused = await this.#tooLarge(source);
    const at = { sourceId: source.id, askedFor: source.key, via: 'push' } as const;
    await this.refused.note(at, 'too-large', refused, knock);
    return refused;
  }

  /** A body that could not be read to its end: it broke off, or dripped. Perhaps the source's, and then it comes again. */
  async unreadable(source: Admitted, refused: Refusal, knock: Knock): Promise<void> {
    const at = { sourceId: source.id, askedFor: source.key, via: 'push' } as const;
    await this.refused.note(at, 'unreadable', refused, knock);
    if (refused.code !== 'too-slow') return;
    await this.#warn(
      source,
      'too-slow',
      {
        severity: 'warning',
        message: `A body in the name of ${source.name} took too long to arrive and was cut off. If it was the source's, a delivery is lost: look there, and fetch it.`,
      },
      HOUR,
    );
  }

  async #tooLarge(source: Admitted): Promise<Refusal> {
    // Nobody read it, so nobody knows whose it was: whoever knows the source's key can send one.
    await this.#warn(
      source,
      'too-large',
      {
        severity: 'warning',
        message: `A body over the limit of ${source.bodyLimit} bytes came in the name of ${source.name}. If it was the source's, a delivery is lost: look there, and fetch it.`,
      },
      HOUR,
    );
    return refusal(
      'too_large',
      'delivery-too-large',
      `The delivery is larger than ${source.bodyLimit} bytes.`,
    );
  }

  async receive(
    source: Admitted,
    delivery: RawDelivery,
    ip: string | undefined,
    via: Exclude<Via, 'file'> = 'push',
  ): Promise<Outcome> {
    const now = this.clock.now();
    const proven = await this.#prove(source, delivery, now);
    if (!proven.ok) {
      await this.#noted(source, proven, delivery, via);
      return this.#answered(source, proven);
    }
    const take = () => this.#take(source, delivery, proven.value, { ip, via, now });
    return delivery.body.length > LARGE ? this.#inTurn(take) : take();
  }

  async #take(
    source: Admitted,
    delivery: RawDelivery,
    { deliveryId }: Proven,
    { ip, via, now }: { ip: string | undefined; via: 'push' | 'poll'; now: Millis },
  ): Promise<Outcome> {
    const read = await this.#read(source, delivery);
    if (!read.ok) {
      await this.#noted(source, read, delivery, via);
      return this.#answered(source, read);
    }
    const { reports } = read.value;
    const result = await this.deliveries.keep(
      source,
      { deliveryId, read: read.value, body: delivery.body, via },
      { as: this.#self(), by: this.#asSource(source, ip), now },
    );
    await this.#noted(source, result, delivery, via);
    const outcome = result.ok
      ? await this.#answered(source, result, reports)
      : await this.#answered(source, result);
    for (const { value } of reports) value?.wipe();
    return outcome;
  }

  /** One large delivery at a time: what several hold in memory while they are read is then what one of them holds. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    let done = () => {};
    this.#turn = new Promise((resolve) => (done = resolve));
    await before;
    try {
      return await work();
    } finally {
      done();
    }
  }

  async #noted(
    source: Admitted,
    result: Result<unknown, Refusal>,
    delivery: RawDelivery,
    via: 'push' | 'poll',
  ): Promise<void> {
    if (result.ok) return;
    const at = { sourceId: source.id, askedFor: source.key, via };
    await this.refused.note(at, whyOf(result.error), result.error, delivery);
  }

  async #prove(source: Admitted, delivery: RawDelivery, now: Millis): Promise<Result<Proven, Refusal>> {
    if (delivery.body.length > source.bodyLimit) return err(await this.#tooLarge(source));
    const { kind, settings } = source;
    let proven = await kind.authenticate(delivery, source.keys, now, settings);
    const unknownKey = !proven.ok && proven.error.kind === 'unauthenticated';
    if (unknownKey && source.publishedKeysUrl !== undefined) {
      const changed = source.active && (await this.published.learn(source.id, this.#self()));
      const fresh = changed
        ? await this.transactions.run(this.#self(), (db) => this.sources.find(db, { id: source.id }))
        : undefined;
      if (fresh) proven = await kind.authenticate(delivery, fresh.keys, now, settings);
    }
    if (!proven.ok) {
      if (proven.error.kind !== 'unauthenticated') return proven;
      const stale = proven.error.code === STALE.code;
      await this.#warn(source, stale ? 'stale' : 'not-signed', {
        severity: 'warning',
        message: stale
          ? `A delivery of ${source.name} was signed more than 5 minutes off our time, and refused: look at both clocks.`
          : `A delivery in the name of ${source.name} was not signed with one of its keys. If it was the source, its key changed and its reports are lost.`,
      });
      return proven;
    }
    // Only whoever proved who they are learns that there is such a source, and that it is off.
    if (!source.active) return err(SWITCHED_OFF);
    const wait = this.#quota.take(source.id, 1, source.quotaPerHour, now);
    if (wait === undefined) return proven;
    await this.#warn(source, 'over-quota', {
      severity: 'critical',
      message: `${source.name} delivers more than ${source.quotaPerHour} times an hour; what is beyond is refused.`,
    });
    return err(
      refusal('too_many', 'source-over-quota', 'The source delivers too often.', { retryAfter: wait }),
    );
  }

  async #read(source: Admitted, delivery: RawDelivery): Promise<Result<ReadDelivery, Refusal>> {
    const read = await reading(source, delivery);
    const problems = (read.ok ? read.value.unread : read.error.fields) ?? [];
    if (read.ok && problems.length === 0) return read;
    const [first] = problems;
    const what = read.ok
      ? `${problems.length === 1 ? '1 entry' : `${problems.length} entries`} of a delivery of ${source.name} cannot be read, and the others were taken`
      : `A signed delivery of ${source.name} cannot be read and is lost`;
    await this.#warn(source, 'unreadable', {
      severity: 'critical',
      message: `${what}: ${first?.field ?? 'body'} ${first?.problem ?? ''}`,
    });
    return read;
  }

  async #answered(
    source: Admitted,
    result: Result<Received, Refusal>,
    reports: readonly Report[] = [],
  ): Promise<Outcome> {
    const { kind, settings } = source;
    if (!kind.answer) return { result };
    const known =
      result.ok && kind.answersKnown
        ? await this.transactions.run(this.#self(), (db) => this.#known(db, reports))
        : new Set<number>();
    const judged: Result<JudgedReport[], Refusal> = result.ok
      ? ok(reports.map((report, n) => ({ report, known: known.has(n) })))
      : result;
    const answer = kind.answer(judged, settings);
    return answer ? { result, answer } : { result };
  }

  /** Which of the values are of credentials in the inventory. One parameter and one answer, however many there are. */
  async #known(db: Db, reports: readonly Report[]): Promise<Set<number>> {
    const peppers = this.keys.peppers();
    const digests = keyedSha256(
      reports.map(({ value, sha256 }) => value ?? sha256 ?? null),
      peppers,
    );
    const rows = await rowsOf<{ n: number }>(
      db,
      `SELECT DISTINCT i / cardinality($2::text[]) AS n
         FROM generate_series(0, $3::int - 1) AS i
         JOIN fingerprint f ON f.digest = substring($1::bytea FROM i * 32 + 1 FOR 32)
                           AND f.key_id = ($2::text[])[i % cardinality($2::text[]) + 1]`,
      [digests, peppers.map(({ id }) => id), reports.length * peppers.length],
    );
    return new Set(rows.map(({ n }) => n));
  }

  /**
   * An alert of its own transaction, at most once in a while for each source and kind: forgers must not write our disk
   * full. While one is open a further one is counted on it.
   */
  async #warn(
    source: Admitted,
    kind: string,
    alert: Pick<AlertInput, 'severity' | 'message'>,
    atMostEvery: Millis = MINUTE,
  ): Promise<void> {
    const now = this.clock.now();
    const dedupeKey = `intake.${kind}:${source.id}`;
    const last = this.#warned.get(dedupeKey);
    if (last !== undefined && now - last < atMostEvery && now >= last) return;
    this.#warned.set(dedupeKey, now);
    await this.transactions.run(this.#self(), (db) =>
      this.alerts.raise(db, {
        ...alert,
        kind: `intake.${kind}`,
        subject: { kind: 'source', id: source.id },
        dedupeKey,
        at: now,
      }),
    );
  }

  #self(): Principal {
    return system('intake', correlationId());
  }

  #asSource(source: Admitted, ip: string | undefined): Principal {
    return {
      kind: 'source',
      id: source.id,
      roles: [],
      partyId: source.partyId,
      correlationId: correlationId(),
      ...(ip === undefined ? {} : { ip }),
    };
  }
}

async function reading({ kind }: Admitted, delivery: RawDelivery): Promise<Result<ReadDelivery, Refusal>> {
  if (!kind.readInSteps) return kind.read(delivery);
  const steps = kind.readInSteps(delivery);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await othersFirst();
  }
}

/** An address that names nothing here may be anything, a secret that was pasted into the wrong line too: of a long one only its beginning. */
function nameless(sourceKey: string): string {
  if (!/^[a-z0-9-]{1,60}$/.test(sourceKey)) return '…';
  return sourceKey.length > 20 ? `${sourceKey.slice(0, 8)}…` : sourceKey;
}

const SWITCHED_OFF: Refusal = refusal(
  'forbidden',
  'source-switched-off',
  'Deliveries of this source are not taken now.',
);
