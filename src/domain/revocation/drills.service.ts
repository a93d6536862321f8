import { Injectable } from '@nestjs/common';
import { refusal, Refused, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { CanariesService, type TakenCanary } from './canaries.service.ts';
import type { StartDrill, StartedDrill } from './drill.schema.ts';
import { canaryAsVersion } from './canary-path.ts';
import { findDrillPath, type DrillPath } from './drills.queries.ts';
import { Targets } from './targets.service.ts';

/** Starts drills. What they do at a supplier is in `drilling.service.ts`, how they end in `drill-records.service.ts`. */
@Injectable()
export class DrillsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly canaries: CanariesService,
    private readonly runs: RunsService,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Tries a path. Refused, with what to do, where nothing is known that may be killed, or nobody could tell whether it died. */
  async start(
    pathId: Id,
    by: Principal,
    how: Partial<StartDrill> = {},
  ): Promise<Result<StartedDrill, Refusal>> {
    try {
      return ok(await this.transactions.run(by, (db) => this.begin(db, pathId, by, how)));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  /** The same in the caller's transaction. @throws Refused: what it took has to be given back */
  async begin(
    db: Db,
    pathId: Id,
    by: Principal,
    { faults = [], runbook = 'drill' }: Partial<StartDrill> = {},
  ): Promise<StartedDrill> {
    const path = await findDrillPath(db, pathId, true);
    if (!path) throw new Refused(refusal('not_found', 'no-path', 'There is no such revocation path.'));
    if (path.openDrillId !== null)
      throw new Refused(refusal('conflict', 'drill-under-way', 'This path is being drilled already.'));
    if (path.retired) {
      throw new Refused(
        refusal('conflict', 'path-retired', 'The path leads to something that is no longer in use.'),
      );
    }
    if (path.kind === 'contact' && (faults.length > 0 || runbook !== 'drill')) {
      throw new Refused(
        refusal(
          'invalid',
          'no-faults-here',
          'A path that ends at a person is tried by calling them: nothing can be rotated or made to go wrong there.',
          {
            fields: [
              {
                field: '/faults',
                problem: 'only for a path by machine',
                mend: 'Leave them out, or drill a path by machine.',
              },
            ],
          },
        ),
      );
    }
    const canary = path.kind === 'connector' ? await this.#takeCanary(db, path, runbook) : null;
    if (path.kind === 'contact' && path.contactEmail === null) {
      throw new Refused(
        refusal(
          'conflict',
          'no-address',
          `${path.contactName ?? 'The contact'} has no mail address to be called out at. Add one, then drill.`,
        ),
      );
    }
    const drillId = newId();
    const now = this.clock.now();
    const { runId } = await this.runs.start(db, {
      runbook,
      subject: { kind: 'revocation_path', id: pathId },
      input: { drillId, kind: path.kind },
      correlationId: by.correlationId,
      by,
    });
    await db.query(
      `INSERT INTO drill (id, revocation_path_id, run_id, canary_id, requested_by, started_at, faults, runbook) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        drillId,
        pathId,
        runId,
        canary?.id ?? null,
        by.personId ?? `${by.kind}:${by.id}`,
        iso(now),
        faults,
        runbook,
      ],
    );
    await this.ledger.append(db, {
      kind: 'drill.started',
      subject: { kind: 'drill', id: drillId },
      by,
      at: now,
      facts: {
        path: pathId,
        credentialId: path.credentialId,
        integrationId: path.integrationId,
        run: runId,
        canary: canary?.id ?? null,
        through: path.drilledThrough,
        runbook,
        faults: [...faults],
      },
    });
    return { drillId, runId };
  }

  /**
   * Why a path by machine cannot be drilled now, as starting it would say. null: it can.
   *
   * @returns undefined for a path that ends at a person, or that there is not
   */
  async obstacles(db: Db, pathId: Id): Promise<Record<StartDrill['runbook'], string | null> | undefined> {
    const path = await findDrillPath(db, pathId);
    if (path?.kind !== 'connector') return undefined;
    const known = await this.#known(db, path);
    const why = async (runbook: StartDrill['runbook']) => {
      const needs = canaryNeeds(path, known, runbook);
      if (!needs.ok) return needs.error.message;
      const ready = await this.canaries.ready(db, path.drilledThrough!, needs.value);
      return ready ? null : noCanary(path, needs.value).message;
    };
    return { drill: await why('drill'), 'rotation-drill': await why('rotation-drill') };
  }

  async #takeCanary(db: Db, path: DrillPath, runbook: StartDrill['runbook']): Promise<TakenCanary> {
    const needs = canaryNeeds(path, await this.#known(db, path), runbook);
    if (!needs.ok) throw new Refused(needs.error);
    const canary = await this.canaries.take(db, path.drilledThrough!, needs.value);
    if (!canary) throw new Refused(noCanary(path, needs.value));
    return canary;
  }

  /** What it takes to speak to the supplier of a path about its canaries. */
  #known(db: Db, path: DrillPath): Promise<KnownPath> {
    return this.targets.pathTo(db, canaryAsVersion(path, null), path.drilledThrough!);
  }
}

type KnownPath = Awaited<ReturnType<Targets['pathTo']>>;

interface CanaryNeeds {
  value: boolean;
  id: boolean;
}

/** What a canary of this path has to have, or why none would help. */
function canaryNeeds(
  path: DrillPath,
  known: KnownPath,
  runbook: StartDrill['runbook'],
): Result<CanaryNeeds, Refusal> {
  const name = path.connectionName ?? 'its connection';
  if (!known.path || known.problems.length > 0) {
    return err(
      refusal('conflict', 'path-not-usable', `${name} cannot be used: ${known.problems.join('; ')}.`),
    );
  }
  const { revoke, probe, issue } = known.path.abilities;
  if (runbook === 'rotation-drill' && (issue !== 'adds' || !known.path.connector.listIssued)) {
    return err(
      refusal(
        'conflict',
        'no-issue',
        `${name} cannot make a new credential beside the old one and say afterwards what it made, so that its rotation cannot be drilled by machine.`,
      ),
    );
  }
  if (revoke === 'no') {
    return err(
      refusal(
        'conflict',
        'no-machine',
        `${name} revokes through a person. Add the contact who does it as a path of this credential, and drill that.`,
      ),
    );
  }
  if (probe === 'no') {
    return err(
      refusal(
        'conflict',
        'no-probe',
        `${name} has no way to look whether a credential is dead, so that a drill could prove nothing. Add a probe to its preset, or a contact as a path.`,
      ),
    );
  }
  return ok({
    value: revoke === 'value' || probe === 'value',
    id: revoke === 'id' || probe === 'id',
  });
}

function noCanary(path: DrillPath, needs: CanaryNeeds): Refusal {
  const what = [needs.value ? 'its value' : '', needs.id ? 'the supplier’s id' : ''].filter(Boolean);
  return refusal(
    'conflict',
    'no-canary',
    `No canary is ready for ${path.connectionName ?? 'its connection'}. Issue a credential at the supplier that nobody uses, and record it with ${what.join(' and ')} as a canary of connection ${path.drilledThrough}: the drill revokes it.`,
  );
}
