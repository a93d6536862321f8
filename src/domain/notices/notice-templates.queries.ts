import type { z } from 'zod';
import type { Db } from '../../platform/database/transactions.ts';
import type { templateVersionSchema } from './notice-template.schema.ts';
import type { TextName } from './notice-texts.service.ts';

export interface WrittenText {
  category: string;
  language: string;
  recipient: string;
  number: number;
  shipped: boolean;
}

/** The newest version of every text that operators wrote. */
export function writtenTexts(db: Db): Promise<WrittenText[]> {
  return db.query(
    `SELECT DISTINCT ON (category, language, recipient) category, language, recipient, number, shipped
       FROM notice_template ORDER BY category, language, recipient, number DESC`,
  );
}

export type TemplateVersion = z.infer<typeof templateVersionSchema>;

/** Every version of one text, newest first. */
export async function versionsOfText(db: Db, name: TextName): Promise<TemplateVersion[]> {
  const rows = await db.query<(Omit<TemplateVersion, 'createdAt'> & { at: Date })[]>(
    `SELECT t.id, t.number, t.shipped, t.subject, t.text, t.html, t.note, encode(t.content_hash, 'hex') AS "contentHash",
            coalesce(p.name, t.written_by) AS "writtenBy", t.created_at AS at
       FROM notice_template t LEFT JOIN person p ON p.id::text = t.written_by
      WHERE t.category = $1 AND t.language = $2 AND t.recipient = $3 ORDER BY t.number DESC LIMIT 200`,
    [name.category, name.language, name.recipient],
  );
  return rows.map(({ at, ...row }) => ({ ...row, createdAt: at.toISOString() }));
}

/** The newest notices of a category: whose facts a preview may be filled with. */
export function noticesToShow(
  db: Db,
  category: string,
): Promise<{ reference: string; party: string; about: string | null }[]> {
  return db.query(
    `SELECT n.reference, p.name AS party, coalesce(n.facts ->> 'caseReference', n.facts ->> 'integrationName') AS about
       FROM notice n JOIN party p ON p.id = n.party_id WHERE n.category = $1 ORDER BY n.created_at DESC, n.id DESC LIMIT 30`,
    [category],
  );
}
