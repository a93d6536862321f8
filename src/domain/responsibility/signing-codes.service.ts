import { createHmac, randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { HOUR, iso, MINUTE, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Mailer } from '../../platform/mail/mailer.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { NoticeTexts } from '../notices/notice-texts.service.ts';

const CODE_LIFE = 15 * MINUTE;
const MOST_WRONG = 5;
const MOST_AN_HOUR = 5;
const SEND_TIMEOUT = 20 * SECOND;

/**
 * Codes that prove that whoever signs reads the registered mailbox. Eight digits, good once, for fifteen minutes, for one
 * version and one holder; five wrong ones end a code (NIST SP 800-63B-4 section 3.1.3 asks for short life and throttling).
 */
@Injectable()
export class SigningCodes {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly keys: Keys,
    private readonly mailer: Mailer,
    private readonly texts: NoticeTexts,
  ) {}

  /** Mails a new code; the ones before it end. The value is in the mail and nowhere else. */
  async send(
    holder: string,
    versionId: Id,
    to: { email: string; language: string; integrationName: string; integrationId: Id; partyId: Id | null },
  ): Promise<Result<void, Refusal>> {
    const now = this.clock.now();
    const code = String(randomInt(100_000_000)).padStart(8, '0');
    const id = newId();
    const allowed = await this.transactions.run(system('countersigning', id), async (db) => {
      const [{ n }] = await db.query<[{ n: number }]>(
        'SELECT count(*)::int AS n FROM signing_code WHERE holder = $1 AND created_at > $2',
        [holder, iso(now - HOUR)],
      );
      if (n >= MOST_AN_HOUR) return false;
      await db.query('UPDATE signing_code SET expires_at = $2 WHERE holder = $1 AND expires_at > $2', [
        holder,
        iso(now),
      ]);
      await db.query(
        'INSERT INTO signing_code (id, matrix_version_id, holder, code_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)',
        [id, versionId, holder, this.#hash(holder, versionId, code), iso(now), iso(now + CODE_LIFE)],
      );
      return true;
    });
    if (!allowed)
      return err(
        refusal('too_many', 'too-many-codes', 'Too many codes were asked for; ask again in an hour.', {
          retryAfter: HOUR,
        }),
      );
    const facts = { code, integrationName: to.integrationName, minutes: CODE_LIFE / MINUTE };
    const mail = await this.transactions.run(system('countersigning', id), (db) =>
      this.texts.mail(db, 'matrix-code', to.language, facts, to),
    );
    const answer = await this.mailer.send(
      { messageId: `${id}@countersign`, to: to.email, language: to.language, ...mail },
      AbortSignal.timeout(SEND_TIMEOUT),
    );
    if (answer.outcome === 'accepted' || answer.outcome === 'unknown') return ok(undefined);
    return err(
      refusal(
        'unavailable',
        'code-not-sent',
        'The mail with the code could not be handed over. Try again in a minute.',
        {
          retryAfter: MINUTE,
        },
      ),
    );
  }

  /** Whether a code is the holder's; a right one is used up, a wrong one counted. In a transaction of its own: counting survives a refusal. */
  async check(holder: string, versionId: Id, code: string): Promise<Result<void, Refusal>> {
    const now = this.clock.now();
    return this.transactions.run(system('countersigning', versionId), async (db) => {
      const [row] = await db.query<{ id: Id; hash: Buffer; wrong: number }[]>(
        `SELECT id, code_hash AS hash, wrong FROM signing_code
          WHERE holder = $1 AND matrix_version_id = $2 AND used_at IS NULL AND expires_at > $3 ORDER BY created_at DESC LIMIT 1 FOR UPDATE`,
        [holder, versionId, iso(now)],
      );
      if (!row && !(await everAsked(db, holder, versionId)))
        return err(wrong('was never asked for', 'Ask for one: it is mailed to you.'));
      if (!row || row.wrong >= MOST_WRONG)
        return err(wrong('has ended, or was used already', 'Ask for a new code, and use the newest.'));
      if (!row.hash.equals(this.#hash(holder, versionId, code.replaceAll(/\s/g, '')))) {
        await db.query('UPDATE signing_code SET wrong = wrong + 1 WHERE id = $1', [row.id]);
        return err(wrong('is not the one in the mail', 'Type the eight digits of the newest mail.'));
      }
      await use(db, row.id, iso(now));
      return ok(undefined);
    });
  }

  #hash(holder: string, versionId: Id, code: string): Buffer {
    return this.keys
      .linkKey()
      .useBytes((key) =>
        createHmac('sha256', key)
          .update(`countersign signing code v1\0${holder}\0${versionId}\0${code}`)
          .digest(),
      );
  }
}

async function everAsked(db: Db, holder: string, versionId: Id): Promise<boolean> {
  const rows = await db.query<unknown[]>(
    'SELECT 1 FROM signing_code WHERE holder = $1 AND matrix_version_id = $2 LIMIT 1',
    [holder, versionId],
  );
  return rows.length > 0;
}

async function use(db: Db, id: Id, at: string): Promise<void> {
  await db.query('UPDATE signing_code SET used_at = $2 WHERE id = $1', [id, at]);
}

function wrong(problem: string, mend: string): Refusal {
  return refusal('forbidden', 'code-refused', `The code ${problem}. ${mend}`, {
    fields: [{ field: '/code', problem, mend }],
  });
}
