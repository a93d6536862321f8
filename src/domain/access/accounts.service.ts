import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal, Role } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { MailLanguage } from './mail-language.rules.ts';

/**
 * Takes access away: a role, a token, a whole account. Works in the caller's transaction; what is gone already stays gone.
 * The installation is never left without an administrator, who alone could mend it.
 */
@Injectable()
export class AccountsService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async removeRole(db: Db, userId: Id, role: Role, by: Principal): Promise<Result<void, Refusal>> {
    if (role === 'admin' && (await isLastAdmin(db, userId))) return err(lastAdmin());
    const removed = await rowsOf<unknown>(
      db,
      `DELETE FROM user_role WHERE user_id = $1 AND role = $2 RETURNING role`,
      [userId, role],
    );
    if (removed.length === 0) return ok(undefined);
    await this.ledger.append(db, {
      kind: 'user.role-removed',
      subject: { kind: 'user', id: userId },
      by,
      at: this.clock.now(),
      facts: { role },
    });
    return ok(undefined);
  }

  /** The account can no longer sign in, and its tokens die with it. Its roles stay on record until a review removes them. */
  async disable(db: Db, userId: Id, by: Principal): Promise<Result<void, Refusal>> {
    const [user] = await rowsOf<{ state: string }>(
      db,
      `SELECT state FROM user_account WHERE id = $1 FOR UPDATE`,
      [userId],
    );
    if (!user) return err(refusal('not_found', 'not-found', 'There is no such account.'));
    if (user.state === 'disabled') return ok(undefined);
    if (by.kind === 'user' && by.id === userId)
      return err(refusal('conflict', 'own-account', 'Nobody closes their own account: ask somebody else.'));
    if (await isLastAdmin(db, userId)) return err(lastAdmin());
    await db.query(
      `UPDATE user_account SET state = 'disabled', row_version = row_version + 1 WHERE id = $1`,
      [userId],
    );
    await this.ledger.append(db, {
      kind: 'user.disabled',
      subject: { kind: 'user', id: userId },
      by,
      at: this.clock.now(),
    });
    return ok(undefined);
  }

  /**
   * In which language the person is written to; the same again changes nothing.
   *
   * @param o.unlessSaid  only where they never said one
   */
  async speak(
    db: Db,
    userId: Id,
    language: MailLanguage,
    by: Principal,
    o: { unlessSaid: boolean } = { unlessSaid: false },
  ): Promise<Result<void, Refusal>> {
    const [user] = await rowsOf<{ language: string | null }>(
      db,
      `SELECT language FROM user_account WHERE id = $1 FOR UPDATE`,
      [userId],
    );
    if (!user) return err(refusal('not_found', 'not-found', 'There is no such account.'));
    if (user.language === language || (o.unlessSaid && user.language !== null)) return ok(undefined);
    await db.query(`UPDATE user_account SET language = $2, row_version = row_version + 1 WHERE id = $1`, [
      userId,
      language,
    ]);
    await this.ledger.append(db, {
      kind: 'user.language-chosen',
      subject: { kind: 'user', id: userId },
      by,
      at: this.clock.now(),
      facts: { from: user.language, to: language },
    });
    return ok(undefined);
  }

  /** Revoking twice is revoking once. */
  async revokeToken(db: Db, id: Id, by: Principal): Promise<Result<void, Refusal>> {
    const now = this.clock.now();
    const [token] = await rowsOf<{ revoked: boolean }>(
      db,
      `SELECT revoked_at IS NOT NULL AS revoked FROM api_token WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (!token) return err(refusal('not_found', 'not-found', 'There is no such token.'));
    if (token.revoked) return ok(undefined);
    await db.query(`UPDATE api_token SET revoked_at = $2 WHERE id = $1`, [id, new Date(now)]);
    await this.ledger.append(db, { kind: 'token.revoked', subject: { kind: 'token', id }, by, at: now });
    return ok(undefined);
  }
}

/** Locks the administrators, so that two of them cannot remove each other at the same time. */
async function isLastAdmin(db: Db, userId: Id): Promise<boolean> {
  const admins = await rowsOf<{ id: Id }>(
    db,
    `SELECT u.id FROM user_account u JOIN user_role r ON r.user_id = u.id AND r.role = 'admin'
      WHERE u.state = 'active' ORDER BY u.id FOR UPDATE OF u`,
  );
  return admins.length === 1 && admins[0]!.id === userId;
}

function lastAdmin(): Refusal {
  return refusal(
    'conflict',
    'last-administrator',
    'It is the last administrator: make somebody else one first.',
  );
}
