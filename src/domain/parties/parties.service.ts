import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { WantedVersion } from '../../kernel/row-version.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReference } from '../../platform/database/references.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { editRow, type EditableTable, type Edited } from './edits.ts';
import type { EditContact, EditParty, NewContact, NewParty } from './party.schema.ts';

const PARTY: EditableTable = {
  table: 'party',
  word: 'party',
  columns: { name: 'name', region: 'region', sector: 'sector', zone: 'zone', language: 'language' },
};
const CONTACT: EditableTable = {
  table: 'contact',
  word: 'contact',
  columns: {
    name: 'name',
    role: 'role',
    email: 'email',
    phone: 'phone',
    language: 'language',
    ordinal: 'ordinal',
    active: 'active',
  },
};
/** Another address is another way to be told: whoever is behind it has confirmed nothing yet. */
const UNCONFIRMS = ['name', 'email'];
/** What decides who a contact is that names no person: whoever signs in with its address. */
const ADDRESSES = ['email', 'active'];

/** Organisations and the ways to reach them, as people add and edit them. */
@Injectable()
export class PartiesService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Adds an organisation with its contacts. A name that is known already is refused: it would be one party twice. */
  async createParty(
    db: Db,
    input: NewParty,
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string }, Refusal>> {
    // Who adds parties at once waits for the other, lest the same one comes to be twice.
    await db.query(`SELECT pg_advisory_xact_lock(hashtextextended('parties.create', 0))`);
    const [known] = await db.query<{ reference: string; same: boolean }[]>(
      `SELECT reference, lower(name) = lower($1) AS same FROM party
        WHERE retired_at IS NULL AND (lower(name) = lower($1) OR ($2 AND is_operator)) ORDER BY same DESC LIMIT 1`,
      [input.name, input.operator],
    );
    if (known) return err(known.same ? alreadyThere(known.reference) : operatorKnown(known.reference));
    const twice = input.contacts.findIndex((one, at) =>
      input.contacts.some((other, before) => before < at && isSameWay(one, other)),
    );
    if (twice >= 0) return err(contactKnown(`/contacts/${twice}/email`));
    const now = this.clock.now();
    const [id, reference] = [newId(), await nextReference(db, 'PTY', now)];
    await db.query(
      `INSERT INTO party (id, reference, name, is_operator, region, sector, zone, language, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`,
      [
        id,
        reference,
        input.name,
        input.operator,
        input.region,
        input.sector,
        input.zone,
        input.language,
        new Date(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'party.created',
      subject: { kind: 'party', id },
      by,
      at: now,
      facts: { reference, zone: input.zone, operator: input.operator },
      committed: { name: input.name },
    });
    for (const contact of input.contacts) await this.#insertContact(db, id, contact, by);
    return ok({ id, reference });
  }

  async addContact(
    db: Db,
    partyId: Id,
    input: NewContact,
    by: Principal,
  ): Promise<Result<{ id: Id }, Refusal>> {
    const [party] = await db.query<unknown[]>(
      // Who adds contacts at once waits for the other, lest the same one comes to be twice.
      'SELECT 1 FROM party WHERE id = $1 AND retired_at IS NULL FOR NO KEY UPDATE',
      [partyId],
    );
    if (!party) return err(refusal('not_found', 'no-party', 'There is no such party.'));
    if (await isThere(db, partyId, null, input)) return err(contactKnown('/email'));
    return ok({ id: await this.#insertContact(db, partyId, input, by) });
  }

  async #insertContact(db: Db, partyId: Id, input: NewContact, by: Principal): Promise<Id> {
    const [id, now] = [newId(), this.clock.now()];
    await db.query(
      `INSERT INTO contact (id, party_id, name, role, email, phone, language, ordinal, created_at, updated_at, addressed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)`,
      [
        id,
        partyId,
        input.name,
        input.role,
        input.email,
        input.phone,
        input.language,
        input.ordinal,
        new Date(now),
        handOf(by),
      ],
    );
    await this.ledger.append(db, {
      kind: 'contact.created',
      subject: { kind: 'contact', id },
      by,
      at: now,
      facts: { partyId, role: input.role },
      committed: {
        name: input.name,
        ...(input.email === null ? {} : { email: input.email }),
        ...(input.phone === null ? {} : { phone: input.phone }),
      },
    });
    return id;
  }

  editParty(
    db: Db,
    id: Id,
    edit: EditParty,
    rowVersion: WantedVersion,
    by: Principal,
  ): Promise<Result<Edited, Refusal>> {
    return this.#edit(db, PARTY, id, edit, rowVersion, by);
  }

  async editContact(
    db: Db,
    id: Id,
    edit: EditContact,
    rowVersion: WantedVersion,
    by: Principal,
  ): Promise<Result<Edited, Refusal>> {
    if (edit.email !== undefined || edit.role !== undefined || edit.active) {
      // Whoever adds or edits a contact of the party at once waits here, and only then is read what there is.
      await db.query(
        'SELECT FROM party WHERE id = (SELECT party_id FROM contact WHERE id = $1) FOR NO KEY UPDATE',
        [id],
      );
      const [row] = await db.query<{ partyId: Id; role: string; email: string | null; active: boolean }[]>(
        'SELECT party_id AS "partyId", role, email, active FROM contact WHERE id = $1',
        [id],
      );
      const after = row && { ...row, ...edit };
      if (after?.active && (await isThere(db, after.partyId, id, after))) return err(contactKnown('/email'));
    }
    const edited = await this.#edit(db, CONTACT, id, edit, rowVersion, by);
    if (edited.ok && edited.value.changed.some((field) => UNCONFIRMS.includes(field))) {
      await db.query('UPDATE contact SET confirmed_at = NULL WHERE id = $1', [id]);
    }
    if (edited.ok && edited.value.changed.some((field) => ADDRESSES.includes(field))) {
      await db.query('UPDATE contact SET addressed_by = $2 WHERE id = $1', [id, handOf(by)]);
    }
    return edited;
  }

  async #edit(
    db: Db,
    target: EditableTable,
    id: Id,
    edit: Record<string, unknown>,
    rowVersion: WantedVersion,
    by: Principal,
  ): Promise<Result<Edited, Refusal>> {
    const at = this.clock.now();
    const edited = await editRow(db, target, id, edit, rowVersion, at);
    if (edited.ok && edited.value.changed.length > 0) {
      // Names and addresses stand beside the entry, where they can be erased.
      const texts = edited.value.changed.flatMap((field) =>
        typeof edit[field] === 'string' ? [[field, edit[field]] as const] : [],
      );
      await this.ledger.append(db, {
        kind: `${target.table}.changed`,
        subject: { kind: target.table, id },
        by,
        at,
        facts: { changed: edited.value.changed.sort().join(' '), rowVersion: edited.value.rowVersion },
        committed: Object.fromEntries(texts),
      });
    }
    return edited;
  }
}

interface Way {
  role?: string | undefined;
  email?: string | null | undefined;
}

/** One address in one part: whoever writes to it twice tells the same people twice. */
function isSameWay(one: Way, other: Way): boolean {
  return (
    Boolean(one.email) && one.role === other.role && one.email!.toLowerCase() === other.email?.toLowerCase()
  );
}

/** Whether a party has another contact of the same part with the same address. */
async function isThere(db: Db, partyId: Id, but: Id | null, { role, email }: Way): Promise<boolean> {
  if (!email) return false;
  const rows = await db.query<unknown[]>(
    `SELECT FROM contact WHERE party_id = $1 AND active AND role = $2 AND lower(email) = lower($3) AND ($4::uuid IS NULL OR id <> $4) LIMIT 1`,
    [partyId, role, email, but],
  );
  return rows.length > 0;
}

function contactKnown(field: string): Refusal {
  return refusal(
    'conflict',
    'contact-exists',
    'The party has a contact with this address in this part already.',
    {
      fields: [
        {
          field,
          problem: 'is the address of another contact in the same part',
          mend: 'Edit that contact, or give another address or part.',
        },
      ],
    },
  );
}

function alreadyThere(reference: string): Refusal {
  return refusal('conflict', 'party-exists', `A party of this name is known already: ${reference}.`, {
    fields: [
      {
        field: '/name',
        problem: `is the name of ${reference}`,
        mend: 'Use that party, or give another name.',
      },
    ],
  });
}

function operatorKnown(reference: string): Refusal {
  return refusal(
    'conflict',
    'operator-exists',
    `Who runs this installation is known already: ${reference}.`,
    {
      fields: [
        { field: '/operator', problem: `is ${reference} already`, mend: 'Leave it out, or edit that party.' },
      ],
    },
  );
}
