import { Injectable } from '@nestjs/common';
import { refusal, type FieldProblem, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReference } from '../../platform/database/references.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { keyOf, thumbprintOf } from './assertion-keys.ts';
import { endCheckouts } from './end-checkouts.ts';
import type { NewMachine } from './release.schema.ts';

/** Machine identities: registered by one person, approved by another, retired by anybody who may register. */
@Injectable()
export class Machines {
  constructor(
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  async register(
    db: Db,
    input: NewMachine,
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string }, Refusal>> {
    const [integration] = await db.query<{ state: string; environments: string[]; member: boolean }[]>(
      `SELECT i.state, i.environments, EXISTS (SELECT FROM integration_party x WHERE x.integration_id = i.id AND x.party_id = $2) AS member
         FROM integration i WHERE i.id = $1`,
      [input.integrationId, input.partyId],
    );
    if (!integration)
      return wrong('/integrationId', 'names no integration', 'Name one by its id: see /api/v1/integrations.');
    if (integration.state === 'retired')
      return err(refusal('conflict', 'integration-retired', 'The integration is retired.'));
    if (!integration.member)
      return wrong('/partyId', 'is no party of the integration', 'Name the party whose machine it is.');
    if (!integration.environments.includes(input.environment))
      return wrong(
        '/environment',
        'is none of the integration',
        `Name one of: ${integration.environments.join(', ')}.`,
      );
    const { publicKey, oidc } = input;
    if (publicKey && !keyOf(publicKey))
      return wrong('/publicKey', 'is no key on its curve', 'Give the public key as its tool exports it.');
    const thumbprint = publicKey ? thumbprintOf(publicKey) : null;
    const taken = await db.query<unknown[]>(
      `SELECT FROM machine_identity WHERE state IN ('proposed', 'approved') AND (thumbprint = $1 OR (issuer = $2 AND subject = $3))`,
      [thumbprint, oidc?.issuer ?? null, oidc?.subject ?? null],
    );
    if (taken.length > 0)
      return err(
        refusal(
          'conflict',
          'identity-taken',
          'A machine proves itself by that already: each has a key or a subject of its own.',
        ),
      );
    const now = this.clock.now();
    const id = newId();
    const reference = await nextReference(db, 'MID', now);
    await db.query(
      `INSERT INTO machine_identity (id, reference, party_id, integration_id, name, environment, kind, public_key, thumbprint, issuer, subject, registered_by, registered_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
      [
        id,
        reference,
        input.partyId,
        input.integrationId,
        input.name,
        input.environment,
        publicKey ? 'key' : 'oidc',
        publicKey ? JSON.stringify(publicKey) : null,
        thumbprint,
        oidc?.issuer ?? null,
        oidc?.subject ?? null,
        handOf(by),
        iso(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'machine.registered',
      subject: { kind: 'machine_identity', id },
      by,
      at: now,
      facts: {
        reference,
        integration: input.integrationId,
        party: input.partyId,
        environment: input.environment,
        thumbprint,
      },
      committed: { name: input.name, ...(oidc ? { issuer: oidc.issuer, subject: oidc.subject } : {}) },
    });
    return ok({ id, reference });
  }

  async decide(db: Db, id: Id, approve: boolean, by: Principal): Promise<Result<void, Refusal>> {
    const [row] = await db.query<{ state: string; registeredBy: string }[]>(
      `SELECT state, registered_by AS "registeredBy" FROM machine_identity WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (!row) return err(noMachine());
    if (row.state !== 'proposed')
      return err(refusal('conflict', 'already-decided', `The identity is ${row.state}.`));
    if (row.registeredBy === handOf(by))
      return err(refusal('forbidden', 'own-request', 'Somebody else approves what you registered.'));
    const now = this.clock.now();
    const state = approve ? 'approved' : 'refused';
    await db.query(`UPDATE machine_identity SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1`, [
      id,
      state,
      handOf(by),
      iso(now),
    ]);
    await this.ledger.append(db, {
      kind: `machine.${state}`,
      subject: { kind: 'machine_identity', id },
      by,
      at: now,
    });
    return ok(undefined);
  }

  /** The end of a workload is the end of its access: what it holds is ended, and it proves itself no more. Twice is once. */
  async retire(db: Db, id: Id, by: Principal): Promise<Result<{ ended: number }, Refusal>> {
    // In the order of whoever checks out: what was declared, then the rest.
    await db.query(`SELECT FROM checkout_grant WHERE identity_id = $1 ORDER BY id FOR UPDATE`, [id]);
    const [row] = await db.query<{ state: string }[]>(
      `SELECT state FROM machine_identity WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (!row) return err(noMachine());
    if (row.state === 'retired') return ok({ ended: 0 });
    const now = this.clock.now();
    await db.query(
      `UPDATE machine_identity SET state = 'retired', retired_by = $2, retired_at = $3 WHERE id = $1`,
      [id, handOf(by), iso(now)],
    );
    await db.query(
      `UPDATE checkout_grant SET state = 'ended', ended_by = $2, ended_at = $3 WHERE identity_id = $1 AND state IN ('proposed', 'approved')`,
      [id, handOf(by), iso(now)],
    );
    const ended = await endCheckouts(db, { identityId: id }, handOf(by), now);
    await this.ledger.append(db, {
      kind: 'machine.retired',
      subject: { kind: 'machine_identity', id },
      by,
      at: now,
      facts: { checkoutsEnded: ended },
    });
    return ok({ ended });
  }
}

function noMachine(): Refusal {
  return refusal('not_found', 'no-machine', 'There is no such machine identity.');
}

function wrong(field: string, problem: string, mend: string): { ok: false; error: Refusal } {
  const fields: FieldProblem[] = [{ field, problem, mend }];
  return err(refusal('invalid', 'bad-machine', 'The machine identity is not as it must be.', { fields }));
}
