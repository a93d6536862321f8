import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, system, type Principal, type Role } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { tokenMadeForAnother } from './access.events.ts';
import { Passwords } from './passwords.ts';
import { hashOf } from './hash-of.ts';
import type { MailLanguage } from './mail-language.rules.ts';
import { addressSubject, forgetFailures, lockedUntilOf, slowDown } from './login-throttle.ts';
import { grantsOf, isPermission, may } from './permissions.ts';
import { actsAsAnother, beyondOwn, boundBeyondContact } from './beyond.ts';

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
  /** In which they are written to. */
  language?: MailLanguage | undefined;
  /** Absent: the account cannot sign in with a password. */
  password?: Secret;
}

export interface NewToken {
  name: string;
  /** Either a role or permissions. */
  role?: Role;
  permissions?: readonly string[];
  partyId?: Id | null;
  /** The account whose person acts with it; absent: a machine, which cannot answer for anything. */
  userId?: Id | undefined;
  expiresAt: Millis;
}

export interface NewTokenMade {
  id: Id;
  value: Secret;
  expiresAt: Millis;
}

/** @returns what to answer when there is no such party, or none that `by` may see */
async function unknownParty(db: Db, partyId: Id | null): Promise<Refusal | undefined> {
  if (partyId === null) return undefined;
  const known = await db.query<unknown[]>('SELECT FROM party WHERE id = $1', [partyId]);
  if (known.length > 0) return undefined;
  return refusal('invalid', 'unknown-party', 'There is no such party.', {
    fields: [
      { field: '/partyId', problem: 'names no party', mend: 'Name a party by its id: see /api/v1/parties.' },
    ],
  });
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
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
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
    const partyId = input.partyId ?? null;
    const beyond =
      boundBeyondContact({ field: '/roles', roles: input.roles, permissions: [] }, partyId) ??
      beyondOwn(
        by,
        input.roles.flatMap((role) => grantsOf(role)),
        partyId,
      );
    if (beyond) return err(beyond);
    const weak = input.password && this.passwords.weakness(input.password);
    if (weak) return err(weak);
    const hash = input.password ? await this.passwords.hash(input.password) : null;
    const ids = { userId: newId(), personId: newId() };
    const now = this.clock.date();
    return this.transactions.run(by, async (db) => {
      const nobody = await unknownParty(db, partyId);
      if (nobody) return err(nobody);
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
        'INSERT INTO user_account (id, person_id, email, password_hash, party_id, language, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
        [ids.userId, ids.personId, email, hash, partyId, input.language ?? null, now],
      );
      await db.query('INSERT INTO user_role (user_id, role, granted_at) SELECT $1, unnest($2::text[]), $3', [
        ids.userId,
        [...new Set(input.roles)],
        now,
      ]);
      await this.ledger.append(db, {
        kind: 'user.created',
        subject: { kind: 'user', id: ids.userId },
        by,
        at: now.getTime(),
        facts: { roles: [...new Set(input.roles)].sort(), party: partyId },
        committed: { email, name: input.name },
      });
      return ok(ids);
    });
  }

  /**
   * Judges a sign-in. An unknown address costs as much time and gets the same words as a wrong password, and is slowed
   * down alike.
   */
  async authenticate(email: string, password: Secret, from: From): Promise<Result<{ userId: Id }, Refusal>> {
    const now = this.clock.now();
    const subjects = [addressSubject(email)];
    const { account, lockedUntil } = await this.transactions.run(GATE, async (db) => {
      const [found] = await db.query<{ id: Id; hash: string | null; state: string }[]>(
        'SELECT id, password_hash AS hash, state FROM user_account WHERE email = $1',
        [email.toLowerCase()],
      );
      return { account: found, lockedUntil: await lockedUntilOf(db, subjects) };
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
        await forgetFailures(db, subjects);
        await db.query('UPDATE user_account SET last_login_at = $2 WHERE id = $1', [
          account.id,
          new Date(now),
        ]);
        await this.ledger.append(db, {
          kind: 'user.signed-in',
          subject: { kind: 'user', id: account.id },
          by: { kind: 'user', id: account.id, roles: [], partyId: null, ...from },
          at: now,
        });
      } else {
        await slowDown(db, subjects, now);
      }
    });
    return good ? ok({ userId: account.id }) : err(WRONG);
  }

  /** Who signed in, with the roles of this very moment. @returns undefined when the account is closed or gone. */
  async principalOfUser(userId: Id, from: From): Promise<Principal | undefined> {
    const [row] = await this.transactions.run(GATE, (db) =>
      db.query<{ personId: Id; partyId: Id | null; roles: Role[]; temporary: string[] }[]>(
        `SELECT u.person_id AS "personId", u.party_id AS "partyId",
                coalesce((SELECT array_agg(r.role ORDER BY r.role) FROM user_role r WHERE r.user_id = u.id), '{}') AS roles,
                ARRAY(SELECT DISTINCT t.permission FROM temporary_permission t
                       WHERE t.user_id = u.id AND t.state = 'given' AND t.valid_until > $2) AS temporary
           FROM user_account u WHERE u.id = $1 AND u.state = 'active'`,
        [userId, this.clock.date()],
      ),
    );
    if (!row) return undefined;
    const { temporary, ...rest } = row;
    return { kind: 'user', id: userId, ...rest, ...(temporary.length > 0 ? { temporary } : {}), ...from };
  }

  /** Makes an API token. Its value is in this answer and nowhere else. */
  createToken(input: NewToken, by: Principal): Promise<Result<NewTokenMade, Refusal>> {
    return this.transactions.run(by, (db) => this.makeToken(db, input, by));
  }

  /** The same in a transaction of the caller's. */
  async makeToken(db: Db, input: NewToken, by: Principal): Promise<Result<NewTokenMade, Refusal>> {
    if (input.role === 'party_contact' && !input.partyId) {
      return err(
        refusal('invalid', 'party-needed', 'A token of a party contact needs a party.', {
          fields: [{ field: '/partyId', problem: 'missing', mend: 'Name the party.' }],
        }),
      );
    }
    const partyId = input.partyId ?? null;
    const beyond =
      boundBeyondContact(
        {
          field: input.permissions ? '/permissions' : '/role',
          roles: input.role ? [input.role] : [],
          permissions: input.permissions ?? [],
        },
        partyId,
      ) ??
      beyondOwn(by, input.permissions ?? (input.role ? grantsOf(input.role) : []), partyId) ??
      actsAsAnother(by, input.userId);
    if (beyond) return err(beyond);
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
    const nobody = await unknownParty(db, partyId);
    if (nobody) return err(nobody);
    if (input.userId !== undefined && !(await isAccountOf(db, input.userId, partyId)))
      return err(
        refusal('invalid', 'no-account', 'A token of a person needs their account.', {
          fields: [
            {
              field: '/userId',
              problem: 'is no active account of that party',
              mend: 'Name an active account, and its party.',
            },
          ],
        }),
      );
    if (partyId !== null && input.userId === undefined && (await isPersonOf(db, partyId, input.name)))
      return err(PERSONS_NAME);
    await db.query(
      `INSERT INTO api_token (id, name, token_hash, hint, role, permissions, party_id, created_by, created_at, expires_at, user_id, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                 coalesce((SELECT u.person_id::text FROM user_account u WHERE u.id = $11), $12))`,
      [
        id,
        input.name,
        hashOf(value),
        value.slice(-4),
        input.role ?? null,
        input.permissions ? [...input.permissions] : null,
        partyId,
        by.id,
        new Date(now),
        new Date(input.expiresAt),
        input.userId ?? null,
        handOf(by),
      ],
    );
    await this.ledger.append(db, {
      kind: 'token.created',
      subject: { kind: 'token', id },
      by,
      at: now,
      facts: {
        role: input.role ?? null,
        permissions: input.permissions ? [...input.permissions] : null,
        party: partyId,
        ...(input.userId === undefined ? {} : { user: input.userId }),
        expiresAt: iso(input.expiresAt),
      },
      committed: { name: input.name },
    });
    // Whoever makes one for themselves knows of it; at the host's terminal everybody is another one.
    if (by.kind !== 'system' && partyId !== null && by.partyId !== partyId)
      await this.outbox.put(db, tokenMadeForAnother, { tokenId: id });
    return ok({ id, value: Secret.of(value), expiresAt: input.expiresAt });
  }

  /** @returns undefined for a token that is unknown, expired or revoked. */
  async resolveToken(value: string, from: From): Promise<Principal | undefined> {
    // One round trip without a transaction: every request of the API passes here.
    const [row] = await this.dataSource.query<
      {
        id: Id;
        role: Role | null;
        permissions: string[] | null;
        partyId: Id | null;
        userId: Id | null;
        personId: Id | null;
        userRoles: Role[] | null;
        madeBy: string;
      }[]
    >(
      `SELECT id, role, permissions, party_id AS "partyId", user_id AS "userId", person_id AS "personId", user_roles AS "userRoles", made_by AS "madeBy"
         FROM cs_token($1, $2)`,
      [hashOf(value), this.clock.date()],
    );
    if (!row) return undefined;
    const { id, role, permissions, partyId, userId, personId } = row;
    if (userId !== null) {
      // An account that was closed takes its tokens with it.
      if (personId === null) return undefined;
      // As that person, with what both the account and the token may.
      const account: Principal = {
        kind: 'user',
        id: userId,
        personId,
        roles: row.userRoles ?? [],
        partyId,
        ...from,
      };
      const given = permissions ?? (role ? grantsOf(role) : []);
      return { ...account, permissions: given.filter((one) => isPermission(one) && may(account, one)) };
    }
    return {
      kind: 'token',
      id,
      roles: role ? [role] : [],
      ...(permissions ? { permissions } : {}),
      madeBy: row.madeBy,
      partyId,
      ...from,
    };
  }
}

/** A token without a person is a machine's, and is seen by its name: no name of somebody who could have done it. */
const PERSONS_NAME = refusal(
  'invalid',
  'a-persons-name',
  'A token of a party without a person is a machine’s, and has a name of its own.',
  {
    fields: [
      {
        field: '/name',
        problem: 'is the name or the mail address of a person of that party',
        mend: 'Name the machine that acts with it. A person makes a token of their own, signed in, on the page of their account (/profile).',
      },
    ],
  },
);

/** Whether somebody of a party is called so, or written to so. */
async function isPersonOf(db: Db, partyId: Id, name: string): Promise<boolean> {
  const rows = await db.query<unknown[]>(
    `SELECT FROM contact k WHERE k.party_id = $1 AND lower($2) IN (lower(k.name), lower(k.email))
     UNION ALL
     SELECT FROM user_account u JOIN person p ON p.id = u.person_id WHERE u.party_id = $1 AND lower($2) IN (lower(p.name), u.email)
     LIMIT 1`,
    [partyId, name.trim()],
  );
  return rows.length > 0;
}

async function isAccountOf(db: Db, userId: Id, partyId: Id | null): Promise<boolean> {
  const rows = await db.query<unknown[]>(
    `SELECT FROM user_account WHERE id = $1 AND state = 'active' AND party_id IS NOT DISTINCT FROM $2`,
    [userId, partyId],
  );
  return rows.length > 0;
}
