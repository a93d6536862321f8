import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { ELAPSED_DAY, iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';

/** A contact whose confirmation is older vouches for nobody. */
export const ANSWERED_WITHIN = 90 * ELAPSED_DAY;

export const verifyPartySchema = z
  .strictObject({
    method: z
      .enum(['contact', 'document'])
      .describe('contact: somebody of the party whom you know has confirmed; document: register, contract'),
    contactId: z.uuid().optional().describe('For contact: who confirmed, and lately'),
    statement: z.string().trim().min(1).max(2000).describe('How you know: it goes on record with your name'),
  })
  .refine(({ method, contactId }) => (method === 'contact') === (contactId !== undefined), {
    message: 'names the contact who confirmed, and only then',
    path: ['contactId'],
  })
  .meta({ id: 'VerifyParty' });
export type VerifyParty = z.output<typeof verifyPartySchema>;

export const verificationSchema = z
  .object({
    id: z.uuid(),
    method: z.enum(['contact', 'document', 'domain']),
    contactId: z.uuid().nullable(),
    statement: z.string(),
    verifiedBy: z.string(),
    verifiedAt: z.iso.datetime(),
  })
  .meta({ id: 'PartyVerification' });
export type VerificationView = z.infer<typeof verificationSchema>;

export const VERIFIED_BY_PERSON = refusal(
  'forbidden',
  'person-needed',
  'A party is verified by a person: sign in, or use a token that belongs to an account.',
);

/** Who made sure that a party is who it says, and how. A person's word, with their name. */
@Injectable()
export class VerificationsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async verify(partyId: Id, input: VerifyParty, by: Principal): Promise<Result<VerificationView, Refusal>> {
    const who = by.personId;
    if (who === undefined) return err(VERIFIED_BY_PERSON);
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const [party] = await db.query<{ operator: boolean }[]>(
        `SELECT is_operator AS operator FROM party WHERE id = $1`,
        [partyId],
      );
      if (!party) return err(refusal('not_found', 'no-party', 'There is no such party.'));
      if (input.contactId !== undefined) {
        const [contact] = await db.query<{ answered: boolean }[]>(
          `SELECT active AND confirmed_at > $3 AS answered FROM contact WHERE id = $1 AND party_id = $2`,
          [input.contactId, partyId, iso(now - ANSWERED_WITHIN)],
        );
        if (!contact) return err(refusal('not_found', 'no-contact', 'This party has no such contact.'));
        if (!contact.answered) {
          return err(
            refusal(
              'conflict',
              'contact-silent',
              'This contact has not confirmed within the last 90 days. Ask them to confirm first.',
            ),
          );
        }
      }
      const id = newId();
      await db.query(
        `INSERT INTO party_verification (id, party_id, method, contact_id, statement, verified_by, verified_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [id, partyId, input.method, input.contactId ?? null, input.statement, who, iso(now)],
      );
      await this.ledger.append(db, {
        kind: 'party.verified',
        subject: { kind: 'party', id: partyId },
        by,
        at: now,
        facts: { verification: id, method: input.method, contact: input.contactId ?? null },
        committed: { statement: input.statement },
      });
      return ok({
        id,
        method: input.method,
        contactId: input.contactId ?? null,
        statement: input.statement,
        verifiedBy: who,
        verifiedAt: iso(now),
      });
    });
  }

  list(db: Db, partyId: Id): Promise<VerificationView[]> {
    return db
      .query<(Omit<VerificationView, 'verifiedAt'> & { verifiedAt: Date })[]>(
        `SELECT id, method, contact_id AS "contactId", statement, verified_by AS "verifiedBy", verified_at AS "verifiedAt"
           FROM party_verification WHERE party_id = $1 AND withdrawn_at IS NULL ORDER BY verified_at DESC, id DESC LIMIT 100`,
        [partyId],
      )
      .then((rows) => rows.map((row) => ({ ...row, verifiedAt: row.verifiedAt.toISOString() })));
  }
}
