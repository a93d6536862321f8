import { Injectable } from '@nestjs/common';
import type { Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import type { WantedVersion } from '../../kernel/row-version.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { editRow, type EditableTable, type Edited } from './edits.ts';
import type { EditContact, EditParty } from './party.schema.ts';

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

/** Edits of organisations and of the ways to reach them. */
@Injectable()
export class PartiesService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

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
    const edited = await this.#edit(db, CONTACT, id, edit, rowVersion, by);
    if (edited.ok && edited.value.changed.some((field) => UNCONFIRMS.includes(field))) {
      await db.query('UPDATE contact SET confirmed_at = NULL WHERE id = $1', [id]);
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
