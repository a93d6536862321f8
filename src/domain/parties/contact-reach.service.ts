import { Injectable } from '@nestjs/common';
import type { CanonicalValue } from '../../kernel/canonical-json.ts';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { absenceMeets, type RecordedAbsence } from './on-call.rules.ts';
import type { ContactHoursInput, NewAbsence, NewAddress } from './on-call.schema.ts';

/** When and how a contact is to be reached: hours, absences with who stands in, and ways beside mail. */
@Injectable()
export class ContactReach {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    private readonly vault: Vault,
  ) {}

  async setHours(
    db: Db,
    contactId: Id,
    input: ContactHoursInput,
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    const partyId = await partyOf(db, contactId);
    if (!partyId) return err(NO_CONTACT);
    const now = this.clock.now();
    await db.query(
      `INSERT INTO contact_hours (contact_id, party_id, zone, duty_days, duty_from, duty_until, quiet_from, quiet_until, most_per_hour, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (contact_id) DO UPDATE SET zone = excluded.zone, duty_days = excluded.duty_days, duty_from = excluded.duty_from,
         duty_until = excluded.duty_until, quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,
         most_per_hour = excluded.most_per_hour, updated_at = excluded.updated_at`,
      [
        contactId,
        partyId,
        input.zone,
        [...new Set(input.days)].sort((a, b) => a - b),
        input.from,
        input.until,
        input.quiet?.from ?? null,
        input.quiet?.until ?? null,
        input.mostPerHour,
        iso(now),
      ],
    );
    await this.#tell(db, 'contact.hours_set', contactId, by, {
      zone: input.zone,
      days: input.days,
      from: input.from,
      until: input.until,
      quiet: input.quiet,
      mostPerHour: input.mostPerHour,
    });
    return ok(undefined);
  }

  async addAbsence(
    db: Db,
    contactId: Id,
    input: NewAbsence,
    by: Principal,
  ): Promise<Result<{ id: Id }, Refusal>> {
    // Both at once and in one order, so that two who stand in for each other do not wait for one another; and before
    // looking at what is on record, so that of two who enter the same at once the second sees the first.
    const there = await rowsOf<{ id: Id; party_id: Id }>(
      db,
      `SELECT id, party_id FROM contact WHERE id = ANY($1::uuid[]) AND active ORDER BY id FOR NO KEY UPDATE`,
      [[contactId, ...(input.standInId === null ? [] : [input.standInId])]],
    );
    const partyId = there.find((one) => one.id === contactId)?.party_id;
    if (!partyId) return err(NO_CONTACT);
    if (input.standInId !== null) {
      const standIn = there.find((one) => one.id === input.standInId && one.id !== contactId);
      if (standIn?.party_id !== partyId)
        return err(
          refusal('invalid', 'no-stand-in', 'Who stands in is another contact of the same party.', {
            fields: [
              {
                field: '/standInId',
                problem: 'is no other contact of this party',
                mend: 'Choose another contact of the party.',
              },
            ],
          }),
        );
    }
    const met = absenceMeets(await absencesOf(db, contactId), {
      contactId,
      from: Date.parse(input.from),
      until: Date.parse(input.until),
      standInId: input.standInId,
    });
    if (met?.as === 'same') return ok({ id: met.other.id });
    if (met) return err(clashing(met.other));
    const id = newId();
    await db.query(
      `INSERT INTO contact_absence (id, contact_id, party_id, from_at, until_at, stand_in_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, contactId, partyId, input.from, input.until, input.standInId, iso(this.clock.now())],
    );
    await this.#tell(db, 'contact.absence_added', contactId, by, {
      absence: id,
      from: input.from,
      until: input.until,
      standIn: input.standInId,
    });
    return ok({ id });
  }

  async removeAbsence(db: Db, absenceId: Id, by: Principal): Promise<Result<void, Refusal>> {
    const [gone] = await rowsOf<{ contact_id: Id }>(
      db,
      `DELETE FROM contact_absence WHERE id = $1 RETURNING contact_id`,
      [absenceId],
    );
    if (!gone) return err(refusal('not_found', 'no-absence', 'There is no such absence.'));
    await this.#tell(db, 'contact.absence_removed', gone.contact_id, by, { absence: absenceId });
    return ok(undefined);
  }

  /**
   * Whether the address has the channel's form is for whoever knows the channels; and whether it is a secret, of which
   * only `shown` may be seen.
   */
  async addAddress(
    db: Db,
    contactId: Id,
    input: NewAddress & { shown?: string | undefined },
    by: Principal,
  ): Promise<Result<{ id: Id }, Refusal>> {
    const partyId = await partyOf(db, contactId);
    if (!partyId) return err(NO_CONTACT);
    const [id, now] = [newId(), iso(this.clock.now())];
    const address = input.shown ?? input.address;
    const ref =
      input.shown === undefined
        ? null
        : await this.vault.put(db, addressBinding(id), Secret.of(input.address));
    await db.query(
      `INSERT INTO address_of_record (id, party_id, contact_id, channel, address, address_ref, valid_from) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, partyId, contactId, input.channel, address, ref, now],
    );
    await this.ledger.append(db, {
      kind: 'contact.address_added',
      subject: { kind: 'contact', id: contactId },
      by,
      at: this.clock.now(),
      facts: { channel: input.channel, addressId: id },
      committed: { address },
    });
    return ok({ id });
  }

  async endAddress(db: Db, addressId: Id, by: Principal): Promise<Result<void, Refusal>> {
    const [ended] = await rowsOf<{ contact_id: Id; channel: string; address_ref: string | null }>(
      db,
      `UPDATE address_of_record SET valid_until = $2 WHERE id = $1 AND contact_id IS NOT NULL AND (valid_until IS NULL OR valid_until > $2)
       RETURNING contact_id, channel, address_ref`,
      [addressId, iso(this.clock.now())],
    );
    if (!ended) return err(refusal('not_found', 'no-address', 'There is no such address in use.'));
    if (ended.address_ref !== null && this.vault.mayDestroy(ended.address_ref))
      await this.vault.destroy(db, ended.address_ref);
    await this.#tell(db, 'contact.address_ended', ended.contact_id, by, {
      channel: ended.channel,
      addressId,
    });
    return ok(undefined);
  }

  #tell(
    db: Db,
    kind: string,
    contactId: Id,
    by: Principal,
    facts: Record<string, CanonicalValue>,
  ): Promise<void> {
    return this.ledger.append(db, {
      kind,
      subject: { kind: 'contact', id: contactId },
      by,
      at: this.clock.now(),
      facts,
    });
  }
}

/** What a sealed address belongs to. */
export function addressBinding(addressId: Id): string {
  return `address_of_record:${addressId}`;
}

async function partyOf(db: Db, contactId: Id): Promise<Id | undefined> {
  const [row] = await db.query<{ party_id: Id }[]>(
    `SELECT party_id FROM contact WHERE id = $1 AND active FOR SHARE`,
    [contactId],
  );
  return row?.party_id;
}

async function absencesOf(db: Db, contactId: Id): Promise<RecordedAbsence[]> {
  const rows = await rowsOf<{ id: Id; from_at: Date; until_at: Date; stand_in_id: Id | null }>(
    db,
    `SELECT id, from_at, until_at, stand_in_id FROM contact_absence WHERE contact_id = $1 ORDER BY from_at, id`,
    [contactId],
  );
  return rows.map((row) => ({
    id: row.id,
    contactId,
    from: row.from_at.getTime(),
    until: row.until_at.getTime(),
    standInId: row.stand_in_id,
  }));
}

function clashing({ from, until, standInId }: RecordedAbsence): Refusal {
  const who = standInId === null ? 'nobody to stand in' : 'somebody else to stand in';
  return refusal(
    'conflict',
    'absence-overlaps',
    `An absence from ${iso(from)} until ${iso(until)} is on record, with ${who}.`,
    {
      fields: [
        {
          field: '/from',
          problem: `overlaps the absence from ${iso(from)} until ${iso(until)}, which has ${who}`,
          mend: 'Take that one back first, or choose times outside it.',
        },
      ],
    },
  );
}

const NO_CONTACT = refusal('not_found', 'no-contact', 'There is no such contact.');
