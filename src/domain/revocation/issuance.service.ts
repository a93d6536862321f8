import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { excludedFrom } from '../runbooks/people.queries.ts';
import { CanariesService, type TakenCanary } from './canaries.service.ts';
import { canaryAsVersion } from './canary-path.ts';
import { findDrillPath } from './drills.queries.ts';
import { Targets, type MachinePath } from './targets.service.ts';

export type IssuanceResult =
  | { outcome: 'accepted'; canaryId: Id; issuedBy: string; why: string }
  | { outcome: 'retry'; why: string; after?: Millis }
  | { outcome: 'person'; why: string }
  | { outcome: 'not_found' };

interface Call {
  by: Principal;
  runId: Id;
  /** The part of whoever issues, in the run. */
  act: string;
  idempotencyKey: string;
  signal: AbortSignal;
}

interface Ready {
  path: MachinePath;
  canary: TakenCanary & { madeBy: string };
  connection: string;
}

/** Issuing at a supplier's sandbox, as far as anybody can show it: a credential that a person issued there is accepted. */
@Injectable()
export class Issuance {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly canaries: CanariesService,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async simulate(credentialId: Id, call: Call): Promise<IssuanceResult> {
    const ready = await this.transactions.run(call.by, (db) => this.#ready(db, credentialId, call));
    if ('outcome' in ready) return ready;
    const { path, canary, connection } = ready;
    const answer = await path.connector.probe!(path.target, {
      idempotencyKey: call.idempotencyKey,
      signal: call.signal,
      now: () => this.clock.now(),
    });
    if (answer.verdict === 'indeterminate')
      return {
        outcome: 'retry',
        why: answer.why,
        ...(answer.retryAfter === undefined ? {} : { after: answer.retryAfter }),
      };
    if (answer.verdict === 'dead')
      return {
        outcome: 'person',
        why: `${connection} refuses the canary ${canary.label}: ${answer.why}. Withdraw it, and issue and record another one.`,
      };
    const why = `${connection} accepts ${canary.label}: ${answer.why}`;
    await this.transactions.run(call.by, (db) =>
      this.ledger.append(db, {
        kind: 'issuance.simulated',
        subject: { kind: 'credential', id: credentialId },
        by: call.by,
        at: this.clock.now(),
        facts: {
          run: call.runId,
          canary: canary.id,
          connection: path.connectionId,
          status: answer.exchange?.status ?? null,
        },
      }),
    );
    return { outcome: 'accepted', canaryId: canary.id, issuedBy: canary.madeBy, why };
  }

  async #ready(db: Db, credentialId: Id, call: Call): Promise<Ready | IssuanceResult> {
    const [credential] = await db.query<{ name: string }[]>(
      `SELECT name FROM credential WHERE id = $1 AND retired_at IS NULL`,
      [credentialId],
    );
    if (!credential) return { outcome: 'not_found' };
    const paths = await db.query<{ id: Id }[]>(
      `SELECT p.id FROM revocation_path p JOIN connection n ON n.id = p.connection_id AND n.retired_at IS NULL
        WHERE p.credential_id = $1 ORDER BY p.ordinal`,
      [credentialId],
    );
    const byHand = `Issue a credential like ${credential.name} at the supplier’s sandbox`;
    let wanted = `${byHand}, use it once, and state here that it worked.`;
    const others = await excludedFrom(db, call.runId, call.act);
    for (const { id } of paths) {
      const path = await findDrillPath(db, id);
      if (!path || path.drilledThrough === null) continue;
      const probe = await this.targets.pathTo(db, canaryAsVersion(path, null), path.drilledThrough);
      if (!probe.path || probe.path.abilities.probe === 'no') continue;
      const connection = path.connectionName ?? 'the connection';
      const [canary] = await db.query<Ready['canary'][]>(
        `SELECT id, label, supplier_id AS "supplierId", value_ref AS "valueRef", made_by AS "madeBy" FROM canary
          WHERE connection_id = $1 AND state = 'ready' AND made_by <> ALL($2::text[])
            AND CASE WHEN $3 THEN value_ref ELSE supplier_id END IS NOT NULL ORDER BY created_at, id LIMIT 1`,
        [path.drilledThrough, others, probe.path.abilities.probe === 'value'],
      );
      if (!canary) {
        wanted = `${byHand}, and record it as a canary of ${connection}: by somebody who neither asked for nor approved this.`;
        continue;
      }
      const { path: machine } = await this.targets.pathTo(
        db,
        canaryAsVersion(path, canary),
        path.drilledThrough,
      );
      if (!machine?.connector.probe) continue;
      const value = await this.canaries.value(db, canary);
      return { path: { ...machine, target: { ...machine.target, value } }, canary, connection };
    }
    return { outcome: 'person', why: wanted };
  }
}
