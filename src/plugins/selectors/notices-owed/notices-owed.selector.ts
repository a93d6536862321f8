import { Injectable } from '@nestjs/common';
import type { SelectedItem } from '../../../domain/runbooks/action.ts';
import type { Selector } from '../../../domain/runbooks/selector.ts';
import type { Id } from '../../../kernel/ids.ts';
import type { Db } from '../../../platform/database/transactions.ts';

interface Row {
  id: Id;
  reference: string;
  party_id: Id;
  fulfilled_by: string;
  due_at: Date | null;
}

/** The notices that one batch of exposures made owed (`input.batchId`), the ones due first before the others. */
@Injectable()
export class NoticesOwedSelector implements Selector {
  readonly name = 'notices-owed';
  readonly title = 'Notices owed';

  async page(
    db: Db,
    request: { input: Readonly<Record<string, unknown>>; cursor: string | null; limit: number },
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    const [afterDue, afterId] = request.cursor?.split(' ') ?? ['', null];
    const rows: (Row & { due: string })[] = await db.query(
      `SELECT id, reference, party_id, fulfilled_by, due_at,
              to_char(coalesce(due_at, 'infinity'::timestamptz) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS due
       FROM notice
       WHERE batch_id = $1 AND obligation = 'required'
         AND ($3::uuid IS NULL OR (coalesce(due_at, 'infinity'), id) > (coalesce(nullif($2, '')::timestamp AT TIME ZONE 'UTC', 'infinity'), $3::uuid))
       ORDER BY coalesce(due_at, 'infinity'), id LIMIT $4`,
      [request.input.batchId, afterDue === 'infinity' ? '' : afterDue, afterId, request.limit],
    );
    const last = rows.at(-1);
    return {
      items: rows.map((row) => ({
        key: row.id,
        label: row.reference,
        subject: { kind: 'notice', id: row.id },
        facts: { fulfilledBy: row.fulfilled_by, party: row.party_id, dated: row.due_at !== null },
        lane: 'mail',
        priority: row.due_at === null ? 400 : 600,
      })),
      next:
        rows.length < request.limit || !last ? null : `${last.due_at === null ? '' : last.due} ${last.id}`,
    };
  }

  async count(db: Db, request: { input: Readonly<Record<string, unknown>> }): Promise<number> {
    const rows: { n: number }[] = await db.query(
      `SELECT count(*)::int AS n FROM notice WHERE batch_id = $1 AND obligation = 'required'`,
      [request.input.batchId],
    );
    return rows[0]!.n;
  }
}
