import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal, type Role } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Passwords } from './passwords.ts';
import { loginWait } from './login.rules.ts';

/** Where a request comes from, as its edge saw it. */
export interface From {
  correlationId: string;
  ip?: string;
}

export interface NewUser {
  email: string;
  name: string;
  roles: readonly Role[];
  partyId?: Id | null;
  /** Absent: the account cannot sign in with a password. */
  password?: Secret;
}

export interface NewToken {
  name: string;
  /** Either a role or permissions. */
  role?: Role;
  permissions?: readonly string[];
  partyId?: Id | null;
  expiresAt: Millis;
}

export interface NewLink {
  /** What it is good for: `acknowledge-notice`. A link is good for one thing. */
  purpose: string;
  subject: { kind: string; id: Id };
  permissions: readonly string[];
  partyId?: Id | null;
  contactId?: Id | null;
  personId?: Id | null;
  expiresAt: Millis;
}

export interface LinkHolder {
  linkId: Id;
  principal: Principal;
  subject: { kind: string; id: Id };
  contactId: Id | null;
  usedAt: string | null;
}

/** SHA-256, in hex: enough for values of 256 random bits, which nobody can guess from a hash. */
export function hashOf(value: string): string {
  return createHash('sha256').update(value, 'utf8').digest('hex');
}

const GATE = system('access', 'access');
const WRONG = refusal(
  'unauthenticated',
  'sign-in-refused',
  'The e-mail address or the password is wrong, or the account is closed.',
);

/** People's accounts, tokens and links: who is asking, and what for. Of every secret only a hash is kept. */
@Injectable()
export class AccessService {
  constructor(
    private readonly transactions: Transactions,
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly passwords: Passwords,
  ) {}

  async createUser(input: NewUser, by: Principal): Promise<Result<{ userId: Id; personId: Id }, Refusal>> {
    if (input.roles.includes('party_contact') && !input.partyId) {
      return err(
        refusal('invalid', 'party-needed', 'A contact of a party needs a party.', {
          fields: [
            { field: '/partyId', problem: 'missing', mend: 'Name the party that the account belongs to.' },
          ],
        }),
      );
    }
    const weak = input.password && this.passwords.weakness(input.password);
    if (weak) return err(weak);
    const hash = input.password ? await this.passwords.hash(input.password) : null;
    const ids = { userId: newId(), personId: newId() };
    const now = this.clock.date();
    return this.transactions.run(by, async (db) => {
      const email = input.email.toLowerCase();
      const taken = await db.query<unknown[]>('SELECT FROM user_account WHERE email = $1', [email]);
      if (taken.length > 0) {
        return err(
          refusal('conflict', 'email-taken', 'An account with this e-mail address exists.', {
            fields: [
              { field: '/email', problem: 'taken', mend: 'Use the account that exists, or another address.' },
            ],
          }),
        );
      }
      await db.query('INSERT INTO person (id, name, created_at) VALUES ($1, $2, $3)', [
        ids.personId,
        input.name,
        now,
      ]);
      await db.query(
        'INSERT INTO user_account (id, person_id, email, password_hash, party_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)',
        [ids.userId, ids.personId, email, hash, input.partyId ?? null, now],
      );
      await db.query('INSERT INTO user_role (user_id, role, granted_at) SELECT $1, unnest($2::text[]), $3', [
        ids.userId,
        [...new Set(input.roles)],
        now,
      ]);
      return ok(ids);
    });
  }

  /**
   * Judges a sign-in. An unknown address costs as much time and gets the same words as a wrong password, and is slowed
   * down alike.
   */
  async authenticate(email: string, password: Secret, from: From): Promise<Result<{ userId: Id }, Refusal>> {
    const now = this.clock.now();
    const subjects = [hashOf(`address ${email.toLowerCase()}`)];
    const { account, lockedUntil } = await this.transactions.run(GATE, async (db) => {
      const [found] = await db.query<{ id: Id; hash: string | null; state: string }[]>(
        'SELECT id, password_hash AS hash, state FROM user_account WHERE email = $1',
        [email.toLowerCase()],
      );
      const [lock] = await db.query<{ until: Date | null }[]>(
        'SELECT max(locked_until) AS until FROM login_throttle WHERE subject_hash = ANY($1)',
        [subjects],
      );
      return { account: found, lockedUntil: lock?.until?.getTime() ?? 0 };
    });
    if (lockedUntil > now) {
      return err(
        refusal('too_many', 'sign-in-slowed', 'Too many attempts for this address; try again later.', {
          retryAfter: lockedUntil - now,
        }),
      );
    }
    const right = await this.passwords.verify(account?.hash ?? null, password);
    const good = right && account?.state === 'active';
    await this.transactions.run({ ...GATE, correlationId: from.correlationId }, async (db) => {
      if (good) {
        await db.query('DELETE FROM login_throttle WHERE subject_hash = ANY($1)', [subjects]);
        await db.query('UPDATE user_account SET last_login_at = $2 WHERE id = $1', [
          account.id,
          new Date(now),
        ]);
      } else {
        await this.#slowDown(db, subjects, now);
      }
    });
    return good ? ok({ userId: account.id }) : err(WRONG);
  }

  async #slowDown(db: Db, subjects: readonly string[], now: Millis): Promise<void> {
    for (const subject of subjects) {
      // Failures of more than a day ago no longer count.
      const [row] = await db.query<{ failures: number }[]>(
        `INSERT INTO login_throttle AS t (subject_hash, failures, last_at) VALUES ($1, 1, $2)
         ON CONFLICT (subject_hash) DO UPDATE
           SET failures = CASE WHEN t.last_at < $2::timestamptz - interval '1 day' THEN 1 ELSE t.failures + 1 END, last_at = $2
         RETURNING failures`,
        [subject, new Date(now)],
      );
      const wait = loginWait(row?.failures ?? 1);
      if (wait > 0)
        await db.query('UPDATE login_throttle SET locked_until = $2 WHERE subject_hash = $1', [
          subject,
          new Date(now + wait),
        ]);
    }
  }

  /** Who signed in, with the roles of this very moment. @returns undefined when the account is closed or gone. */
  async principalOfUser(userId: Id, from: From): Promise<Principal | undefined> {
    const [row] = await this.transactions.run(GATE, (db) =>
      db.query<{ personId: Id; partyId: Id | null; roles: Role[] }[]>(
        `SELECT u.person_id AS "personId", u.party_id AS "partyId",
                coalesce((SELECT array_agg(r.role ORDER BY r.role) FROM user_role r WHERE r.user_id = u.id), '{}') AS roles
           FROM user_account u WHERE u.id = $1 AND u.state = 'active'`,
        [userId],
      ),
    );
    return row ? { kind: 'user', id: userId, ...row, ...from } : undefined;
  }

  /** Makes an API token. Its value is in this answer and nowhere else. */
  async createToken(
    input: NewToken,
    by: Principal,
  ): Promise<Result<{ id: Id; value: Secret; expiresAt: Millis }, Refusal>> {
    if (input.role === 'party_contact' && !input.partyId) {
      return err(
        refusal('invalid', 'party-needed', 'A token of a party contact needs a party.', {
          fields: [{ field: '/partyId', problem: 'missing', mend: 'Name the party.' }],
        }),
      );
    }
    const now = this.clock.now();
    if (input.expiresAt <= now) {
      return err(
        refusal('invalid', 'expires-in-past', 'The token would be expired from the start.', {
          fields: [{ field: '/expiresAt', problem: 'not in the future', mend: 'Name a later instant.' }],
        }),
      );
    }
    const value = `cs_${randomBytes(32).toString('base64url')}`;
    const id = newId();
    await this.transactions.run(by, (db) =>
      db.query(
        `INSERT INTO api_token (id, name, token_hash, hint, role, permissions, party_id, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          id,
          input.name,
          hashOf(value),
          value.slice(-4),
          input.role ?? null,
          input.permissions ? [...input.permissions] : null,
          input.partyId ?? null,
          by.id,
          new Date(now),
          new Date(input.expiresAt),
        ],
      ),
    );
    return ok({ id, value: Secret.of(value), expiresAt: input.expiresAt });
  }

  /** @returns undefined for a token that is unknown, expired or revoked. */
  async resolveToken(value: string, from: From): Promise<Principal | undefined> {
    // One round trip without a transaction: every request of the API passes here.
    const [row] = await this.dataSource.query<
      { id: Id; role: Role | null; permissions: string[] | null; partyId: Id | null }[]
    >('SELECT id, role, permissions, party_id AS "partyId" FROM cs_token($1, $2)', [
      hashOf(value),
      this.clock.date(),
    ]);
    if (!row) return undefined;
    const { id, role, permissions, partyId } = row;
    return {
      kind: 'token',
      id,
      roles: role ? [role] : [],
      ...(permissions ? { permissions } : {}),
      partyId,
      ...from,
    };
  }

  async revokeToken(id: Id, by: Principal): Promise<Result<void, Refusal>> {
    const revoked = await this.transactions.run(by, (db) =>
      db.query<{ id: Id }[]>(
        `WITH done AS (UPDATE api_token SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING id) SELECT id FROM done`,
        [id, this.clock.date()],
      ),
    );
    return revoked.length > 0
      ? ok(undefined)
      : err(refusal('not_found', 'not-found', 'There is no such token.'));
  }

  /** Makes a link for one purpose and one subject, in the transaction that needs it. `value` goes into a mail and nowhere else. */
  async createLink(db: Db, input: NewLink): Promise<{ id: Id; value: Secret }> {
    const value = randomBytes(32).toString('base64url');
    const id = newId();
    await db.query(
      `INSERT INTO link_token (id, token_hash, purpose, subject_kind, subject_id, party_id, contact_id, person_id, permissions, created_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        id,
        hashOf(value),
        input.purpose,
        input.subject.kind,
        input.subject.id,
        input.partyId ?? null,
        input.contactId ?? null,
        input.personId ?? null,
        [...input.permissions],
        this.clock.date(),
        new Date(input.expiresAt),
      ],
    );
    return { id, value: Secret.of(value) };
  }

  /** Who holds a link. Looking uses nothing up: mail scanners look, too. */
  async resolveLink(value: string, purpose: string, from: From): Promise<LinkHolder | undefined> {
    type Row = {
      id: Id;
      kind: string;
      subjectId: Id;
      partyId: Id | null;
      contactId: Id | null;
      personId: Id | null;
      permissions: string[];
      usedAt: Date | null;
    };
    const [row] = await this.transactions.run(GATE, (db) =>
      db.query<Row[]>(
        `SELECT id, subject_kind AS kind, subject_id AS "subjectId", party_id AS "partyId", contact_id AS "contactId",
                person_id AS "personId", permissions, used_at AS "usedAt"
           FROM link_token WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 AND revoked_at IS NULL`,
        [hashOf(value), purpose, this.clock.date()],
      ),
    );
    if (!row) return undefined;
    const principal: Principal = {
      kind: 'link',
      id: row.id,
      roles: [],
      permissions: row.permissions,
      partyId: row.partyId,
      ...(row.personId ? { personId: row.personId } : {}),
      ...from,
    };
    return {
      linkId: row.id,
      principal,
      subject: { kind: row.kind, id: row.subjectId },
      contactId: row.contactId,
      usedAt: row.usedAt?.toISOString() ?? null,
    };
  }

  /** Records the first use, in the transaction of what the link did. The caller's scope must be the installation's. */
  async useLink(db: Db, linkId: Id): Promise<void> {
    await db.query('UPDATE link_token SET used_at = coalesce(used_at, $2) WHERE id = $1', [
      linkId,
      this.clock.date(),
    ]);
  }

  /** Ends every link of a subject. */
  async revokeLinks(db: Db, subject: { kind: string; id: Id }): Promise<void> {
    await db.query(
      'UPDATE link_token SET revoked_at = coalesce(revoked_at, $3) WHERE subject_kind = $1 AND subject_id = $2',
      [subject.kind, subject.id, this.clock.date()],
    );
  }

  async users(by: Principal): Promise<UserView[]> {
    const rows = await this.transactions.run(by, (db) =>
      db.query<(Omit<UserView, 'createdAt'> & { createdAt: Date })[]>(
        `SELECT u.id, u.email, p.name, u.state, u.party_id AS "partyId", u.created_at AS "createdAt",
                coalesce((SELECT array_agg(r.role ORDER BY r.role) FROM user_role r WHERE r.user_id = u.id), '{}') AS roles
           FROM user_account u JOIN person p ON p.id = u.person_id ORDER BY u.email LIMIT 1000`,
      ),
    );
    return rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }));
  }

  async tokens(by: Principal): Promise<TokenView[]> {
    type Row = Omit<TokenView, 'createdAt' | 'expiresAt' | 'revokedAt' | 'lastUsedAt'> &
      Record<'createdAt' | 'expiresAt', Date> &
      Record<'revokedAt' | 'lastUsedAt', Date | null>;
    const rows = await this.transactions.run(by, (db) =>
      db.query<Row[]>(
        `SELECT id, name, hint, role, permissions, party_id AS "partyId", created_at AS "createdAt", expires_at AS "expiresAt",
                revoked_at AS "revokedAt", last_used_at AS "lastUsedAt"
           FROM api_token ORDER BY created_at DESC LIMIT 1000`,
      ),
    );
    return rows.map((row) => ({
      ...row,
      createdAt: row.createdAt.toISOString(),
      expiresAt: row.expiresAt.toISOString(),
      revokedAt: row.revokedAt?.toISOString() ?? null,
      lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    }));
  }
}

export interface UserView {
  id: Id;
  email: string;
  name: string;
  state: 'active' | 'disabled';
  roles: Role[];
  partyId: Id | null;
  createdAt: string;
}

export interface TokenView {
  id: Id;
  name: string;
  /** Its last four characters. */
  hint: string;
  role: Role | null;
  permissions: string[] | null;
  partyId: Id | null;
  createdAt: string;
  expiresAt: string;
  revokedAt: string | null;
  lastUsedAt: string | null;
}
