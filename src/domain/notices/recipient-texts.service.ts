import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { languageToTell, type Reader } from './notice.rules.ts';
import { shownText, type NoticeWriter } from './notice-templates.ts';
import { NoticeTexts } from './notice-texts.service.ts';

interface Told {
  id: Id;
  category: string;
  language: string;
  facts: Record<string, unknown>;
  integration_id: Id;
  party_id: Id;
  contact_id: Id | null;
  term_id: Id | null;
  created_at: Date;
}

export interface RecipientText {
  language: string;
  writer: NoticeWriter;
  subject: string;
  text: string;
  textHash: Buffer;
}

/**
 * A notice as somebody reads it who is told in another language than the one whom it is for. What a notice says of itself
 * is kept on it once; this one is written again each time from the same facts, by the version that was the newest when
 * somebody was told first, so that the message, the page behind its link and the answer are of one text.
 */
@Injectable()
export class RecipientTexts {
  constructor(private readonly texts: NoticeTexts) {}

  /** @returns undefined where they read the notice's own text */
  async of(db: Db, notice: Told, reader: Reader, now: Millis): Promise<RecipientText | undefined> {
    const language = languageToTell(
      { contactId: notice.contact_id, termId: notice.term_id, language: notice.language },
      reader,
    );
    if (language === notice.language) return undefined;
    const [first] = await db.query<{ at: Date | null }[]>(
      `SELECT min(started_at) AS at FROM notice_attempt WHERE notice_id = $1`,
      [notice.id],
    );
    const { writer } = await this.texts.writerOf(db, {
      category: notice.category,
      language,
      integrationId: notice.integration_id,
      partyId: notice.party_id,
      templateId: null,
      asShipped: false,
      asOf: first?.at?.getTime() ?? now,
    });
    return {
      language,
      writer,
      ...shownText(writer, { ...notice, language, createdAt: notice.created_at.getTime() }),
    };
  }

  /** The same for the contact of a link. */
  async readBy(db: Db, notice: Told, contactId: Id, now: Millis): Promise<RecipientText | undefined> {
    const [reader] = await db.query<{ language: string | null }[]>(
      `SELECT ${languageOfReader('c', '$2::uuid')} AS language FROM contact c WHERE c.id = $1`,
      [contactId, notice.term_id],
    );
    return reader && this.of(db, notice, { contactId, language: reader.language }, now);
  }
}

/** The language of a contact where a term has it told, in SQL: their own, else what was agreed; null: neither is known. */
export function languageOfReader(contact: string, termId: string): string {
  return `coalesce(${contact}.language, (SELECT agreed.language FROM term agreed WHERE agreed.id = ${termId}))`;
}
