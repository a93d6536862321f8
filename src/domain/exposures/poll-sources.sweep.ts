import { Inject } from '@nestjs/common';
import type { Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { MINUTE, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { IntakeService } from './intake.service.ts';
import { SOURCES, type Source } from './source.ts';
import { apiTokenBinding } from './source-keys.ts';

/** Questions to one source in one round; what is left waits for the next. */
const MOST_QUESTIONS = 20;
/** Refusals that time mends: such a delivery stays with its source and comes again. */
const PASSING: ReadonlySet<Refusal['kind']> = new Set(['too_many', 'unavailable']);

interface Row {
  id: Id;
  key: string;
  name: string;
  kind: string;
  api_token_ref: string | null;
}

/**
 * Asks the sources that wait to be asked. A delivery is acknowledged in the next question, after it is stored: whoever dies
 * in between is given it again, and knows it by its id.
 */
@Sweep({ name: 'exposures.poll-sources', every: 20 * SECOND })
export class PollSourcesSweep {
  constructor(
    @Inject(SOURCES) private readonly sources: readonly Source[],
    private readonly transactions: Transactions,
    private readonly vault: Vault,
    private readonly intake: IntakeService,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const rows = await this.transactions.run(by, (db) =>
      rowsOf<Row>(
        db,
        `SELECT id, key, name, kind, api_token_ref FROM source WHERE active AND kind = ANY($1::text[]) AND settings ? 'pollUrl' ORDER BY key`,
        [this.sources.filter((kind) => kind.poll).map(({ key }) => key)],
      ),
    );
    for (const row of rows) {
      const failed = await this.#poll(row, by);
      const dedupeKey = `intake.not-polled:${row.id}`;
      await this.transactions.run(by, (db) =>
        failed
          ? this.alerts.raise(db, {
              kind: 'intake.not-polled',
              severity: 'critical',
              subject: { kind: 'source', id: row.id },
              message: `${row.name} could not be asked for its deliveries: ${failed.message}`,
              dedupeKey,
              at: this.clock.now(),
            })
          : this.alerts.settle(db, dedupeKey, this.clock.now()),
      );
    }
  }

  async #poll(row: Row, by: Principal): Promise<Refusal | undefined> {
    const kind = this.sources.find(({ key }) => key === row.kind);
    const admitted = await this.intake.admit(row.key);
    if (!kind?.poll) return undefined;
    if (!admitted.ok) return admitted.error;
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
      // Nothing of what came could be taken now: asking on would bring the same.
      if (!settled(done, refused)) more = false;
    }
    return undefined;
  }
}

function settled(done: readonly string[], refused: object): boolean {
  return done.length > 0 || Object.keys(refused).length > 0;
}
