import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { WantedVersion } from '../../kernel/row-version.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { editRow, type EditableTable, type Edited } from '../parties/edits.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { nextReference } from '../../platform/database/references.ts';
import type { EditIntegration } from './integration.schema.ts';
import { QuarantineService } from './quarantine.service.ts';

const INTEGRATION: EditableTable = {
  table: 'integration',
  word: 'integration',
  columns: {
    name: 'name',
    purpose: 'purpose',
    dataClass: 'data_class',
    riskTier: 'risk_tier',
    ownerContactId: 'owner_contact_id',
    regions: 'regions',
    sectors: 'sectors',
  },
};

@Injectable()
export class IntegrationsService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    private readonly quarantine: QuarantineService,
  ) {}

  async edit(
    db: Db,
    id: Id,
    edit: EditIntegration,
    rowVersion: WantedVersion,
    by: Principal,
  ): Promise<Result<Edited, Refusal>> {
    if (edit.ownerContactId && !(await contactExists(db, edit.ownerContactId)))
      return err(noContact('/ownerContactId'));
    const at = this.clock.now();
    const edited = await editRow(db, INTEGRATION, id, edit, rowVersion, at);
    if (edited.ok && edited.value.changed.length > 0) {
      await this.ledger.append(db, {
        kind: 'integration.changed',
        subject: { kind: 'integration', id },
        by,
        at,
        facts: {
          changed: edited.value.changed.sort().join(' '),
          rowVersion: edited.value.rowVersion,
          ...(edit.riskTier === undefined ? {} : { riskTier: edit.riskTier }),
        },
        committed: {
          ...(edit.name === undefined ? {} : { name: edit.name }),
          ...(edit.purpose === undefined ? {} : { purpose: edit.purpose }),
        },
      });
    }
    if (edited.ok && edited.value.changed.includes('ownerContactId')) await this.quarantine.judge(db, id, by);
    return edited;
  }

  /**
   * Takes a connection that was found, not declared, into the inventory, as a draft that nobody owns yet: it is quarantined
   * like any other that nobody owns. Asked again for the same finding, it answers with the same integration.
   *
   * @param finding what tells this finding from others; unique
   */
  async declareShadow(
    db: Db,
    input: { name: string; purpose: string; finding: string },
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string; created: boolean }, Refusal>> {
    const now = this.clock.now();
    const [id, reference] = [newId(), await nextReference(db, 'INT', now)];
    const came = await db.query<{ id: Id }[]>(
      `INSERT INTO integration (id, reference, source, external_key, name, purpose, shadow, created_at, updated_at)
       VALUES ($1, $2, 'shadow', $3, $4, $5, true, $6, $6) ON CONFLICT (source, external_key) DO NOTHING RETURNING id`,
      [id, reference, input.finding, input.name, input.purpose, new Date(now)],
    );
    if (came.length === 0) {
      const [known] = await db.query<{ id: Id; reference: string }[]>(
        `SELECT id, reference FROM integration WHERE source = 'shadow' AND external_key = $1`,
        [input.finding],
      );
      return ok({ ...known!, created: false });
    }
    await this.ledger.append(db, {
      kind: 'integration.shadow-declared',
      subject: { kind: 'integration', id },
      by,
      at: now,
      facts: { reference },
      committed: { name: input.name, purpose: input.purpose },
    });
    return ok({ id, reference, created: true });
  }
}

export async function contactExists(db: Db, id: Id): Promise<boolean> {
  return (await db.query<unknown[]>('SELECT 1 FROM contact WHERE id = $1 AND active', [id])).length > 0;
}

export function noContact(field: string): Refusal {
  return refusal('invalid', 'no-such-contact', 'The contact is not known, or no longer active.', {
    fields: [{ field, problem: 'is no active contact', mend: 'Give the id of an active contact.' }],
  });
}
