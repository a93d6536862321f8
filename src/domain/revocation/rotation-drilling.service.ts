import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { CanariesService } from './canaries.service.ts';
import type { CanaryPath } from './canary-path.ts';
import type { Issued } from './connector.ts';
import type { DrillExchange } from './drill.schema.ts';
import { keep, kept, whyOf, type DrillAnswer, type DrillCall } from './drilling.service.ts';
import { findDrill, type DrillRow } from './drills.queries.ts';
import { DrillRecords } from './drill-records.service.ts';
import { faultIn } from './fault-injection.ts';

/**
 * The part of a drill that a rotation has before the old one is revoked: a new canary is made beside it and seen working.
 * What was made and never seen working is withdrawn, so that no drill leaves anything alive that nobody knows of.
 */
@Injectable()
export class RotationDrilling {
  constructor(
    private readonly transactions: Transactions,
    private readonly drills: DrillRecords,
    private readonly canaries: CanariesService,
    private readonly clock: Clock,
  ) {}

  /** Makes the successor, under a name that is kept before the supplier is asked; after a lost answer it looks first. */
  async make(drillId: Id, call: DrillCall): Promise<DrillAnswer> {
    const loaded = await this.#load(drillId, call);
    if ('outcome' in loaded) return loaded;
    const { drill, path } = loaded;
    if (drill.successorId !== null) return { outcome: 'done', why: 'it was made already' };
    if (drill.successorLabel !== null) {
      const settled = await this.#settle(drill, path, call);
      if (settled) return settled;
    } else {
      const old = await path.connector.probe!(path.target, this.#callOf(call));
      await this.#keep(drill, call, 'probe', old.verdict, old.why, old, path);
      if (old.verdict === 'dead')
        return { outcome: 'failed', why: `the canary was refused before anybody touched it: ${old.why}` };
      if (old.verdict === 'indeterminate') return again(call, old.why, old.retryAfter);
    }
    const label = `countersign-drill-${newId().slice(-12)}`;
    const asked = await this.transactions.run(call.by, (db) =>
      db.query<{ id: Id }[]>(
        `WITH u AS (UPDATE drill SET successor_label = $2
                     WHERE id = $1 AND ended_at IS NULL AND successor_id IS NULL AND successor_label IS NOT DISTINCT FROM $3 RETURNING id)
         SELECT id FROM u`,
        [drillId, label, drill.successorLabel],
      ),
    );
    if (asked.length === 0) return { outcome: 'unknown', why: 'somebody else makes it' };
    const answer = await path.connector.issue!(
      path.target,
      { label, expiresAt: null },
      this.#callOf({ ...call, idempotencyKey: `${call.idempotencyKey}:${label}` }),
    );
    const why =
      'why' in answer ? answer.why : answer.outcome === 'issued' ? 'made' : 'a person has to make it';
    await this.#keep(drill, call, 'issue', answer.outcome, why, answer, path);
    switch (answer.outcome) {
      case 'issued':
        await this.#store(drill, path, label, answer.issued, call);
        return { outcome: 'done', why: 'a new one was made beside the old one' };
      case 'retry':
        // Certainly not made: nothing is to be looked for.
        await this.transactions.run(call.by, (db) =>
          db.query(`UPDATE drill SET successor_label = NULL WHERE id = $1 AND successor_label = $2`, [
            drillId,
            label,
          ]),
        );
        return again(call, why, answer.after);
      case 'unknown':
        return { outcome: 'unknown', why };
      case 'rejected':
      case 'manual':
        return { outcome: 'failed', why };
    }
  }

  /** Sees the successor work, before the old one may be touched. */
  async validate(drillId: Id, call: DrillCall): Promise<DrillAnswer> {
    const loaded = await this.#load(drillId, call);
    if ('outcome' in loaded) return loaded;
    const { drill, path } = loaded;
    if (drill.validatedAt !== null) return { outcome: 'done', why: 'it was seen working already' };
    if (!path.successor) return { outcome: 'failed', why: 'none was made' };
    const seen = await path.connector.probe!(path.successor, this.#callOf(call));
    await this.#keep(drill, call, 'validate', seen.verdict, seen.why, seen, path);
    if (seen.verdict === 'indeterminate') return again(call, seen.why, seen.retryAfter);
    if (seen.verdict === 'dead') return { outcome: 'failed', why: `the new one does not work: ${seen.why}` };
    await this.transactions.run(call.by, (db) =>
      db.query(`UPDATE drill SET validated_at = $2 WHERE id = $1 AND ended_at IS NULL`, [
        drillId,
        iso(this.clock.now()),
      ]),
    );
    return { outcome: 'done', why: seen.why };
  }

  /** Withdraws what was made and never seen working. What works stays, as the next canary. */
  async withdraw(drillId: Id, call: DrillCall): Promise<DrillAnswer> {
    const loaded = await this.#load(drillId, call);
    if ('outcome' in loaded) return loaded;
    const { drill, path } = loaded;
    if (drill.validatedAt !== null)
      return { outcome: 'done', why: 'the new one works and is the next canary' };
    if (drill.withdrawnAt !== null) return { outcome: 'done', why: 'it was withdrawn already' };
    if (!path.successor) {
      if (drill.successorLabel === null) return { outcome: 'done', why: 'none was made' };
      return (
        (await this.#settle(drill, path, call)) ?? {
          outcome: 'done',
          why: 'nothing is left of what was asked for',
        }
      );
    }
    const answer = await path.connector.revoke!(path.successor, this.#callOf(call));
    const why = whyOf(answer);
    await this.#keep(drill, call, 'withdraw', answer.outcome, why, answer, path);
    if (answer.outcome === 'retry') return again(call, why, answer.after);
    if (answer.outcome === 'unknown')
      return call.last ? { outcome: 'failed', why } : { outcome: 'unknown', why };
    if (answer.outcome !== 'accepted' && answer.outcome !== 'gone') return { outcome: 'failed', why };
    await this.transactions.run(call.by, (db) =>
      db.query(`UPDATE drill SET withdrawn_at = $2 WHERE id = $1 AND ended_at IS NULL`, [
        drillId,
        iso(this.clock.now()),
      ]),
    );
    return { outcome: 'done', why: `withdrawn: ${why}` };
  }

  /** After a lost answer: what bears our name at the supplier has a value that nobody knows, and is withdrawn. */
  async #settle(drill: DrillRow, path: CanaryPath, call: DrillCall): Promise<DrillAnswer | null> {
    const listed = await path.connector.listIssued!(path.target, this.#callOf(call));
    if (listed.outcome === 'unknown') {
      await this.#keep(drill, call, 'list', 'unknown', listed.why, listed, path);
      return again(call, listed.why, listed.retryAfter);
    }
    const left = path.leftOver(listed.versions);
    const found = `${left.length} of ${listed.versions.length} bear the name that was asked for`;
    await this.#keep(drill, call, 'list', 'listed', found, listed, path);
    for (const target of left) {
      const answer = await path.connector.revoke!(target, this.#callOf(call));
      await this.#keep(drill, call, 'withdraw', answer.outcome, whyOf(answer), answer, path);
      if (answer.outcome !== 'accepted' && answer.outcome !== 'gone')
        return again(call, whyOf(answer), answer.outcome === 'retry' ? answer.after : undefined);
    }
    return null;
  }

  /** The value is sealed and known as a canary in the same transaction in which the drill has its successor. */
  async #store(
    drill: DrillRow,
    path: CanaryPath,
    label: string,
    issued: Issued,
    call: DrillCall,
  ): Promise<void> {
    try {
      await this.transactions.run(call.by, async (db) => {
        const now = this.clock.now();
        const id = await this.canaries.bear(db, drill.canaryConnectionId!, { label, issued }, call.by, now);
        await db.query(`UPDATE drill SET successor_id = $2 WHERE id = $1`, [drill.id, id]);
      });
    } finally {
      issued.value.wipe();
    }
  }

  #load(
    drillId: Id,
    call: DrillCall,
  ): Promise<{ drill: DrillRow; path: CanaryPath } | { outcome: 'failed'; why: string }> {
    return this.transactions.run(call.by, async (db) => {
      const failed = (why: string) => ({ outcome: 'failed' as const, why });
      const drill = await findDrill(db, drillId);
      if (drill?.runbook !== 'rotation-drill') return failed('there is no such drill of a rotation');
      if (drill.endedAt !== null) return failed('the drill has ended');
      const path = await this.drills.machine(db, drill, call.by);
      return 'problem' in path ? failed(path.problem) : { drill, path };
    });
  }

  #callOf({ idempotencyKey, signal }: DrillCall) {
    return { idempotencyKey, signal, now: () => this.clock.now() };
  }

  async #keep(
    drill: DrillRow,
    call: DrillCall,
    kind: DrillExchange['kind'],
    outcome: string,
    why: string,
    answer: object,
    path: CanaryPath,
  ): Promise<void> {
    const exchange = 'exchange' in answer ? (answer.exchange as Parameters<typeof kept>[3]) : null;
    const one = kept(kind, outcome, why, exchange, path.pathKey, this.clock.now(), faultIn(answer));
    await this.transactions.run(call.by, (db) => keep(db, drill.id, [one]));
  }
}

function again(call: DrillCall, why: string, after?: number): DrillAnswer {
  if (call.last) return { outcome: 'failed', why };
  return { outcome: 'retry', why, ...(after === undefined ? {} : { after }) };
}
