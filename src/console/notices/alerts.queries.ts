import { holds } from '../../domain/credentials/holdings.queries.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { AlertView } from '../../domain/notices/handled-alerts.service.ts';
import { PAGE_SIZE } from '../shared/paging.tsx';
import { ms } from '../shared/sql.ts';

/** An alert with the address of what it is about, where that has a page. */
export interface AlertLine extends AlertView {
  path: string | null;
}

/** Open alerts, the worst and newest first; or the handled ones, newest first. */
export function listAlerts(
  db: Db,
  o: { handled: boolean; after?: { at: Date; id: string } | undefined; limit?: number },
): Promise<AlertLine[]> {
  return db.query(
    `SELECT a.id, a.kind, a.severity, a.subject_kind AS "subjectKind", a.subject_id AS "subjectId", a.message, a.occurrences,
            ${ms('a.first_at')} AS "firstAt", ${ms('a.last_at')} AS "lastAt",
            coalesce(p.name, a.handled_by) AS "handledBy", ${ms('a.handled_at')} AS "handledAt",
            CASE a.subject_kind
              WHEN 'incident' THEN (SELECT '/incidents/' || i.reference FROM incident i WHERE i.id = a.subject_id)
              WHEN 'notice' THEN (SELECT '/notices/' || n.reference FROM notice n WHERE n.id = a.subject_id)
              WHEN 'step' THEN '/steps/' || a.subject_id
              WHEN 'credential' THEN (SELECT '/credentials/' || c.reference FROM credential c WHERE c.id = a.subject_id)
              WHEN 'credential_version' THEN (
                SELECT coalesce((SELECT '/incidents/' || i.reference || '/items/version/' || v.id
                                   FROM incident_credential x JOIN incident i ON i.id = x.incident_id
                                  WHERE x.version_id = v.id ORDER BY x.open DESC, i.id DESC LIMIT 1), '/credentials/' || c.reference)
                  FROM credential_version v JOIN credential c ON c.id = v.credential_id WHERE v.id = a.subject_id)
              WHEN 'location' THEN (
                SELECT coalesce((SELECT '/incidents/' || i.reference || '/items/copy/' || l.id
                                   FROM incident_credential x JOIN incident i ON i.id = x.incident_id
                                  WHERE x.credential_id = l.credential_id AND l.retired_at IS NULL AND ${holds('l', 'x.version_id')}
                                  ORDER BY x.open DESC, i.id DESC LIMIT 1), '/credentials/' || c.reference)
                  FROM location l JOIN credential c ON c.id = l.credential_id WHERE l.id = a.subject_id)
            END AS path
       FROM alert a LEFT JOIN person p ON p.id::text = a.handled_by
      WHERE (a.handled_at IS NOT NULL) = $1
        AND ($2::timestamptz IS NULL OR (a.last_at, a.id) < ($2, $3::uuid))
      ORDER BY a.last_at DESC, a.id DESC LIMIT $4`,
    [o.handled, o.after?.at ?? null, o.after?.id ?? null, o.limit ?? PAGE_SIZE + 1],
  );
}
