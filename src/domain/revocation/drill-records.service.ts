import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { CanariesService, type TakenCanary } from './canaries.service.ts';
import { findDrill, findDrillPath, type DrillPath, type DrillRow } from './drills.queries.ts';
import { drillEnded } from './revocation.events.ts';
import { Targets, type MachinePath, type VersionFacts } from './targets.service.ts';

export interface DrillEnd {
  outcome: 'passed' | 'failed' | 'cancelled';
  why: string;
}

/** What is known of a drill, and how it ended. */
@Injectable()
export class DrillRecords {
  constructor(
    private readonly transactions: Transactions,
    private readonly targets: Targets,
    private readonly canaries: CanariesService,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /**
   * Writes down how a drill ended, once. It passed when the death of its canary was proven, or the contact answered in time;
   * anything else is a failure, however far it came.
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
      const passed = drill.provenAt !== null;
      const outcome = passed ? 'passed' : how?.cancelled ? 'cancelled' : 'failed';
      const endedAt = drill.provenAt?.getTime() ?? now;
      const why = passed ? provenWhy(drill) : how?.cancelled ? 'the run was cancelled' : failedWhy(drill);
      await db.query(`UPDATE drill SET ended_at = $2, outcome = $3, why = $4 WHERE id = $1`, [
        drillId,
        iso(endedAt),
        outcome,
        why,
      ]);
      if (passed)
        await db.query(
          `UPDATE revocation_path SET proven_at = $2, row_version = row_version + 1 WHERE id = $1`,
          [drill.pathId, iso(endedAt)],
        );
      if (drill.canaryId !== null)
        await this.canaries.end(db, drill.canaryId, drill.revokeSentAt !== null || drill.evidence.length > 0);
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
        },
      });
      await this.#tell(db, drill, path, { outcome, why }, now);
      await this.outbox.put(db, drillEnded, {
        drillId,
        pathId: drill.pathId,
        integrationId: path.integrationId,
        outcome,
      });
      return { outcome, why };
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

  /** What it takes to speak to the supplier about the canary of a drill. */
  async machine(db: Db, drill: DrillRow): Promise<{ path: MachinePath } | { problem: string }> {
    const path = await findDrillPath(db, drill.pathId);
    if (!path || drill.canaryId === null || drill.canaryConnectionId === null)
      return { problem: 'the drill has no canary' };
    const canary: TakenCanary = {
      id: drill.canaryId,
      label: drill.canaryLabel ?? '',
      supplierId: drill.canarySupplierId,
      valueRef: drill.canaryValueRef,
    };
    const { path: machine, problems } = await this.targets.pathTo(
      db,
      canaryAsVersion(path, canary),
      drill.canaryConnectionId,
    );
    if (!machine) return { problem: problems.join('; ') };
    const value = await this.canaries.value(db, canary);
    return { path: { ...machine, target: { ...machine.target, value } } };
  }
}

/** The canary in the place of a version. Its value is never one of a version's, so none is read for it. */
export function canaryAsVersion(path: DrillPath, canary: TakenCanary | null): VersionFacts {
  return {
    id: canary?.id ?? path.id,
    credentialId: path.credentialId,
    integrationId: path.integrationId,
    label: canary?.label ?? 'a canary',
    kind: path.credentialKind,
    supplierId: canary?.supplierId ?? null,
    expiresAt: null,
    revocability: path.revocability,
    verifierPartyId: path.verifierPartyId,
    contactId: null,
    valueRef: null,
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
