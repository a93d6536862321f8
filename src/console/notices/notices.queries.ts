import type { NewWritten } from '../../domain/notices/written-notice.schema.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ms } from '../shared/sql.ts';

export interface NoticeTotals {
  open: number;
  met: number;
  missed: number;
}

/** Of those that are required: how many clocks run, were kept, were missed. */
export async function noticeTotals(db: Db): Promise<NoticeTotals> {
  const [row] = await db.query<NoticeTotals[]>(
    `SELECT count(*) FILTER (WHERE timeliness = 'open')::int AS open, count(*) FILTER (WHERE timeliness = 'met')::int AS met,
            count(*) FILTER (WHERE timeliness = 'missed')::int AS missed FROM notice WHERE obligation = 'required'`,
  );
  return row ?? { open: 0, met: 0, missed: 0 };
}

/** What the notices of an incident are about: itself and its cases; nothing where there is no such incident. */
export async function subjectsOf(db: Db, incident: string): Promise<Id[]> {
  const rows = await db.query<{ id: Id }[]>(
    `SELECT i.id FROM incident i WHERE i.reference = $1
      UNION ALL SELECT k.id FROM incident i JOIN incident_case k ON k.incident_id = i.id WHERE i.reference = $1`,
    [incident],
  );
  return rows.map(({ id }) => id);
}

/** What the text of a notice is made from, and what it led to. */
export interface TextSource {
  id: Id;
  reference: string;
  category: string;
  language: string;
  facts: Record<string, unknown>;
  created_at: Date;
  sent_subject: string | null;
  sent_text: string | null;
  nextAction: string | null;
  agreement: string | null;
  incidentReference: string | null;
  caseReference: string | null;
  acknowledgedBy: string | null;
  escalations: { level: string; reason: string; at: Millis; to: string | null }[];
}

export async function textSourceOf(db: Db, reference: string): Promise<TextSource | undefined> {
  const [row] = await db.query<TextSource[]>(
    `SELECT n.id, n.reference, n.category, n.language, n.facts, n.created_at, n.sent_subject, n.sent_text,
            (SELECT z.next_action FROM acknowledgement z WHERE z.notice_id = n.id AND z.effective) AS "nextAction",
            (SELECT a.reference || ', version ' || v.number FROM agreement_version v JOIN agreement a ON a.id = v.agreement_id
              WHERE v.id = n.agreement_version_id) AS agreement,
            k.reference AS "caseReference", i.reference AS "incidentReference",
            (SELECT z.typed_name FROM acknowledgement z WHERE z.notice_id = n.id AND z.effective) AS "acknowledgedBy",
            coalesce((SELECT json_agg(json_build_object('level', e.level, 'reason', e.reason, 'at', ${ms('e.at')}, 'to', coalesce(c.name, e.role)) ORDER BY e.at)
                        FROM escalation e LEFT JOIN contact c ON c.id = e.contact_id WHERE e.subject_id = n.id), '[]') AS escalations
       FROM notice n
       LEFT JOIN incident_case k ON k.id = n.subject_id
       LEFT JOIN incident i ON i.id = k.incident_id
      WHERE n.reference = $1`,
    [reference],
  );
  return row;
}

/** To whom one writes again, and about what: as a notice was told. */
export async function writtenTo(db: Db, reference: string): Promise<NewWritten | undefined> {
  const [row] = await db.query<{ integrationId: Id; contactId: Id; caseId: Id | null }[]>(
    `SELECT n.integration_id AS "integrationId", n.contact_id AS "contactId",
            CASE WHEN n.subject_kind = 'case' THEN n.subject_id END AS "caseId"
       FROM notice n WHERE n.reference = $1 AND n.contact_id IS NOT NULL`,
    [reference],
  );
  return row;
}

/** The duties of laws that a written notice tells. */
export function dutiesTold(db: Db, id: Id): Promise<{ id: Id; reference: string; title: string }[]> {
  return db.query(
    `SELECT id, reference, title FROM obligation WHERE written_notice_id = $1 ORDER BY reference LIMIT 20`,
    [id],
  );
}

/** Whose hand wrote it. */
export async function writtenBy(db: Db, id: Id): Promise<string | undefined> {
  const [row] = await db.query<{ by: string }[]>(
    `SELECT written_by AS by FROM written_notice WHERE id = $1`,
    [id],
  );
  return row?.by;
}
