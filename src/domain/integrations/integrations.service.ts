import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import type { WantedVersion } from '../../kernel/row-version.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { editRow, type EditableTable, type Edited } from '../parties/edits.ts';
import type { EditIntegration } from './integration.schema.ts';

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
    return edited;
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
