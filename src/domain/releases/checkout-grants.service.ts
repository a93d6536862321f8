import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { ELAPSED_DAY, HOUR, iso, MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { rolesThatMay } from '../access/permissions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { endCheckouts } from './end-checkouts.ts';
import type { NewGrant } from './release.schema.ts';

/** No grant outlives this: whoever still needs it asks again. */
const LONGEST_GRANT: Millis = 400 * ELAPSED_DAY;
/** A window in which nobody is asked for consent. */
const LONGEST_WINDOW_HOURS = 7 * 24;
/** How long a consent waits to be used. */
const USED_WITHIN: Millis = 5 * MINUTE;

/** What is declared beforehand about checkouts, and the consent of those who were named. */
@Injectable()
export class CheckoutGrants {
  constructor(
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  async request(
    db: Db,
    identityId: Id,
    input: NewGrant,
    by: Principal,
  ): Promise<Result<{ id: Id }, Refusal>> {
    const [machine] = await db.query<
      { state: string; environment: string; integrationId: Id; registeredBy: string }[]
    >(
      `SELECT state, environment, integration_id AS "integrationId", registered_by AS "registeredBy" FROM machine_identity WHERE id = $1 FOR UPDATE`,
      [identityId],
    );
    if (!machine) return err(refusal('not_found', 'no-machine', 'There is no such machine identity.'));
    if (machine.state !== 'proposed' && machine.state !== 'approved')
      return err(refusal('conflict', 'machine-ended', `The identity is ${machine.state}.`));
    const [credential] = await db.query<{ environment: string }[]>(
      `SELECT c.environment FROM credential_use u JOIN credential c ON c.id = u.credential_id
        WHERE u.credential_id = $1 AND u.integration_id = $2 AND c.retired_at IS NULL`,
      [input.credentialId, machine.integrationId],
    );
    if (!credential)
      return wrong(
        '/credentialId',
        'is no credential that the integration of the machine uses',
        'Name one that it uses.',
      );
    if (credential.environment !== machine.environment)
      return wrong(
        '/credentialId',
        `belongs to ${credential.environment}, and the machine to ${machine.environment}`,
        'Name a credential of its own environment.',
      );
    const now = this.clock.now();
    const until = Date.parse(input.expiresAt);
    if (until <= now || until > now + LONGEST_GRANT)
      return wrong('/expiresAt', 'is past, or more than 400 days away', 'Name an instant in between.');
    if (input.consentPersonId !== undefined) {
      const wrongPerson = await this.#consenterProblem(db, input.consentPersonId, by);
      if (wrongPerson)
        return wrong(
          '/consentPersonId',
          wrongPerson,
          'Give the personId of somebody else: GET /api/v1/checkout-consenters lists them.',
        );
    }
    const [taken] = await db.query<unknown[]>(
      `SELECT FROM checkout_grant WHERE identity_id = $1 AND credential_id = $2 AND purpose = $3 AND state IN ('proposed', 'approved')`,
      [identityId, input.credentialId, input.purpose],
    );
    if (taken)
      return err(
        refusal('conflict', 'already-declared', 'That purpose is declared for this machine and credential.'),
      );
    const id = newId();
    await db.query(
      `INSERT INTO checkout_grant (id, identity_id, integration_id, credential_id, purpose, max_simultaneous, max_seconds, consent_person_id, expires_at, requested_by, requested_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        id,
        identityId,
        machine.integrationId,
        input.credentialId,
        input.purpose,
        input.maxSimultaneous,
        input.maxSeconds,
        input.consentPersonId ?? null,
        input.expiresAt,
        handOf(by),
        iso(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'checkout_grant.requested',
      subject: { kind: 'checkout_grant', id },
      by,
      at: now,
      facts: {
        identity: identityId,
        credential: input.credentialId,
        maxSimultaneous: input.maxSimultaneous,
        maxSeconds: input.maxSeconds,
        until: input.expiresAt,
        consentOf: input.consentPersonId ?? null,
      },
      committed: { purpose: input.purpose },
    });
    return ok({ id });
  }

  async #consenterProblem(db: Db, personId: Id, by: Principal): Promise<string | undefined> {
    if (personId === handOf(by)) return 'is yourself';
    const [found] = await db.query<unknown[]>(
      `SELECT FROM user_account u JOIN user_role r ON r.user_id = u.id
        WHERE u.person_id = $1 AND u.state = 'active' AND u.party_id IS NULL AND r.role = ANY($2)`,
      [personId, rolesThatMay('approvals:decide')],
    );
    return found
      ? undefined
      : 'is no person who may approve here (an account has another id than its person)';
  }

  async decide(db: Db, id: Id, approve: boolean, by: Principal): Promise<Result<void, Refusal>> {
    const [row] = await db.query<{ state: string; requestedBy: string; identityState: string }[]>(
      `SELECT g.state, g.requested_by AS "requestedBy", m.state AS "identityState"
         FROM checkout_grant g JOIN machine_identity m ON m.id = g.identity_id WHERE g.id = $1 FOR UPDATE OF g`,
      [id],
    );
    if (!row) return err(noGrant());
    if (row.state !== 'proposed')
      return err(refusal('conflict', 'already-decided', `The grant is ${row.state}.`));
    if (row.requestedBy === handOf(by))
      return err(refusal('forbidden', 'own-request', 'Somebody else approves what you asked for.'));
    if (approve && row.identityState !== 'approved')
      return err(refusal('conflict', 'identity-not-approved', 'Approve the machine identity first.'));
    const now = this.clock.now();
    const state = approve ? 'approved' : 'refused';
    await db.query(`UPDATE checkout_grant SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1`, [
      id,
      state,
      handOf(by),
      iso(now),
    ]);
    await this.ledger.append(db, {
      kind: `checkout_grant.${state}`,
      subject: { kind: 'checkout_grant', id },
      by,
      at: now,
    });
    return ok(undefined);
  }

  /** Ends what was declared, and what is held under it. Twice is once. */
  async end(db: Db, id: Id, by: Principal): Promise<Result<{ ended: number }, Refusal>> {
    const [row] = await db.query<{ state: string }[]>(
      `SELECT state FROM checkout_grant WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (!row) return err(noGrant());
    if (row.state === 'ended' || row.state === 'refused') return ok({ ended: 0 });
    const now = this.clock.now();
    await db.query(`UPDATE checkout_grant SET state = 'ended', ended_by = $2, ended_at = $3 WHERE id = $1`, [
      id,
      handOf(by),
      iso(now),
    ]);
    const ended = await endCheckouts(db, { grantId: id }, handOf(by), now);
    await this.ledger.append(db, {
      kind: 'checkout_grant.ended',
      subject: { kind: 'checkout_grant', id },
      by,
      at: now,
      facts: { checkoutsEnded: ended },
    });
    return ok({ ended });
  }

  /** The named person answers one checkout that waits. */
  async consent(db: Db, checkoutId: Id, agree: boolean, by: Principal): Promise<Result<void, Refusal>> {
    const [found] = await db.query<{ grantId: Id }[]>(
      `SELECT grant_id AS "grantId" FROM checkout WHERE id = $1`,
      [checkoutId],
    );
    const asked = found && (await this.#ofNamedPerson(db, found.grantId, by));
    if (!asked) return err(refusal('not_found', 'no-checkout', 'No such checkout waits for you.'));
    const [row] = await db.query<{ state: string; answerUntil: Date | null; integrationId: Id }[]>(
      `SELECT state, answer_until AS "answerUntil", integration_id AS "integrationId" FROM checkout WHERE id = $1 FOR UPDATE`,
      [checkoutId],
    );
    const now = this.clock.now();
    if (row?.state !== 'waiting' || (row.answerUntil?.getTime() ?? 0) <= now)
      return err(refusal('conflict', 'no-longer-waiting', 'The checkout no longer waits for an answer.'));
    await db.query(
      agree
        ? `UPDATE checkout SET state = 'consented', consent_by = $2, consent_at = $3, answer_until = $4 WHERE id = $1`
        : `UPDATE checkout SET state = 'refused', consent_by = $2, consent_at = $3, ended_by = $2, ended_at = $4 WHERE id = $1`,
      [checkoutId, handOf(by), iso(now), iso(agree ? now + USED_WITHIN : now)],
    );
    await this.ledger.append(db, {
      kind: agree ? 'checkout.consented' : 'checkout.consent-refused',
      subject: { kind: 'checkout', id: checkoutId },
      by,
      at: now,
    });
    return ok(undefined);
  }

  /** The named person lets checkouts of a grant pass unasked for so many hours; 0 ends that. */
  async openWindow(db: Db, grantId: Id, hours: number, by: Principal): Promise<Result<void, Refusal>> {
    if (!Number.isInteger(hours) || hours < 0 || hours > LONGEST_WINDOW_HOURS)
      return wrong('/hours', `is no whole number from 0 to ${LONGEST_WINDOW_HOURS}`, 'Name one.');
    const asked = await this.#ofNamedPerson(db, grantId, by);
    if (!asked) return err(refusal('not_found', 'no-grant', 'No such grant asks for your consent.'));
    if (asked.state !== 'approved')
      return err(refusal('conflict', 'grant-not-approved', `The grant is ${asked.state}.`));
    const now = this.clock.now();
    const until = hours === 0 ? null : iso(now + hours * HOUR);
    await db.query(`UPDATE checkout_grant SET consent_until = $2 WHERE id = $1`, [grantId, until]);
    await this.ledger.append(db, {
      kind: 'checkout_grant.window',
      subject: { kind: 'checkout_grant', id: grantId },
      by,
      at: now,
      facts: { until },
    });
    return ok(undefined);
  }

  /** Locks the grant. Somebody else's is as good as none. */
  async #ofNamedPerson(db: Db, grantId: Id, by: Principal): Promise<{ state: string } | undefined> {
    const [grant] = await db.query<{ state: string; personId: Id | null }[]>(
      `SELECT state, consent_person_id AS "personId" FROM checkout_grant WHERE id = $1 FOR UPDATE`,
      [grantId],
    );
    return grant && by.personId !== undefined && grant.personId === by.personId ? grant : undefined;
  }
}

function noGrant(): Refusal {
  return refusal('not_found', 'no-grant', 'There is no such grant.');
}

function wrong(field: string, problem: string, mend: string): { ok: false; error: Refusal } {
  return err(
    refusal('invalid', 'bad-grant', 'What is declared is not as it must be.', {
      fields: [{ field, problem, mend }],
    }),
  );
}
