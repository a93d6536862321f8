import { Injectable } from '@nestjs/common';
import type { SelectedItem, Subject } from '../../../domain/runbooks/action.ts';
import type { Selector } from '../../../domain/runbooks/selector.ts';
import type { Id } from '../../../kernel/ids.ts';
import type { Db } from '../../../platform/database/transactions.ts';

interface Request {
  subject: Subject;
  input: Readonly<Record<string, unknown>>;
}

const FROM = `FROM credential_use u JOIN credential c ON c.id = u.credential_id AND c.retired_at IS NULL WHERE u.integration_id = $1`;

/** The credentials that an integration uses, riskiest first. */
@Injectable()
export class CredentialsOfIntegrationSelector implements Selector {
  readonly name = 'credentials-of-integration';
  readonly title = 'The credentials that an integration uses';

  async page(
    db: Db,
    request: Request & { cursor: string | null; limit: number },
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    const [risk, after] = request.cursor?.split(':') ?? [null, null];
    const rows = await db.query<{ id: Id; name: string; kind: string; environment: string; risk: number }[]>(
      `SELECT c.id, c.name, c.kind, c.environment, c.risk ${FROM} AND ($2::int IS NULL OR c.risk < $2 OR (c.risk = $2 AND c.id > $3::uuid))
        ORDER BY c.risk DESC, c.id LIMIT $4`,
      [request.subject.id, risk, after, request.limit],
    );
    const last = rows.at(-1);
    return {
      items: rows.map((row) => ({
        key: row.id,
        label: `${row.name} (${row.environment})`,
        subject: { kind: 'credential', id: row.id },
        facts: { credentialId: row.id, kind: row.kind, environment: row.environment },
        priority: row.risk,
      })),
      next: rows.length === request.limit && last ? `${last.risk}:${last.id}` : null,
    };
  }

  async count(db: Db, { subject }: Request): Promise<number> {
    const [row] = await db.query<{ n: number }[]>(`SELECT count(*)::int AS n ${FROM}`, [subject.id]);
    return row?.n ?? 0;
  }
}
