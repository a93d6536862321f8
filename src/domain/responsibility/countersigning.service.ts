import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import {
  Attestations,
  noVersion,
  refusalsOf,
  type Attested,
  type NewAttestation,
} from './attestations.service.ts';
import type { Attest } from './matrix-edit.schema.ts';
import { actingParty, findVersion } from './matrix-facts.queries.ts';
import { SigningCodes } from './signing-codes.service.ts';

/** Signing by people who have an account. */
@Injectable()
export class CountersigningService {
  constructor(
    private readonly transactions: Transactions,
    private readonly codes: SigningCodes,
    private readonly attestations: Attestations,
  ) {}

  /** Somebody who is signed in signs for their own side; with a code from their mailbox that is two factors. */
  async attest(versionId: Id, input: Attest, by: Principal): Promise<Result<Attested, Refusal>> {
    if (by.kind !== 'user' || by.personId === undefined)
      return err(
        refusal(
          'forbidden',
          'not-a-person',
          'Only a person signs: sign in, or use the link of an invitation.',
        ),
      );
    const side = await this.transactions.run(by, async (db) => {
      const version = await findVersion(db, versionId);
      return version && { of: await actingParty(db, version.integrationId, by) };
    });
    if (!side) return err(noVersion());
    if (side.of === null)
      return err(
        refusal(
          'forbidden',
          'no-side',
          'The operator is on neither side of this integration: both sides sign by link.',
        ),
      );
    const one: NewAttestation = {
      ...input,
      partyId: side.of,
      way: 'account',
      strength: input.code === undefined ? 'mailbox' : 'account_mfa',
      signatoryId: by.id,
      personId: by.personId,
      contactId: null,
    };
    // Both sides' signatures are judged.
    const all = { ...by, partyId: null };
    const judged = await refusalsOf(() =>
      this.transactions.run(all, (db) => this.attestations.judge(db, versionId, one)),
    );
    if (!judged.ok) return judged;
    if (input.code !== undefined) {
      const checked = await this.codes.check(`user:${by.id}`, versionId, input.code);
      if (!checked.ok) return checked;
    }
    return refusalsOf(() =>
      this.transactions.run(all, (db) => this.attestations.record(db, versionId, one, by)),
    );
  }

  /** Mails a code to the account's own address, so that a password is not all that a signature stands on. */
  async sendCode(versionId: Id, by: Principal): Promise<Result<void, Refusal>> {
    const found = await this.transactions.run(by, async (db) => {
      const version = await findVersion(db, versionId);
      if (!version) return undefined;
      const [row] = await db.query<{ id: Id; name: string }[]>(
        'SELECT id, name FROM integration WHERE id = $1',
        [version.integrationId],
      );
      return row;
    });
    if (!found || by.kind !== 'user') return err(noVersion());
    const [account] = await this.transactions.run({ ...by, partyId: null }, (db) =>
      db.query<{ email: string; language: string }[]>(
        `SELECT email, coalesce(language, 'en') AS language FROM user_account WHERE id = $1`,
        [by.id],
      ),
    );
    if (!account) return err(noVersion());
    const sent = await this.codes.send(`user:${by.id}`, versionId, {
      ...account,
      integrationId: found.id,
      integrationName: found.name,
      partyId: by.partyId,
    });
    return sent.ok ? ok(undefined) : sent;
  }
}
