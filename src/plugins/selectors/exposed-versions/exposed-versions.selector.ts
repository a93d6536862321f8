import { Injectable } from '@nestjs/common';
import { isArriving } from '../../../domain/incidents/arrivals.ts';
import { laneOf } from '../../../domain/revocation/connections.service.ts';
import { MachineWays, type MachineWay } from '../../../domain/revocation/machine-ways.service.ts';
import type { SelectedItem, Subject } from '../../../domain/runbooks/action.ts';
import type { Selector } from '../../../domain/runbooks/selector.ts';
import type { Id } from '../../../kernel/ids.ts';
import type { Db } from '../../../platform/database/transactions.ts';

interface Row {
  portion: number;
  version_id: Id;
  credential_id: Id;
  integration_id: Id;
  risk: number;
  label: string;
  kind: string;
  environment: string;
  revocability: string;
  match: string;
  authority: string;
  may_act: string;
  approve_within_minutes: number | null;
  approve_otherwise: string | null;
  verifier_party_id: Id;
}

const BEFORE_ALL = '-1:0:00000000-0000-0000-0000-000000000000';

interface Request {
  subject: Subject;
  input: Readonly<Record<string, unknown>>;
}

/**
 * The credential versions that an incident is about, riskiest first. With `input.batchId` only those that joined together,
 * so that a late witness gets a run of its own. Of a large delivery they join in portions, and the run takes them until the
 * last one has joined.
 */
@Injectable()
export class ExposedVersionsSelector implements Selector {
  readonly name = 'exposed-versions';
  readonly title = 'The exposed credential versions of an incident';

  constructor(private readonly ways: MachineWays) {}

  async page(
    db: Db,
    request: Request & { cursor: string | null; limit: number },
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    // Asked before the rows are: what joined with the last portion of its delivery is then among them.
    const open = await stillArriving(db, request);
    // Behind the last row of the page before, in the order (portion up, risk down, id up).
    const [portion, risk, after] = request.cursor?.split(':') ?? [null, null, null];
    const rows = await db.query<Row[]>(
      `SELECT i.version_id, i.credential_id, i.integration_id, i.portion, c.risk, c.name || ', version ' || v.number AS label, c.kind,
              c.environment, c.revocability, i.match, i.authority, i.may_act, i.approve_within_minutes, i.approve_otherwise,
              c.verifier_party_id
         FROM incident_credential i
         JOIN credential c ON c.id = i.credential_id
         JOIN credential_version v ON v.id = i.version_id
        WHERE i.incident_id = $1 AND i.open AND ($2::uuid IS NULL OR i.batch_id = $2)
          AND ($3::int IS NULL OR i.portion > $3 OR (i.portion = $3 AND (c.risk < $4 OR (c.risk = $4 AND i.version_id > $5::uuid))))
        ORDER BY i.portion, c.risk DESC, i.version_id LIMIT $6`,
      [request.subject.id, batchOf(request), portion, risk, after, request.limit],
    );
    const last = rows.at(-1);
    const behind = last ? `${last.portion}:${last.risk}:${last.version_id}` : (request.cursor ?? BEFORE_ALL);
    const next = open || rows.length === request.limit ? behind : null;
    const ways = await this.ways.of(
      db,
      rows.map((row) => ({ credentialId: row.credential_id, kind: row.kind })),
    );
    return { items: rows.map((row) => itemOf(row, ways.get(row.credential_id) ?? [])), next };
  }

  async count(db: Db, request: Request): Promise<number> {
    const [row] = await db.query<{ n: number }[]>(
      `SELECT count(*)::int AS n FROM incident_credential WHERE incident_id = $1 AND open AND ($2::uuid IS NULL OR batch_id = $2)`,
      [request.subject.id, batchOf(request)],
    );
    return row?.n ?? 0;
  }
}

function itemOf(row: Row, ways: readonly MachineWay[]): SelectedItem {
  const connectionId = ways[0]?.connectionId;
  return {
    key: row.version_id,
    label: row.label,
    subject: { kind: 'credential_version', id: row.version_id },
    facts: {
      versionId: row.version_id,
      credentialId: row.credential_id,
      integrationId: row.integration_id,
      verifierPartyId: row.verifier_party_id,
      kind: row.kind,
      environment: row.environment,
      revocability: row.revocability,
      match: row.match,
      authority: row.authority,
      mayAct: row.may_act,
      // As runbooks write durations.
      approveWithin: `${row.approve_within_minutes ?? 60}m`,
      approveOtherwise: row.approve_otherwise ?? 'escalate',
      byMachine: connectionId !== undefined,
      // Most suppliers leave nothing behind that could be undone.
      clearsAway: ways.some(({ abilities }) => abilities?.clearAway === true),
    },
    ...(connectionId ? { lane: laneOf(connectionId) } : {}),
    priority: row.risk,
  };
}

/** Whether the batch came with a large delivery, or what is revoked together, of which more is on the way. */
async function stillArriving(db: Db, { input }: Request): Promise<boolean> {
  return typeof input.exposureBatchId === 'string' && isArriving(db, [input.exposureBatchId]);
}

function batchOf(request: Request): string | null {
  return typeof request.input.batchId === 'string' ? request.input.batchId : null;
}
