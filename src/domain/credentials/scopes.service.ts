import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { isWanted, type WantedVersion } from '../../kernel/row-version.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { ConsentToScope, SetScopes } from './credential.schema.ts';
import { scopesChanged } from './credentials.events.ts';

interface Home {
  integrationId: Id;
  rowVersion: number;
}

/** What a credential may do: written down scope by scope, each justified, and consented to where it is sensitive. */
@Injectable()
export class CredentialScopes {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
  ) {}

  /** Replaces the list. The consent to a scope that goes ends with it: who adds it again asks again. */
  async set(
    db: Db,
    credentialId: Id,
    { scopes }: SetScopes,
    rowVersion: WantedVersion,
    by: Principal,
  ): Promise<Result<{ rowVersion: number }, Refusal>> {
    const home = await lockHome(db, credentialId);
    if (!home) return err(noCredential());
    if (!isWanted(home.rowVersion, rowVersion))
      return err(
        refusal(
          'precondition',
          'stale-version',
          'The credential was changed since you read it. Read it again and decide anew.',
        ),
      );
    const before = await db.query<SetScopes['scopes']>(
      'SELECT name, description, justification FROM credential_scope WHERE credential_id = $1',
      [credentialId],
    );
    const names = scopes.map(({ name }) => name);
    const added = names.filter((name) => !before.some((one) => one.name === name)).sort();
    const removed = before.flatMap(({ name }) => (names.includes(name) ? [] : [name])).sort();
    const reworded = scopes
      .filter((scope) =>
        before.some(
          (one) =>
            one.name === scope.name &&
            (one.description !== scope.description || one.justification !== scope.justification),
        ),
      )
      .map(({ name }) => name)
      .sort();
    if (added.length + removed.length + reworded.length === 0) return ok({ rowVersion: home.rowVersion });
    const now = this.clock.now();
    await db.query('DELETE FROM credential_scope WHERE credential_id = $1 AND NOT name = ANY($2)', [
      credentialId,
      names,
    ]);
    await db.query(
      `UPDATE scope_consent SET withdrawn_by = $3, withdrawn_at = $4 WHERE credential_id = $1 AND withdrawn_at IS NULL AND NOT scope = ANY($2)`,
      [credentialId, names, by.id, iso(now)],
    );
    for (const { name, description, justification } of scopes)
      await db.query(
        `INSERT INTO credential_scope (id, credential_id, integration_id, name, description, justification) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT ON CONSTRAINT credential_scope_once DO UPDATE SET description = excluded.description, justification = excluded.justification`,
        [newId(), credentialId, home.integrationId, name, description, justification],
      );
    await db.query('UPDATE credential SET updated_at = $2, row_version = row_version + 1 WHERE id = $1', [
      credentialId,
      iso(now),
    ]);
    await this.ledger.append(db, {
      kind: 'credential.scopes-set',
      subject: { kind: 'credential', id: credentialId },
      by,
      at: now,
      facts: {
        integration: home.integrationId,
        added,
        removed,
        reworded,
        unjustified: scopes.filter(({ justification }) => justification.trim() === '').length,
        rowVersion: home.rowVersion + 1,
      },
    });
    if (added.length > 0)
      await this.outbox.put(db, scopesChanged, { credentialId, integrationId: home.integrationId });
    return ok({ rowVersion: home.rowVersion + 1 });
  }

  /** A person's explicit consent to one scope, with their name. */
  async consent(
    db: Db,
    credentialId: Id,
    { scope, statement }: ConsentToScope,
    by: Principal,
  ): Promise<Result<{ id: Id }, Refusal>> {
    if (by.personId === undefined) return err(PERSON);
    const home = await lockHome(db, credentialId);
    if (!home) return err(noCredential());
    const [known] = await db.query<{ consented: boolean }[]>(
      `SELECT EXISTS (SELECT FROM scope_consent n WHERE n.credential_id = s.credential_id AND n.scope = s.name AND n.withdrawn_at IS NULL) AS consented
         FROM credential_scope s WHERE s.credential_id = $1 AND s.name = $2`,
      [credentialId, scope],
    );
    if (!known) return err(refusal('not_found', 'no-scope', 'The credential has no such scope.'));
    if (known.consented)
      return err(refusal('conflict', 'already-consented', 'Somebody has consented to this scope.'));
    const [id, now] = [newId(), this.clock.now()];
    await db.query(
      `INSERT INTO scope_consent (id, credential_id, integration_id, scope, statement, person_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, credentialId, home.integrationId, scope, statement, by.personId, iso(now)],
    );
    await this.ledger.append(db, {
      kind: 'scope.consented',
      subject: { kind: 'credential', id: credentialId },
      by,
      at: now,
      facts: { consent: id, integration: home.integrationId, scope },
      committed: { statement },
    });
    return ok({ id });
  }

  async withdrawConsent(
    db: Db,
    credentialId: Id,
    scope: string,
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    if (!(await lockHome(db, credentialId))) return err(noCredential());
    const now = this.clock.now();
    const [standing] = await db.query<{ id: Id }[]>(
      'SELECT id FROM scope_consent WHERE credential_id = $1 AND scope = $2 AND withdrawn_at IS NULL',
      [credentialId, scope],
    );
    if (!standing) return err(refusal('conflict', 'no-consent', 'Nobody has consented to this scope.'));
    await db.query('UPDATE scope_consent SET withdrawn_by = $2, withdrawn_at = $3 WHERE id = $1', [
      standing.id,
      by.id,
      iso(now),
    ]);
    await this.ledger.append(db, {
      kind: 'scope.consent-withdrawn',
      subject: { kind: 'credential', id: credentialId },
      by,
      at: now,
      facts: { consent: standing.id, scope },
    });
    return ok(undefined);
  }
}

async function lockHome(db: Db, credentialId: Id): Promise<Home | undefined> {
  const [home] = await db.query<Home[]>(
    `SELECT integration_id AS "integrationId", row_version AS "rowVersion" FROM credential WHERE id = $1 AND retired_at IS NULL FOR UPDATE`,
    [credentialId],
  );
  return home;
}

const PERSON = refusal(
  'forbidden',
  'person-needed',
  'Consent is a person’s: sign in, or use a token that belongs to an account.',
);

function noCredential(): Refusal {
  return refusal('not_found', 'no-credential', 'There is no such credential, or it is retired.');
}
