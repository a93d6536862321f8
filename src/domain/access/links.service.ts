import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { type From } from './access.service.ts';
import { hashOf } from './hash-of.ts';

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
  /** After it the link opens nothing. */
  expiresAt: Millis;
}

const GATE = system('access', 'access');

/** Links in mails: random, good for one purpose and one subject until an instant, kept as a hash. */
@Injectable()
export class LinksService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

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
      expiresAt: Date;
    };
    const [row] = await this.transactions.run(GATE, (db) =>
      db.query<Row[]>(
        `SELECT id, subject_kind AS kind, subject_id AS "subjectId", party_id AS "partyId", contact_id AS "contactId",
                person_id AS "personId", permissions, used_at AS "usedAt", expires_at AS "expiresAt"
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
      expiresAt: row.expiresAt.getTime(),
    };
  }

  /** Why a link of ours opens nothing any more; undefined for one that still does, or never did. */
  async endOfLink(value: string, purpose: string): Promise<'expired' | 'revoked' | undefined> {
    const [row] = await this.transactions.run(GATE, (db) =>
      db.query<{ revoked: boolean; expired: boolean }[]>(
        `SELECT revoked_at IS NOT NULL AS revoked, expires_at <= $3 AS expired FROM link_token WHERE token_hash = $1 AND purpose = $2`,
        [hashOf(value), purpose, this.clock.date()],
      ),
    );
    return row?.revoked ? 'revoked' : row?.expired ? 'expired' : undefined;
  }

  /** Records the first use, in the transaction of what the link did. The caller's scope must be the installation's. */
  async useLink(db: Db, linkId: Id): Promise<void> {
    await db.query('UPDATE link_token SET used_at = coalesce(used_at, $2) WHERE id = $1', [
      linkId,
      this.clock.date(),
    ]);
  }

  /** Ends every link of a subject; of one contact, where one is named, those that were not followed yet. */
  async revokeLinks(db: Db, subject: { kind: string; id: Id }, contactId?: Id): Promise<void> {
    await db.query(
      `UPDATE link_token SET revoked_at = coalesce(revoked_at, $3)
        WHERE subject_kind = $1 AND subject_id = $2 AND ($4::uuid IS NULL OR (contact_id = $4 AND used_at IS NULL))`,
      [subject.kind, subject.id, this.clock.date(), contactId ?? null],
    );
  }
}
