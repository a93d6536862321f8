import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { readsIn } from '../parties/contact-language.ts';
import type { Revocability } from './connector.ts';
import type { DrillExchange, DrillView, Injection } from './drill.schema.ts';
import type { DrillFault } from './drill.schema.ts';

/** A path as a drill needs it, with whatever stands in the way. */
export interface DrillPath {
  id: Id;
  kind: 'connector' | 'contact';
  credentialId: Id;
  credentialName: string;
  credentialKind: string;
  integrationId: Id;
  integrationName: string;
  integrationReference: string;
  partyId: Id;
  partyName: string;
  revocability: Revocability;
  verifierPartyId: Id;
  connectionId: Id | null;
  connectionName: string | null;
  /** Where the drill runs: the sandbox of the connection, else the connection itself. */
  drilledThrough: Id | null;
  contactId: Id | null;
  contactName: string | null;
  contactEmail: string | null;
  language: string;
  retired: boolean;
  openDrillId: Id | null;
}

export async function findDrillPath(db: Db, pathId: Id, lock = false): Promise<DrillPath | undefined> {
  const [row] = await db.query<DrillPath[]>(
    `SELECT p.id, p.kind, p.credential_id AS "credentialId", c.name AS "credentialName", c.kind AS "credentialKind",
            p.integration_id AS "integrationId", i.name AS "integrationName", i.reference AS "integrationReference", p.party_id AS "partyId",
            pt.name AS "partyName", c.revocability, c.verifier_party_id AS "verifierPartyId", p.connection_id AS "connectionId",
            n.name AS "connectionName", coalesce(s.id, n.id) AS "drilledThrough", p.contact_id AS "contactId", k.name AS "contactName",
            k.email AS "contactEmail", coalesce(${readsIn('k')}, 'en') AS language,
            (c.retired_at IS NOT NULL OR coalesce(n.retired_at IS NOT NULL, NOT k.active, false)) AS retired,
            (SELECT d.id FROM drill d WHERE d.revocation_path_id = p.id AND d.ended_at IS NULL) AS "openDrillId"
       FROM revocation_path p
       JOIN credential c ON c.id = p.credential_id
       JOIN integration i ON i.id = p.integration_id
       JOIN party pt ON pt.id = p.party_id
       LEFT JOIN connection n ON n.id = p.connection_id
       LEFT JOIN connection s ON s.id = n.sandbox_connection_id AND s.retired_at IS NULL
       LEFT JOIN contact k ON k.id = p.contact_id
      WHERE p.id = $1 ${lock ? 'FOR UPDATE OF p' : ''}`,
    [pathId],
  );
  return row;
}

/** A drill as its steps need it. */
export interface DrillRow {
  id: Id;
  pathId: Id;
  runId: Id | null;
  canaryId: Id | null;
  canaryConnectionId: Id | null;
  canaryLabel: string | null;
  canarySupplierId: string | null;
  canaryValueRef: StoredRef | null;
  noticeId: Id | null;
  startedAt: Date;
  endedAt: Date | null;
  outcome: string | null;
  evidence: DrillExchange[];
  revokeSentAt: Date | null;
  provenAt: Date | null;
  faults: DrillFault[];
  injections: Injection[];
  runbook: 'drill' | 'rotation-drill';
  successorId: Id | null;
  successorLabel: string | null;
  successorSupplierId: string | null;
  successorValueRef: StoredRef | null;
  validatedAt: Date | null;
  withdrawnAt: Date | null;
}

export async function findDrill(db: Db, id: Id, lock = false): Promise<DrillRow | undefined> {
  const [row] = await db.query<DrillRow[]>(
    `SELECT d.id, d.revocation_path_id AS "pathId", d.run_id AS "runId", d.canary_id AS "canaryId", a.connection_id AS "canaryConnectionId",
            a.label AS "canaryLabel", a.supplier_id AS "canarySupplierId", a.value_ref AS "canaryValueRef", d.notice_id AS "noticeId",
            d.started_at AS "startedAt", d.ended_at AS "endedAt", d.outcome, d.evidence, d.revoke_sent_at AS "revokeSentAt",
            d.proven_at AS "provenAt", d.faults, d.injections, d.runbook, d.successor_id AS "successorId",
            d.successor_label AS "successorLabel", s.supplier_id AS "successorSupplierId", s.value_ref AS "successorValueRef",
            d.validated_at AS "validatedAt", d.withdrawn_at AS "withdrawnAt"
       FROM drill d LEFT JOIN canary a ON a.id = d.canary_id LEFT JOIN canary s ON s.id = d.successor_id WHERE d.id = $1 ${lock ? 'FOR UPDATE OF d' : ''}`,
    [id],
  );
  return row;
}

/** Newest first. */
export async function drillsOf(
  db: Db,
  filter: { pathId?: Id; credentialId?: Id; id?: Id; verifierPartyId?: Id },
  limit = 50,
): Promise<DrillView[]> {
  const rows = await db.query<
    (Omit<DrillView, 'startedAt' | 'endedAt'> & { startedAt: Date; endedAt: Date | null })[]
  >(
    `SELECT d.id, d.revocation_path_id AS "pathId", d.run_id AS "runId", p.kind, coalesce(n.name, k.name, '') AS label,
            jsonb_build_object('id', c.id, 'reference', c.reference, 'name', c.name) AS credential, a.label AS canary,
            d.started_at AS "startedAt", d.ended_at AS "endedAt", d.outcome, d.why, d.evidence, t.reference AS notice,
            d.runbook, d.faults, d.injections, d.findings, d.counts,
            extract(epoch FROM d.ended_at - d.started_at)::float8 AS seconds
       FROM drill d
       JOIN revocation_path p ON p.id = d.revocation_path_id
       JOIN credential c ON c.id = p.credential_id
       LEFT JOIN connection n ON n.id = p.connection_id
       LEFT JOIN contact k ON k.id = p.contact_id
       LEFT JOIN canary a ON a.id = d.canary_id
       LEFT JOIN notice t ON t.id = d.notice_id
      WHERE ($1::uuid IS NULL OR p.id = $1) AND ($2::uuid IS NULL OR p.credential_id = $2) AND ($3::uuid IS NULL OR d.id = $3)
        AND ($4::uuid IS NULL OR c.verifier_party_id = $4)
      ORDER BY d.started_at DESC, d.id DESC LIMIT $5`,
    [
      filter.pathId ?? null,
      filter.credentialId ?? null,
      filter.id ?? null,
      filter.verifierPartyId ?? null,
      limit,
    ],
  );
  return rows.map((row) => ({
    ...row,
    startedAt: row.startedAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
  }));
}

/** A path that its agreement wants tried by now. */
export interface DueDrill {
  pathId: Id;
  credentialId: Id;
  credentialName: string;
  credentialReference: string;
  everyDays: number;
  dueAt: Date;
}

/**
 * Paths whose last drill that counts is older than the agreement in force allows, the longest overdue first. One that was
 * never tried is due that long after the agreement began. A drill that somebody cancelled rests for a day.
 */
export function dueDrills(db: Db, now: Millis, limit = 200): Promise<DueDrill[]> {
  return db.query<DueDrill[]>(
    `SELECT * FROM (
       SELECT p.id AS "pathId", c.id AS "credentialId", c.name AS "credentialName", c.reference AS "credentialReference",
              v.drill_every_days AS "everyDays",
              coalesce((SELECT max(d.started_at) FROM drill d WHERE d.revocation_path_id = p.id AND d.outcome IN ('passed', 'failed') AND d.counts),
                       v.valid_from) + v.drill_every_days * interval '24 hours' AS "dueAt"
         FROM revocation_path p
         JOIN credential c ON c.id = p.credential_id AND c.retired_at IS NULL AND c.revocability NOT IN ('impossible', 'expiry_only')
         JOIN integration i ON i.id = p.integration_id AND i.state <> 'retired'
         JOIN LATERAL (SELECT drill_every_days, valid_from FROM agreement_version
                        WHERE agreement_id = i.agreement_id AND valid_from <= $1 AND (valid_until IS NULL OR valid_until > $1)
                        ORDER BY number DESC LIMIT 1) v ON v.drill_every_days IS NOT NULL
         LEFT JOIN connection n ON n.id = p.connection_id
         LEFT JOIN contact k ON k.id = p.contact_id
        WHERE n.retired_at IS NULL AND coalesce(k.active, true)
          AND NOT EXISTS (SELECT FROM drill d WHERE d.revocation_path_id = p.id
                            AND (d.ended_at IS NULL OR (d.outcome = 'cancelled' AND d.ended_at > $1::timestamptz - interval '24 hours')))
     ) due WHERE "dueAt" <= $1 ORDER BY "dueAt", "pathId" LIMIT $2`,
    [new Date(now), limit],
  );
}
