import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { NewPath } from './paths.schema.ts';

interface Way extends NewPath {
  partyId: Id;
}

/** The ways to revoke a credential, as people put them in order. */
@Injectable()
export class PathsService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes these the credential's paths, in this order. A path is told apart by where it leads; one that a drill
   * tried is kept at the end when the list leaves it out, as its history is evidence.
   */
  async replace(
    db: Db,
    credentialId: Id,
    paths: readonly NewPath[],
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    const [home] = await db.query<{ integrationId: Id }[]>(
      `SELECT integration_id AS "integrationId" FROM credential WHERE id = $1 AND retired_at IS NULL FOR UPDATE`,
      [credentialId],
    );
    if (!home) return err(refusal('not_found', 'no-credential', 'There is no such credential.'));
    const ways = await waysOf(db, paths);
    if (!ways.ok) return ways;
    // The order is unique at all times: aside, in order, cleared up.
    await db.query('UPDATE revocation_path SET ordinal = -1 - ordinal WHERE credential_id = $1', [
      credentialId,
    ]);
    for (const [ordinal, way] of ways.value.entries())
      await place(db, { credentialId, integrationId: home.integrationId, ordinal }, way);
    await db.query(
      `DELETE FROM revocation_path p WHERE p.credential_id = $1 AND p.ordinal < 0
          AND NOT EXISTS (SELECT FROM drill d WHERE d.revocation_path_id = p.id)`,
      [credentialId],
    );
    await db.query(
      'UPDATE revocation_path SET ordinal = 100000 - ordinal WHERE credential_id = $1 AND ordinal < 0',
      [credentialId],
    );
    await this.ledger.append(db, {
      kind: 'credential.paths-changed',
      subject: { kind: 'credential', id: credentialId },
      by,
      at: this.clock.now(),
      facts: {
        paths: ways.value
          .map(({ connectionId, contactId }) =>
            connectionId === undefined ? `contact:${contactId}` : `connection:${connectionId}`,
          )
          .join(' '),
      },
    });
    return ok(undefined);
  }
}

async function waysOf(db: Db, paths: readonly NewPath[]): Promise<Result<Way[], Refusal>> {
  const ways: Way[] = [];
  for (const [at, path] of paths.entries()) {
    const [found] = await db.query<{ partyId: Id }[]>(
      path.connectionId === undefined
        ? 'SELECT party_id AS "partyId" FROM contact WHERE id = $1 AND active'
        : 'SELECT party_id AS "partyId" FROM connection WHERE id = $1 AND retired_at IS NULL',
      [path.connectionId ?? path.contactId],
    );
    const field = path.connectionId === undefined ? 'contactId' : 'connectionId';
    const word = path.connectionId === undefined ? 'contact' : 'connection';
    if (!found)
      return err(
        refusal('invalid', 'bad-path', 'A path leads nowhere.', {
          fields: [
            {
              field: `/paths/${at}/${field}`,
              problem: `is no active ${word}`,
              mend: `Give the id of an active ${word}.`,
            },
          ],
        }),
      );
    ways.push({ ...path, partyId: found.partyId });
  }
  return ok(ways);
}

async function place(
  db: Db,
  at: { credentialId: Id; integrationId: Id; ordinal: number },
  way: Way,
): Promise<void> {
  const { connectionId = null, contactId = null, expectedMinutes, partyId } = way;
  const [known] = await db.query<{ id: Id }[]>(
    `SELECT id FROM revocation_path WHERE credential_id = $1 AND connection_id IS NOT DISTINCT FROM $2 AND contact_id IS NOT DISTINCT FROM $3`,
    [at.credentialId, connectionId, contactId],
  );
  if (known)
    await db.query(
      'UPDATE revocation_path SET ordinal = $2, expected_minutes = $3, row_version = row_version + 1 WHERE id = $1',
      [known.id, at.ordinal, expectedMinutes],
    );
  else
    await db.query(
      `INSERT INTO revocation_path (id, credential_id, integration_id, ordinal, kind, connection_id, contact_id, party_id, expected_minutes)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        newId(),
        at.credentialId,
        at.integrationId,
        at.ordinal,
        contactId === null ? 'connector' : 'contact',
        connectionId,
        contactId,
        partyId,
        expectedMinutes,
      ],
    );
}
