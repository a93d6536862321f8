import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal, Role } from '../../kernel/principal.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import type { MailLanguage } from './mail-language.rules.ts';

/** Which rows of a list. `after`: the last one of the page before. */
export interface PageOf<After> {
  limit: number;
  after?: After | undefined;
}

const ALL: PageOf<never> = { limit: 1000 };

/** What is shown of accounts and tokens. */
@Injectable()
export class AccessQueries {
  constructor(private readonly transactions: Transactions) {}

  /** By e-mail address. */
  async users(by: Principal, page: PageOf<{ name: string }> = ALL): Promise<UserView[]> {
    const rows = await this.transactions.run(by, (db) =>
      db.query<(Omit<UserView, 'createdAt'> & { createdAt: Date })[]>(
        `SELECT u.id, u.person_id AS "personId", u.email, p.name, u.state, u.party_id AS "partyId", u.language, u.created_at AS "createdAt",
                coalesce((SELECT array_agg(r.role ORDER BY r.role) FROM user_role r WHERE r.user_id = u.id), '{}') AS roles
           FROM user_account u JOIN person p ON p.id = u.person_id
          WHERE $1::text IS NULL OR u.email > $1 ORDER BY u.email LIMIT $2`,
        [page.after?.name ?? null, page.limit],
      ),
    );
    return rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }));
  }

  /** The newest first. */
  async tokens(by: Principal, page: PageOf<{ at: number; id: Id }> = ALL): Promise<TokenView[]> {
    type Row = Omit<TokenView, 'createdAt' | 'expiresAt' | 'revokedAt' | 'lastUsedAt'> &
      Record<'createdAt' | 'expiresAt', Date> &
      Record<'revokedAt' | 'lastUsedAt', Date | null>;
    const rows = await this.transactions.run(by, (db) =>
      db.query<Row[]>(
        `SELECT id, name, hint, role, permissions, party_id AS "partyId", created_at AS "createdAt", expires_at AS "expiresAt",
                revoked_at AS "revokedAt", last_used_at AS "lastUsedAt"
           FROM api_token WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid)
          ORDER BY created_at DESC, id DESC LIMIT $3`,
        [page.after ? new Date(page.after.at) : null, page.after?.id ?? null, page.limit],
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
  personId: Id;
  email: string;
  name: string;
  state: 'active' | 'disabled';
  roles: Role[];
  partyId: Id | null;
  /** In which they are written to. */
  language: MailLanguage | null;
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
