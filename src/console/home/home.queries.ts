import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { DEAD, UNPROVEN } from '../incidents/incidents.queries.ts';
import { ms } from '../shared/sql.ts';

export interface Now {
  /** Of the incidents that are open. */
  exposed: number;
  dead: number;
  unproven: number;
  alive: number;
  openIncidents: number;
  triage: number;
}

export async function nowOf(db: Db): Promise<Now> {
  const [row] = await db.query<Omit<Now, 'alive'>[]>(
    `SELECT counts.*, (SELECT count(*)::int FROM incident WHERE state NOT IN ('closed', 'dismissed')) AS "openIncidents",
            (SELECT count(*)::int FROM exposure WHERE state = 'triage') AS triage
       FROM (SELECT count(*)::int AS exposed, count(*) FILTER (WHERE ${DEAD})::int AS dead, count(*) FILTER (WHERE ${UNPROVEN})::int AS unproven
               FROM incident_credential x LEFT JOIN version_death d ON d.version_id = x.version_id WHERE x.open) counts`,
  );
  const now = row ?? { exposed: 0, dead: 0, unproven: 0, openIncidents: 0, triage: 0 };
  return { ...now, alive: now.exposed - now.dead - now.unproven };
}

export interface NextDuty {
  title: string;
  reference: string;
  incident: string;
  caseReference: string;
  warnAt: Millis | null;
  dueAt: Millis;
}

/** Duties of laws of our own that run, and that no notice tells yet: a notice has its own clock beside these. */
export function nextDuties(db: Db, limit: number): Promise<NextDuty[]> {
  return db.query(
    `SELECT o.title, o.reference, i.reference AS incident, c.reference AS "caseReference", ${ms('o.warn_at')} AS "warnAt", ${ms('o.due_at')} AS "dueAt"
       FROM obligation o JOIN incident i ON i.id = o.incident_id JOIN incident_case c ON c.id = o.case_id
      WHERE o.standing = 'dated' AND o.obligation = 'required' AND o.timeliness = 'open' AND NOT o.watched
        AND NOT EXISTS (SELECT FROM written_notice w WHERE w.id = o.written_notice_id AND w.notice_id IS NOT NULL)
      ORDER BY o.due_at LIMIT $1`,
    [limit],
  );
}

export interface RunningImport {
  id: Id;
  reference: string;
  fileName: string | null;
  state: string;
  rowsRead: number;
  problems: number;
  bytesRead: number;
  bytesTotal: number;
  createdAt: Millis;
  endedAt: Millis | null;
}

/** Imports that are not over, and the last one that is. */
export function importsNow(db: Db): Promise<RunningImport[]> {
  return db.query(
    `SELECT id, reference, file_name AS "fileName", state, rows_read AS "rowsRead", problems, bytes_read::float8 AS "bytesRead",
            bytes_total::float8 AS "bytesTotal", ${ms('created_at')} AS "createdAt", ${ms('ended_at')} AS "endedAt"
       FROM import_job
      WHERE ended_at IS NULL OR id = (SELECT id FROM import_job WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1)
      ORDER BY ended_at IS NULL DESC, id DESC LIMIT 5`,
  );
}

/** What is worst in the portfolio, whether anything leaks or not. */
export interface PortfolioTrouble {
  unstoppable: number;
  ownerless: number;
  expiring: number;
  /** Whether no integration is on record. */
  empty: boolean;
}

export async function troubleOf(db: Db, now: Millis): Promise<PortfolioTrouble> {
  const [row] = await db.query<PortfolioTrouble[]>(
    `SELECT (SELECT count(*)::int FROM credential c WHERE c.retired_at IS NULL
               AND (c.revocability IN ('impossible', 'expiry_only') OR NOT EXISTS (SELECT 1 FROM revocation_path p WHERE p.credential_id = c.id))) AS unstoppable,
            (SELECT count(*)::int FROM integration i WHERE i.owner_contact_id IS NULL AND i.state <> 'retired') AS ownerless,
            (SELECT count(*)::int FROM credential_version v WHERE v.phase = 'active' AND v.expires_at > $1
               AND v.expires_at <= $1::timestamptz + interval '14 days') AS expiring,
            NOT EXISTS (SELECT FROM integration) AS empty`,
    [new Date(now)],
  );
  return row ?? { unstoppable: 0, ownerless: 0, expiring: 0, empty: true };
}
