import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { ELAPSED_DAY, iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { NoticesService } from '../notices/notices.service.ts';
import { readsIn } from '../parties/contact-language.ts';

/** Names the templates of the question, and what tells its answers from others. */
export const CONTACT_CONFIRMATION = 'contact-confirmation';

/** How long a contact may take; also how soon they are asked again. */
const ANSWER_WITHIN = 14 * ELAPSED_DAY;
const ASKED_LATELY = ELAPSED_DAY;

/** Whether whoever would be called can be reached: they are asked, and answer through the link of the mail. */
@Injectable()
export class ConfirmationsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly notices: NoticesService,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Asks a contact to confirm that their address reaches them. */
  async ask(
    integrationId: Id,
    contactId: Id,
    by: Principal,
  ): Promise<Result<{ noticeId: Id; reference: string }, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const now = this.clock.now();
      const [contact] = await db.query<
        {
          name: string;
          email: string | null;
          active: boolean;
          language: string;
          partyId: Id;
          partyName: string;
          integrationName: string;
          integrationReference: string;
          asked: boolean;
        }[]
      >(
        `SELECT k.name, k.email, k.active, ${readsIn('k')} AS language, p.id AS "partyId", p.name AS "partyName", i.name AS "integrationName",
                i.reference AS "integrationReference",
                EXISTS (SELECT FROM notice n WHERE n.subject_id = k.id AND n.category = $3 AND n.receipt <> 'acknowledged'
                           AND n.dispatch <> 'failed' AND n.created_at > $4) AS asked
           FROM contact k JOIN party p ON p.id = k.party_id, integration i
          WHERE k.id = $1 AND i.id = $2
            AND (i.owner_contact_id = k.id OR EXISTS (SELECT FROM integration_party x WHERE x.integration_id = i.id AND x.party_id = k.party_id))
          FOR UPDATE OF k`,
        [contactId, integrationId, CONTACT_CONFIRMATION, iso(now - ASKED_LATELY)],
      );
      if (!contact)
        return err(refusal('not_found', 'no-contact', 'No party of this integration has such a contact.'));
      if (!contact.active)
        return err(refusal('conflict', 'contact-inactive', `${contact.name} is no longer a contact.`));
      if (contact.email === null) {
        return err(
          refusal('conflict', 'no-address', `${contact.name} has no mail address. Add one, then ask.`),
        );
      }
      if (contact.asked) {
        return err(
          refusal(
            'conflict',
            'asked-lately',
            `${contact.name} was asked within the last day. Wait, or call.`,
          ),
        );
      }
      const noticeId = await this.notices.send(
        db,
        {
          integrationId,
          partyId: contact.partyId,
          contactId,
          subject: { kind: 'contact', id: contactId },
          category: CONTACT_CONFIRMATION,
          language: contact.language,
          fulfilledBy: 'acknowledged',
          facts: {
            contactName: contact.name,
            partyName: contact.partyName,
            integrationName: contact.integrationName,
            integrationReference: contact.integrationReference,
            answerBy: iso(now + ANSWER_WITHIN),
          },
          key: `${CONTACT_CONFIRMATION}:${integrationId}:${contactId}:${iso(now)}`,
          correlationId: by.correlationId,
        },
        by,
      );
      await this.ledger.append(db, {
        kind: 'contact.asked-to-confirm',
        subject: { kind: 'contact', id: contactId },
        by,
        at: now,
        facts: { integration: integrationId, notice: noticeId },
      });
      const [notice] = await db.query<{ reference: string }[]>(`SELECT reference FROM notice WHERE id = $1`, [
        noticeId,
      ]);
      return ok({ noticeId, reference: notice!.reference });
    });
  }

  /** Somebody answered a notice. Where it asked a contact to confirm, they have. */
  async answered(noticeId: Id, by: Principal): Promise<void> {
    await this.transactions.run(by, async (db) => {
      const [notice] = await db.query<
        { integrationId: Id; partyId: Id; contactId: Id; askedAt: Date; at: Date }[]
      >(
        `SELECT integration_id AS "integrationId", party_id AS "partyId", contact_id AS "contactId", created_at AS "askedAt", acknowledged_at AS at
           FROM notice WHERE id = $1 AND category = $2 AND acknowledged_at IS NOT NULL AND contact_id IS NOT NULL`,
        [noticeId, CONTACT_CONFIRMATION],
      );
      if (!notice) return;
      const { integrationId, partyId, contactId, askedAt, at } = notice;
      await db.query(
        `INSERT INTO contact_confirmation (id, integration_id, party_id, contact_id, asked_at, due_at, confirmed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT ON CONSTRAINT contact_confirmation_once DO UPDATE SET confirmed_at = greatest(contact_confirmation.confirmed_at, excluded.confirmed_at)`,
        [
          newId(),
          integrationId,
          partyId,
          contactId,
          askedAt,
          new Date(askedAt.getTime() + ANSWER_WITHIN),
          at,
        ],
      );
      await db.query(
        `UPDATE contact SET confirmed_at = greatest(confirmed_at, $2), updated_at = $3 WHERE id = $1`,
        [contactId, at, new Date(this.clock.now())],
      );
      await this.ledger.append(db, {
        kind: 'contact.confirmed',
        subject: { kind: 'contact', id: contactId },
        by,
        at: this.clock.now(),
        facts: { integration: integrationId, notice: noticeId, at: at.toISOString() },
      });
    });
  }
}
