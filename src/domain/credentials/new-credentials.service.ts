import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReference } from '../../platform/database/references.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { contactExists, noContact } from '../integrations/integrations.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { NewCredential } from './credential.schema.ts';

/** Credentials that people add one by one; whole portfolios are imported. */
@Injectable()
export class NewCredentials {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Adds a credential without any version: what it is, who makes, accepts and holds it, and what it may do. */
  async create(
    db: Db,
    input: NewCredential,
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string }, Refusal>> {
    const wrong = await wrongIn(db, input);
    if (wrong) return err(wrong);
    const now = this.clock.now();
    const at = new Date(now);
    const [id, reference] = [newId(), await nextReference(db, 'CRD', now)];
    const { integrationId } = input;
    await db.query(
      `INSERT INTO credential (id, reference, integration_id, name, kind, environment, purpose, direction, owner_contact_id, issuer_party_id,
                               verifier_party_id, revocability, risk, store, rotate_every_days, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)`,
      [
        id,
        reference,
        integrationId,
        input.name,
        input.type,
        input.environment,
        input.purpose,
        input.direction,
        input.ownerContactId,
        input.issuerPartyId,
        input.verifierPartyId,
        input.revocability,
        input.risk,
        input.store,
        input.rotateEveryDays,
        at,
      ],
    );
    await db.query(
      `INSERT INTO credential_use (credential_id, integration_id, label, purpose, since) VALUES ($1, $2, $3, $4, $5)`,
      [id, integrationId, input.name, input.purpose, at],
    );
    await db.query(
      `INSERT INTO credential_holder (credential_id, integration_id, party_id) SELECT DISTINCT $1::uuid, $2::uuid, party FROM unnest($3::uuid[]) AS party`,
      [id, integrationId, input.holderPartyIds],
    );
    for (const scope of input.scopes)
      await db.query(
        `INSERT INTO credential_scope (id, credential_id, integration_id, name, description, justification) VALUES ($1, $2, $3, $4, $5, $6)`,
        [newId(), id, integrationId, scope.name, scope.description, scope.justification],
      );
    await this.ledger.append(db, {
      kind: 'credential.created',
      subject: { kind: 'credential', id },
      by,
      at: now,
      facts: {
        reference,
        integrationId,
        kind: input.type,
        environment: input.environment,
        issuer: input.issuerPartyId,
        verifier: input.verifierPartyId,
        holders: [...new Set(input.holderPartyIds)].sort().join(' '),
        scopes: input.scopes.length,
      },
      committed: { name: input.name },
    });
    return ok({ id, reference });
  }
}

/** What of a new credential does not fit its integration. */
async function wrongIn(db: Db, input: NewCredential): Promise<Refusal | undefined> {
  const [home] = await db.query<{ state: string; environments: string[] }[]>(
    'SELECT state, environments FROM integration WHERE id = $1 FOR SHARE',
    [input.integrationId],
  );
  const wrong = (field: string, problem: string, mend: string) =>
    refusal('invalid', 'bad-credential', 'The credential is not as it must be.', {
      fields: [{ field, problem, mend }],
    });
  if (!home) return wrong('/integrationId', 'is no integration', 'Give the id of an integration.');
  if (home.state === 'retired')
    return refusal(
      'conflict',
      'integration-retired',
      'The integration is retired: nothing new begins in it.',
    );
  if (!home.environments.includes(input.environment))
    return wrong(
      '/environment',
      'is no environment of the integration',
      `Give one of: ${home.environments.join(', ')}.`,
    );
  if (input.ownerContactId !== null && !(await contactExists(db, input.ownerContactId)))
    return noContact('/ownerContactId');
  const members = await db.query<{ id: Id }[]>(
    'SELECT DISTINCT party_id AS id FROM integration_party WHERE integration_id = $1',
    [input.integrationId],
  );
  const named: (readonly [string, Id])[] = [
    ['/issuerPartyId', input.issuerPartyId],
    ['/verifierPartyId', input.verifierPartyId],
    ...input.holderPartyIds.map((id, at) => [`/holderPartyIds/${at}`, id] as const),
  ];
  const stranger = named.find(([, id]) => !members.some((member) => member.id === id));
  return stranger && wrong(stranger[0], 'is no party of the integration', 'Name one of its parties.');
}
