import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { CanariesService } from './canaries.service.ts';
import { CanaryPath } from './canary-path.ts';
import {
  canaryTouched,
  canaryWasDead,
  drillPassed,
  findingsOf,
  type DrillRecord,
} from './drill-faults.rules.ts';
import { findDrill, findDrillPath, type DrillPath, type DrillRow } from './drills.queries.ts';
import { drillEnded } from './revocation.events.ts';
import { Targets } from './targets.service.ts';

export interface DrillEnd {
  outcome: 'passed' | 'failed' | 'cancelled';
  why: string;
}

/** What is known of a drill, and how it ended. */
@Injectable()
export class DrillRecords {
  constructor(
    private readonly transactions: Transactions,
    readonly targets: Targets,
    readonly canaries: CanariesService,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /**
   * Writes down how a drill ended, once. It passed when the death of its canary was proven, or the contact answered in time,
   * and what was expected of each fault held; under a fault that forbids any proof, when nobody claimed one. Anything else
   * is a failure, however far it came; but a canary that was dead before makes the drill void, and the path stands as it did.
   */
  async conclude(drillId: Id, by: Principal, how?: { cancelled: true }): Promise<DrillEnd | null> {
    return this.transactions.run(by, async (db) => {
      const drill = await findDrill(db, drillId, true);
      if (!drill) return null;
      if (drill.endedAt !== null)
        return { outcome: drill.outcome as DrillEnd['outcome'], why: 'it had ended already' };
      const path = await findDrillPath(db, drill.pathId);
      if (!path) return null;
      const now = this.clock.now();
      const record = recordOf(drill);
      const proven = drill.provenAt !== null;
      const findings = findingsOf(record);
      const passed = drillPassed(record, findings);
      const dead = !passed && canaryWasDead(record);
      const outcome = passed ? 'passed' : how?.cancelled || dead ? 'cancelled' : 'failed';
      const endedAt = drill.provenAt?.getTime() ?? now;
      const why = passed
        ? proven
          ? provenWhy(drill)
          : findings.flatMap(({ held, said }) => (held ? [said] : [])).join(' ')
        : dead
          ? `void: canary not alive (${failedWhy(drill)})`
          : how?.cancelled
            ? 'the run was cancelled'
            : (findings.find(({ held }) => held === false)?.said ?? failedWhy(drill));
      const counts = !dead && (proven || !passed);
      await db.query(
        `UPDATE drill SET ended_at = $2, outcome = $3, why = $4, findings = $5, counts = $6 WHERE id = $1`,
        [drillId, iso(endedAt), outcome, why, JSON.stringify(findings), counts],
      );
      if (passed && proven)
        await db.query(
          `UPDATE revocation_path SET proven_at = $2, row_version = row_version + 1 WHERE id = $1`,
          [drill.pathId, iso(endedAt)],
        );
      if (dead) await this.#setAside(db, drill, path, by, now);
      else if (drill.canaryId !== null) await this.canaries.end(db, drill.canaryId, canaryTouched(record));
      // What works is the next canary; what was withdrawn, or never seen working, is none.
      if (drill.successorId !== null)
        await this.canaries.end(
          db,
          drill.successorId,
          drill.validatedAt === null || drill.withdrawnAt !== null,
        );
      await this.ledger.append(db, {
        kind: `drill.${outcome}`,
        subject: { kind: 'drill', id: drillId },
        by,
        at: now,
        facts: {
          path: drill.pathId,
          credentialId: path.credentialId,
          integrationId: path.integrationId,
          milliseconds: Math.max(0, endedAt - drill.startedAt.getTime()),
          exchanges: drill.evidence.length,
          notice: drill.noticeId,
          runbook: drill.runbook,
          faults: findings.map(({ fault, held }) => ({ fault, held })),
        },
      });
      if (counts) await this.#tell(db, drill, path, { outcome, why }, now);
      await this.outbox.put(db, drillEnded, {
        drillId,
        pathId: drill.pathId,
        integrationId: path.integrationId,
        outcome,
      });
      return { outcome, why };
    });
  }

  async #setAside(db: Db, drill: DrillRow, path: DrillPath, by: Principal, now: Millis): Promise<void> {
    const { canaryId: id, canaryConnectionId: connectionId } = drill;
    if (id === null || connectionId === null) return;
    await this.canaries.setAside(db, { connectionId, id }, by);
    await this.alerts.raise(db, {
      kind: 'drill.canary-dead',
      severity: 'warning',
      message: `The canary ${drill.canaryLabel ?? ''} of ${path.connectionName ?? 'a connection'} was dead before the drill for ${path.credentialName} could revoke it. It is set aside, the drill is void, and nothing is said of the path. Issue another canary, and drill again.`,
      dedupeKey: `canary-dead:${id}`,
      subject: { kind: 'revocation_path', id: drill.pathId },
      at: now,
    });
  }

  async #tell(db: Db, drill: DrillRow, path: DrillPath, end: DrillEnd, now: Millis): Promise<void> {
    const dedupeKey = `drill-failed:${drill.pathId}`;
    if (end.outcome === 'passed') return this.alerts.settle(db, dedupeKey, now);
    if (end.outcome === 'cancelled') return;
    await this.alerts.raise(db, {
      kind: 'drill.failed',
      severity: 'critical',
      message: `The drill of ${path.connectionName ?? path.contactName ?? 'a path'} for ${path.credentialName} failed: ${end.why}. Until a drill passes, this path counts as no path.`,
      dedupeKey,
      subject: { kind: 'revocation_path', id: drill.pathId },
      at: now,
    });
  }

  /** What it takes to speak to the supplier about the canary of a drill, with what is to go wrong in it. */
  machine(db: Db, drill: DrillRow, by: Principal): Promise<CanaryPath | { problem: string }> {
    return CanaryPath.open(db, drill, this, {
      faults: drill.faults,
      done: [...drill.injections],
      asked: drill.evidence.length > 0 || drill.injections.length > 0,
      presents: drill.runbook === 'drill' || drill.successorId !== null,
      loses: drill.runbook === 'drill' ? 'revoke' : 'issue',
      now: () => this.clock.now(),
      record: (one) =>
        this.transactions.run(by, (own) =>
          own.query(
            `UPDATE drill SET injections = injections || $2::jsonb WHERE id = $1 AND ended_at IS NULL`,
            [drill.id, JSON.stringify([one])],
          ),
        ),
    });
  }
}

function recordOf(drill: DrillRow): DrillRecord {
  return {
    faults: drill.faults,
    injections: drill.injections,
    evidence: drill.evidence,
    revokeSent: drill.revokeSentAt !== null,
    provenAt: drill.provenAt?.getTime() ?? null,
    rotation:
      drill.runbook === 'drill'
        ? null
        : {
            made: drill.successorId !== null,
            validated: drill.validatedAt !== null,
            withdrawn: drill.withdrawnAt !== null,
          },
  };
}

function provenWhy(drill: DrillRow): string {
  return drill.evidence.at(-1)?.why ?? 'the contact answered';
}

function failedWhy(drill: DrillRow): string {
  const last = drill.evidence.at(-1);
  if (last) return `${last.kind.replaceAll('_', ' ')}: ${last.why}`;
  return drill.noticeId !== null ? 'nobody answered in time' : 'nothing could be tried';
}
