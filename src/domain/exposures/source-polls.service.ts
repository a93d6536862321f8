import { Inject, Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { MINUTE, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { oneLine } from './delivery.rules.ts';
import { IntakeService } from './intake.service.ts';
import { keysMissedKey } from './published-keys.service.ts';
import { SOURCES, type Source } from './source.ts';
import { apiTokenBinding } from './source-keys.ts';
import type { Polling } from './source.schema.ts';

/** Questions to one source in one round; what is left waits for the next. */
const MOST_QUESTIONS = 20;
/** Refusals that time mends: such a delivery stays with its source and comes again. */
const PASSING: ReadonlySet<Refusal['kind']> = new Set(['too_many', 'unavailable']);

interface Row {
  id: Id;
  key: string;
  name: string;
  kind: string;
  active: boolean;
  polls: boolean;
  api_token_ref: string | null;
}

const SELECT = `SELECT id, key, name, kind, active, settings ? 'pollUrl' AS polls, api_token_ref FROM source`;

const NO_KEY: Refusal = refusal(
  'conflict',
  'source-without-key',
  'The source has no key, so that nothing of what it says could be checked: add one, or say where its keys are published.',
);

/**
 * Asks the sources that wait to be asked. A delivery is acknowledged in the next question, after it is stored: whoever dies
 * in between is given it again, and knows it by its id.
 */
@Injectable()
export class SourcePolls {
  constructor(
    @Inject(SOURCES) private readonly sources: readonly Source[],
    private readonly transactions: Transactions,
    private readonly vault: Vault,
    private readonly intake: IntakeService,
    private readonly alerts: AlertsService,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Those whose time has come. */
  async askDue(by: Principal): Promise<void> {
    // Asked a little early rather than a whole round late: the rounds do not fall on the second.
    const now = new Date(this.clock.now() + 5 * SECOND);
    const rows = await this.transactions.run(by, (db) =>
      rowsOf<Row>(
        db,
        `${SELECT} WHERE active AND kind = ANY($1::text[]) AND settings ? 'pollUrl'
            AND (polled_at IS NULL OR polled_at + make_interval(secs => poll_seconds) <= $2) ORDER BY polled_at NULLS FIRST, key`,
        [this.sources.filter((kind) => kind.poll).map(({ key }) => key), now],
      ),
    );
    for (const row of rows) await this.#ask(row, by);
  }

  /** One of them now, whenever it would be its turn. */
  async askNow(id: Id, by: Principal): Promise<Result<Polling, Refusal>> {
    const at = this.clock.now();
    const found = await this.transactions.run(by, async (db) => {
      const [row] = await rowsOf<Row>(db, `${SELECT} WHERE id = $1`, [id]);
      const wrong = row
        ? this.#unaskable(row)
        : refusal('not_found', 'no-such-source', 'There is no such source.');
      if (wrong) return err(wrong);
      await this.ledger.append(db, { kind: 'source.asked', subject: { kind: 'source', id }, by, at });
      return ok(row!);
    });
    return found.ok ? ok(await this.#ask(found.value, system('intake', by.correlationId))) : found;
  }

  #unaskable(row: Row): Refusal | undefined {
    const asks = this.sources.find(({ key }) => key === row.kind)?.poll !== undefined;
    if (!asks || !row.polls)
      return refusal(
        'conflict',
        'source-is-not-asked',
        'The source delivers by itself: no address is set where it could be asked.',
      );
    return row.active
      ? undefined
      : refusal('conflict', 'source-switched-off', 'The source is switched off: switch it on to ask it.');
  }

  /** Asks, and writes down what came of it: in the row, and where it failed as an alert. */
  async #ask(row: Row, by: Principal): Promise<Polling> {
    const tally = { taken: 0, refused: 0 };
    const failed = await this.#poll(row, by, tally);
    const at = this.clock.now();
    const problem = failed ? oneLine(failed.message, 400) : null;
    const dedupeKey = `intake.not-polled:${row.id}`;
    await this.transactions.run(by, async (db) => {
      await db.query(
        `UPDATE source SET polled_at = $2, poll_problem = $3, poll_taken = $4, poll_refused = $5 WHERE id = $1`,
        [row.id, new Date(at), problem, tally.taken, tally.refused],
      );
      if (problem === null) return this.alerts.settle(db, dedupeKey, at);
      return this.alerts.raise(db, {
        kind: 'intake.not-polled',
        severity: 'critical',
        subject: { kind: 'source', id: row.id },
        message: `${row.name} could not be asked for its deliveries: ${problem}`,
        dedupeKey,
        at,
      });
    });
    return { at: new Date(at).toISOString(), ...tally, problem };
  }

  async #poll(
    row: Row,
    by: Principal,
    tally: { taken: number; refused: number },
  ): Promise<Refusal | undefined> {
    const kind = this.sources.find(({ key }) => key === row.kind);
    const admitted = await this.intake.admit(row.key);
    if (!kind?.poll) return undefined;
    if (!admitted.ok) return (await this.#keysMissed(row.id, by)) ?? NO_KEY;
    const { api_token_ref: ref } = row;
    const token =
      ref === null
        ? null
        : await this.transactions.run(by, (db) => this.vault.get(db, ref, apiTokenBinding(row.id)));
    let done: string[] = [];
    let refused: Record<string, Refusal> = {};
    let more = true;
    for (let asked = 0; asked < MOST_QUESTIONS && (more || settled(done, refused)); asked++) {
      const answer = await kind.poll({
        settings: admitted.value.settings,
        token,
        signal: AbortSignal.timeout(MINUTE),
        done,
        refused,
        last: !more,
      });
      if (!answer.ok) return answer.error;
      done = [];
      refused = {};
      more = answer.value.more;
      for (const { id, delivery } of answer.value.deliveries) {
        const { result } = await this.intake.receive(admitted.value, delivery, undefined, 'poll');
        if (result.ok) done.push(id);
        else if (!PASSING.has(result.error.kind)) refused[id] = result.error;
      }
      tally.taken += done.length;
      tally.refused += Object.keys(refused).length;
      // Nothing of what came could be taken now: asking on would bring the same.
      if (!settled(done, refused)) more = false;
    }
    return undefined;
  }

  /** What became of the keys that its sender publishes, where they are why there are none. */
  async #keysMissed(id: Id, by: Principal): Promise<Refusal | undefined> {
    const [missed] = await this.transactions.run(by, (db) =>
      rowsOf<{ message: string }>(
        db,
        `SELECT message FROM alert WHERE dedupe_key = $1 AND handled_at IS NULL`,
        [keysMissedKey(id)],
      ),
    );
    return missed && refusal('conflict', 'source-without-key', missed.message);
  }
}

function settled(done: readonly string[], refused: object): boolean {
  return done.length > 0 || Object.keys(refused).length > 0;
}
