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
import type { EditIntegration, NewIntegration } from './integration.schema.ts';
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
    agreementId: 'agreement_id',
    regions: 'regions',
    sectors: 'sectors',
    maxConnections: 'max_connections',
  },
};

@Injectable()
export class IntegrationsService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    private readonly quarantine: QuarantineService,
  ) {}

  /** Adds an integration as a draft, with its parties. */
  async create(
    db: Db,
    input: NewIntegration,
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string }, Refusal>> {
    const wrong = await wrongIn(db, input);
    if (wrong) return err(wrong);
    const now = this.clock.now();
    const [id, reference] = [newId(), await nextReference(db, 'INT', now)];
    await db.query(
      `INSERT INTO integration (id, reference, name, purpose, data_class, risk_tier, owner_contact_id, agreement_id, environments, regions, sectors, max_connections, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`,
      [
        id,
        reference,
        input.name,
        input.purpose,
        input.dataClass,
        input.riskTier,
        input.ownerContactId,
        input.agreementId,
        input.environments,
        input.regions,
        input.sectors,
        input.maxConnections,
        new Date(now),
      ],
    );
    await db.query(
      `INSERT INTO integration_party (integration_id, party_id, party_name, role)
       SELECT DISTINCT $1::uuid, p.id, p.name, x.role FROM unnest($2::uuid[], $3::text[]) AS x(id, role) JOIN party p ON p.id = x.id`,
      [id, input.parties.map(({ partyId }) => partyId), input.parties.map(({ role }) => role)],
    );
    await this.ledger.append(db, {
      kind: 'integration.created',
      subject: { kind: 'integration', id },
      by,
      at: now,
      facts: {
        reference,
        riskTier: input.riskTier,
        environments: input.environments.join(' '),
        parties: input.parties
          .map(({ partyId, role }) => `${role}:${partyId}`)
          .sort()
          .join(' '),
      },
      committed: { name: input.name, ...(input.purpose === '' ? {} : { purpose: input.purpose }) },
    });
    await this.quarantine.judge(db, id, by);
    return ok({ id, reference });
  }

  async edit(
    db: Db,
    id: Id,
    edit: EditIntegration,
    rowVersion: WantedVersion,
    by: Principal,
  ): Promise<Result<Edited, Refusal>> {
    if (edit.ownerContactId && !(await contactExists(db, edit.ownerContactId)))
      return err(noContact('/ownerContactId'));
    if (edit.agreementId) {
      const members = await db.query<{ id: Id }[]>(
        'SELECT DISTINCT party_id AS id FROM integration_party WHERE integration_id = $1',
        [id],
      );
      const parties = members.map((member) => member.id);
      if (!(await isAgreementOf(db, edit.agreementId, parties))) return err(foreignAgreement());
    }
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

/** What of a new integration does not fit what is stored. */
async function wrongIn(db: Db, input: NewIntegration): Promise<Refusal | undefined> {
  if (input.ownerContactId !== null && !(await contactExists(db, input.ownerContactId)))
    return noContact('/ownerContactId');
  const ids = input.parties.map(({ partyId }) => partyId);
  const known = await db.query<{ id: Id }[]>(
    'SELECT id FROM party WHERE id = ANY($1::uuid[]) AND retired_at IS NULL',
    [ids],
  );
  const wrong = (field: string, problem: string, mend: string) =>
    refusal('invalid', 'bad-integration', 'The integration is not as it must be.', {
      fields: [{ field, problem, mend }],
    });
  const unknown = ids.findIndex((partyId) => !known.some(({ id }) => id === partyId));
  if (unknown >= 0) return wrong(`/parties/${unknown}/partyId`, 'is no party', 'Give the id of a party.');
  const sides = (role: string) =>
    input.parties.filter((one) => one.role === role).map(({ partyId }) => partyId);
  if (sides('supplier').some((partyId) => sides('customer').includes(partyId)))
    return wrong('/parties', 'names one party on both sides', 'Name two parties: a supplier and a customer.');
  return input.agreementId === null || (await isAgreementOf(db, input.agreementId, ids))
    ? undefined
    : foreignAgreement();
}

async function isAgreementOf(db: Db, agreementId: Id, parties: readonly Id[]): Promise<boolean> {
  const [agreement] = await db.query<{ partyId: Id }[]>(
    'SELECT party_id AS "partyId" FROM agreement WHERE id = $1',
    [agreementId],
  );
  return agreement !== undefined && parties.includes(agreement.partyId);
}

function foreignAgreement(): Refusal {
  const field = {
    field: '/agreementId',
    problem: 'is no agreement with a party of the integration',
    mend: 'Name one that is, or none.',
  };
  return refusal('invalid', 'no-such-agreement', 'The agreement does not belong to the integration.', {
    fields: [field],
  });
}

export async function contactExists(db: Db, id: Id): Promise<boolean> {
  return (await db.query<unknown[]>('SELECT 1 FROM contact WHERE id = $1 AND active', [id])).length > 0;
}

export function noContact(field: string): Refusal {
  return refusal('invalid', 'no-such-contact', 'The contact is not known, or no longer active.', {
    fields: [{ field, problem: 'is no active contact', mend: 'Give the id of an active contact.' }],
  });
}
