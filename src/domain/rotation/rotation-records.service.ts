import { Injectable } from '@nestjs/common';
import { Refused } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { SignalsService } from '../signals/signals.service.ts';
import {
  CLOSED,
  oldStanding,
  transition,
  type OldEnd,
  type OldFate,
  type RotationEvent,
  type RotationFacts,
  type RotationState,
} from './rotation.rules.ts';

export interface RotationRow {
  id: Id;
  reference: string;
  credentialId: Id;
  credentialName: string;
  integrationId: Id;
  oldVersionId: Id;
  oldNumber: number;
  newVersionId: Id | null;
  newNumber: number | null;
  recipe: string;
  madeBy: 'machine' | 'person';
  oldFate: OldFate;
  state: RotationState;
  runId: Id | null;
  rollBackRunId: Id | null;
  emergency: boolean;
  overlapSeconds: number;
  overlapMostSeconds: number;
  overlapUntil: Date | null;
  validatedAt: Date | null;
  oldEnd: OldEnd | null;
  closedAt: Date | null;
}

const SELECT = `SELECT r.id, r.reference, r.credential_id AS "credentialId", c.name AS "credentialName", r.integration_id AS "integrationId",
  r.old_version_id AS "oldVersionId", o.number AS "oldNumber", r.new_version_id AS "newVersionId", n.number AS "newNumber", r.recipe,
  r.made_by AS "madeBy", r.old_fate AS "oldFate", r.state, r.run_id AS "runId", r.roll_back_run_id AS "rollBackRunId", r.emergency,
  r.overlap_seconds AS "overlapSeconds", r.overlap_most_seconds AS "overlapMostSeconds", r.overlap_until AS "overlapUntil",
  r.validated_at AS "validatedAt", r.old_end AS "oldEnd", r.closed_at AS "closedAt"
  FROM rotation r JOIN credential c ON c.id = r.credential_id JOIN credential_version o ON o.id = r.old_version_id
  LEFT JOIN credential_version n ON n.id = r.new_version_id WHERE r.id = $1`;

/** What else changes with a step from one state to the next: columns and their values. */
export type Changes = Partial<{
  new_version_id: Id;
  run_id: Id;
  roll_back_run_id: Id;
  overlap_until: Date;
  validated_at: Date;
  validated_how: 'probe' | 'statement';
  old_end: OldEnd;
  old_ended_at: Date;
  why: string;
}>;

/** Rotations as rows: read under lock, moved by the rules alone, each move with its entry in the ledger. */
@Injectable()
export class RotationRecords {
  constructor(
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
    private readonly signals: SignalsService,
  ) {}

  find(db: Db, id: Id): Promise<RotationRow | undefined> {
    return db.query<RotationRow[]>(SELECT, [id]).then(([row]) => row);
  }

  /** The rotation, held until the transaction ends: whoever changes it comes one after the other. */
  async hold(db: Db, id: Id): Promise<RotationRow | undefined> {
    await db.query(`SELECT FROM rotation WHERE id = $1 FOR UPDATE`, [id]);
    return this.find(db, id);
  }

  async facts(db: Db, row: RotationRow): Promise<RotationFacts> {
    const [known] = await db.query<{ asked: boolean; behind: number }[]>(
      `SELECT EXISTS (SELECT FROM rotation_issue i WHERE i.rotation_id = $1 AND i.state NOT IN ('nothing', 'rejected', 'gone')) AS asked,
              (${BEHIND}) AS behind`,
      [row.id, row.credentialId, row.oldVersionId],
    );
    return {
      state: row.state,
      oldFate: row.oldFate,
      asked: known?.asked ?? false,
      hasNew: row.newVersionId !== null,
      validated: row.validatedAt !== null,
      behind: known?.behind ?? 0,
      overlapUntil: row.overlapUntil?.getTime() ?? null,
      oldEnd: row.oldEnd,
    };
  }

  /** Whether an event may happen now; the row must be held. */
  async may(db: Db, row: RotationRow, event: RotationEvent, changes: Changes = {}) {
    const facts = await this.facts(db, row);
    return transition(
      {
        ...facts,
        hasNew: facts.hasNew || changes.new_version_id !== undefined,
        validated: facts.validated || changes.validated_at !== undefined,
        overlapUntil: changes.overlap_until?.getTime() ?? facts.overlapUntil,
        oldEnd: changes.old_end ?? facts.oldEnd,
      },
      event,
      this.clock.now(),
    );
  }

  /** Moves a rotation that is held. @throws Refused where the rules say no: nothing of the transaction is stored then */
  async move(
    db: Db,
    row: RotationRow,
    event: RotationEvent,
    by: Principal,
    changes: Changes = {},
  ): Promise<RotationRow> {
    const next = await this.may(db, row, event, changes);
    if (!next.ok) throw new Refused(next.error);
    if (next.value === row.state && Object.keys(changes).length === 0) return row;
    const now = this.clock.now();
    const columns: Record<string, unknown> = { ...changes, state: next.value };
    if (next.value !== row.state) {
      if (next.value === 'stored') columns['stored_at'] = new Date(now);
      if (next.value === 'revoking') columns['revoking_at'] = new Date(now);
      if (CLOSED.has(next.value)) columns['closed_at'] = new Date(now);
    }
    const names = Object.keys(columns);
    await db.query(
      `UPDATE rotation SET ${names.map((name, at) => `${name} = $${at + 2}`).join(', ')}, row_version = row_version + 1 WHERE id = $1`,
      [row.id, ...Object.values(columns)],
    );
    await this.ledger.append(db, {
      kind: `rotation.${event.replaceAll('_', '-')}`,
      subject: { kind: 'rotation', id: row.id },
      by,
      at: now,
      facts: {
        credentialId: row.credentialId,
        integrationId: row.integrationId,
        from: row.state,
        to: next.value,
        oldVersionId: row.oldVersionId,
        newVersionId: changes.new_version_id ?? row.newVersionId,
        ...(changes.new_version_id ? { enteredBy: handOf(by) } : {}),
        ...(changes.overlap_until ? { overlapUntil: iso(changes.overlap_until.getTime()) } : {}),
        ...(changes.validated_how ? { validatedHow: changes.validated_how } : {}),
        ...(changes.old_end ? { oldEnd: changes.old_end } : {}),
      },
      ...(changes.why ? { committed: { why: changes.why } } : {}),
    });
    const moved = (await this.find(db, row.id))!;
    if (next.value !== row.state) await this.#signal(db, moved, row.state, now);
    if (CLOSED.has(next.value)) await this.#tell(db, moved, now);
    return moved;
  }

  /** For subscribers, so that what holds the credential elsewhere follows. */
  async #signal(db: Db, row: RotationRow, from: RotationState, now: Millis): Promise<void> {
    const version = (id: Id | null, number: number | null) => (id === null ? null : { id, number });
    const facts = {
      rotation: { id: row.id, reference: row.reference },
      from,
      to: row.state,
      oldVersion: version(row.oldVersionId, row.oldNumber),
      newVersion: version(row.newVersionId, row.newNumber),
    };
    const about = { at: now, credentialId: row.credentialId, facts };
    await this.signals.publish(db, { type: 'rotation.moved', ...about });
    if (row.state === 'done') await this.signals.publish(db, { type: 'credential.rotated', ...about });
  }

  /** A machine saw the new version refused: whoever entered or made it has to look. One alert for each rotation. */
  newRefused(db: Db, row: RotationRow, why: string): Promise<void> {
    const old = row.oldFate === 'dies' ? '' : ` Version ${row.oldNumber} stays.`;
    return this.alerts.raise(db, {
      kind: 'rotation.new-refused',
      severity: 'warning',
      message: `Version ${row.newNumber} of ${row.credentialName} is refused (${why}).${old} See the page of the rotation ${row.reference}.`,
      dedupeKey: `rotation-refused:${row.id}`,
      subject: { kind: 'credential', id: row.credentialId },
      at: this.clock.now(),
    });
  }

  /** It is seen accepted, or the rotation has ended: nobody has to look at the new version any more. */
  newSettled(db: Db, row: RotationRow): Promise<void> {
    return this.alerts.settle(db, `rotation-refused:${row.id}`, this.clock.now());
  }

  /** A rotation that ended while two versions may live, or none, is somebody's to look at. */
  async #tell(db: Db, row: RotationRow, now: Millis): Promise<void> {
    const key = `rotation-left:${row.credentialId}`;
    await this.newSettled(db, row);
    await this.alerts.settle(db, `rotation-due:${row.credentialId}`, now);
    if (row.state === 'done' || row.state === 'rolled_back') return this.alerts.settle(db, key, now);
    if (row.newVersionId === null) return;
    const old = oldStanding(await this.facts(db, row));
    await this.alerts.raise(db, {
      kind: 'rotation.left-open',
      severity: 'critical',
      message: `The rotation ${row.reference} of ${row.credentialName} ended before it was through: version ${row.oldNumber} is ${old.word}, version ${row.newNumber} was made. Rotate again, or revoke the one that is not needed.`,
      dedupeKey: key,
      subject: { kind: 'credential', id: row.credentialId },
      at: now,
    });
  }

  /** Changes the phase of a version, with its dates. */
  async phase(db: Db, versionId: Id, phase: 'pending' | 'active' | 'overlap' | 'retired'): Promise<void> {
    await db.query(
      `UPDATE credential_version SET phase = $2,
              activated_at = CASE WHEN $2 = 'active' THEN coalesce(activated_at, $3) ELSE activated_at END,
              retired_at = CASE WHEN $2 = 'retired' THEN coalesce(retired_at, $3) END, row_version = row_version + 1
        WHERE id = $1 AND phase <> $2`,
      [versionId, phase, this.clock.date()],
    );
  }
}

/** How many places hold the old version ($3) of the credential ($2), and nobody has said why. */
export const BEHIND = `SELECT count(*)::int FROM location l
  WHERE l.credential_id = $2 AND l.retired_at IS NULL AND (l.version_id = $3 OR l.version_id IS NULL)
    AND NOT EXISTS (SELECT FROM rotation_place p WHERE p.rotation_id = $1 AND p.location_id = l.id AND p.state IN ('holds_new', 'left'))`;
