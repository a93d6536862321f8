import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { addressSubject, forgetFailures, lockedUntilOf, slowDown } from './login-throttle.ts';
import { Passwords } from './passwords.ts';

const GATE = system('access', 'access');

/**
 * A fresh proof that whoever holds the session is still its person: the password of the account again, on the form of what
 * they ask for. A session alone is what a colleague finds at an unlocked desk. Failures count as failed sign-ins do.
 */
@Injectable()
export class StepUp {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly passwords: Passwords,
    private readonly ledger: LedgerService,
  ) {}

  /** @returns when it was proven */
  async prove(password: Secret, by: Principal): Promise<Result<{ at: Millis }, Refusal>> {
    const now = this.clock.now();
    if (by.kind !== 'user')
      return err(refusal('forbidden', 'person-needed', 'Only a person who is signed in can prove that.'));
    const { account, until, subjects } = await this.transactions.run(GATE, async (db) => {
      const [found] = await db.query<{ email: string; hash: string | null }[]>(
        `SELECT email, password_hash AS hash FROM user_account WHERE id = $1 AND state = 'active'`,
        [by.id],
      );
      const counted = found ? [addressSubject(found.email)] : [];
      return { account: found, until: await lockedUntilOf(db, counted), subjects: counted };
    });
    if (!account?.hash)
      return err(
        refusal('forbidden', 'no-password', 'Your account has no password: it cannot prove itself afresh.'),
      );
    if (until > now)
      return err(
        refusal('too_many', 'sign-in-slowed', 'Too many wrong passwords; try again later.', {
          retryAfter: until - now,
        }),
      );
    const right = await this.passwords.verify(account.hash, password);
    await this.transactions.run(GATE, async (db) => {
      if (right) return forgetFailures(db, subjects);
      await slowDown(db, subjects, now);
      await this.ledger.append(db, {
        kind: 'user.step-up-failed',
        subject: { kind: 'user', id: by.id },
        by,
        at: now,
      });
    });
    if (right) return ok({ at: now });
    const field = { field: '/password', problem: 'is not yours', mend: 'Type the password of your account.' };
    return err(refusal('forbidden', 'wrong-password', 'That is not your password.', { fields: [field] }));
  }
}
