import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { ELAPSED_DAY, iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { TxtRecords, whyNotPublic, type TxtAnswer } from '../../platform/http/txt-records.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { VERIFIED_BY_PERSON, type VerificationView } from './verifications.service.ts';

/** How long a party may take to set its record. */
const OPEN_FOR = 30 * ELAPSED_DAY;

export const askDomainSchema = z
  .strictObject({
    domain: z
      .string()
      .trim()
      .toLowerCase()
      .max(240)
      .transform((domain) => domain.replace(/\.$/, ''))
      .refine((domain) => whyNotPublic(domain) === null, 'must be a public domain, such as paylane.com')
      .describe('The domain that the party runs'),
  })
  .meta({ id: 'AskDomain' });
export type AskDomain = z.output<typeof askDomainSchema>;

export const domainChallengeSchema = z
  .object({
    id: z.uuid(),
    domain: z.string(),
    record: z
      .object({ name: z.string(), type: z.literal('TXT'), value: z.string() })
      .describe('What the party sets in its domain'),
    askedAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    lookedAt: z.iso.datetime().nullable(),
    answer: z.string().nullable().describe('What the last look found'),
    verifiedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'DomainChallenge' });
export type DomainChallengeView = z.infer<typeof domainChallengeSchema>;

interface Row {
  id: Id;
  partyId: Id;
  domain: string;
  token: string;
  askedAt: Date;
  expiresAt: Date;
  lookedAt: Date | null;
  answer: string | null;
  verifiedAt: Date | null;
}

const ROW = `id, party_id AS "partyId", domain, token, asked_at AS "askedAt", expires_at AS "expiresAt", looked_at AS "lookedAt", answer, verified_at AS "verifiedAt"
  FROM domain_challenge`;

/** A partner shows who it is through its own domain: by a record that only whoever runs the domain can set. */
@Injectable()
export class DomainChallenges {
  constructor(
    private readonly transactions: Transactions,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    private readonly records: TxtRecords,
  ) {}

  /** Asks for a record. Asked again for the same domain while the first is open, it is the same record. */
  ask(partyId: Id, { domain }: AskDomain, by: Principal): Promise<Result<DomainChallengeView, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const [party] = await db.query<object[]>(
        'SELECT 1 FROM party WHERE id = $1 AND retired_at IS NULL FOR UPDATE',
        [partyId],
      );
      if (!party) return err(refusal('not_found', 'no-party', 'There is no such party.'));
      const [open] = await db.query<Row[]>(
        `SELECT ${ROW} WHERE party_id = $1 AND domain = $2 AND verified_at IS NULL AND expires_at > $3 ORDER BY asked_at DESC LIMIT 1`,
        [partyId, domain, iso(now)],
      );
      if (open) return ok(viewOf(open));
      const id = newId();
      await db.query(
        `INSERT INTO domain_challenge (id, party_id, domain, token, asked_by, asked_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [id, partyId, domain, randomBytes(16).toString('hex'), by.id, iso(now), iso(now + OPEN_FOR)],
      );
      await this.ledger.append(db, {
        kind: 'party.domain-asked',
        subject: { kind: 'party', id: partyId },
        by,
        at: now,
        facts: { challenge: id, domain },
      });
      return ok(viewOf((await this.#find(db, partyId, id))!));
    });
  }

  /** Looks whether the record is there. If so, the party is verified, with what was found as the evidence. */
  async check(partyId: Id, id: Id, by: Principal): Promise<Result<VerificationView, Refusal>> {
    const who = by.personId;
    if (who === undefined) return err(VERIFIED_BY_PERSON);
    const row = await this.transactions.run(by, (db) => this.#find(db, partyId, id));
    if (!row) return err(refusal('not_found', 'no-challenge', 'This party was not asked for such a record.'));
    if (row.verifiedAt !== null) return err(OVER);
    if (row.expiresAt.getTime() <= this.clock.now())
      return err(
        refusal('conflict', 'challenge-expired', 'The time to set this record is over: ask for another.'),
      );
    const { record } = viewOf(row);
    const answer = await this.records.of(record.name);
    const shown = answer.found === 'records' && answer.records.some((text) => text.trim() === record.value);
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const [still] = await db.query<{ verified: boolean }[]>(
        `SELECT verified_at IS NOT NULL AS verified FROM domain_challenge WHERE id = $1 FOR UPDATE`,
        [id],
      );
      if (still?.verified !== false) return err(OVER);
      await db.query(
        `UPDATE domain_challenge SET looked_at = $2, answer = $3, verified_at = CASE WHEN $4 THEN $2::timestamptz END WHERE id = $1`,
        [id, iso(now), shown ? `found ${record.value}` : wordsOf(answer), shown],
      );
      if (!shown) return err(notShown(record, answer));
      const verification = newId();
      const statement = `The TXT record ${record.name} shows ${record.value}: whoever runs ${row.domain} has set it.`;
      await db.query(
        `INSERT INTO party_verification (id, party_id, method, challenge_id, statement, verified_by, verified_at) VALUES ($1, $2, 'domain', $3, $4, $5, $6)`,
        [verification, partyId, id, statement, who, iso(now)],
      );
      await this.ledger.append(db, {
        kind: 'party.verified',
        subject: { kind: 'party', id: partyId },
        by,
        at: now,
        facts: { verification, method: 'domain', challenge: id, domain: row.domain, record: record.value },
      });
      return ok({
        id: verification,
        method: 'domain',
        contactId: null,
        statement,
        verifiedBy: who,
        verifiedAt: iso(now),
      });
    });
  }

  /** Newest first. */
  async list(db: Db, partyId: Id): Promise<DomainChallengeView[]> {
    const rows = await db.query<Row[]>(
      `SELECT ${ROW} WHERE party_id = $1 ORDER BY asked_at DESC, id DESC LIMIT 20`,
      [partyId],
    );
    return rows.map(viewOf);
  }

  async #find(db: Db, partyId: Id, id: Id): Promise<Row | undefined> {
    const [row] = await db.query<Row[]>(`SELECT ${ROW} WHERE id = $1 AND party_id = $2`, [id, partyId]);
    return row;
  }
}

const OVER = refusal('conflict', 'already-verified', 'This domain has been verified.');

function viewOf(row: Row): DomainChallengeView {
  return {
    id: row.id,
    domain: row.domain,
    record: {
      name: `_countersign.${row.domain}`,
      type: 'TXT',
      value: `countersign-verification=${row.token}`,
    },
    askedAt: row.askedAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    lookedAt: row.lookedAt?.toISOString() ?? null,
    answer: row.answer,
    verifiedAt: row.verifiedAt?.toISOString() ?? null,
  };
}

function wordsOf(answer: TxtAnswer): string {
  switch (answer.found) {
    case 'records':
      return `${answer.records.length} other TXT records`;
    case 'none':
      return 'no TXT record';
    case 'nothing_heard':
      return `no answer from the name servers (${answer.why})`;
    case 'refused':
      return answer.why;
  }
}

function notShown({ name, value }: DomainChallengeView['record'], answer: TxtAnswer): Refusal {
  return refusal(
    'conflict',
    'record-not-found',
    `At ${name} there is ${wordsOf(answer)}. Set a TXT record of the name ${name} with the value ${value}, wait until it is published, and check again.`,
  );
}
